"""One object for training, evaluation and reward: samples, and how an answer is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, TypeVar

from PIL import Image

from arr_coc.data.drawing.generator import GENERATOR_VERSION
from arr_coc.data.mixture import MAX_QUESTIONS, mixture
from arr_coc.data.qa_file import Record, read_records
from arr_coc.data.records import Box, Picture
from arr_coc.data.scoring import METRICS
from arr_coc.pictures.opening import open_image

VALIDATION_SEEDS = range(10_000_000, 20_000_000)
TEST_SEEDS = range(20_000_000, 30_000_000)
TRAIN_SEEDS = range(1_000_000_000, 2_000_000_000)

CACHED_PICTURES = 4
LARGEST, PLAIN = 4096, 0.25
"""Longest side of pictures, and the share of them on plain paper."""

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Sample:
    """One question about one picture.

    Attributes:
        boxes: evidence in pixels of the image; None where the data does not tell.
        glyph_px: see `records.Question`; None where the data does not tell.
        picture_id: the same for all questions about one picture.
        picture_kind: one of `drawing.kinds`, or the name of the folder.
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


def by_picture(task: Task, unreadable: list[str] | None = None) -> Iterator[list[Sample]]:
    """All samples in order, those about one picture together.

    Args:
        unreadable: takes what is wrong with each sample that can't be read, which is left out; None raises it.
    """
    for _, same in groupby(each_sample(task, unreadable), key=lambda sample: sample.picture_id):
        yield list(same)


def each_sample(task: Task, unreadable: list[str] | None) -> Iterator[Sample]:
    for index in range(len(task)):
        try:
            sample = task[index]
        except ValueError as error:
            if unreadable is None:
                raise
            unreadable.append(str(error))
        else:
            yield sample


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
        max_side: int = LARGEST,
        plain: float = PLAIN,
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
        image = self._image(record.image)
        check_boxes(record, image.size)
        return sample_of_record(record, image, self.name)


def sample_of_record(record: Record, image: Image.Image, picture_kind: str) -> Sample:
    """The sample that a line of a `qa.jsonl` stands for, its picture opened."""
    return Sample(
        image=image,
        question=record.question,
        answers=record.answers,
        boxes=record.boxes,
        kind=record.kind,
        group=record.group,
        glyph_px=record.glyph_px,
        picture_id=record.image,
        picture_kind=picture_kind,
        metric=record.metric,
    )


def check_boxes(record: Record, size: tuple[int, int]) -> None:
    """Raises ValueError for evidence that lies outside of the picture."""
    width, height = size
    for x0, y0, x1, y1 in record.boxes or ():
        if x0 >= width or y0 >= height:
            box = f"[{x0:g}, {y0:g}, {x1:g}, {y1:g}]"
            raise ValueError(f"{record.where}: box {box} lies outside of the picture of {width}x{height}")


def open_picture(path: Path) -> Image.Image:
    """The picture of a file, upright and RGB as every entrance opens it."""
    return open_image(path)
