"""The plot of phase 0: accuracy against tokens, over all questions and by size of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from matplotlib.figure import Figure

from arr_coc.evaluation.headroom import EVIDENCE, Line
from arr_coc.evaluation.headroom_report import ordered
from arr_coc.evaluation.statistics import clustered_mean
from arr_coc.views.curves import Point, draw_curves


def curves_of(lines: Sequence[Line]) -> dict[str, list[Point]]:
    """Per policy a point a budget."""
    curves = {}
    for policy in ordered(lines):
        own = [line for line in lines if line.policy == policy]
        groups = [[line for line in own if line.budget == budget] for budget in sorted({line.budget for line in own})]
        curves[policy] = [point_of(group) for group in groups]
    return curves


def point_of(lines: Sequence[Line]) -> Point:
    accuracy, error = clustered_mean([line.correct for line in lines], [line.picture for line in lines])
    return Point(mean(line.num_tokens for line in lines), accuracy, error)


def draw_headroom(lines: Sequence[Line], host: str) -> Figure:
    """All questions first, then a panel for each size of evidence that occurs."""
    panels = {"all questions": curves_of(lines)}
    for part in EVIDENCE:
        own = [line for line in lines if line.evidence == part]
        if own:
            panels[f"evidence: {part}"] = curves_of(own)
    return draw_curves(panels, f"Accuracy against visual tokens, host {host}")
