"""Where each public data set is, what its fields are called, and how it is scored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """Names of the fields of one copy of a data set.

    Attributes:
        image: a picture, or a list of which the first counts.
        answers: one text, a list of texts, or a list of records with an `answer`.
        kind: kind of the question; None, or a field that is not there, makes it "question".
        asked: a list of records with the fields `question` and `answers`, where a row is a picture; else None.
        has_period: answers end in a full stop that is no part of them.
    """

    image: str = "image"
    question: str = "question"
    answers: str = "answers"
    kind: str | None = None
    asked: str | None = None
    has_period: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields that a row must have."""
        return (self.image, self.asked) if self.asked else (self.image, self.question, self.answers)

    def fits(self, fields: Collection[str]) -> bool:
        return all(field in fields for field in self.needed)


@dataclass(frozen=True)
class PictureTable:
    """Pictures that are kept apart from the questions.

    Attributes:
        config: of the pictures.
        key: field of a picture that names it.
        reference: field of a question that names its picture.
    """

    config: str
    key: str
    reference: str


@dataclass(frozen=True)
class DataSet:
    """One public data set.

    Attributes:
        hub_id, config, split: of the hub's copy; the split is the one with public answers.
        metric: name in `scoring.METRICS`.
        schemas: of known copies, the hub's own first.
        pictures: None where a row holds its picture.
    """

    name: str
    hub_id: str
    config: str | None
    split: str
    metric: str
    schemas: tuple[Schema, ...]
    pictures: PictureTable | None = None

    def schema_of(self, fields: Collection[str], where: str) -> Schema:
        """The first schema that fits.

        Raises:
            ValueError: none does, with the fields that are missing and those there are.
        """
        for schema in self.schemas:
            if schema.fits(fields):
                return schema
        missing = [field for field in self.schemas[0].needed if field not in fields]
        raise ValueError(f"{where}: {self.name} needs the fields {', '.join(missing)}; there are {', '.join(fields)}")


KNOWN: tuple[DataSet, ...] = (
    DataSet("docvqa", "lmms-lab-encoder/DocVQA", "DocVQA", "validation", "anls", (Schema(kind="question_types"),)),
    DataSet(
        "infographicvqa",
        "lmms-lab-encoder/DocVQA",
        "InfographicVQA",
        "validation",
        "anls",
        (Schema(kind="answer_type"),),
    ),
    DataSet(
        "chartqa",
        "lmms-lab-encoder/ChartQA",
        None,
        "test",
        "relaxed_accuracy",
        (
            Schema(answers="answer", kind="type"),
            Schema(question="query", answers="label"),
        ),
    ),
    DataSet(
        "plotqa",
        "HuggingFaceM4/the_cauldron",
        "plotqa",
        "train",
        "relaxed_accuracy",
        (
            Schema(image="images", question="user", answers="assistant", asked="texts", has_period=True),
            Schema(question="question_string", answers="answer", kind="template"),
            Schema(answers="answer"),
        ),
    ),
    DataSet("vqav2", "lmms-lab-encoder/VQAv2", None, "validation", "vqa_accuracy", (Schema(kind="answer_type"),)),
    DataSet(
        "gqa",
        "lmms-lab-encoder/GQA",
        "testdev_balanced_instructions",
        "testdev",
        "exact_match",
        (Schema(answers="answer"),),
        PictureTable("testdev_balanced_images", key="id", reference="imageId"),
    ),
    DataSet("textvqa", "lmms-lab-encoder/textvqa", None, "validation", "vqa_accuracy", (Schema(),)),
    DataSet(
        "stvqa", "vikhyatk/st-vqa", None, "train", "anls", (Schema(asked="qas"), Schema(), Schema(answers="answer"))
    ),
)
DATA_SETS: dict[str, DataSet] = {data.name: data for data in KNOWN}
"""By the name a user gives. Ids and fields: the task files of lmms-eval 0.7, and the cards of the data sets.

Of ST-VQA and PlotQA the copies here hold training questions: what their test sets answer is not public or not there.
"""
