"""A figure laid out in inches from its top left corner, and text that is measured before it is set."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.textpath import TextToPath

DPI = 130
POINTS = 72
LINE_HEIGHT = 1.35
FONT = "DejaVu Sans"
WIDER_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans", "SimHei")
INK, MUTED, RULE = "#1c1e21", "#5f6670", "#c9ced6"


class Sheet:
    """A white figure of `width` x `height` inches; every position is inches from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def text(self, x: float, y: float, text: str, size: float, color: str = INK, **style: Any) -> None:
        """Sets lines of text as they are (no mathematics in them) on an even grid of lines; y is its top."""
        for index, line in enumerate(text.split("\n")):
            baseline = y + index * line_inches(size) + size / POINTS
            place = (x / self.width, 1 - baseline / self.height)
            line = drawable(line)
            self.figure.text(
                *place, line, size=size, family=font_families(), color=color, parse_math=False, va="baseline", **style
            )

    def rule(self, x0: float, x1: float, y: float, color: str = RULE, width: float = 0.8) -> None:
        """A horizontal line; `width` in points."""
        line = self.axes(x0, y, x1 - x0, 1e-6)
        line.axis("off")
        line.axhline(0.5, color=color, linewidth=width, clip_on=False)


@cache
def font_families() -> list[str]:
    """The font of all views, then fonts with more scripts as far as they are installed."""
    installed = {font.name for font in fontManager.ttflist}
    return [FONT, *(name for name in WIDER_FONTS if name in installed)]


@cache
def known_characters() -> frozenset[int]:
    """Code points that `font_families` can draw."""
    fonts = [get_font(findfont(FontProperties(family=name))) for name in font_families()]
    return frozenset(code for font in fonts for code in font.get_charmap())


def drawable(text: str) -> str:
    """The text with a white square in place of each character that no installed font has."""
    return "".join(char if ord(char) in known_characters() else "□" for char in text)


def line_inches(size: float) -> float:
    """Height of a line of text of `size` points."""
    return size * LINE_HEIGHT / POINTS


@lru_cache(maxsize=4096)
def text_inches(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text."""
    font = FontProperties(family=font_families(), size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(drawable(text), font, ismath=False)
    return float(width) / POINTS


def wrap(text: str, width: float, size: float, max_lines: int, weight: str = "normal") -> list[str]:
    """Breaks text into lines of at most `width` inches; what does not fit `max_lines` ends in an ellipsis."""
    words = [part for word in text.split() for part in _pieces(word, width, size, weight)]
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_inches(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > max_lines:
        return [*lines[: max_lines - 1], _shorten(lines[max_lines - 1], width, size, weight)]
    return lines


def _pieces(word: str, width: float, size: float, weight: str) -> list[str]:
    """The word, cut where it is wider than a line."""
    pieces = [""]
    for char, total in zip(word, accumulate(text_inches(c, size, weight) for c in word), strict=True):
        if total > width * len(pieces) and pieces[-1]:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _shorten(line: str, width: float, size: float, weight: str) -> str:
    """The line with an ellipsis, cut until it fits."""
    while line and text_inches(line + "…", size, weight) > width:
        line = line[:-1]
    return line.rstrip() + "…"
