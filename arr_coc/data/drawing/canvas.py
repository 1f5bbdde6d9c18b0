"""A surface in layout pixels: it draws at native size, and remembers every character it drew.

Layout coordinates go through one similarity transform (rotation about the centre, then zoom) to native
pixels. Shapes and text are drawn there directly, so a zoomed picture is sharp and a turned one costs
no resampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from PIL import Image, ImageDraw

from arr_coc.data.drawing.colours import Colour
from arr_coc.data.drawing.fonts import font_size, glyph, text_length
from arr_coc.data.drawing.mirrors import drawn_mirrored
from arr_coc.data.drawing.other_words import written
from arr_coc.data.records import Box, Figure, Glyphs

Point = tuple[float, float]
DESCENDING = frozenset("gjpqyQ,/")


@dataclass(frozen=True)
class Style:
    """How text looks: a face of `fonts.FACES`, cap height in layout pixels, colour."""

    face: str
    cap: float
    colour: Colour

    def sized(self, cap: float) -> Style:
        return Style(self.face, cap, self.colour)

    def faced(self, face: str) -> Style:
        return Style(face, self.cap, self.colour)

    def coloured(self, colour: Colour) -> Style:
        return Style(self.face, self.cap, colour)


@dataclass(frozen=True)
class Ink:
    """A line of text that was drawn: its box in layout pixels and its cap height in native pixels."""

    text: str
    box: Box
    cap_px: float


def corners(box: Box) -> list[Point]:
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


class Canvas:
    """Drawing surface of layout size `width` x `height`, shown at `zoom` and turned by `angle` degrees."""

    def __init__(self, image: Image.Image, zoom: float, angle: float = 0.0) -> None:
        self.image, self.zoom, self.angle = image, zoom, angle
        self.width, self.height = image.width / zoom, image.height / zoom
        self._pen, self._mirrored = ImageDraw.Draw(image), drawn_mirrored()
        c, s = zoom * cos(radians(angle)), zoom * sin(radians(angle))
        self._c, self._s = c, s
        self._dx = image.width / 2 - (c * self.width - s * self.height) / 2
        self._dy = image.height / 2 - (s * self.width + c * self.height) / 2
        self.words: set[str] = set()
        self.figures: list[Figure] = []
        self._chars: list[str] = []
        self._centres: list[Point] = []
        self._heights: list[float] = []
        self._starts: list[bool] = []

    def point(self, x: float, y: float) -> Point:
        """Layout point in native pixels."""
        x = self.width - x if self._mirrored.across else x
        y = self.height - y if self._mirrored.upwards else y
        return self._turned(x, y)

    def _turned(self, x: float, y: float) -> Point:
        return self._c * x - self._s * y + self._dx, self._s * x + self._c * y + self._dy

    def hull(self, box: Box, pad: float = 0.0) -> Box:
        """Axis-aligned native box around a layout box, cut at the picture's border."""
        x0, y0, x1, y1 = box
        points = [self.point(x, y) for x, y in corners((x0 - pad, y0 - pad, x1 + pad, y1 + pad))]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        w, h = self.image.size
        return max(0.0, min(xs)), max(0.0, min(ys)), min(float(w), max(xs)), min(float(h), max(ys))

    def mark(self, name: str, box: Box) -> None:
        """Remembers a thing that was drawn, by its layout box."""
        self.figures.append(Figure(name, self.hull(box)))

    def replace(self, image: Image.Image) -> None:
        """Goes on drawing on another image of the same size."""
        assert image.size == self.image.size
        self.image, self._pen = image, ImageDraw.Draw(image)

    def polygon(
        self, points: Sequence[Point], fill: Colour | None, outline: Colour | None = None, width: float = 1.0
    ) -> None:
        native = [self.point(x, y) for x, y in points]
        self._pen.polygon(native, fill=fill, outline=outline, width=max(1, round(width * self.zoom)))

    def rect(self, box: Box, fill: Colour | None, outline: Colour | None = None, width: float = 1.0) -> None:
        if self.angle:
            return self.polygon(corners(box), fill, outline, width)
        (x0, x1), (y0, y1) = map(sorted, zip(self.point(*box[:2]), self.point(*box[2:]), strict=True))
        self._pen.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), fill, outline, max(1, round(width * self.zoom)))
        return None

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.0) -> None:
        native = [self.point(x, y) for x, y in points]
        self._pen.line(native, fill=colour, width=max(1, round(width * self.zoom)), joint="curve")

    def disc(self, x: float, y: float, radius: float, fill: Colour | None, outline: Colour | None = None) -> None:
        cx, cy = self.point(x, y)
        r = radius * self.zoom
        self._pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill, outline, max(1, round(self.zoom)))

    def measure(self, text: str, style: Style) -> float:
        """Width of a line of text in layout pixels."""
        return text_length(style.face, font_size(style.face, style.cap * self.zoom), written(text)) / self.zoom

    def fit(self, text: str, style: Style, width: float) -> Style:
        """The style, made smaller where the text would be wider than `width`."""
        length = self.measure(text, style)
        return style if length <= width else style.sized(style.cap * width / length * 0.98)

    def text(self, x: float, y: float, text: str, style: Style, align: str = "left") -> Ink:
        """Draws a line whose capitals begin at height y; x is its left end, middle or right end."""
        font_px = font_size(style.face, style.cap * self.zoom)
        self.words.update(text.split())
        text = written(text)
        length = text_length(style.face, font_px, text) / self.zoom
        x -= {"left": 0.0, "centre": length / 2, "right": length}[align]
        self._write(*self._pen_at((x, y, x + length, y + style.cap)), text, style, font_px)
        return Ink(text, self._ink_box(x, y, length, text, style.cap), style.cap * self.zoom)

    def _pen_at(self, capitals: Box) -> Point:
        """Native place from which text is written whose capitals fill a layout box: lower left, as it is shown."""
        x0, y0, x1, y1 = capitals
        left = self.width - x1 if self._mirrored.across else x0
        return self._turned(left, self.height - y0 if self._mirrored.upwards else y1)

    def _ink_box(self, x: float, y: float, length: float, text: str, cap: float) -> Box:
        """Layout box with the room that descenders need, which is above where a page is drawn upwards."""
        tail = 0.1 if DESCENDING.isdisjoint(text) else 0.3
        if self._mirrored.upwards:
            return x, y - tail * cap, x + length, y + cap * 1.1
        return x, y - 0.1 * cap, x + length, y + cap * (1 + tail)

    def _write(self, x: float, y: float, text: str, style: Style, font_px: int) -> None:
        """Draws characters from the native pen position (x, y) on the baseline."""
        c, s, cap_px = self._c / self.zoom, self._s / self.zoom, style.cap * self.zoom
        rise_x, rise_y = s * cap_px / 2, -c * cap_px / 2
        before = " "
        for char in text:
            mask, left, top, advance = glyph(style.face, font_px, char, self.angle)
            if mask is not None:
                self._pen.bitmap((round(x + left), round(y + top)), mask, style.colour)
                self._chars.append(char)
                self._centres.append((x + c * advance / 2 + rise_x, y + s * advance / 2 + rise_y))
                self._heights.append(cap_px)
                self._starts.append(before == " ")
            before = char
            x, y = x + c * advance, y + s * advance

    def glyphs(self) -> Glyphs:
        """All characters drawn so far."""
        centres = np.array(self._centres, dtype=np.float32).reshape(-1, 2)
        heights = np.array(self._heights, dtype=np.float32)
        return Glyphs("".join(self._chars), centres, heights, np.array(self._starts, dtype=bool))
