"""The plots of a run: accuracy against tokens and seconds, by size of the evidence, and the budgets chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import mean, median

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from arr_coc.evaluation.reporting.report import OURS
from arr_coc.evaluation.reporting.tables import accuracy, by_condition, policies_of
from arr_coc.evaluation.running.answers import EVIDENCE, Line
from arr_coc.views.curves import Point, colour_of, draw_curves

BINS = (64, 80, 100, 126, 160, 200, 256, 320, 400)


def curves_of(lines: Sequence[Line], cost_of: Callable[[Sequence[Line]], float]) -> dict[str, list[Point]]:
    """Per policy a point a budget, in the order of cost."""
    curves: dict[str, list[Point]] = {policy: [] for policy in policies_of(lines)}
    for (policy, _), group in by_condition(lines).items():
        curves[policy].append(Point(cost_of(group), *accuracy(group)))
    return {policy: sorted(points, key=lambda point: point.cost) for policy, points in curves.items()}


def mean_tokens(lines: Sequence[Line]) -> float:
    return mean(line.num_tokens for line in lines)


def draw_accuracy(lines: Sequence[Line], host: str) -> Figure:
    return draw_curves({"all questions": curves_of(lines, mean_tokens)}, f"Score against visual tokens, host {host}")


def draw_evidence(lines: Sequence[Line], host: str) -> Figure:
    """A panel for each size of evidence that occurs."""
    parts = {part: [line for line in lines if line.evidence == part] for part in EVIDENCE}
    panels = {f"evidence: {part}": curves_of(own, mean_tokens) for part, own in parts.items() if own}
    return draw_curves(panels, f"Score against visual tokens by size of the evidence, host {host}")


def draw_seconds(lines: Sequence[Line], host: str) -> Figure:
    """Score of all questions against the median time to the first token of those that were timed."""
    seconds = {
        condition: median(sum(line.seconds.values()) for line in group if line.seconds)
        for condition, group in by_condition([line for line in lines if line.seconds]).items()
    }
    curves: dict[str, list[Point]] = defaultdict(list)
    for (policy, budget), group in by_condition(lines).items():
        if (policy, budget) in seconds:
            curves[policy].append(Point(seconds[policy, budget], *accuracy(group)))
    ordered = {
        policy: sorted(curves[policy], key=lambda point: point.cost) for policy in policies_of(lines) if curves[policy]
    }
    return draw_curves({"all questions": ordered}, f"Score against time, host {host}", "seconds to the first token")


def draw_budgets(lines: Sequence[Line], host: str) -> Figure:
    """Histogram of the budgets that ARR-COC chose, a panel a kind of picture."""
    own = [line for line in lines if line.policy == OURS and line.budget == 0]
    kinds = sorted({line.picture_kind for line in own})
    columns = min(4, len(kinds))
    rows = -(-len(kinds) // columns)
    figure = Figure(figsize=(max(6.0, 3.2 * columns), 2.4 * rows + 0.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax, kind in zip(axes.flat, kinds, strict=False):
        ax.hist([line.num_tokens for line in own if line.picture_kind == kind], bins=BINS, color=colour_of(OURS))
        ax.set_xscale("log")
        ax.set_xticks((64, 100, 160, 256, 400), ("64", "100", "160", "256", "400"))
        ax.minorticks_off()
        ax.set_title(kind, fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[len(kinds) :]:
        ax.set_visible(False)
    figure.supxlabel("visual tokens chosen", fontsize=10)
    figure.suptitle(f"Budgets of {OURS}, host {host}", fontsize=11)
    return figure


FIGURES: dict[str, Callable[[Sequence[Line], str], Figure]] = {
    "accuracy": draw_accuracy,
    "evidence": draw_evidence,
    "seconds": draw_seconds,
    "budgets": draw_budgets,
}
