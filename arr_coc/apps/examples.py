"""The shipped pictures with their questions, as the pages offer them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path

from arr_coc.apps.pages import EXAMPLES
from arr_coc.data.qa_file import Record, read_records
from arr_coc.data.scoring import METRICS


@dataclass(frozen=True)
class Example:
    """A picture and the questions about it."""

    path: Path
    records: tuple[Record, ...]

    @property
    def title(self) -> str:
        return self.path.stem.replace("_", " ")

    @property
    def questions(self) -> list[str]:
        return [record.question for record in self.records]


@cache
def read_examples() -> tuple[Example, ...]:
    """In the order of the folder's `qa.jsonl`; about each picture the smallest print first, where ways differ most."""
    groups: dict[str, list[Record]] = {}
    for record in read_records(EXAMPLES)[0]:
        groups.setdefault(record.image, []).append(record)
    return tuple(Example(EXAMPLES / name, tuple(sorted(records, key=by_print))) for name, records in groups.items())


def by_print(record: Record) -> tuple[float, int]:
    """Height of the smallest detail that matters, then the number of places to look at."""
    return record.glyph_px or inf, len(record.boxes or ())


def example_of(path: str | None) -> Example | None:
    """The shipped example whose picture lies at a path, None for anything else."""
    return next((example for example in read_examples() if path and Path(path) == example.path), None)


def record_of(path: str | None, question: str) -> Record | None:
    """The shipped record of a picture and a question, None for anything else."""
    example = example_of(path)
    records = example.records if example else ()
    return next((record for record in records if record.question == question.strip()), None)


def is_right(record: Record, text: str) -> bool:
    """Whether an answer is the record's, by its metric."""
    return METRICS[record.metric or "exact_match"](text, record.answers) >= 0.5
