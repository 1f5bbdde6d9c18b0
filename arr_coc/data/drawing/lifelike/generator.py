"""From a seed to a lifelike picture with its questions; training and held-out typefaces, words and layouts apart."""

from __future__ import annotations

from random import Random

from arr_coc.data.drawing.generator import spread
from arr_coc.data.drawing.lifelike.photography import photographed
from arr_coc.data.drawing.lifelike.receipts import draw_receipt
from arr_coc.data.drawing.lifelike.typefaces import fonts_version
from arr_coc.data.records import Picture

LIFELIKE_VERSION = "2"
KIND = "receipt"
LEAST_QUESTIONS = 8


def lifelike(seed: int, *, unseen: bool = False, zoom: float = 1.0, num_questions: int | None = None) -> Picture:
    """Draws the lifelike picture of a seed; with the same fonts (`lifelike_version`) the same pixels and questions.

    Args:
        unseen: draws from the held-out typefaces, words and layouts only.
        zoom: size of the print; at 1 its capitals are 8 to 17 pixels high.
        num_questions: at most so many, spread over question kinds; None gives all of them.
    """
    rng = Random(f"arr-coc lifelike {seed}")
    for _ in range(9):
        sheet = draw_receipt(rng, unseen, zoom)
        if len(sheet.questions) >= LEAST_QUESTIONS:
            break
    shot = photographed(rng, sheet)
    questions = list(shot.questions) if num_questions is None else spread(rng, list(shot.questions), num_questions)
    return Picture(shot.image, KIND, tuple(questions), shot.glyphs, seed)


def lifelike_version() -> str:
    """Of the generator and of the fonts it found."""
    return f"{LIFELIKE_VERSION}-{fonts_version()}"
