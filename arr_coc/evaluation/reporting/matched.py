"""Against resize at equal time and at equal operations, not only at equal tokens.

Tokens favour whoever spends elsewhere: choosing takes time that a plain resize does not need. Here each condition is
held against the point of the resize curve (all its budgets, then the full resolution) that costs as much. Between two
points of the curve the mixture of both that costs as much is taken, question by question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from arr_coc.evaluation.reporting.tables import by_condition, markdown_table, reach
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.statistics.paired import Comparison, compare, with_holm

CURVE = ("resize", "full")
Cost = Callable[[Sequence[Line]], float]


@dataclass(frozen=True, eq=False)
class Point:
    """One size of the curve: its cost, and the score of every question."""

    cost: float
    scores: dict[tuple, float]


@dataclass(frozen=True, eq=False)
class Matched:
    """A condition against the curve at its own cost."""

    policy: str
    budget: int
    cost: float
    comparison: Comparison


def seconds_to_first_token(lines: Sequence[Line]) -> float:
    """Median over the questions that were asked alone and timed."""
    return median(sum(line.seconds.values()) for line in lines if line.seconds is not None)


def operations(lines: Sequence[Line]) -> float:
    """Mean floating point operations: choosing, encoder and prefill."""
    return mean(line.flops for line in lines)


def match(lines: Sequence[Line], cost: Cost, ours: Sequence[str]) -> list[Matched]:
    """Every condition of the policies `ours` against the curve at equal cost; Holm over all of them."""
    groups = by_condition(lines)
    curve = sorted((point_of(group, cost) for key, group in groups.items() if key[0] in CURVE), key=lambda p: p.cost)
    if len(curve) < 2:
        return []
    conditions = sorted(key for key in groups if key[0] in ours)
    found = [held_against(groups[key], curve, cost(groups[key])) for key in conditions]
    return [Matched(*key, cost(groups[key]), each) for key, each in zip(conditions, with_holm(found), strict=True)]


def point_of(lines: Sequence[Line], cost: Cost) -> Point:
    return Point(cost(lines), {line.question_key: line.score for line in lines})


def held_against(lines: Sequence[Line], curve: Sequence[Point], cost: float) -> Comparison:
    below, above, share = neighbours(curve, cost)
    shared = [line for line in lines if line.question_key in below.scores and line.question_key in above.scores]
    mixed = [(1 - share) * below.scores[line.question_key] + share * above.scores[line.question_key] for line in shared]
    return compare("", [line.score for line in shared], mixed, [line.cluster for line in shared])


def neighbours(curve: Sequence[Point], cost: float) -> tuple[Point, Point, float]:
    """The points of a curve around a cost, and how far it lies from the first to the second, 0..1.

    Below the cheapest point the cheapest is taken, above the dearest the dearest.
    """
    for below, above in zip(curve, curve[1:], strict=False):
        if cost <= above.cost:
            span = above.cost - below.cost
            return below, above, min(1.0, max(0.0, (cost - below.cost) / span)) if span > 0 else 1.0
    return curve[-1], curve[-1], 0.0


def matched_table(found: Sequence[Matched], unit: str, scale: float) -> str:
    rows = [
        [
            each.policy,
            str(each.budget or "own"),
            f"{each.cost / scale:.3g}",
            str(each.comparison.num_questions),
            f"{100 * each.comparison.mean_a:.1f}",
            f"{100 * each.comparison.mean_b:.1f}",
            f"{100 * each.comparison.difference:+.1f}",
            reach(each.comparison.low, each.comparison.high),
            f"{each.comparison.p_holm:.2g}",
        ]
        for each in found
    ]
    header = ["policy", "tokens", unit, "questions", "policy", "resize", "difference", "95%", "p (Holm)"]
    return markdown_table(header, rows)


def matched_text(lines: Sequence[Line], ours: Sequence[str]) -> str:
    """Both tables, each with a sentence; a table that the lines can't make is left out."""
    texts = []
    if any(line.seconds is not None for line in lines):
        timed = {key for key, group in by_condition(lines).items() if any(line.seconds is not None for line in group)}
        usable = [line for line in lines if (line.policy, line.budget) in timed]
        found = match(usable, seconds_to_first_token, ours)
        intro = "At equal time to the first token (median of the timed questions, opening the file left out):"
        texts += [f"{intro}\n\n{matched_table(found, 'seconds', 1.0)}"] if found else []
    found = match(lines, operations, ours)
    intro = "At equal floating point operations (choosing, encoder and prefill counted):"
    texts += [f"{intro}\n\n{matched_table(found, 'GFLOPs', 1e9)}"] if found else []
    return "\n\n".join(texts)
