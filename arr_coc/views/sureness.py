"""Looking until sure in two panels: what it gives for what it costs, and how honest its confidence is."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from arr_coc.evaluation.sure.fitting import reliability
from arr_coc.evaluation.sure.report import Table, said_and_right

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = {"until sure": "o-", "fixed": "s--", "adaptive resize": "^-", "CARES-like": "v-", "resize": "d--"}


def sureness_figure(table: Table) -> Figure:
    figure = Figure(figsize=(11, 4.6), layout="constrained", dpi=120)
    left, right = figure.subplots(1, 2)
    draw_costs(left, table)
    draw_reliability(right, table)
    return figure


def draw_costs(axes: Axes, table: Table) -> None:
    """Accuracy against all operations, as shares of the full resolution's."""
    (full,) = table.rows["full"]
    for name, style in STYLES.items():
        points = [(100 * mean(row.flops) / mean(full.flops), 100 * mean(row.scores)) for row in table.rows[name]]
        axes.plot(*zip(*points, strict=True), style, label=name, markersize=4)
    axes.axhline(100 * mean(full.scores), color="grey", linewidth=0.8, label="full resolution")
    axes.set_xlabel("operations in all, percent of the full resolution's")
    axes.set_ylabel("accuracy, percent")
    axes.legend(fontsize=8)


def draw_reliability(axes: Axes, table: Table) -> None:
    bins = reliability(*said_and_right(table))
    axes.plot([0, 100], [0, 100], color="grey", linewidth=0.8)
    axes.plot([100 * each.said for each in bins], [100 * each.right for each in bins], "o-", markersize=4)
    axes.set_xlabel("said: chance that the answer is right, percent")
    axes.set_ylabel("was right, percent")
