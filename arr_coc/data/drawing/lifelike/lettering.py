"""Lines of print as masks: any typeface, stretched, spaced, printed in dots or with damage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageFont

from arr_coc.data.drawing.lifelike.typefaces import Typeface, file_of

MIN_FONT_PX = 6
DOT_PX = 4


@dataclass(frozen=True)
class Print:
    """How a line is printed.

    Attributes:
        cap: height of its capitals in pixels.
        stretch: width over the typeface's own.
        dots: pixel fonts only: each pixel is a round dot.
        damage: 0..1, share of the ink that is missing in specks.
        ink: 0..1, how dark.
    """

    face: Typeface
    cap: float
    stretch: float = 1.0
    dots: bool = False
    damage: float = 0.0
    ink: float = 1.0

    def sized(self, factor: float) -> Print:
        return replace(self, cap=self.cap * factor)

    def faced(self, face: Typeface) -> Print:
        return replace(self, face=face)


@lru_cache(maxsize=1024)
def load(face: Typeface, font_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file_of(face)), font_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=512)
def cap_ratio(face: Typeface) -> float:
    """Cap height as a share of the font size."""
    font_px = face.grid_px or 400
    _, top, _, bottom = load(face, font_px).getbbox("H", anchor="ls")
    return max(0.3, (bottom - top) / font_px)


def font_px_of(style: Print) -> int:
    """Font size in pixels; a pixel font is drawn at its own and blown up."""
    return style.face.grid_px or max(MIN_FONT_PX, round(style.cap / cap_ratio(style.face)))


def scale_of(style: Print) -> tuple[float, float]:
    """(x, y) factors from what the font draws to what is wanted."""
    y = style.cap / (font_px_of(style) * cap_ratio(style.face))
    return y * style.stretch, y


def width_of(text: str, style: Print) -> float:
    """Width of a line in pixels."""
    font_px = font_px_of(style)
    return sum(advance(style.face, font_px, char) for char in text) * scale_of(style)[0]


@dataclass(frozen=True, eq=False)
class Line:
    """A mask ("L"), its offset from the pen on the baseline, and where each character's middle is."""

    mask: Image.Image
    left: float
    top: float
    middles: list[float]
    width: float


@lru_cache(maxsize=60_000)
def glyph(face: Typeface, font_px: int, char: str) -> tuple[Image.Image | None, int, int, float]:
    """A character's mask, the mask's offset from the pen on the baseline, the pen's advance; drawn once."""
    font = load(face, font_px)
    left, top, right, bottom = font.getbbox(char, anchor="ls")
    if char == " " or right <= left or bottom <= top:
        return None, 0, 0, font.getlength(char)
    core, (left, top) = font.getmask2(char, mode="1" if face.grid_px else "L", anchor="ls")
    return Image.frombytes("L", core.size, bytes(core)), round(left), round(top), font.getlength(char)


def advance(face: Typeface, font_px: int, char: str) -> float:
    return glyph(face, font_px, char)[3]


def letter(text: str, style: Print, rng: Random) -> Line | None:
    """The line as a mask; None where it has no ink."""
    font_px, (sx, sy) = font_px_of(style), scale_of(style)
    glyphs = [glyph(style.face, font_px, char) for char in text]
    drawn = [(mask, top) for mask, _, top, _ in glyphs if mask is not None]
    if not drawn:
        return None
    top, bottom = min(y for _, y in drawn), max(y + mask.height for mask, y in drawn)
    ends = np.cumsum([advance for *_, advance in glyphs])
    line = Image.new("L", (int(ends[-1]) + 2 * font_px, bottom - top))
    for (mask, x, y, length), end in zip(glyphs, ends.tolist(), strict=True):
        if mask is not None:
            line.paste(255, (round(end - length + x) + font_px // 2, y - top), mask)
    wanted = max(1, round(line.width * sx)), max(1, round(line.height * sy))
    if style.dots:
        line = in_dots(line)
    if line.size != wanted:
        line = line.resize(wanted, Image.Resampling.BOX if style.dots else Image.Resampling.BILINEAR)
    if style.damage or style.ink < 1:
        line = damaged(line, style, rng)
    advances = np.array([advance for *_, advance in glyphs])
    middles = ((ends - advances / 2) * sx).tolist()
    return Line(line, -(font_px // 2) * sx, top * sy, middles, float(ends[-1] * sx))


@lru_cache(maxsize=1)
def dot_tile() -> np.ndarray:
    y, x = np.mgrid[:DOT_PX, :DOT_PX] - (DOT_PX - 1) / 2
    return np.clip(DOT_PX * 0.62 - np.hypot(x, y), 0, 1)


def in_dots(mask: Image.Image) -> Image.Image:
    """Every pixel of a pixel font as a dot of a needle."""
    pixels = np.asarray(mask) > 127
    return Image.fromarray((np.kron(pixels, dot_tile()) * 255).astype(np.uint8))


@lru_cache(maxsize=1)
def speck_tile() -> np.ndarray:
    """Smooth noise in 0..1, its values evenly spread."""
    rough = np.random.default_rng(7).normal(size=(256, 1024))
    smooth = rough + np.roll(rough, 1, 0) + np.roll(rough, 1, 1) + np.roll(rough, (1, 1), (0, 1))
    return (smooth.argsort(axis=None).argsort() / smooth.size).reshape(smooth.shape).astype(np.float32)


def damaged(mask: Image.Image, style: Print, rng: Random) -> Image.Image:
    """Specks left out, the rest paler."""
    if not style.damage or mask.width > 1024 or mask.height > 256:
        return mask.point([round(value * style.ink) for value in range(256)])
    y, x = rng.randrange(257 - mask.height), rng.randrange(1025 - mask.width)
    specks = speck_tile()[y : y + mask.height, x : x + mask.width]
    kept = np.clip((specks - style.damage) * 6 + 0.5, 0, 1) * style.ink
    return Image.fromarray((np.asarray(mask) * kept).astype(np.uint8))
