"""Accuracy against visual tokens, one line a policy, bands of one standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    "oracle": "#2b8a3e",
}
OTHER = "#5f6670"


@dataclass(frozen=True)
class Point:
    """Mean tokens, accuracy and standard error (0..1) of one policy at one budget."""

    tokens: float
    accuracy: float
    error: float


def draw_curves(panels: Mapping[str, Mapping[str, Sequence[Point]]], title: str) -> Figure:
    """One panel a part of the questions; per policy its points in the order of tokens."""
    count = len(panels)
    figure = Figure(figsize=(max(7.0, 3.6 * count), 4.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    for ax, (name, curves) in zip(axes, panels.items(), strict=True):
        draw_panel(ax, curves)
        ax.set_title(name, fontsize=10)
    axes[0].set_ylabel("exact match, %")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def draw_panel(ax: Axes, curves: Mapping[str, Sequence[Point]]) -> None:
    for policy, points in curves.items():
        colour = COLOURS.get(policy, OTHER)
        tokens = [point.tokens for point in points]
        scores = [100 * point.accuracy for point in points]
        if len(points) == 1:
            ax.errorbar(tokens, scores, [100 * points[0].error], fmt="o", color=colour, markersize=4, label=policy)
            continue
        low = [100 * (point.accuracy - point.error) for point in points]
        high = [100 * (point.accuracy + point.error) for point in points]
        ax.plot(tokens, scores, marker="o", markersize=3, linewidth=1.6, color=colour, label=policy)
        ax.fill_between(tokens, low, high, color=colour, alpha=0.15, linewidth=0)
    ax.set_xscale("log")
    ticks = [64, 100, 160, 256, 400, 1000]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(0, 100)
    ax.set_xlabel("visual tokens")
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
