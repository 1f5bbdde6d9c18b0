"""A scene in the street, and boards that hang in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import textures
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, darker, lighter
from arr_coc.data.drawing.lifelike.lettering import Print, letter, width_of
from arr_coc.data.drawing.lifelike.photography import Warp, corners_of, homography, hull, lay, warped
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.writer import Writer, fitted, spelled, writer_on
from arr_coc.data.records import Box

STYLES = ("display", "display", "sans", "serif", "narrow", "hand")


COLOURS: dict[str, Rgb] = {
    "red": (176, 28, 34), "blue": (24, 64, 140), "green": (14, 92, 62), "white": (240, 240, 236),
    "black": (28, 28, 30), "yellow": (244, 196, 22),
    "brown": (92, 58, 36), "orange": (232, 120, 24), "grey": (120, 124, 128),
}  # fmt: skip


@dataclass
class Street:
    """A scene in the making: how far it is seen from the side, and the signs so far by colour."""

    scene: Sheet
    unseen: bool
    slant: float
    signs: dict[str, list[tuple[str, Box, float]]] = field(default_factory=dict)

    @property
    def rng(self) -> Random:
        return self.scene.rng

    @property
    def size(self) -> tuple[int, int]:
        return self.scene.image.size

    def cover(self, image: Image.Image, at: tuple[float, float] = (0, 0)) -> None:
        self.scene.image.paste(image, (round(at[0]), round(at[1])))

    def board(self, size: tuple[float, float], cap: float, colour: Rgb, styles: Sequence[str] = STYLES) -> Writer:
        """An empty sign."""
        return writer_on(self.rng, size, self.unseen, cap, styles, colour, readable(colour))

    def mount(
        self, writer: Writer, at: tuple[float, float], lit_by: float = 1.0, shadow: bool = True, colour: str = ""
    ) -> None:
        """Hangs a sign into the scene: in the scene's perspective, a little askew, weathered, over its own shadow."""
        rng, sign = self.rng, writer.sheet
        wide, tall = sign.image.size
        lean = self.slant * tall * rng.choice((-1, 1)) if not shadow else 0.0
        target = corners_of(wide, tall) + np.array(at)
        target[[1, 2], 1] += np.array([1, -1]) * self.slant * tall * 0.6 + lean
        target += np.array([[rng.gauss(0, 0.006) * wide, rng.gauss(0, 0.012) * tall] for _ in range(4)])
        warp = Warp(homography(corners_of(wide, tall), target))
        taken, mask = warped(weathered_sign(rng, sign.image), warp, self.size), Image.new("L", self.size)
        outline = [tuple(point) for point in (warp.to_picture(corners_of(wide - 2, tall - 2) + 1)).tolist()]
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        if shadow:
            self.shade(outline, rng.randint(2, 7))
        if lit_by != 1.0:
            taken = taken.point([min(255, round(value * lit_by)) for value in range(256)] * 3)
        self.scene.image.paste(taken, (0, 0), mask)
        xs, ys = zip(*outline, strict=True)
        self.scene.forget((min(xs), min(ys), max(xs), max(ys)))
        self.scene.adopt(*lay(sign, warp, self.size))
        lines = [ink for row in writer.rows for ink in row]
        if colour and lines:
            box = hull(warp, union(lines), self.size)
            self.signs.setdefault(colour, []).append(
                (" ".join(ink.text for ink in lines), box, min(ink.cap_px for ink in lines))
            )

    def shade(self, outline: list[tuple[float, ...]], depth: int) -> None:
        """A soft dark copy below and beside."""
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        box = (int(min(xs)) - 8, int(min(ys)) - 8, int(max(xs)) + 18, int(max(ys)) + 18)
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        ImageDraw.Draw(mask).polygon([(x - box[0] + depth, y - box[1] + depth) for x, y in outline], fill=150)
        self.scene.image.paste((12, 12, 14), box[:2], mask.filter(ImageFilter.GaussianBlur(3)))

    def ask_colours(self) -> None:
        """What the one sign of a colour says, where there are several signs."""
        if len(self.signs) > 1:
            for colour, found in self.signs.items():
                if len(found) == 1:
                    text, box, cap = found[0]
                    self.scene.ask("sign", asked.COLOURED_SIGN, text, [box], glyph_px=cap, hops=2, colour=colour)


def readable(colour: Rgb) -> Rgb:
    """Ink for a board: white, cream or gold on dark, black or blue on light."""
    dark = sum(colour) < 380
    return (
        ((250, 250, 246), (250, 240, 210), (240, 210, 120))[sum(colour) % 3]
        if dark
        else ((20, 20, 22), (24, 40, 110), (130, 20, 26))[sum(colour) % 3]
    )


def weathered_sign(rng: Random, image: Image.Image) -> Image.Image:
    """Dirt and fading, so that a board is no flat colour."""
    noise = (
        textures.piece(rng, textures.cloud(14), image.size) * rng.uniform(0.01, 0.05)
        + textures.piece(rng, textures.grain(), image.size) * 0.015
    )
    shade = 1 + noise + np.linspace(rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08), image.height)[:, None]
    return Image.fromarray((np.asarray(image) * shade[..., None]).clip(0, 255).astype(np.uint8))


def raised(writer: Writer, x: float, y: float, text: str, style: Print, align: str, colour: Rgb, width: float) -> Ink:
    """Letters that stand out: a shadow or an edge under them."""
    rng = writer.rng
    text, style = fitted(spelled(style.face, text), style, width)
    kind = rng.random()
    line = letter(text, style, rng) if kind < 0.6 else None
    if line is not None:
        length = width_of(text, style)
        left = x - {"left": 0.0, "centre": length / 2, "right": length}[align]
        for step in range(1, max(2, round(style.cap * rng.choice((0.05, 0.08, 0.12))))):
            at = (round(left + line.left + step), round(y + style.cap + line.top + step))
            writer.pen.bitmap(at, line.mask, darker(colour, 0.65) if sum(colour) > 300 else lighter(colour, 0.5))
    return writer.put(x, y, text, style, align=align, colour=colour)


def wall(rng: Random, size: tuple[int, int]) -> Image.Image:
    return rng.choice(
        (
            textures.plaster,
            textures.plaster,
            textures.bricks,
            textures.bricks,
            textures.planks,
            textures.stone,
            textures.tiles,
        )
    )(rng, size)


def jittered(rng: Random, colour: Rgb) -> Rgb:
    r, g, b = (max(0, min(255, part + rng.randint(-14, 14))) for part in colour)
    return r, g, b
