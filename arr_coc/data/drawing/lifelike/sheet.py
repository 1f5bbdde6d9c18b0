"""A sheet on which lines of print are laid; it remembers where every character went, and what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from math import inf
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from arr_coc.data.drawing.canvas import DESCENDING, Ink
from arr_coc.data.drawing.lifelike.lettering import Print, letter, width_of
from arr_coc.data.drawing.questions import difficulty
from arr_coc.data.records import Box, Glyphs, Question

Colour = tuple[int, int, int] | int


@dataclass
class Written:
    """Characters of a sheet so far."""

    chars: list[str]
    places: list[tuple[float, float, float]]
    starts: list[bool]


class Sheet:
    """A paper of `size`; mode "L" (0 ink, 255 paper) or "RGB"."""

    def __init__(self, rng: Random, size: tuple[int, int], mode: str = "L", paper: Colour = 255) -> None:
        self.rng, self.image = rng, Image.new(mode, size, paper)
        self.pen = ImageDraw.Draw(self.image)
        self.ink: Colour = 0 if mode == "L" else (20, 20, 22)
        self.questions: list[Question] = []
        self.words: set[str] = set()
        self._asked: set[str] = set()
        self._written = Written([], [], [])

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def text(
        self, x: float, y: float, text: str, style: Print, align: str = "left", colour: Colour | None = None
    ) -> Ink:
        """Prints a line whose capitals begin at height y; x is its left end, middle or right end."""
        length = width_of(text, style)
        x -= {"left": 0.0, "centre": length / 2, "right": length}[align]
        line = letter(text, style, self.rng)
        if line is not None:
            base = y + style.cap
            at = (round(x + line.left), round(base + line.top))
            self.pen.bitmap(at, line.mask, self.ink if colour is None else colour)
            self.remember(text, [x + middle for middle in line.middles], base - style.cap / 2, style.cap)
            length = line.width
        bottom = y + style.cap * (1.1 if DESCENDING.isdisjoint(text) else 1.3)
        return Ink(text, (x, y - 0.1 * style.cap, x + length, bottom), style.cap)

    def remember(self, text: str, xs: list[float], ys: float | list[float], cap: float) -> None:
        """Notes where a line's characters are; `ys` is one height where it is level."""
        self.words.update(text.split())
        before = " "
        heights = ys if isinstance(ys, list) else [ys] * len(xs)
        for char, x, y in zip(text, xs, heights, strict=True):
            if char != " ":
                self._written.chars.append(char)
                self._written.places.append((x, y, cap))
                self._written.starts.append(before == " ")
            before = char

    def rule(self, x0: float, x1: float, y: float, width: int = 1, dashes: float = 0.0) -> None:
        """A line across, in dashes of a length or whole."""
        if not dashes:
            self.pen.line((x0, y, x1, y), fill=self.ink, width=width)
            return
        x = x0
        while x < x1:
            self.pen.line((x, y, min(x1, x + dashes), y), fill=self.ink, width=width)
            x += dashes * 1.8

    def ask(
        self,
        kind: str,
        wordings: Sequence[str],
        answer: str,
        evidence: Sequence[Ink | Box],
        *,
        group: str = "reading",
        glyph_px: float | None = None,
        hops: int = 1,
        also: tuple[str, ...] = (),
        **slots: str,
    ) -> None:
        """Adds a question in one of its wordings, unless it was asked; the answer's own evidence comes first."""
        text = self.rng.choice(list(wordings)).format(**slots)
        if text in self._asked:
            return
        self._asked.add(text)
        boxes = tuple(piece.box if isinstance(piece, Ink) else piece for piece in evidence)
        if glyph_px is None:
            glyph_px = min((piece.cap_px for piece in evidence if isinstance(piece, Ink)), default=inf)
        level = difficulty(glyph_px, 1.0, hops)
        self.questions.append(Question(text, (answer, *also), boxes, kind, group, level, glyph_px))

    def forget(self, box: Box) -> None:
        """Drops the characters in a box that will be covered, and the questions that have evidence there."""
        x0, y0, x1, y1 = box
        written = self._written
        kept = [not (x0 <= x <= x1 and y0 <= y <= y1) for x, y, _ in written.places]
        self._written = Written(
            list(compress(written.chars, kept)),
            list(compress(written.places, kept)),
            list(compress(written.starts, kept)),
        )
        self.questions = [
            question
            for question in self.questions
            if all(b[2] < x0 or x1 < b[0] or b[3] < y0 or y1 < b[1] for b in question.boxes)
        ]

    def adopt(self, questions: Sequence[Question], glyphs: Glyphs) -> None:
        """Takes over what is known of a sheet that was mounted on this one."""
        self.questions += [question for question in questions if question.text not in self._asked]
        self._asked |= {question.text for question in questions}
        written = self._written
        written.chars += glyphs.chars
        places = zip(glyphs.centres.tolist(), glyphs.heights.tolist(), strict=True)
        written.places += [(x, y, cap) for (x, y), cap in places]
        written.starts += glyphs.starts.tolist()

    def glyphs(self) -> Glyphs:
        places = np.array(self._written.places, dtype=np.float32).reshape(-1, 3)
        starts = np.array(self._written.starts, dtype=bool)
        return Glyphs("".join(self._written.chars), places[:, :2], places[:, 2], starts)


def union(inks: Sequence[Ink]) -> Box:
    """Hull of several inks."""
    boxes = np.array([ink.box for ink in inks])
    x0, y0 = boxes[:, :2].min(0).tolist()
    x1, y1 = boxes[:, 2:].max(0).tolist()
    return x0, y0, x1, y1


def moved(question: Question, boxes: tuple[Box, ...], scale: float) -> Question:
    """The question about a sheet that lies elsewhere, `scale` times as large."""
    return replace(question, boxes=boxes, glyph_px=question.glyph_px * scale)
