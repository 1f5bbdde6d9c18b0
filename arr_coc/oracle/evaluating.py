"""Does the oracle find the right page, and does it decline what it does not know? Questions in `evals/` and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arr_coc.oracle.pages import EVALS, Page, read_text
from arr_coc.oracle.searching import Index
from arr_coc.quoting import quoted


@dataclass(frozen=True)
class Question:
    """What is asked, and the page that answers; None where the oracle must decline."""

    text: str
    page: str | None


@dataclass(frozen=True)
class Outcome:
    """What came of a question: the pages found, best first; none where it was declined."""

    question: Question
    found: tuple[str, ...]

    def is_within(self, num: int) -> bool:
        return self.question.page in self.found[:num]


@dataclass(frozen=True)
class Tally:
    """Outcomes of one file of questions."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def answerable(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.question.page is not None]

    @property
    def foreign(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.question.page is None]

    def within(self, num: int) -> int:
        return sum(each.is_within(num) for each in self.answerable)

    @property
    def num_declined(self) -> int:
        return sum(not each.found for each in self.foreign)

    def as_json(self) -> dict[str, Any]:
        return {
            "questions": self.name,
            "answerable": len(self.answerable),
            "first": self.within(1),
            "within_three": self.within(3),
            "foreign": len(self.foreign),
            "declined": self.num_declined,
        }


def read_questions(path: Path) -> list[Question]:
    """One object a line, {"question": ..., "page": ... or null}.

    Raises:
        ValueError: a line that is none, with its number; no line at all.
    """
    questions = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            value = None
        is_known = isinstance(value, dict) and isinstance(value.get("question"), str) and "page" in value
        if not is_known or not (value["page"] is None or isinstance(value["page"], str)):
            raise ValueError(f'{quoted(path)}, line {number}: must read {{"question": "...", "page": "..." or null}}')
        questions.append(Question(value["question"], value["page"]))
    if not questions:
        raise ValueError(f"{quoted(path)}: no questions")
    return questions


def question_files(folder: Path) -> list[Path]:
    return sorted((folder / EVALS).glob("*.jsonl"))


def evaluate(pages: Sequence[Page], name: str, questions: Sequence[Question]) -> Tally:
    """Asks every question; three pages are looked at."""
    index = Index(pages)
    outcomes = []
    for question in questions:
        found = index.search(question.text, 3)
        paths = tuple(hit.page.path for hit in found.hits) if found.is_answered else ()
        outcomes.append(Outcome(question, paths))
    return Tally(name, tuple(outcomes))


def table(tallies: Sequence[Tally]) -> str:
    """Counts, a row a file."""
    rows = ["| questions | right page first | within three | declined |", "| --- | --- | --- | --- |"]
    for each in tallies:
        num, foreign = len(each.answerable), len(each.foreign)
        shares = [f"{part} of {num} ({part / max(num, 1):.0%})" for part in (each.within(1), each.within(3))]
        rows.append(f"| {each.name} | {shares[0]} | {shares[1]} | {each.num_declined} of {foreign} |")
    return "\n".join(rows)


def missed(tally: Tally) -> list[str]:
    """Questions whose page did not come first, and foreign ones that were answered."""
    wrong = [each for each in tally.answerable if not each.is_within(1)] + [
        each for each in tally.foreign if each.found
    ]
    return [
        f"{tally.name}: {each.question.text} | wanted {each.question.page or 'to decline'}, "
        f"got {', '.join(each.found) or 'nothing'}"
        for each in wrong
    ]
