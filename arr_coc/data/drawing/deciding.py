"""Pictures made to decide between the three ways of knowing: on each, one of them finds the target and two do not.

hidden: a page of small print of which one piece is in focus; a glimpse shows all pieces alike and the question names
none, so information lost must find it. odd: many tiles of equal detail, one of another colour, which the question does
not name, so salience must find it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageFilter

from arr_coc.data.drawing import words
from arr_coc.data.drawing.canvas import Canvas, Style
from arr_coc.data.drawing.colours import INKS, PALETTE, PAPERS, VIVID, contrasting, jitter, named
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Picture

SIDE, ZOOM = 640, 1.6  # layout pixels; native 1024, of which a glimpse shows a quarter of each side
PRINT = 11.0  # cap height, layout pixels: legible at the full resolution, not at a quarter of it
MARGIN = 24
OUT_OF_FOCUS_PX = 3.5  # deviation of the blur that leaves of small print what a glimpse shows of it, and no more
PIECES = 5
TILES = 6
FACES = ("sans", "serif", "mono", "stix")
SMALL_PRINT = ("What is the code in the small print?", "Which code is in the small print?")
ODD = ("What is written in the odd one?", "Read the label in the odd one.")


def draw_hidden(rng: Random) -> Picture:
    """A square of codes in small print, all but one out of focus."""
    paper, ink_colour = jitter(rng, PAPERS[rng.choice(tuple(PAPERS))], 3), rng.choice(INKS)
    soft, sharp = (Canvas(Image.new("RGB", native(), paper), ZOOM) for _ in range(2))
    asker, target = Asker(rng, sharp), rng.randrange(PIECES**2)
    style, pitch = Style(rng.choice(FACES), PRINT, ink_colour), (SIDE - 2 * MARGIN) / PIECES
    for number in range(PIECES**2):
        code = words.code(rng)
        x = MARGIN + pitch * (number % PIECES) + rng.random() * (pitch - 3.6 * PRINT - soft.measure(code, style))
        y = MARGIN + pitch * (number // PIECES) + rng.random() * (pitch - 3 * PRINT)
        canvas = sharp if number == target else soft
        tag = canvas.text(x, y, rng.choice(("Note", "Ref")), style)
        ink = canvas.text(tag.box[2] + PRINT * 0.8, y, code, style)
        if number == target:
            asker.ask("small_print", "reading", SMALL_PRINT, code, [ink])
    blurred = soft.image.filter(ImageFilter.GaussianBlur(OUT_OF_FOCUS_PX))
    image = ImageChops.darker(blurred, sharp.image)
    return Picture(image, "hidden", tuple(asker.questions), sharp.glyphs(), 0)


def draw_odd(rng: Random) -> Picture:
    """A square of tiles with a label each; one has another colour."""
    usual, other = rng.sample([name for name in VIVID if name != "grey"], 2)
    canvas = Canvas(Image.new("RGB", native(), jitter(rng, PALETTE["white"], 5)), ZOOM)
    asker, odd, face = Asker(rng, canvas), rng.randrange(TILES**2), rng.choice(FACES)
    pitch = (SIDE - 2 * MARGIN) / TILES
    shades = named(rng, usual), named(rng, other)
    for number in range(TILES**2):
        x, y = MARGIN + pitch * (number % TILES), MARGIN + pitch * (number // TILES)
        shade = shades[number == odd]
        canvas.rect((x + 6, y + 6, x + pitch - 6, y + pitch - 6), shade)
        style = Style(face, PRINT, contrasting(shade))
        ink = canvas.text(x + pitch / 2, y + (pitch - PRINT) / 2, words.code(rng, length=4), style, "centre")
        if number == odd:
            asker.ask("read_tag", "scenes", ODD, ink.text, [ink])
    return Picture(canvas.image, "odd", tuple(asker.questions), canvas.glyphs(), 0)


def native() -> tuple[int, int]:
    return round(SIDE * ZOOM), round(SIDE * ZOOM)


DECIDING: dict[str, Callable[[Random], Picture]] = {"hidden": draw_hidden, "odd": draw_odd}
