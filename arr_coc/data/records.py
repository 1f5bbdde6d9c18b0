"""The nouns of the data: questions, pictures, and what must be seen to answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from arr_coc.quoting import quoted

Box = tuple[float, float, float, float]

GROUPS = ("reading", "charts", "tables", "scenes", "description", "arithmetic")
FORMS = ("circle", "square", "triangle", "star", "cross", "diamond", "hexagon", "heart")
FIGURES = (*FORMS, "house", "sign", "car", "bus", "bar")
MIN_GLYPH_PX = 10.0


@dataclass(frozen=True)
class Question:
    """One question about a picture.

    Attributes:
        answers: accepted answers, the canonical one first, spelled as printed.
        boxes: evidence (x0, y0, x1, y1) in pixels of the picture, the box that holds the printed answer
            first; empty where the whole picture is the evidence.
        kind: question type, such as "read_field" or "bar_value".
        group: one of `GROUPS`.
        difficulty: 0..1, grows as the evidence gets smaller and the lookup longer.
        glyph_px: cap height, or object size, in pixels of the smallest thing that must be recognised;
            inf where a glimpse is enough.
    """

    text: str
    answers: tuple[str, ...]
    boxes: tuple[Box, ...]
    kind: str
    group: str
    difficulty: float
    glyph_px: float


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Every character drawn, as it lies in the finished picture.

    Attributes:
        chars: N characters in drawing order, no spaces.
        centres: (N, 2) float32 x, y in pixels: middle of the glyph, half the cap height above its baseline.
        heights: (N,) float32 cap height of the font in pixels.
        starts: (N,) bool, whether a word begins with it.
    """

    chars: str
    centres: np.ndarray
    heights: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A thing that was drawn, one of `FIGURES`, and its box in pixels of the picture."""

    name: str
    box: Box


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn picture (RGB), its questions, the seed that draws it again, and the things in it that can be counted."""

    image: Image.Image
    kind: str
    questions: tuple[Question, ...]
    glyphs: Glyphs
    seed: int
    figures: tuple[Figure, ...] = ()


def legible_level(question: Question, native_scale: float) -> int:
    """Coarsest pyramid level l with glyph_px * native_scale / 2^l >= `MIN_GLYPH_PX`; 0 if there is none.

    Args:
        native_scale: size of the host's level 0 divided by the size of the picture.
    Returns:
        The level; a large number (16) where a glimpse is enough.
    """
    if native_scale <= 0:
        raise ValueError(f"native_scale must be positive, got {quoted(native_scale)}")
    if math.isinf(question.glyph_px):
        return 16
    return max(0, min(16, math.floor(math.log2(question.glyph_px * native_scale / MIN_GLYPH_PX))))
