"""What the demo shows of a question, step by step: three answers, the evidence as each was given it, the leaves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from arr_coc.apps.asking import FULL, OURS, RESIZE, Asker, Reply
from arr_coc.apps.examples import is_right, record_of
from arr_coc.apps.pages import answer_html
from arr_coc.apps.seeing import evidence_html, leaves_html, looks_row
from arr_coc.apps.uploads import check_pictures, friendly
from arr_coc.data.qa_file import Record
from arr_coc.processor.answer import Look
from arr_coc.processor.asking import look_to_json
from arr_coc.records import AUTO, Allocation, check_budget
from arr_coc.views.looks import panes_html
from arr_coc.views.overlay import level_note
from arr_coc.views.table import format_seconds
from arr_coc.views.ways import STOPPED, Way, ways_html

TITLES = {OURS: "ARR-COC", RESIZE: "Plain resize, as many tokens", FULL: "Full resolution"}
Values = dict[str, Any]
"""A finished question as plain values: what the API returns, what is downloaded and reported."""


@dataclass(frozen=True)
class Asked:
    """What one question is asked with; `budget` None looks until it is sure."""

    paths: tuple[str, ...]
    question: str
    budget: int | None
    compares: bool = True

    @property
    def path(self) -> str | None:
        """Of the only picture; None of none and of several."""
        return self.paths[0] if len(self.paths) == 1 else None

    @property
    def ways(self) -> tuple[str, ...]:
        return (OURS, RESIZE, FULL) if self.compares else (OURS,)


@dataclass(frozen=True)
class Shown:
    """Parts of the page that change; None leaves one as it is.

    At the end there is either the finished `turn` or `trouble`, one line that says why there is no answer.
    """

    answers: str | None = None
    looks: str | None = None
    evidence: str | None = None
    leaves: str | None = None
    turn: Turn | None = None
    trouble: str | None = None


@dataclass
class Turn:
    """A question on its way: the replies so far, and which ways are finished."""

    asked: Asked
    record: Record | None
    replies: dict[str, Reply] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    panes: list[str] = field(default_factory=list)
    """The leaves of each look, drawn as they came."""

    def answers(self, is_busy: bool) -> str:
        """The ways side by side; a way is judged once it is finished."""
        begun = {way for way, reply in self.replies.items() if reply.text} | self.finished
        return ways_html(self.asked.question, self.cards(begun), self.expected, is_busy, begun == self.finished)

    def stopped(self) -> str:
        """The ways that were finished when it was stopped."""
        expected = self.expected if self.finished else None
        return ways_html(self.asked.question, self.cards(self.finished), expected, waits=STOPPED)

    def cards(self, shown: set[str]) -> list[Way]:
        """Every way, with its answer where it is among the `shown`."""
        return [
            way_of(way, self.replies[way] if way in shown else None, self.record if way in self.finished else None)
            for way in self.asked.ways
        ]

    @property
    def expected(self) -> str | None:
        return self.record.answers[0] if self.record else None


def respond(asker: Asker, asked: Asked, goes_on: Callable[[], bool] = lambda: True) -> Iterator[Shown]:
    """Yields what changes: growing answers, the pictures once ARR-COC has answered, the turn with the last answer.

    Once `goes_on` says no, what is finished is shown, and that is all.
    """
    turn = Turn(asked, record_of(asked.path, asked.question))
    try:
        with closing(steps(asker, turn)) as shown:
            for step in shown:
                if not goes_on():
                    yield Shown(turn.stopped())
                    return
                yield step
    except ValueError as error:
        trouble = friendly(error, *asked.paths)
        yield Shown(answer_html(asked.question, trouble, "trouble"), "", "", "", trouble=trouble)
        return
    yield Shown(turn.answers(is_busy=False), turn=turn)


def steps(asker: Asker, turn: Turn) -> Generator[Shown, None, None]:
    """Raises ValueError for a picture or a question that can't be asked about."""
    asked = turn.asked
    paths = check_pictures(asked.paths)
    if asked.budget is not None:
        check_budget(asked.budget)
    yield Shown(turn.answers(is_busy=True), "", "", "")
    for way in asked.ways:
        most = [each.allocation.num_tokens for each in turn.replies[OURS].realizations] if way == RESIZE else None
        for reply in asker.ask(paths, asked.question, asked.budget, way, most):
            turn.replies[way] = reply
            yield look_shown(turn, reply) if reply.looks else Shown(turn.answers(is_busy=True))
        turn.finished.add(way)
        yield Shown(turn.answers(is_busy=True))
        if way == OURS:
            yield pictures(asker, turn)


def look_shown(turn: Turn, reply: Reply) -> Shown:
    """The draft of a look beside those before it, and its leaves."""
    turn.panes.append(leaves_html(reply.realizations))
    return Shown(turn.answers(is_busy=True), looks_row(reply, is_busy=True), None, panes_html(turn.panes))


def pictures(asker: Asker, turn: Turn) -> Shown:
    """The evidence in columns, and the leaves over the pictures of every look."""
    reply = turn.replies[OURS]
    leaves = panes_html(turn.panes) if reply.looks else leaves_html(reply.realizations)
    evidence = evidence_html(asker, reply, turn.record, turn.asked.compares)
    return Shown(None, looks_row(reply, is_busy=False), evidence, leaves)


def way_of(way: str, reply: Reply | None, record: Record | None) -> Way:
    """The card of a way; it is judged where the record is given."""
    if reply is None:
        return Way(TITLES[way], is_ours=way == OURS)
    known = ", picture seen before" if reply.is_remembered else ""
    tokens = "visual tokens" + " in the last look" * (len(reply.looks) > 1)
    tokens += "" if way == FULL else f", {saved_text(reply.num_tokens, reply.num_full)} less"
    figures = [
        (f"{reply.num_tokens:,}", tokens),
        *look_figures(reply.looks),
        (format_seconds(reply.first_s), ("to the first draft" if reply.looks else "to the first word") + known),
        (format_seconds(reply.total_s), "in all"),
    ]
    verdict = None if record is None else is_right(record, reply.text)
    return Way(TITLES[way], reply.text, verdict, figures, way == OURS)


def look_figures(looks: Sequence[Look]) -> list[tuple[str, str]]:
    """How often it looked, what all looks read together, and how sure it is."""
    if not looks:
        return []
    total = sum(look.num_tokens for look in looks)
    count = "look" if len(looks) == 1 else f"looks, {total:,} tokens together"
    return [(f"{len(looks)}", count), (f"{100 * looks[-1].confidence:.0f}%", "sure")]


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
        "pictures": len(asked.paths),
        **reply_values(ours, record),
        **look_values(ours.looks),
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


def look_values(looks: Sequence[Look]) -> Values:
    """How sure the answer is, and the looks that led to it; nothing of a single look at a fixed budget."""
    if not looks:
        return {}
    return {"confidence": round(looks[-1].confidence, 4), "looks": [look_to_json(look) for look in looks]}


def leaf_values(reply: Reply) -> list[Values]:
    """A leaf's picture, level, box (x0, y0, x1, y1 in fractions of the picture) and sharpness in words."""
    return [
        {"picture": number, "level": level, "box": [round(side, 5) for side in box], "sharpness": level_note(level)}
        for number, realization in enumerate(reply.realizations)
        for level, box in leaves_of(realization.allocation)
    ]


def leaves_of(allocation: Allocation) -> Iterator[tuple[int, list[float]]]:
    return zip(allocation.leaves[:, 0].tolist(), allocation.boxes().tolist(), strict=True)
