"""Typefaces that matplotlib ships, and a cache of their drawn glyphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.util import find_spec
from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageFont

FACES = {
    "sans": "DejaVuSans",
    "sans-bold": "DejaVuSans-Bold",
    "sans-oblique": "DejaVuSans-Oblique",
    "serif": "DejaVuSerif",
    "serif-bold": "DejaVuSerif-Bold",
    "serif-italic": "DejaVuSerif-Italic",
    "mono": "DejaVuSansMono",
    "mono-bold": "DejaVuSansMono-Bold",
    "stix": "STIXGeneral",
    "stix-bold": "STIXGeneralBol",
    "stix-italic": "STIXGeneralItalic",
}
FAMILIES = {
    "sans": ("sans", "sans-bold"),
    "serif": ("serif", "serif-bold"),
    "mono": ("mono", "mono-bold"),
    "stix": ("stix", "stix-bold"),
}
HELD_OUT = {"cm-sans": "cmss10", "cm-bold": "cmb10", "cm": "cmr10", "cm-italic": "cmti10", "cm-mono": "cmtt10"}
"""Typefaces that no training picture of the generator has: Computer Modern, which matplotlib ships as well."""
IN_THEIR_PLACE = {
    **{
        "sans": "cm-sans",
        "sans-bold": "cm-bold",
        "sans-oblique": "cm-italic",
        "mono": "cm-mono",
        "mono-bold": "cm-mono",
    },
    **{"serif": "cm", "serif-bold": "cm-bold", "serif-italic": "cm-italic"},
    **{"stix": "cm", "stix-bold": "cm-bold", "stix-italic": "cm-italic"},
}
SLANTED = {"sans": "sans-oblique", "serif": "serif-italic", "mono": "mono", "stix": "stix-italic"}
CACHED_FONT_PX = 48


@lru_cache(maxsize=1)
def font_folder() -> Path:
    """Where matplotlib keeps its fonts, found without importing it."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("matplotlib is not installed: its fonts are needed to draw pictures")
    return Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


_drawn_as: ContextVar[Mapping[str, str] | None] = ContextVar("drawn_as", default=None)


@contextmanager
def other_typefaces(faces: Mapping[str, str] = IN_THEIR_PLACE) -> Iterator[None]:
    """Pictures drawn in the block have these faces in the place of their own; all else stays as the seed has it."""
    before = _drawn_as.set(faces)
    try:
        yield
    finally:
        _drawn_as.reset(before)


def drawn_as(face: str) -> str:
    """The face that is drawn where a picture asks for `face`."""
    return (_drawn_as.get() or {}).get(face, face)


@lru_cache(maxsize=512)
def load_font(face: str, font_px: int) -> ImageFont.FreeTypeFont:
    path = font_folder() / f"{(FACES | HELD_OUT)[face]}.ttf"
    return ImageFont.truetype(str(path), font_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=len(FACES | HELD_OUT))
def cap_ratio(face: str) -> float:
    """Cap height of a face as a share of its font size."""
    _, top, _, bottom = load_font(face, 1000).getbbox("H", anchor="ls")
    return (bottom - top) / 1000


def font_size(face: str, cap_px: float) -> int:
    """Font size in pixels whose capitals are `cap_px` high."""
    return max(1, round(cap_px / cap_ratio(drawn_as(face))))


# A glyph: its ink as a mask ("L"), the mask's offset from the pen on the baseline, and the pen's advance.
Glyph = tuple[Image.Image | None, float, float, float]


def render_glyph(face: str, font_px: int, char: str, angle: float) -> Glyph:
    """Draws one character; `angle` in degrees, clockwise on the screen, about the pen."""
    font = load_font(face, font_px)
    advance = font.getlength(char)
    left, top, right, bottom = font.getbbox(char, anchor="ls")
    if right <= left or bottom <= top:
        return None, 0.0, 0.0, advance
    core, _ = font.getmask2(char, mode="L", anchor="ls")
    mask = Image.frombytes("L", core.size, bytes(core))
    if angle:
        return (*rotate_mask(mask, left, top, angle), advance)
    return mask, left, top, advance


def rotate_mask(mask: Image.Image, left: float, top: float, angle: float) -> tuple[Image.Image, float, float]:
    """Turns a mask that lies at (left, top) about the origin; returns it with its new offset."""
    turned = mask.rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    x, y = left + mask.width / 2, top + mask.height / 2
    c, s = cos(radians(angle)), sin(radians(angle))
    return turned, x * c - y * s - turned.width / 2, x * s + y * c - turned.height / 2


_small_glyph = lru_cache(maxsize=40_000)(render_glyph)
_large_glyph = lru_cache(maxsize=500)(render_glyph)


def glyph(face: str, font_px: int, char: str, angle: float = 0.0) -> Glyph:
    """`render_glyph` behind a bounded cache; small glyphs are not turned, the pen's path is."""
    face = drawn_as(face)
    if font_px > CACHED_FONT_PX:
        return _large_glyph(face, font_px, char, angle)
    return _small_glyph(face, font_px, char, angle if font_px > 20 else 0.0)


def text_length(face: str, font_px: int, text: str) -> float:
    """Width in pixels of a line of text, without kerning."""
    return sum(glyph(face, font_px, char)[3] for char in text)
