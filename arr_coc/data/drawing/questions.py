"""Collects the questions about a picture while it is being drawn."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isinf, log2
from random import Random

from arr_coc.data.drawing.backgrounds import Page
from arr_coc.data.drawing.canvas import Canvas, Ink
from arr_coc.data.drawing.kinds import kinds
from arr_coc.data.drawing.other_words import written
from arr_coc.data.records import Box, Question

PICTURE_KIND = (
    "What kind of picture is this?",
    "What does the picture show?",
    "Which kind of picture is it?",
)
IS_KIND = ("Is this a picture of the kind {name}?", "Is the kind of this picture {name}?")
PAPER_COLOUR = ("What colour is the paper?", "Which colour does the paper have?")
DESK_COLOUR = ("What colour is the desk around the page?", "On what colour does the page lie?")


def difficulty(glyph_px: float, zoom: float, hops: int) -> float:
    """0..1: 0.7 of it by how small the evidence is on the layout, 0.3 by lookups (1 direct, 3 most)."""
    small = 0.0 if isinf(glyph_px) else min(1.0, max(0.0, log2(64 * zoom / max(glyph_px, 1e-6)) / 3))
    return round(0.7 * small + 0.15 * (min(3, hops) - 1), 4)


class Asker:
    """Turns what was drawn on a canvas into questions.

    `hops` counts lookups: 1 a direct one, 2 by two keys, 3 where two things are compared or added.
    """

    def __init__(self, rng: Random, canvas: Canvas) -> None:
        self.rng, self.canvas = rng, canvas
        self.questions: list[Question] = []
        self._asked: set[str] = set()

    def ask(
        self,
        kind: str,
        group: str,
        wordings: Sequence[str],
        answer: str,
        evidence: Sequence[Ink | Box] = (),
        *,
        glyph_px: float | None = None,
        hops: int = 1,
        **slots: str,
    ) -> None:
        """Adds a question, unless it was asked before; the first piece of evidence is where the answer is printed.

        Args:
            evidence: inks, or layout boxes; none where the whole picture is the evidence.
            glyph_px: native size of the smallest thing to recognise; by default the smallest ink's cap height.
        """
        text = self.rng.choice(list(wordings)).format(**{slot: written(word) for slot, word in slots.items()})
        if text in self._asked:
            return
        self._asked.add(text)
        boxes = tuple(self.native_box(piece) for piece in evidence)
        if glyph_px is None:
            glyph_px = min((piece.cap_px for piece in evidence if isinstance(piece, Ink)), default=inf)
        level = difficulty(glyph_px, self.canvas.zoom, hops)
        self.questions.append(Question(text, (written(answer),), boxes, kind, group, level, glyph_px))

    def absent(self, vocabulary: Sequence[str]) -> str:
        """A word of the vocabulary that is written nowhere in the picture."""
        return self.rng.choice([word for word in vocabulary if word not in self.canvas.words])

    def native_box(self, piece: Ink | Box) -> Box:
        """Native box of an ink, with a little room, or of a layout box."""
        if isinstance(piece, Ink):
            return self.canvas.hull(piece.box, pad=2.0)
        return self.canvas.hull(piece)

    def ask_picture(self, picture_kind: str) -> None:
        """Questions that every picture can be asked and a glimpse answers."""
        titles = [kind.title for kind in kinds().values()]
        name = kinds()[picture_kind].title
        self.ask("picture_kind", "description", PICTURE_KIND, name)
        shown = name if self.rng.random() < 0.5 else self.rng.choice([title for title in titles if title != name])
        self.ask("yes_no", "description", IS_KIND, "yes" if shown == name else "no", name=shown)

    def ask_page(self, page: Page) -> None:
        """Questions about the paper and what it lies on."""
        self.ask("colour", "description", PAPER_COLOUR, page.paper)
        if page.desk is not None:
            self.ask("colour", "description", DESK_COLOUR, page.desk)
