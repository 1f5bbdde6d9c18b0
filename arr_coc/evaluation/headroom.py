"""Phase 0: does looking closer pay at all? Accuracy against tokens, before anything is trained.

The gap between oracle (splits follow the evidence) and plain resize is what training has to earn.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset, Subset

from arr_coc.data.records import MIN_GLYPH_PX
from arr_coc.data.tasks import GeneratedTask, Sample, Task
from arr_coc.evaluation.batches import answer_all
from arr_coc.evaluation.policies import POLICIES, WITHOUT_BUDGET, Given
from arr_coc.hosts.loading import load_host
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.records import Pyramid

BUDGETS = (64, 100, 160, 256, 400)
EVIDENCE = ("gist", "level 2", "level 1", "level 0", "illegible")


@dataclass(frozen=True)
class Line:
    """One question answered under one policy; the file of results holds one a line.

    Attributes:
        budget: 0 where the policy has none of its own.
        evidence: coarsest level at which the evidence is legible, one of `EVIDENCE`.
    """

    policy: str
    budget: int
    picture: str
    picture_kind: str
    kind: str
    group: str
    evidence: str
    question: str
    answers: tuple[str, ...]
    answer: str
    correct: float
    num_tokens: int
    num_encoded: int


def evidence_of(host: Qwen3VLHost, sample: Sample) -> str:
    """The coarsest of the levels 2, 1, 0 at which the smallest thing to recognise has 8 pixels."""
    if sample.glyph_px is None or sample.glyph_px == float("inf"):
        return "gist"
    width, height = host.native_size(*sample.image.size)
    native_px = sample.glyph_px * min(width / sample.image.width, height / sample.image.height)
    for level in (2, 1, 0):
        if native_px / 2**level >= MIN_GLYPH_PX:
            return f"level {level}"
    return "illegible"


def conditions(policies: Iterable[str], budgets: Iterable[int]) -> list[tuple[str, int]]:
    """(policy, budget) pairs; policies without a budget of their own come once, with 0.

    Raises:
        ValueError: an unknown policy, with the list of those there are.
    """
    pairs = []
    for policy in policies:
        if policy not in POLICIES:
            raise ValueError(f"policies: unknown {policy!r}; there are {', '.join(POLICIES)}")
        pairs += [(policy, 0)] if policy in WITHOUT_BUDGET else [(policy, budget) for budget in budgets]
    return pairs


def read_lines(path: Path) -> list[Line]:
    """Complete lines of a results file; a last line cut short by a kill is left out."""
    if not path.exists():
        return []
    texts = path.read_text(encoding="utf-8").split("\n")[:-1]
    lines = [json.loads(text) for text in texts]
    return [Line(**{**line, "answers": tuple(line["answers"])}) for line in lines]


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(json.dumps(asdict(line)) + "\n" for line in lines))


def give_all(host: Qwen3VLHost, samples: list[Sample], pyramid: Pyramid, policy: str, budget: int) -> list[Given]:
    """What the host is given for each question about one picture; whole pictures are encoded once."""
    if policy in ("full", "resize"):
        return [POLICIES[policy](host, samples[0], pyramid, budget)] * len(samples)
    return [POLICIES[policy](host, sample, pyramid, budget) for sample in samples]


def answer_picture(host: Qwen3VLHost, task: Task, samples: list[Sample], pairs: list[tuple[str, int]]) -> list[Line]:
    """All questions about one picture under all conditions."""
    pyramid = host.pyramid(samples[0].image)
    rows = [
        (policy, budget, sample, given)
        for policy, budget in pairs
        for sample, given in zip(samples, give_all(host, samples, pyramid, policy, budget), strict=True)
    ]
    answers = answer_all(host, [row[2].question for row in rows], [row[3] for row in rows])
    return [
        Line(
            policy=policy,
            budget=budget,
            picture=sample.picture_id,
            picture_kind=sample.picture_kind,
            kind=sample.kind,
            group=sample.group,
            evidence=evidence_of(host, sample),
            question=sample.question,
            answers=sample.answers,
            answer=answer,
            correct=task.score(answer, sample),
            num_tokens=given.num_tokens,
            num_encoded=given.num_encoded,
        )
        for (policy, budget, sample, given), answer in zip(rows, answers, strict=True)
    ]


class Answers(Dataset[list[Line]]):
    """Item i: the lines of picture i; the host is loaded by the process that first asks."""

    def __init__(self, model: str, task: GeneratedTask, pairs: list[tuple[str, int]]) -> None:
        self.model, self.task, self.pairs = model, task, pairs
        self.host: Qwen3VLHost | None = None

    def __len__(self) -> int:
        return self.task.num_pictures

    def __getitem__(self, number: int) -> list[Line]:
        if self.host is None:
            self.host = load_host(self.model)[1].host
        first = number * self.task.num_questions
        samples = [self.task[index] for index in range(first, first + self.task.num_questions)]
        return answer_picture(self.host, self.task, samples, self.pairs)


def measure(
    model: str, task: GeneratedTask, pairs: list[tuple[str, int]], path: Path, num_workers: int = 0
) -> Iterator[int]:
    """Answers everything, a picture at a time, and appends to `path`; pictures that are there are skipped.

    Args:
        num_workers: processes that answer, one thread each; 0 answers in this one.
    Yields:
        The number of pictures done so far, for a progress bar.
    Raises:
        ValueError: `path` holds the answers of another run.
    """
    claim(path, {"model": model, "pictures": task.num_pictures, "questions": task.num_questions, "conditions": pairs})
    finished = keep_finished(path, len(pairs))
    missing = [n for n in range(task.num_pictures) if str(task.seed_start + n) not in finished]
    answers = Subset(Answers(model, task, pairs), missing)
    done = task.num_pictures - len(missing)
    for lines in DataLoader(answers, batch_size=None, num_workers=num_workers):
        write_lines(path, lines)
        done += 1
        yield done


def claim(path: Path, run: dict[str, Any]) -> None:
    """Notes beside the results what run they belong to.

    Raises:
        ValueError: the results there are another run's.
    """
    note = path.with_suffix(".json")
    text = json.dumps(run)
    if note.exists() and note.read_text(encoding="utf-8") != text:
        raise ValueError(f"out: {path.parent} holds the answers of another run; choose another folder or empty it")
    note.write_text(text, encoding="utf-8")


def keep_finished(path: Path, num_conditions: int) -> set[str]:
    """Drops the lines of a picture that a kill left half answered; returns the pictures that are complete.

    A picture's lines come condition by condition, so it is complete when the last condition holds as
    many questions as the first.
    """
    lines = read_lines(path)
    counts = Counter((line.picture, line.policy, line.budget) for line in lines)
    pictures = {line.picture for line in lines}
    finished = set()
    for picture in pictures:
        sizes = [count for (name, _, _), count in counts.items() if name == picture]
        if len(sizes) == num_conditions and len(set(sizes)) == 1:
            finished.add(picture)
    if finished != pictures:
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        write_lines(partial, [line for line in lines if line.picture in finished])
        partial.replace(path)
    return finished
