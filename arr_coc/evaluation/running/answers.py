"""One answered question as a line of JSON: the results of a run, from which every report is made."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from arr_coc.quoting import shortened

ANSWERS = "answers.jsonl"
Record = TypeVar("Record")
PLAIN: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("task", "policy", "picture", "kind", "group", "evidence", "question", "answer", "metric"), (str,)),
    **dict.fromkeys(("sample", "budget", "native_side", "num_tokens", "num_encoded"), (int,)),
    **dict.fromkeys(("score", "flops"), (float, int)),
}
"""Types of the fields that every table counts on."""
EVIDENCE = ("gist", "level 2", "level 1", "level 0", "illegible", "unknown")


@dataclass(frozen=True)
class Line:
    """One question answered under one policy at one budget.

    Attributes:
        sample: number of the question in its task.
        budget: asked for; 0 where the policy chose its own.
        picture: the same for all questions about one picture.
        native_side: longer side of the picture in pixels.
        evidence: coarsest level at which the evidence is legible, one of `EVIDENCE`.
        score: by `metric`, 0..1.
        num_tokens: visual tokens the language model read.
        num_encoded: cells that went through the vision encoder.
        flops: of selection, encoder and prefill, estimated from shapes.
        recall, precision: of the evidence boxes; None where the data has none.
        seconds: of the stages, for questions that were asked one by one to be timed; else None.
    """

    task: str
    sample: int
    policy: str
    budget: int
    picture: str
    picture_kind: str
    native_side: int
    kind: str
    group: str
    evidence: str
    question: str
    answers: tuple[str, ...]
    answer: str
    score: float
    metric: str
    num_tokens: int
    num_encoded: int
    flops: float
    recall: float | None
    precision: float | None
    seconds: dict[str, float] | None

    @property
    def question_key(self) -> tuple[str, int]:
        """The same for one question under all policies and budgets."""
        return self.task, self.sample

    @property
    def cluster(self) -> str:
        """Questions about one picture are not independent."""
        return f"{self.task} {self.picture}"

    @property
    def key(self) -> tuple[str, int, str, int]:
        """A run holds each key once."""
        return self.task, self.sample, self.policy, self.budget


def read_lines(path: Path, on_doubled: Callable[[int], None] | None = None) -> list[Line]:
    """Complete lines of a results file, each key once; a last line that a kill cut short is left out.

    Args:
        on_doubled: is told how many lines were left out because an earlier one answers the same.
    Raises:
        ValueError: a line in the middle that is no result; the message names file and line.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, int, str, int], Line] = {}
    texts = path.read_bytes().split(b"\n")[:-1]
    for number, text in enumerate(texts, start=1):
        line = parse_line(text, f"{path}:{number}")
        found.setdefault(line.key, line)
    if on_doubled is not None and len(found) < len(texts):
        on_doubled(len(texts) - len(found))
    return list(found.values())


def parse_line(text: bytes | str, where: str) -> Line:
    line = parse_fields(Line, text, where)
    if not isinstance(line.answers, list):
        raise ValueError(f"{where}: not a line of results: answers must be a list, got {shortened(line.answers)}")
    return replace(line, answers=tuple(line.answers))


def parse_fields(kind: type[Record], text: bytes | str, where: str) -> Record:
    """A record of one line of JSON.

    Raises:
        ValueError: another record, or fields of another type than the record's texts and numbers.
    """
    try:
        record = kind(**json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{where}: not a line of results: {shortened(str(error))}") from error
    for name, types in PLAIN.items():
        if hasattr(record, name) and not isinstance(getattr(record, name), types):
            raise ValueError(f"{where}: not a line of results: {name} is {shortened(getattr(record, name))}")
    return record


def append_lines(path: Path, lines: Sequence[Line]) -> None:
    """On disk when it returns."""
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(json.dumps(asdict(line)) + "\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def drop_torn_line(path: Path) -> None:
    """Cuts what a kill left behind the last complete line."""
    if path.exists():
        content = path.read_bytes()
        with open(path, "r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def where(lines: Iterable[Line], **fields: object) -> list[Line]:
    """Lines whose fields have these values."""
    return [line for line in lines if all(getattr(line, name) == value for name, value in fields.items())]
