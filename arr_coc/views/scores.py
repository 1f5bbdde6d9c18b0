"""The three score maps as heat maps over the picture."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from arr_coc.records import Realization
from arr_coc.views.leaves import fit
from arr_coc.views.sheet import INK, MUTED, Sheet

SCORES = {
    "propositional": "what is lost at this level",
    "perspectival": "what stands out",
    "participatory": "what the question asks for",
}
"""Names of the score maps and what each says about a cell."""

COLORS = ScalarMappable(Normalize(-2, 3), "inferno")
"""One scale for all maps of all pictures: standard deviations from the mean of the cell's level."""

OPACITY = 0.62


def score_grid(realization: Realization, name: str) -> np.ndarray:
    """(rows, columns) of level 0: score of the finest cell considered at each place, NaN where none was."""
    rows, cols = realization.allocation.grid
    grid = np.full((rows, cols), np.nan)
    for maps in realization.scores:
        values = getattr(maps, name).tolist()
        for (level, row, col), value in zip(maps.cells.tolist(), values, strict=True):
            side = 2**level
            grid[row * side : (row + 1) * side, col * side : (col + 1) * side] = value
    return grid


def draw_score(axes: Axes, picture: Image.Image, realization: Realization, name: str) -> None:
    """Paints one score map over a grey version of the picture; places without a score stay grey."""
    frame(axes)
    if not realization.scores:
        middle = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, "no scores:\nnothing to split", size=9.5, color=MUTED, **middle)
        return
    grey = fit(picture).convert("L")
    extent = (0, grey.width, grey.height, 0)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent)
    axes.imshow(
        score_grid(realization, name),
        cmap=COLORS.cmap,
        norm=COLORS.norm,
        alpha=OPACITY,
        extent=extent,
        interpolation="nearest",
    )


def draw_color_bar(axes: Axes) -> None:
    """The scale of all score maps, upright, as wide as `axes`."""
    low, high = COLORS.norm.vmin, COLORS.norm.vmax
    ramp = np.linspace(high, low, 256)[:, None]
    axes.imshow(ramp, cmap=COLORS.cmap, norm=COLORS.norm, alpha=OPACITY, aspect="auto", extent=(0, 1, low, high))
    axes.yaxis.tick_right()
    axes.set_yticks([-2, -1, 0, 1, 2, 3], ["≤ −2", "−1", "0", "1", "2", "≥ 3"], fontsize=8)
    axes.set_xticks([])
    axes.tick_params(length=2, color="#555555", labelcolor="#333333")
    axes.set_ylabel("standard deviations", fontsize=8, color="#333333", rotation=270, labelpad=12)
    axes.yaxis.set_label_position("right")


def frame(axes: Axes) -> None:
    """No ticks, a thin grey border."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#999999", linewidth=0.6)


def score_figure(picture: Image.Image, realization: Realization, height: float = 4.0) -> Figure:
    """The three maps side by side with their colour bar; `height` of a map in inches."""
    width = min(max(height * picture.width / picture.height, 2.2), 6.0)
    sheet = Sheet(0.3 + 3 * (width + 0.3) + 0.8, height + 0.95)
    for index, (name, meaning) in enumerate(SCORES.items()):
        x = 0.3 + index * (width + 0.3)
        draw_score(sheet.axes(x, 0.65, width, height), picture, realization, name)
        sheet.text(x, 0.15, name, 10.5, INK, weight="bold")
        sheet.text(x, 0.37, meaning, 9.5, MUTED)
    draw_color_bar(sheet.axes(0.15 + 3 * (width + 0.3), 0.65, 0.16, height))
    return sheet.figure
