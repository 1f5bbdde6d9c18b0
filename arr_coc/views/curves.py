"""Accuracy against a cost (visual tokens or seconds), one line a policy, bands of one standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {
    "full": "#1c1e21",
    "resize": "#2f6fdf",
    "two-mode": "#8a63d2",
    "random": "#a0a6ae",
    "saliency": "#e09c1f",
    "arr-coc": "#d6336c",
    "arr-coc-trained": "#7a0c3a",
    "oracle": "#2b8a3e",
}
PEER_COLOURS = {
    "arr-coc-shuffled": "#f3a6c2",
    "arr-coc-trained-shuffled": "#b98a9b",
    "uniform": "#5b4636",
    "visionzip": "#17a2b8",
    "divprune": "#6b8e23",
    "scope": "#0b7285",
    "cdpruner": "#e8590c",
    "mmtok": "#5f3dc4",
    "fastv": "#c2a300",
    "pixelprune": "#9c36b5",
}
TOKEN_TICKS = (64, 100, 160, 256, 400, 1000)
PANEL_INCHES, MAX_COLUMNS, LEGEND_COLUMNS = 3.9, 4, 5


@dataclass(frozen=True)
class Point:
    """Mean cost, accuracy and standard error (0..1) of one policy at one budget."""

    cost: float
    accuracy: float
    error: float


def colour_of(policy: str) -> str:
    """The policy's own colour, or one of twenty by its name."""
    known = COLOURS | PEER_COLOURS
    if policy in known:
        return known[policy]
    palette = matplotlib.colormaps["tab20"].colors
    return matplotlib.colors.to_hex(palette[sum(policy.encode()) % len(palette)])


def draw_curves(panels: Mapping[str, Mapping[str, Sequence[Point]]], title: str, cost: str = "visual tokens") -> Figure:
    """One panel a part of the questions; per policy its points in the order of cost."""
    columns = min(MAX_COLUMNS, len(panels))
    num_lines = max(map(len, panels.values()))
    rows = -(-len(panels) // columns)
    figure = Figure(
        figsize=(max(7.5, PANEL_INCHES * columns), 3.9 * rows + 0.6 + 0.25 * -(-num_lines // LEGEND_COLUMNS)),
        dpi=130,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax, (name, curves) in zip(axes.flat, panels.items(), strict=False):
        draw_panel(ax, curves, cost)
        ax.set_title(name, fontsize=10)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("score, %")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(LEGEND_COLUMNS, len(labels)), frameon=False, fontsize=9
    )
    figure.suptitle(title, fontsize=11)
    return figure


def draw_panel(ax: Axes, curves: Mapping[str, Sequence[Point]], cost: str) -> None:
    for policy, points in curves.items():
        draw_curve(ax, policy, points)
    ax.set_xscale("log")
    if cost == "visual tokens":
        ax.set_xticks(TOKEN_TICKS, [str(tick) for tick in TOKEN_TICKS])
        ax.minorticks_off()
    ax.set_ylim(0, 100)
    ax.set_xlabel(cost)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def draw_curve(ax: Axes, policy: str, points: Sequence[Point]) -> None:
    colour, style = colour_of(policy), "-" if policy in COLOURS else "--"
    costs = [point.cost for point in points]
    scores = [100 * point.accuracy for point in points]
    if len(points) == 1:
        ax.errorbar(costs, scores, [100 * points[0].error], fmt="o", color=colour, markersize=4, label=policy)
        return
    low = [100 * (point.accuracy - point.error) for point in points]
    high = [100 * (point.accuracy + point.error) for point in points]
    ax.plot(costs, scores, style, marker="o", markersize=3, linewidth=1.5, color=colour, label=policy)
    ax.fill_between(costs, low, high, color=colour, alpha=0.12, linewidth=0)
