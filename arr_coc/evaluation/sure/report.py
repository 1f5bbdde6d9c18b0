"""What looking until sure is worth: beside fixed budgets, plain sizes that grow, and a size chosen beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import mean, median

from arr_coc.evaluation.reporting.matched import Point, neighbours
from arr_coc.evaluation.reporting.tables import markdown_table, reach, with_error
from arr_coc.evaluation.statistics.calibration import rank_correlation, smallest_sufficient
from arr_coc.evaluation.statistics.intervals import RIGHT, clustered_mean
from arr_coc.evaluation.statistics.paired import Comparison, compare, with_holm
from arr_coc.evaluation.sure.fitting import calibration_error, fit, reliability, restricted, signs_of, spent, stop_at
from arr_coc.evaluation.sure.predicting import learn
from arr_coc.evaluation.sure.trails import FULL, Trail
from arr_coc.processor.sureness import LADDER, Sureness

CERTAINTIES = (0.5, 0.7, 0.8, 0.9, 0.95)
LARGE_SIDE = 1024


@dataclass(frozen=True, eq=False)
class Row:
    """One rule on all questions.

    Attributes:
        budgets: of the look at which each question stopped.
        tokens, encoded, flops, seconds: of each question, see `fitting.spent`.
    """

    name: str
    setting: str
    scores: list[float]
    budgets: list[int]
    tokens: list[int]
    encoded: list[int]
    flops: list[float]
    seconds: list[float]


def row_of(name: str, setting: str, trails: Sequence[Trail], places: Sequence[int], *, alone: bool = False) -> Row:
    """`alone`: the look at that place was the only one, so the looks before it cost nothing.

    Its seconds are not known then (NaN), unless nothing of it was known from a look before.
    """
    looks = [trail.looks[place] for trail, place in zip(trails, places, strict=True)]
    if alone:
        is_first = [
            place == 0 or look.budget == FULL or trail.way == "sizes"
            for trail, place, look in zip(trails, places, looks, strict=True)
        ]
        costs = [
            (look.num_tokens, look.num_encoded + look.num_known, look.flops_alone, look.seconds if first else nan)
            for look, first in zip(looks, is_first, strict=True)
        ]
    else:
        costs = [spent(trail, place) for trail, place in zip(trails, places, strict=True)]
    tokens, encoded, flops, seconds = (list(each) for each in zip(*costs, strict=True))
    return Row(
        name, setting, [look.score for look in looks], [look.budget for look in looks], tokens, encoded, flops, seconds
    )


@dataclass(frozen=True, eq=False)
class Table:
    """All rules on the same questions.

    Attributes:
        clusters: picture of each question.
        by_way: trails of each way, in the order of the questions.
        rows: by name, ascending in what they spend.
    """

    clusters: list[str]
    by_way: dict[str, list[Trail]]
    rows: dict[str, list[Row]]
    rule: Sureness


def tabulate(trails: Sequence[Trail], calibration: Sequence[Trail], rule: Sureness) -> Table:
    """Rows of every rule; what needs learning learns from `calibration` alone."""
    by_way, learnt = ways_of(trails), ways_of(calibration)
    count = len(by_way["full"])
    rows = {"full": [row_of("full resolution", "", by_way["full"], [0] * count, alone=True)]}
    for name, way in (("resize", "sizes"), ("fixed", "anew")):
        rows[name] = [row_of(name, str(b), by_way[way], places_of(by_way[way], b), alone=True) for b in LADDER]
    rows["until sure"] = rows_of_rule("until sure", [restricted(t, rule.ladder) for t in by_way["anew"]], rule)
    rows["adaptive resize"] = rows_of_rule("adaptive resize", by_way["sizes"], fit(learnt["sizes"], LADDER))
    predictor = learn(learnt["sizes"])
    rows["CARES-like"] = [
        row_of("CARES-like", f"{c:g}", by_way["sizes"], [predictor.choose(t, c) for t in by_way["sizes"]], alone=True)
        for c in CERTAINTIES
    ]
    return Table([trail.picture for trail in by_way["full"]], by_way, rows, rule)


def places_of(trails: Sequence[Trail], budget: int) -> list[int]:
    """Of the look at a budget; the last one where all was seen before it."""
    return [
        next((i for i, look in enumerate(trail.looks) if look.budget == budget), len(trail.looks) - 1)
        for trail in trails
    ]


def ways_of(trails: Sequence[Trail]) -> dict[str, list[Trail]]:
    """Trails of each way by question; questions that a way lacks are left out of all."""
    found: dict[str, dict[tuple[str, int], Trail]] = {}
    for trail in trails:
        found.setdefault(trail.way, {})[trail.task, trail.sample] = trail
    shared = sorted(set.intersection(*(set(each) for each in found.values())))
    return {way: [each[key] for key in shared] for way, each in found.items()}


def rows_of_rule(name: str, trails: Sequence[Trail], rule: Sureness) -> list[Row]:
    """A row for each wished loss, from the cheapest on."""
    losses = sorted(rule.thresholds, key=float, reverse=True)
    return [
        row_of(name, f"loss {loss}", trails, [stop_at(trail, rule, rule.thresholds[loss]) for trail in trails])
        for loss in losses
    ]


def main_table(table: Table) -> str:
    """Every row: accuracy and what it cost, as shares of the full resolution."""
    (full,) = table.rows["full"]
    lines = []
    for rows in table.rows.values():
        for row in rows:
            lines.append(
                [
                    row.name,
                    row.setting,
                    with_error(*clustered_mean(row.scores, table.clusters)),
                    f"{mean(row.tokens):.0f}",
                    f"{mean(row.encoded):.0f}",
                    f"{100 * mean(row.flops) / mean(full.flops):.0f}%",
                    "-" if isnan(median(row.seconds)) else f"{100 * median(row.seconds) / median(full.seconds):.0f}%",
                ]
            )
    header = ["rule", "setting", "accuracy", "tokens, last look", "cells encoded", "operations in all", "seconds"]
    return markdown_table(header, lines)


def chosen(table: Table) -> Row:
    """Until sure as it ships: at most 1 point below the largest budget."""
    return next(row for row in table.rows["until sure"] if row.setting == "loss 1")


def comparisons(table: Table) -> list[tuple[str, Comparison]]:
    """Until sure against each opponent, question by question; Holm over all of them."""
    row = chosen(table)
    named = [("full resolution", compare("", row.scores, table.rows["full"][0].scores, table.clusters))]
    for name in ("fixed", "resize", "adaptive resize", "CARES-like"):
        curve = [*table.rows[name], *(table.rows["full"] if name == "resize" else [])]
        for cost, unit in (("flops", "operations"), ("seconds", "seconds")):
            known = [each for each in curve if not isnan(mean(getattr(each, cost)))]
            if len(known) < 2:
                continue
            cheapest, ours = min(mean(getattr(each, cost)) for each in known), mean(getattr(row, cost))
            dearer = f"its cheapest, {cheapest / ours:.1f} times the {unit}"
            named.append(
                (
                    f"{name}, {dearer if cheapest > 1.05 * ours else f'equal {unit}'}",
                    against_curve(table, row, known, cost),
                )
            )
    adjusted = with_holm([each for _, each in named])
    return [(name, each) for (name, _), each in zip(named, adjusted, strict=True)]


def against_curve(table: Table, row: Row, curve: Sequence[Row], cost: str) -> Comparison:
    """Against the mixture of a curve's two neighbours that costs as much on the mean."""
    points = sorted(
        (Point(mean(getattr(each, cost)), {(i,): s for i, s in enumerate(each.scores)}) for each in curve),
        key=lambda point: point.cost,
    )
    below, above, share = neighbours(points, mean(getattr(row, cost)))
    mixed = [(1 - share) * below.scores[i,] + share * above.scores[i,] for i in range(len(row.scores))]
    return compare("", row.scores, mixed, table.clusters)


def comparison_table(table: Table) -> str:
    rows = [
        [
            name,
            f"{100 * each.mean_a:.1f}",
            f"{100 * each.mean_b:.1f}",
            f"{100 * each.difference:+.1f}",
            reach(each.low, each.high),
            f"{each.p_holm:.2g}",
        ]
        for name, each in comparisons(table)
    ]
    return markdown_table(["until sure against", "until sure", "other", "difference", "95%", "p (Holm)"], rows)


def figures_table(table: Table) -> str:
    """What the budget follows, how honest the confidence is, and where looking ends."""
    row, trails = chosen(table), [restricted(trail, table.rule.ladder) for trail in table.by_way["anew"]]
    fixed = zip(*(each.scores for each in table.rows["fixed"]), strict=True)
    sufficient = smallest_sufficient(LADDER, list(fixed))
    rank = rank_correlation(row.budgets, sufficient, table.clusters)
    places = [stop_at(trail, table.rule, table.rule.thresholds["1"]) for trail in trails]
    error = calibration_error(reliability(*said_and_right(table)))
    (full,) = table.rows["full"]
    large = [i for i, trail in enumerate(trails) if trail.native_side >= LARGE_SIDE]
    speed = median(full.seconds[i] for i in large) / median(row.seconds[i] for i in large) if large else float("nan")
    figures = [
        ["rank correlation of budget with smallest sufficient budget", spearman_text(rank.spearman)],
        ["expected calibration error of the confidence", f"{error:.3f}"],
        [f"times as fast as full, pictures of {LARGE_SIDE} pixels and more", f"{speed:.2f}"],
    ]
    for evidence in ("gist", "level 2", "level 1", "level 0"):
        here = [place for trail, place in zip(trails, places, strict=True) if trail.evidence == evidence]
        if here:
            first = 100 * mean(place == 0 for place in here)
            figures.append([f"stop at the glimpse, evidence legible at {evidence} ({len(here)})", f"{first:.0f}%"])
    return markdown_table(["figure", "measured"], figures)


def spearman_text(estimate: object) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} .. {estimate.high:.2f})"  # type: ignore[attr-defined]


def said_and_right(table: Table) -> tuple[list[float], list[float]]:
    """Of the answers at which looking ended: the confidence, and 1 for right."""
    trails = [restricted(trail, table.rule.ladder) for trail in table.by_way["anew"]]
    places = [stop_at(trail, table.rule, table.rule.thresholds["1"]) for trail in trails]
    said = [table.rule.confidence(signs_of(trail)[place]) for trail, place in zip(trails, places, strict=True)]
    return said, [float(trail.looks[place].score >= RIGHT) for trail, place in zip(trails, places, strict=True)]


def reliability_table(table: Table) -> str:
    """The points of the reliability diagram."""
    bins = reliability(*said_and_right(table))
    rows = [[str(each.count), f"{100 * each.said:.0f}%", f"{100 * each.right:.0f}%"] for each in bins]
    return markdown_table(["answers", "said", "right"], rows)


def report(table: Table, commands: Sequence[str] = (), parts: str = "") -> str:
    """The page, with the commands that made it; `parts` is a section more, see `sure.parts`."""
    count, pictures = len(table.clusters), len(set(table.clusters))
    return "\n\n".join(
        [
            f"# Look until sure: {count} held-out questions about {pictures} pictures",
            "Accuracy in percent ± one standard error, clustered by picture. Operations and seconds count every look, "
            "every check of a draft, every encoded cell and the reading of attention; they are shares of the full "
            "resolution's (seconds: of the medians, measured in turns on one core that other work shared; "
            "- is not measured).",
            main_table(table),
            "Question by question; the other is mixed from its two settings that cost as much on the mean.",
            comparison_table(table),
            figures_table(table),
            "How sure it said it was, and how often it was right (as many answers in each line):",
            reliability_table(table),
            *([parts] if parts else []),
            *(["Made by " + ", then ".join(f"`{command}`" for command in commands) + "."] if commands else []),
        ]
    )
