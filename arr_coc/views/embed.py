"""A figure as part of a page."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO

from matplotlib.figure import Figure


def figure_html(figure: Figure, title: str, least_px: int = 900) -> str:
    """The figure as a picture within the page; where the page is narrower than `least_px` it scrolls by itself."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120)
    address = base64.b64encode(file.getvalue()).decode()
    image = f'<img style="width:100%;min-width:{least_px}px;display:block" alt="{escape(title)}"'
    return (
        f'<div style="overflow-x:auto;contain:inline-size;border-radius:6px;background:white">{image} '
        f'src="data:image/png;base64,{address}"></div>'
    )
