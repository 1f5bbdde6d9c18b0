"""One object for training, evaluation and reward: samples, and how an answer is scored."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any, Generic, TypeVar

from PIL import Image

from arr_coc.data.drawing.generator import GENERATOR_VERSION
from arr_coc.data.mixture import MAX_QUESTIONS, mixture
from arr_coc.data.records import Box, Picture
from arr_coc.data.scoring import METRICS
from arr_coc.pictures.opening import open_image
from arr_coc.quoting import quoted

VALIDATION_SEEDS = range(10_000_000, 20_000_000)
TEST_SEEDS = range(20_000_000, 30_000_000)
TRAIN_SEEDS = range(1_000_000_000, 2_000_000_000)

CACHED_PICTURES = 4

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Sample:
    """One question about one picture.

    Attributes:
        boxes: evidence in pixels of the image; None where the data does not tell.
        glyph_px: see `records.Question`; None where the data does not tell.
        picture_id: the same for all questions about one picture.
        picture_kind: one of `records.KINDS`, or the name of the folder.
        metric: None takes the task's.
        instruction: how to answer, said behind the question. It is no part of what is looked for.
    """

    image: Image.Image
    question: str
    answers: tuple[str, ...]
    boxes: tuple[Box, ...] | None
    kind: str
    group: str
    glyph_px: float | None
    picture_id: str
    picture_kind: str
    metric: str | None = None
    instruction: str = ""

    @property
    def prompt(self) -> str:
        """What the host is told."""
        return f"{self.question}\n{self.instruction}" if self.instruction else self.question


class Task(ABC):
    """A sequence of samples with a score.

    Attributes:
        version: changes when the same name means other questions or pictures.
        metric: name in `scoring.METRICS`, for samples that have none of their own.
    """

    name: str
    version: str = "1"
    metric: str = "exact_match"

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Sample: ...

    def metric_of(self, sample: Sample) -> str:
        return sample.metric or self.metric

    def score(self, answer: str, sample: Sample) -> float:
        """0..1 by the sample's metric."""
        return METRICS[self.metric_of(sample)](answer, sample.answers)


def by_picture(task: Task) -> Iterator[list[Sample]]:
    """All samples in order, those about one picture together."""
    for _, same in groupby(map(task.__getitem__, range(len(task))), key=lambda sample: sample.picture_id):
        yield list(same)


class Recent(Generic[Value]):
    """The last few values of a function of one argument."""

    def __init__(self, make: Callable[[Any], Value], capacity: int = CACHED_PICTURES) -> None:
        self._make, self._capacity = make, capacity
        self._values: OrderedDict[Any, Value] = OrderedDict()

    def __call__(self, key: Any) -> Value:
        if key not in self._values:
            self._values[key] = self._make(key)
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]


def check_index(index: int, length: int) -> None:
    if not 0 <= index < length:
        raise IndexError(f"sample {index} of {length}")


class GeneratedTask(Task):
    """Pictures of the mixture, drawn when they are asked for; neighbouring samples share a picture.

    Args:
        seed_start: seed of the first picture; `TRAIN_SEEDS`, `VALIDATION_SEEDS` and `TEST_SEEDS` are disjoint.
        num_questions: questions a picture, 1 to `mixture.MAX_QUESTIONS`.
    """

    def __init__(
        self,
        seed_start: int,
        num_pictures: int,
        num_questions: int = 8,
        *,
        kind: str | None = None,
        size: tuple[int, int] | None = None,
        max_side: int = 4096,
        plain: float = 0.25,
        name: str = "generated",
    ) -> None:
        if num_pictures < 1:
            raise ValueError(f"num_pictures must be at least 1, got {num_pictures}")
        if not 1 <= num_questions <= MAX_QUESTIONS:
            raise ValueError(f"num_questions must be 1..{MAX_QUESTIONS}, got {num_questions}")
        self.name, self.seed_start, self.version = name, seed_start, GENERATOR_VERSION
        self.num_pictures, self.num_questions = num_pictures, num_questions
        self._picture = Recent(
            lambda seed: mixture(seed, num_questions, kind=kind, size=size, max_side=max_side, plain=plain)
        )

    def __len__(self) -> int:
        return self.num_pictures * self.num_questions

    def picture(self, index: int) -> Picture:
        """The picture of a number 0..num_pictures - 1, with its questions."""
        check_index(index, self.num_pictures)
        return self._picture(self.seed_start + index)

    def __getitem__(self, index: int) -> Sample:
        check_index(index, len(self))
        picture = self.picture(index // self.num_questions)
        question = picture.questions[index % self.num_questions]
        return Sample(
            image=picture.image,
            question=question.text,
            answers=question.answers,
            boxes=question.boxes,
            kind=question.kind,
            group=question.group,
            glyph_px=question.glyph_px,
            picture_id=str(picture.seed),
            picture_kind=picture.kind,
        )


@dataclass(frozen=True)
class Record:
    """One line of a `qa.jsonl`."""

    image: str
    question: str
    answers: tuple[str, ...]
    boxes: tuple[Box, ...] | None
    kind: str
    group: str
    glyph_px: float | None
    metric: str | None

    def sample(self, image: Image.Image, picture_kind: str) -> Sample:
        """The sample that the line stands for, its picture opened."""
        return Sample(
            image=image,
            question=self.question,
            answers=self.answers,
            boxes=self.boxes,
            kind=self.kind,
            group=self.group,
            glyph_px=self.glyph_px,
            picture_id=self.image,
            picture_kind=picture_kind,
            metric=self.metric,
        )


class FolderTask(Task):
    """A folder with pictures and a `qa.jsonl`: one JSON object a line, `image, question, answers, boxes?`.

    `kind`, `group`, `metric` and `glyph_px` are read where they are given.

    Attributes:
        num_missing: lines whose picture is not there; they are left out.
    Args:
        skip_missing: counts missing pictures instead of stopping at the first.
    Raises:
        ValueError: no `qa.jsonl`, a line that is malformed, or a picture that is missing or unreadable;
            the message names file and line.
    """

    def __init__(self, path: str | Path, name: str | None = None, *, skip_missing: bool = False) -> None:
        self.folder = Path(path)
        self.name = name or self.folder.name
        self.records, self.num_missing = read_records(self.folder, skip_missing)
        self._image = Recent(lambda image: open_picture(self.folder / image))

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        check_index(index, len(self))
        record = self.records[index]
        return record.sample(self._image(record.image), self.name)


def open_picture(path: Path) -> Image.Image:
    """The picture of a file, upright and RGB as every entrance opens it."""
    return open_image(path)


def inside(folder: Path, name: str, where: str) -> Path:
    """The file of that name in a folder.

    Raises:
        ValueError: it lies outside, by its path or by a link; `where` begins the message.
    """
    path = folder / name
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        is_inside = False
    if not is_inside:
        raise ValueError(f"{where}: image {quoted(name)} leads out of the folder; copy it there")
    return path


def read_records(folder: Path, skip_missing: bool = False) -> tuple[list[Record], int]:
    """Lines of a folder's `qa.jsonl` and how many have no picture; blank lines are passed over."""
    path = folder / "qa.jsonl"
    if not path.is_file():
        raise ValueError(f"{folder} holds no qa.jsonl")
    records, num_missing = [], 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        record = parse_record(line, f"{path}:{number}")
        if inside(folder, record.image, f"{path}:{number}").is_file():
            records.append(record)
        elif skip_missing:
            num_missing += 1
        else:
            raise ValueError(f"{path}:{number}: image {quoted(record.image)} is missing")
    if not records:
        raise ValueError(f"{path} holds no questions" + (" with a picture" if num_missing else ""))
    return records, num_missing


def parse_record(line: str, where: str) -> Record:
    """One line as a record; `where` (file and line) begins every message."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(fields).__name__}")
    return Record(
        image=read_text(fields, "image", where),
        question=read_text(fields, "question", where),
        answers=read_answers(fields, where),
        boxes=read_boxes(fields, where),
        kind=read_text(fields, "kind", where, "question"),
        group=read_text(fields, "group", where, "other"),
        glyph_px=read_number(fields, "glyph_px", where),
        metric=read_metric(fields, where),
    )


def read_metric(fields: dict[str, Any], where: str) -> str | None:
    value = fields.get("metric")
    if value is not None and value not in METRICS:
        raise ValueError(f"{where}: metric must be one of {', '.join(METRICS)}, got {value!r}")
    return value


def read_text(fields: dict[str, Any], field: str, where: str, default: str | None = None) -> str:
    value = fields.get(field, default)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {field} must be a non-empty string, got {value!r}")
    return value


def read_answers(fields: dict[str, Any], where: str) -> tuple[str, ...]:
    value = fields.get("answers")
    if not isinstance(value, list) or not value or not all(isinstance(answer, str) for answer in value):
        raise ValueError(f"{where}: answers must be a non-empty list of strings, got {value!r}")
    return tuple(value)


def read_boxes(fields: dict[str, Any], where: str) -> tuple[Box, ...] | None:
    value = fields.get("boxes")
    if value is None:
        return None
    if not isinstance(value, list) or not all(is_box(box) for box in value):
        raise ValueError(f"{where}: boxes must be a list of [x0, y0, x1, y1], got {value!r}")
    return tuple((float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in value)


def is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(is_number(side) for side in value)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def read_number(fields: dict[str, Any], field: str, where: str) -> float | None:
    value = fields.get(field)
    if value is not None and not is_number(value):
        raise ValueError(f"{where}: {field} must be a number, got {value!r}")
    return None if value is None else float(value)
