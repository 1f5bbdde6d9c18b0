"""The shipped pictures with their questions, as the pages offer them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from arr_coc.apps.pages import EXAMPLES
from arr_coc.data.qa_file import Record, read_records


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
    """In the order of the folder's `qa.jsonl`."""
    groups: dict[str, list[Record]] = {}
    for record in read_records(EXAMPLES)[0]:
        groups.setdefault(record.image, []).append(record)
    return tuple(Example(EXAMPLES / name, tuple(records)) for name, records in groups.items())


def record_of(path: str | None, question: str) -> Record | None:
    """The shipped record of a picture and a question, None for anything else."""
    for example in read_examples():
        if path and Path(path) == example.path:
            return next((record for record in example.records if record.question == question.strip()), None)
    return None
