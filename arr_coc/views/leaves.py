"""The quadtree of leaves over the picture, one colour per level."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from arr_coc.records import Allocation

LEVEL_COLORS = ("#d7263d", "#f48c06", "#2a9d8f", "#3a5fcd", "#7b4fa6", "#5c6470")
"""From level 0, the finest, upwards; levels above the last share its colour."""

TINT = 0.16
MAX_SIDE = 1280


def level_color(level: int) -> str:
    """Hex colour of a level, the same in every view."""
    return LEVEL_COLORS[min(level, len(LEVEL_COLORS) - 1)]


def fit(picture: Image.Image, max_side: int = MAX_SIDE) -> Image.Image:
    """The picture in RGB, scaled so that its longer side is `max_side` pixels; at least 1 pixel a side."""
    scale = max_side / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    resample = Image.Resampling.NEAREST if scale > 4 else Image.Resampling.BICUBIC
    return picture.convert("RGB").resize((width, height), resample, reducing_gap=2.0)


def draw_leaves(picture: Image.Image, allocation: Allocation, max_side: int = MAX_SIDE) -> Image.Image:
    """Outlines and tints every leaf in the colour of its level; finer leaves are drawn over coarser ones.

    Returns an RGB picture with the aspect of `picture` and a longer side of `max_side` pixels.
    """
    canvas = fit(picture, max_side)
    levels = allocation.leaves[:, 0].tolist()
    boxes = np.rint(allocation.boxes().numpy() * np.array([*canvas.size, *canvas.size])).astype(int).tolist()
    tint = canvas.copy()
    fill = ImageDraw.Draw(tint)
    for level, box in zip(levels, boxes, strict=True):
        fill.rectangle(box, fill=ImageColor.getrgb(level_color(level)))
    canvas = Image.blend(canvas, tint, TINT)
    pen = ImageDraw.Draw(canvas)
    line = max(1, round(max_side / 640))
    for level, box in sorted(zip(levels, boxes, strict=True), reverse=True):
        _outline(pen, box, level_color(level), line)
    return canvas


def _outline(pen: ImageDraw.ImageDraw, box: list[int], color: str, line: int) -> None:
    """A frame centred on the box's edges, so that neighbours share one line."""
    x0, y0, x1, y1 = box
    half = line // 2
    pen.rectangle((x0 - half, y0 - half, x1 + half, y1 + half), outline=ImageColor.getrgb(color), width=line)
