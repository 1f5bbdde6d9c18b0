"""Colours that have a name, far enough apart to be told from a glimpse."""

from __future__ import annotations

from random import Random

Colour = tuple[int, int, int]

PALETTE: dict[str, Colour] = {
    "red": (214, 40, 40),
    "blue": (38, 84, 214),
    "green": (40, 150, 62),
    "yellow": (246, 214, 40),
    "orange": (248, 138, 24),
    "purple": (128, 46, 172),
    "pink": (248, 150, 192),
    "brown": (118, 72, 38),
    "grey": (136, 138, 140),
    "black": (26, 26, 28),
    "white": (250, 250, 250),
}
VIVID = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "brown", "grey")
PAPERS: dict[str, Colour] = {
    "white": (252, 252, 250),
    "yellow": (255, 244, 178),
    "pink": (255, 208, 218),
    "blue": (200, 222, 250),
    "green": (204, 238, 204),
}
INKS: tuple[Colour, ...] = ((20, 20, 24), (20, 20, 24), (24, 30, 92), (60, 30, 24), (16, 66, 40), (52, 52, 58))


def jitter(rng: Random, colour: Colour, spread: int = 8) -> Colour:
    """The colour moved a little, so that a name is not one exact value."""
    r, g, b = (min(255, max(0, channel + rng.randint(-spread, spread))) for channel in colour)
    return r, g, b


def named(rng: Random, name: str) -> Colour:
    """A shade of a colour of the palette."""
    return jitter(rng, PALETTE[name])


def tint(colour: Colour, share: float) -> Colour:
    """The colour mixed into white; share 1 leaves it, 0 gives white."""
    r, g, b = (round(255 + (channel - 255) * share) for channel in colour)
    return r, g, b


def with_article(name: str) -> str:
    """The name behind "a" or "an"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def contrasting(colour: Colour) -> Colour:
    """Black or white, whichever reads better on the colour."""
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return (20, 20, 22) if luminance > 125 else (252, 252, 252)
