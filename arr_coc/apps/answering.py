"""What the demo shows of a question, step by step: three answers, the evidence as each was given it, the leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from arr_coc.apps.asking import FULL, OURS, RESIZE, Asker, Reply
from arr_coc.apps.examples import is_right, record_of
from arr_coc.apps.pages import answer_html
from arr_coc.apps.seeing import evidence_html, leaves_html
from arr_coc.apps.uploads import check_picture, friendly
from arr_coc.data.qa_file import Record
from arr_coc.records import AUTO, check_budget
from arr_coc.views.overlay import level_note
from arr_coc.views.table import format_seconds
from arr_coc.views.ways import Way, ways_html

TITLES = {OURS: "ARR-COC", RESIZE: "Plain resize, as many tokens", FULL: "Full resolution"}
Values = dict[str, Any]
"""A finished question as plain values: what the API returns, what is downloaded and reported."""


@dataclass(frozen=True)
class Asked:
    """What one question is asked with; `budget` None is what picture and question ask for."""

    path: str | None
    question: str
    budget: int | None
    compares: bool = True

    @property
    def ways(self) -> tuple[str, ...]:
        return (OURS, RESIZE, FULL) if self.compares else (OURS,)


@dataclass(frozen=True)
class Shown:
    """Parts of the page that change; None leaves one as it is.

    At the end there is either the finished `turn` or `trouble`, one line that says why there is no answer.
    """

    answers: str | None = None
    evidence: str | None = None
    leaves: str | None = None
    turn: Turn | None = None
    trouble: str | None = None


@dataclass
class Turn:
    """A question on its way: the replies so far, in order; all but the last are finished."""

    asked: Asked
    record: Record | None
    replies: dict[str, Reply] = field(default_factory=dict)

    def answers(self, is_busy: bool) -> str:
        """The ways side by side; a way is judged once the next has begun."""
        last = next(reversed(self.replies), None) if is_busy else None
        ways = [way_of(way, self.replies.get(way), None if way == last else self.record) for way in self.asked.ways]
        expected = self.record.answers[0] if self.record else None
        return ways_html(self.asked.question, ways, expected, is_busy)


def respond(asker: Asker, asked: Asked) -> Iterator[Shown]:
    """Yields what changes: growing answers, the pictures once ARR-COC has answered, the turn with the last answer."""
    turn = Turn(asked, record_of(asked.path, asked.question))
    try:
        yield from steps(asker, turn)
    except ValueError as error:
        trouble = friendly(error, asked.path)
        yield Shown(answer_html(asked.question, trouble, "trouble"), "", "", trouble=trouble)
        return
    yield Shown(turn.answers(is_busy=False), turn=turn)


def steps(asker: Asker, turn: Turn) -> Iterator[Shown]:
    """Raises ValueError for a picture or a question that can't be asked about."""
    asked = turn.asked
    path = check_picture(asked.path)
    if asked.budget is not None:
        check_budget(asked.budget)
    yield Shown(turn.answers(is_busy=True), "", "")
    for way in asked.ways:
        most = turn.replies[OURS].num_tokens if way == RESIZE else None
        for reply in asker.ask(path, asked.question, asked.budget, way, most):
            turn.replies[way] = reply
            yield Shown(turn.answers(is_busy=True))
        if way == OURS:
            yield pictures(asker, turn)


def pictures(asker: Asker, turn: Turn) -> Shown:
    """The evidence in columns and the leaves over the picture."""
    reply = turn.replies[OURS]
    return Shown(None, evidence_html(asker, reply, turn.record), leaves_html(reply))


def way_of(way: str, reply: Reply | None, record: Record | None) -> Way:
    """The card of a way; it is judged where the record is given."""
    if reply is None:
        return Way(TITLES[way], is_ours=way == OURS)
    known = ", picture seen before" if reply.is_remembered else ""
    tokens = "visual tokens" if way == FULL else f"visual tokens, {saved_text(reply.num_tokens, reply.num_full)} less"
    figures = [
        (f"{reply.num_tokens:,}", tokens),
        (format_seconds(reply.first_s), "to the first word" + known),
        (format_seconds(reply.total_s), "in all"),
    ]
    verdict = None if record is None else is_right(record, reply.text)
    return Way(TITLES[way], reply.text, verdict, figures, way == OURS)


def saved_text(num_tokens: int, num_full: int) -> str:
    """Share of the tokens of full resolution that were not read, in percent; below 0 where more were read."""
    return f"{round(100 * (1 - num_tokens / num_full))}%"


def values_of(turn: Turn, model: str) -> Values:
    """Question, answer, cost and leaves; the other ways below `others`."""
    asked, record, (ours, *others) = turn.asked, turn.record, turn.replies.values()
    return {
        "model": model,
        "question": asked.question,
        "budget": asked.budget or AUTO,
        **reply_values(ours, record),
        "tokens_at_full_resolution": ours.num_full,
        "expected": list(record.answers) if record else None,
        "leaves": leaf_values(ours),
        "others": {reply.way: reply_values(reply, record) for reply in others},
    }


def reply_values(reply: Reply, record: Record | None) -> Values:
    return {
        "text": reply.text,
        "tokens": reply.num_tokens,
        "seconds_to_first_word": round(reply.first_s, 4),
        "seconds": round(reply.total_s, 4),
        "is_right": None if record is None else is_right(record, reply.text),
    }


def leaf_values(reply: Reply) -> list[Values]:
    """A leaf's level, box (x0, y0, x1, y1 in fractions of the picture) and sharpness in words."""
    assert reply.realization is not None
    allocation = reply.realization.allocation
    return [
        {"level": level, "box": [round(side, 5) for side in box], "sharpness": level_note(level)}
        for level, box in zip(allocation.leaves[:, 0].tolist(), allocation.boxes().tolist(), strict=True)
    ]
