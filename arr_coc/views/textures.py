"""The 13 texture channels of one level, each with its own scale."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from arr_coc.quoting import quoted
from arr_coc.records import Pyramid
from arr_coc.texture import CHANNELS
from arr_coc.views.scores import frame
from arr_coc.views.sheet import INK, MUTED, Sheet

COLUMNS, GAP, BAR, TITLE = 5, 0.28, 0.09, 0.36
UNITS = ("0..1", "0..1", "0..1", "L*", "a*", "b*", "luma/px", "luma/px", "luma/px", "bits", "0..1", "0..1", "0..1")
DIVERGING = frozenset({"green_red", "blue_yellow", "sobel_x", "sobel_y"})


def texture_figure(pyramid: Pyramid, level: int, width: float = 2.1) -> Figure:
    """Every channel of a level as a heat map with a colour bar; `width` of a map in inches.

    Raises:
        ValueError: a level that the pyramid does not have.
    """
    if not 0 <= level <= pyramid.coarsest:
        raise ValueError(f"level must lie in 0..{pyramid.coarsest}, got {quoted(level)}")
    rows, cols = pyramid.grid(level)
    height = float(np.clip(width * rows / cols, 0.5, 4.0))
    cell = (width + 0.75, height + TITLE + GAP)
    sheet = Sheet(0.25 + COLUMNS * cell[0], 0.15 + -(-len(CHANNELS) // COLUMNS) * cell[1])
    for index, (name, unit) in enumerate(zip(CHANNELS, UNITS, strict=True)):
        x, y = 0.25 + index % COLUMNS * cell[0], 0.15 + index // COLUMNS * cell[1]
        sheet.text(x, y, name, 9.5, INK, weight="bold")
        sheet.text(x + width + 0.6, y + 0.01, unit, 8.5, MUTED, ha="right")
        draw_channel(sheet, pyramid.textures[level][index].numpy(), name, (x, y + TITLE - 0.1, width, height))
    return sheet.figure


def draw_channel(sheet: Sheet, values: np.ndarray, name: str, place: tuple[float, float, float, float]) -> None:
    """A heat map and, right of it, its colour bar; signed channels have zero in the middle."""
    x, y, width, height = place
    axes = sheet.axes(x, y, width, height)
    frame(axes)
    most = float(np.abs(values).max()) or 1.0
    is_signed = name in DIVERGING
    limits = {"vmin": -most, "vmax": most} if is_signed else {}
    drawn = axes.imshow(values, cmap="coolwarm" if is_signed else "viridis", aspect="auto", **limits)
    bar = sheet.figure.colorbar(drawn, cax=sheet.axes(x + width + 0.05, y, BAR, height))
    bar.ax.tick_params(labelsize=6.5, length=2, color=MUTED, labelcolor=INK)
    bar.outline.set_linewidth(0.4)
