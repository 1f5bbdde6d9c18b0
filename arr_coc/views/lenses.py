"""One place of a picture as each way of reading it was really given it: pixel for pixel, enlarged side by side."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

from PIL import Image

from arr_coc.records import Allocation, Realization
from arr_coc.views.overlay import Box

QUALITY, LENS_ASPECT, LEAST_SPAN_PX = 88, 16 / 9, 72
MARGIN = 1.35
"""How much more than the place itself a lens shows."""

STYLE = """\
<style>
.arr-lenses { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; }
.arr-lenses[hidden] { display: none; }
.arr-lenses figure { margin: 0; min-width: 0; }
.arr-lens { aspect-ratio: 16 / 9; border-radius: 6px; background-repeat: no-repeat; background-color: #7f848c;
  image-rendering: pixelated; border: 1px solid var(--border-color-primary, #8884);
  background-size: calc(100% / var(--sx)) calc(100% / var(--sy));
  background-position: calc(100% * (var(--x) - var(--sx) / 2) / (1 - var(--sx)))
    calc(100% * (var(--y) - var(--sy) / 2) / (1 - var(--sy))); }
.arr-lenses figcaption { font-size: 13px; line-height: 1.35; margin-top: .25rem; }
.arr-lenses figcaption b { display: block; font-weight: 650; }
.arr-lenses figcaption span { color: var(--body-text-color-subdued, inherit); }
.arr-lenses.away figcaption span { visibility: hidden; }
</style>
"""


@dataclass(frozen=True, eq=False)
class Lens:
    """A way of reading: its name, the pixels that it was given, what to say of them."""

    title: str
    pixels: Image.Image
    caption: str


@dataclass(frozen=True)
class Focus:
    """The place that is enlarged: centre and span as fractions of the picture, x then y."""

    x: float
    y: float
    span_x: float
    span_y: float


def lenses_html(lenses: Sequence[Lens], focus: Focus, picture: int = 0) -> str:
    """Columns that show the same place of a picture; a script moves them all by the variables --x and --y.

    Args:
        picture: its number among several; the first is shown, until the script shows another.
    """
    columns = "".join(lens_html(lens) for lens in lenses)
    values = {"x": focus.x, "y": focus.y, "sx": focus.span_x, "sy": focus.span_y}
    variables = ";".join(f"--{name}:{value:.5f}" for name, value in values.items())
    homes = f'data-x="{focus.x:.5f}" data-y="{focus.y:.5f}" data-sx="{focus.span_x:.5f}" data-sy="{focus.span_y:.5f}"'
    number = f'data-picture="{picture}"{" hidden" * (picture > 0)}'
    return f'{STYLE}<div class="arr-lenses" style="{variables}" {homes} {number}>{columns}</div>'


def lens_html(lens: Lens) -> str:
    address, title = pixel_address(lens.pixels), escape(lens.title)
    picture = f'<div class="arr-lens" role="img" aria-label="{title}" style="background-image:url({address})"></div>'
    return f"<figure>{picture}<figcaption><b>{title}</b><span>{escape(lens.caption)}</span></figcaption></figure>"


def pixel_address(picture: Image.Image) -> str:
    """The picture in its own size as a JPEG within the page."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def focus_on(box: Box, size: tuple[int, int]) -> Focus:
    """The place around a box, in fractions, of a picture of (width, height) pixels; it stays inside the picture."""
    x0, y0, x1, y1 = box
    width, height = size
    tall = width / height / LENS_ASPECT
    span_x = max(MARGIN * (x1 - x0), MARGIN * (y1 - y0) / tall, LEAST_SPAN_PX / width)
    spans = [different_from_one(span) for span in (span_x, span_x * tall)]
    x, y = (inside(middle, span) for middle, span in zip(((x0 + x1) / 2, (y0 + y1) / 2), spans, strict=True))
    return Focus(x, y, *spans)


def different_from_one(span: float) -> float:
    """Where all of a side is shown, CSS would divide by 1 - span = 0."""
    return 0.999 if abs(span - 1) < 1e-3 else span


def inside(middle: float, span: float) -> float:
    """The middle of a stretch of `span` that is moved into 0..1; one that is longer is centred."""
    return 0.5 if span >= 1 else min(max(middle, span / 2), 1 - span / 2)


def looked_at(realization: Realization) -> Box:
    """The cell, among those split last, at which the question looks most; the whole picture where none was split."""
    for scores, splits in zip(reversed(realization.scores), reversed(realization.splits), strict=True):
        if len(splits):
            best = splits[scores.participatory[splits].argmax()]
            x0, y0, x1, y1 = Allocation(scores.cells[best][None], realization.allocation.grid).boxes()[0].tolist()
            return x0, y0, min(x1, 1.0), min(y1, 1.0)
    return 0.0, 0.0, 1.0, 1.0


def levels_over(allocation: Allocation, box: Box) -> tuple[int, int]:
    """The finest and the coarsest level of the leaves that a box touches."""
    x0, y0, x1, y1 = box
    leaves = allocation.boxes()
    touch = (leaves[:, 0] < x1) & (leaves[:, 2] > x0) & (leaves[:, 1] < y1) & (leaves[:, 3] > y0)
    levels = allocation.leaves[touch, 0]
    return int(levels.min()), int(levels.max())
