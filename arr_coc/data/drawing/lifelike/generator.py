"""From a seed to a lifelike picture with its questions; training and held-out typefaces, words and layouts apart."""

from __future__ import annotations

from random import Random

from arr_coc.data.drawing.lifelike.photography import photographed
from arr_coc.data.drawing.lifelike.receipts import draw_receipt
from arr_coc.data.drawing.lifelike.typefaces import fonts_version
from arr_coc.data.records import Picture

LIFELIKE_VERSION = "1"
KINDS = ("till_receipt",)


def lifelike(seed: int, *, unseen: bool = False, zoom: float = 1.0, kind: str | None = None) -> Picture:
    """Draws the lifelike picture of a seed; where the fonts are the same (`version`), so is the picture.

    Args:
        unseen: draws from the held-out typefaces, words, layouts and kinds only.
        zoom: size of the print; at 1 its capitals are 8 to 17 pixels high.
    Raises:
        ValueError: no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    rng = Random(f"arr-coc lifelike {seed}")
    sheet = draw_receipt(rng, unseen, zoom)
    shot = photographed(rng, sheet)
    return Picture(shot.image, "till_receipt", shot.questions, shot.glyphs, seed)


def version() -> str:
    """Of the generator and of the fonts it found."""
    return f"{LIFELIKE_VERSION}-{fonts_version()}"
