"""Tasks by name: pictures of the generator that are never trained on, public data sets, and folders.

Development and the final report have blocks of their own: what recipes, tensions and rules are compared on is
`development`; `final` is frozen and opened by `arr-coc eval final` alone, so that nothing is ever chosen by it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

from arr_coc.data.drawing.fonts import other_typefaces
from arr_coc.data.drawing.kinds import kinds
from arr_coc.data.drawing.lifelike.generator import lifelike, lifelike_version
from arr_coc.data.hub import DATA_SETS, open_hub_task
from arr_coc.data.mixture import mixture
from arr_coc.data.records import Box, Picture
from arr_coc.data.robustness import TRANSFORMS, is_answerable
from arr_coc.data.tasks import LARGEST, PLAIN, TEST_SEEDS, FolderTask, GeneratedTask, Recent, Sample, Task
from arr_coc.quoting import quoted

NUM_PICTURES, NUM_QUESTIONS = 1000, 8
SIZES = (512, 1024, 2048, 4096)
VARIED_PICTURES, DISJOINT_PICTURES, LIFELIKE_PICTURES = 200, 200, 200
BLOCK = 100_000
"""Test seeds of a suite; suites do not share pictures."""


class Selection(Task):
    """Some samples of another task, each changed on the way, by a seed that all questions about a picture share."""

    def __init__(
        self, task: Task, indices: list[int], name: str, change: Callable[[Sample, Random], Sample] | None = None
    ) -> None:
        self.task, self.indices, self.name, self.change = task, indices, name, change
        self.version, self.metric = task.version, task.metric

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        sample = self.task[self.indices[index]]
        if self.change is None:
            return sample
        return self.change(sample, Random(f"{self.name} {sample.picture_id}"))


def held_out(block: int, num_pictures: int = NUM_PICTURES, **options: object) -> GeneratedTask:
    """Pictures of one block of test seeds."""
    return GeneratedTask(TEST_SEEDS.start + block * BLOCK, num_pictures, NUM_QUESTIONS, **options)  # type: ignore[arg-type]


class LifelikeTask(GeneratedTask):
    """Lifelike pictures of one block of test seeds, `NUM_QUESTIONS` of each.

    Args:
        unseen: typefaces, words and layouts that training never draws; else those that it draws.
    """

    def __init__(self, block: int, num_pictures: int, *, unseen: bool) -> None:
        super().__init__(TEST_SEEDS.start + block * BLOCK, num_pictures, NUM_QUESTIONS)
        self.version = lifelike_version()
        self._picture = Recent(lambda seed: lifelike(seed, unseen=unseen, num_questions=NUM_QUESTIONS))


class RedrawnTask(GeneratedTask):
    """The pictures of `robust/as-trained` in typefaces that no training picture has.

    Words and layouts stay; where lines of text wrap elsewhere, a question about a line may be another.
    """

    def __init__(self) -> None:
        super().__init__(TEST_SEEDS.start + 20 * BLOCK, VARIED_PICTURES, NUM_QUESTIONS, name="robust/typefaces")
        self._picture = Recent(in_other_typefaces)


def in_other_typefaces(seed: int) -> Picture:
    with other_typefaces():
        return mixture(seed, NUM_QUESTIONS, max_side=LARGEST, plain=PLAIN)


def robust(name: str) -> Task:
    """The same held-out pictures under one transform, without the questions whose answer it changes.

    Which questions stay is decided when they are drawn, so the list is made once, without drawing shouts or blurs.
    """
    task = held_out(20, VARIED_PICTURES)
    kept = [index for index in range(len(task)) if is_answerable(task[index], name)] if name in FILTERED else None
    return Selection(task, kept or list(range(len(task))), f"robust/{name}", TRANSFORMS[name])


FILTERED = ("inverted", "adversarial")


def same_picture() -> Task:
    """Questions about one picture whose evidence does not overlap: what is looked at must differ."""
    task = held_out(30, DISJOINT_PICTURES)
    kept = []
    for first in range(0, len(task), NUM_QUESTIONS):
        taken: list[Box] = []
        chosen = []
        for index in range(first, first + NUM_QUESTIONS):
            boxes = task[index].boxes
            if boxes and all(is_apart(box, other) for box in boxes for other in taken):
                taken += boxes
                chosen.append(index)
        kept += chosen if len(chosen) > 1 else []
    return Selection(task, kept, "same-picture")


def is_apart(a: Box, b: Box) -> bool:
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def fingerprint(task: Task, num_questions: int) -> str:
    """SHA-256 of the first questions and their answers: the same list, or another one."""
    lines = (
        repr((sample.picture_id, sample.question, sample.answers))
        for sample in map(task.__getitem__, range(num_questions))
    )
    return sha256("\n".join(lines).encode()).hexdigest()


SUITES: dict[str, Callable[[], Task]] = {
    "development": lambda: held_out(0),
    **{f"development/{kind}": (lambda k=kind, b=number: held_out(b, kind=k)) for number, kind in enumerate(kinds(), 1)},
    **{
        f"development/{side}": (lambda s=side, b=number: held_out(b, size=(s, s)))
        for number, side in enumerate(SIZES, 10)
    },
    "lifelike/seen": lambda: LifelikeTask(35, LIFELIKE_PICTURES, unseen=False),
    "lifelike/unseen": lambda: LifelikeTask(36, LIFELIKE_PICTURES, unseen=True),
    "calibration": lambda: held_out(41),
    "until-sure": lambda: held_out(42),
    "weights/drawn": lambda: held_out(43),
    "weights/lifelike": lambda: LifelikeTask(44, LIFELIKE_PICTURES, unseen=False),
    "same-picture": same_picture,
    **{f"robust/{name}": (lambda n=name: robust(n)) for name in TRANSFORMS},
    "robust/as-trained": lambda: held_out(20, VARIED_PICTURES),
    "robust/typefaces": RedrawnTask,
    "robust/tiny-print": lambda: held_out(21, VARIED_PICTURES, size=(2048, 2048), kind="document"),
    "robust/huge": lambda: held_out(22, VARIED_PICTURES, size=(4096, 4096)),
}
FROZEN: dict[str, Callable[[], Task]] = {"final": lambda: held_out(40)}
"""Opened by the final report and by nothing else."""

assert TEST_SEEDS.start + 45 * BLOCK <= TEST_SEEDS.stop


def open_task(
    name: str, *, limit: int | None = None, skip_missing: bool = False, for_final_report: bool = False
) -> Task:
    """A suite or a public data set by name, or a folder with pictures and a `qa.jsonl`.

    Args:
        limit: the first so many questions.
        for_final_report: whether frozen blocks may be opened.
    Raises:
        ValueError: neither a name nor a folder, with the list of names; or a folder or data set that cannot be read.
    """
    task: Task | None
    if name in FROZEN and not for_final_report:
        raise ValueError(f"tasks: {quoted(name)} is frozen for the report of arr-coc eval final; use development")
    if name in SUITES | FROZEN:
        task = (SUITES | FROZEN)[name]()
    elif (task := open_hub_task(name, limit)) is None:
        if not Path(name).is_dir():
            raise ValueError(f"tasks: {quoted(name)} is neither a folder nor one of {', '.join([*SUITES, *DATA_SETS])}")
        task = FolderTask(name, skip_missing=skip_missing)
    return task if limit is None or limit >= len(task) else Selection(task, list(range(limit)), task.name)
