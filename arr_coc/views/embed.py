"""A figure as part of a page, in the page's light and dark theme."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO

from matplotlib.figure import Figure

STYLE = """\
<style>
.arr-figure { overflow-x: auto; contain: inline-size; border-radius: 6px; }
.arr-figure .night, .dark .arr-figure .day { display: none; }
.arr-figure .day, .dark .arr-figure .night { display: block; }
</style>
"""
PALE = "#cbd5e1"
"""Of all text on a dark page."""


def figure_html(figure: Figure, title: str, least_px: int = 900) -> str:
    """The figure as a picture within the page; where the page is narrower than `least_px` it scrolls by itself.

    It is drawn twice, the second time for the dark theme, which leaves the figure in those colours.
    """
    day = image_html(figure, "day", title, least_px, "white")
    to_night(figure)
    return f'{STYLE}<div class="arr-figure">{day}{image_html(figure, "night", title, least_px, "none")}</div>'


def image_html(figure: Figure, name: str, title: str, least_px: int, background: str) -> str:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120, facecolor=background)
    address = base64.b64encode(file.getvalue()).decode()
    style = f"width:100%;min-width:{least_px}px"
    return f'<img class="{name}" style="{style}" alt="{escape(title)}" src="data:image/png;base64,{address}">'


def to_night(figure: Figure) -> None:
    """Text and ticks pale, and no white behind them; what is drawn in colours stays."""
    for text in figure.texts:
        text.set_color(PALE)
    for axes in figure.axes:
        axes.tick_params(which="both", color=PALE, labelcolor=PALE)
        for text in (*axes.texts, axes.xaxis.label, axes.yaxis.label):
            text.set_color(PALE)
        if not axes.images:
            axes.set_facecolor("none")
