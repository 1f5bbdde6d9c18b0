"""What changes where a picture has typefaces, words or a layout that training never had: the same questions, twice."""

from __future__ import annotations

from collections.abc import Sequence

from arr_coc.evaluation.reporting.tables import (
    Condition,
    by_condition,
    markdown_table,
    paired_scores,
    percent,
    points,
    reach,
)
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.statistics.intervals import bootstrap_interval, clustered_mean

SEEN = {
    "robust/typefaces": "robust/as-trained",
    "robust/words": "robust/as-trained",
    "robust/layouts": "robust/pages-as-trained",
}
"""Suites of what training never had, and the same pictures and questions as it has them."""
BASE = "resize"
INTRO = (
    "The same pictures and questions, drawn as training has them (seen) and otherwise (unseen). Points with 95% "
    "bootstrap interval by picture. The gain is over resize at the same number of tokens."
)


def held_out_text(lines: Sequence[Line]) -> str:
    """A table of each held-out suite beside its seen twin; empty where no suite has one here."""
    tasks = {line.task for line in lines}
    rows = [row for unseen, seen in SEEN.items() if {unseen, seen} <= tasks for row in rows_of(lines, seen, unseen)]
    header = [
        "held out",
        "policy",
        "tokens",
        "questions",
        "seen",
        "unseen",
        "unseen - seen",
        "gain seen",
        "gain unseen",
    ]
    return f"{INTRO}\n\n{markdown_table(header, rows)}" if rows else ""


def rows_of(lines: Sequence[Line], seen: str, unseen: str) -> list[list[str]]:
    first, second = (by_condition(line for line in lines if line.task == task) for task in (seen, unseen))
    shared = [key for key in first if key in second]
    return [
        [
            unseen.removeprefix("robust/"),
            key[0],
            str(key[1] or "own"),
            str(len(second[key])),
            percent(first[key]),
            percent(second[key]),
            change(first[key], second[key]),
            gain(first, key),
            gain(second, key),
        ]
        for key in shared
    ]


def change(seen: Sequence[Line], unseen: Sequence[Line]) -> str:
    """Unseen less seen, question by question."""
    before = {line.sample: line for line in seen}
    both = [(line, before[line.sample]) for line in unseen if line.sample in before]
    return with_interval([b.score - a.score for b, a in both], [b.picture for b, _ in both])


def gain(groups: dict[Condition, list[Line]], key: Condition) -> str:
    """A condition less resize at the same budget; a dash for resize itself and for what has no budget."""
    base = groups.get((BASE, key[1]))
    if not base or key[0] == BASE:
        return "-"
    a, b, pictures = paired_scores(groups[key], base)
    return with_interval([x - y for x, y in zip(a, b, strict=True)], pictures)


def with_interval(gaps: Sequence[float], pictures: Sequence[str]) -> str:
    return f"{points(*clustered_mean(gaps, pictures))} ({reach(*bootstrap_interval(gaps, pictures))})"
