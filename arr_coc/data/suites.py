"""Tasks by name: pictures of the generator that are never trained on, public data sets, and folders.

Development and the final report have blocks of their own: what recipes, tensions and rules are compared on is
`development`; `final` is frozen and opened by `arr-coc eval final` alone, so that nothing is ever chosen by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from arr_coc.data.drawing.deciding import DECIDING
from arr_coc.data.drawing.kinds import kinds
from arr_coc.data.drawing.lifelike.generator import LEAST_QUESTIONS, RECEIPT, lifelike, lifelike_version
from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds
from arr_coc.data.hub import DATA_SETS, open_hub_task
from arr_coc.data.records import Box, Picture
from arr_coc.data.redrawn import (
    RedrawnTask,
    as_trained,
    asks_for_no_place,
    in_other_layouts,
    in_other_typefaces,
    in_other_words,
    is_page,
)
from arr_coc.data.robustness import TRANSFORMS, is_answerable, textured
from arr_coc.data.tasks import TEST_SEEDS, FolderTask, GeneratedTask, Recent, Sample, Task
from arr_coc.quoting import quoted

NUM_PICTURES, NUM_QUESTIONS = 1000, 8
SIZES = (512, 1024, 2048, 4096)
RECEIPTS: dict[str, Any] = {"kind": "till_receipt", "max_side": 512}
"""What `runs/speedrun.sh` trains its host on: one till's clean print, at most 256 cells of 32 pixels."""
VARIED_PICTURES, DISJOINT_PICTURES, LIFELIKE_PICTURES = 200, 200, 200
FIRST_LIFELIKE_BLOCK = 43
NUM_PAGES = 64
"""Pictures among which the suites of other layouts look for pages, and that of grain for evidence."""
VARIED = 20
"""Block of the pictures that the robust suites change."""
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
    """Lifelike pictures of one kind and one block of test seeds.

    Args:
        unseen: typefaces, words and layouts that training never draws; else those that it draws.
    """

    def __init__(self, block: int, *, unseen: bool, kind: str = RECEIPT, num_questions: int = NUM_QUESTIONS) -> None:
        super().__init__(TEST_SEEDS.start + block * BLOCK, LIFELIKE_PICTURES, num_questions)
        self.version = lifelike_version(kind)
        self._picture = Recent(lambda seed: lifelike(seed, kind=kind, unseen=unseen, num_questions=num_questions))


def lifelike_suites() -> dict[str, Callable[[], Task]]:
    """`lifelike/seen` and `lifelike/unseen` are receipts and stay what they were; other kinds have two of their own."""
    suites: dict[str, Callable[[], Task]] = {
        "lifelike/seen": lambda: LifelikeTask(35, unseen=False),
        "lifelike/unseen": lambda: LifelikeTask(36, unseen=True),
    }
    for kind in lifelike_kinds().values():
        for unseen, side in enumerate(("seen", "unseen")) if kind.name != RECEIPT else ():
            options = {"unseen": bool(unseen), "kind": kind.name, "num_questions": LEAST_QUESTIONS}
            block = FIRST_LIFELIKE_BLOCK + 2 * kind.order + unseen
            suites[f"lifelike/{kind.name}/{side}"] = partial(LifelikeTask, block, **options)  # type: ignore[arg-type]
    return suites


def redrawn(name: str, draw: Callable[[int, int], Picture]) -> Task:
    """The pictures of `robust/as-trained` with something that training never had."""
    return RedrawnTask(draw, TEST_SEEDS.start + VARIED * BLOCK, VARIED_PICTURES, NUM_QUESTIONS, f"robust/{name}")


def pages(name: str, draw: Callable[[int, int], Picture]) -> Task:
    """Pages, without scenes, and the questions about them that no layout decides; drawn once to find these."""
    task = RedrawnTask(draw, TEST_SEEDS.start + VARIED * BLOCK, NUM_PAGES, NUM_QUESTIONS, f"robust/{name}")
    numbers = [
        picture * NUM_QUESTIONS + question
        for picture in range(NUM_PAGES)
        if is_page(task.seed_start + picture)
        for question in range(NUM_QUESTIONS)
    ]
    return Selection(task, [number for number in numbers if asks_for_no_place(task[number])], task.name)


class DecidingTask(GeneratedTask):
    """Pictures on which one way of knowing must find the target; one question each, see `drawing.deciding`."""

    def __init__(self, name: str, block: int) -> None:
        super().__init__(TEST_SEEDS.start + block * BLOCK, NUM_PICTURES, 1, name=f"deciding/{name}")
        self._picture = Recent(lambda seed: replace(DECIDING[name](Random(f"{self.name} {seed}")), seed=seed))


def deciding_textured() -> Task:
    """Questions about the robust pictures that have evidence, among patches of grain: information must lose."""
    task = held_out(VARIED, VARIED_PICTURES)
    kept = [index for index in range(NUM_PAGES * NUM_QUESTIONS) if task[index].boxes]
    return Selection(task, kept, "deciding/textured", textured)


def robust(name: str) -> Task:
    """The same held-out pictures under one transform, without the questions whose answer it changes.

    Which questions stay is decided when they are drawn, so the list is made once, without drawing shouts or blurs.
    """
    task = held_out(VARIED, VARIED_PICTURES)
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
    **lifelike_suites(),
    "calibration": lambda: held_out(41),
    "until-sure": lambda: held_out(42),
    "speedrun": lambda: held_out(80, **RECEIPTS),
    "speedrun/calibration": lambda: held_out(81, **RECEIPTS),
    "weights/drawn": lambda: held_out(82),
    "weights/lifelike": lambda: LifelikeTask(83, unseen=False),
    "same-picture": same_picture,
    **{f"deciding/{name}": (lambda n=name, b=block: DecidingTask(n, b)) for block, name in enumerate(DECIDING, 43)},
    "deciding/textured": deciding_textured,
    **{f"robust/{name}": (lambda n=name: robust(n)) for name in TRANSFORMS},
    "robust/as-trained": lambda: held_out(VARIED, VARIED_PICTURES),
    "robust/typefaces": lambda: redrawn("typefaces", in_other_typefaces),
    "robust/words": lambda: redrawn("words", in_other_words),
    "robust/pages-as-trained": lambda: pages("pages-as-trained", as_trained),
    "robust/layouts": lambda: pages("layouts", in_other_layouts),
    "robust/tiny-print": lambda: held_out(21, VARIED_PICTURES, size=(2048, 2048), kind="document"),
    "robust/huge": lambda: held_out(22, VARIED_PICTURES, size=(4096, 4096)),
}
FROZEN: dict[str, Callable[[], Task]] = {"final": lambda: held_out(40)}
"""Opened by the final report and by nothing else."""

assert FIRST_LIFELIKE_BLOCK + 2 * len(lifelike_kinds()) <= 80 and TEST_SEEDS.start + 84 * BLOCK <= TEST_SEEDS.stop


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
