"""What lies behind the content: paper, desks, photo-like blurs; and the noise over everything."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageChops

from arr_coc.data.drawing.canvas import Canvas
from arr_coc.data.drawing.colours import INKS, PALETTE, PAPERS, VIVID, Colour, jitter, named
from arr_coc.data.records import Box

TILE_PX = 512
NOISE_STRENGTHS = (2.0, 4.0, 7.0)
MAX_JPEG_PIXELS = 1 << 21


@dataclass(frozen=True)
class Page:
    """A sheet of paper: its frame in layout pixels, the name of its colour, what lies around it."""

    frame: Box
    paper: str
    colour: Colour
    ink: Colour
    desk: str | None

    @property
    def colours(self) -> tuple[str, ...]:
        """Names of the colours that stand out from the paper."""
        return tuple(name for name in VIVID if name != self.paper)

    @property
    def width(self) -> float:
        return self.frame[2] - self.frame[0]

    @property
    def height(self) -> float:
        return self.frame[3] - self.frame[1]


@lru_cache(maxsize=len(NOISE_STRENGTHS))
def noise_tile(strength: float) -> Image.Image:
    """An RGB tile of grey noise around 128; the same in every process."""
    noise = np.random.default_rng(round(strength * 10)).normal(128, strength, (TILE_PX, TILE_PX))
    return Image.fromarray(noise.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def add_noise(rng: Random, image: Image.Image) -> Image.Image:
    """The picture with grain over it."""
    tile = noise_tile(rng.choice(NOISE_STRENGTHS))
    sheet = Image.new("RGB", image.size)
    left, top = rng.randrange(TILE_PX), rng.randrange(TILE_PX)
    for x in range(-left, image.width, TILE_PX):
        for y in range(-top, image.height, TILE_PX):
            sheet.paste(tile, (x, y))
    return ImageChops.add(image, sheet, 1, -128)


def through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """The picture after lossy compression."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def weathered(rng: Random, image: Image.Image) -> Image.Image:
    """Noise on most pictures, compression on some."""
    if rng.random() < 0.6:
        image = add_noise(rng, image)
    if rng.random() < 0.25 and image.width * image.height <= MAX_JPEG_PIXELS:
        image = through_jpeg(image, rng.randint(45, 85))
    return image


def blurred(rng: Random, size: tuple[int, int], base: Colour, spread: int, cells: int) -> Image.Image:
    """Soft blobs around a colour: a few random pixels, blown up smoothly to half the size, then doubled."""
    small = Image.new("RGB", (cells, cells))
    small.putdata([jitter(rng, base, spread) for _ in range(cells * cells)])
    soft = small.resize((cells * 6, cells * 6), Image.Resampling.BICUBIC)
    half = soft.resize((size[0] // 2, size[1] // 2), Image.Resampling.BILINEAR)
    return half.resize(size, Image.Resampling.NEAREST)


def cover(canvas: Canvas, image: Image.Image) -> None:
    """Replaces everything on the canvas; call it before anything is drawn."""
    canvas.image.paste(image)


def backdrop(rng: Random, canvas: Canvas, plain: bool, choices: tuple[str, ...]) -> str | None:
    """Fills a scene's background; returns the colour's name, None where it has no one name."""
    name = rng.choice(choices)
    if plain:
        canvas.image.paste(named(rng, name), (0, 0, *canvas.image.size))
        return name
    style = rng.random()
    if style < 0.5:
        canvas.image.paste(named(rng, name), (0, 0, *canvas.image.size))
    elif style < 0.85:
        cover(canvas, blurred(rng, canvas.image.size, PALETTE[name], 16, rng.randint(2, 6)))
    else:
        cover(canvas, blurred(rng, canvas.image.size, (170, 170, 160), 46, rng.randint(3, 7)))
        return None
    return name


def inset_frame(rng: Random, canvas: Canvas, margin: float, aspects: tuple[float, float]) -> Box:
    """A frame inside the canvas, width / height within `aspects`, somewhere along the longer side."""
    width, height = canvas.width - 2 * margin, canvas.height - 2 * margin
    aspect = min(max(width / height, aspects[0]), aspects[1])
    w, h = min(width, height * aspect), min(height, width / aspect)
    x = margin + rng.random() * (width - w)
    y = margin + rng.random() * (height - h)
    return x, y, x + w, y + h


def lay_page(rng: Random, canvas: Canvas, plain: bool, aspects: tuple[float, float] = (0.1, 10.0)) -> Page:
    """Puts a sheet of paper on the canvas: all of the picture, or lying on a desk with a margin."""
    paper = "white" if plain or rng.random() < 0.5 else rng.choice(tuple(PAPERS))
    colour = PAPERS[paper] if plain else jitter(rng, PAPERS[paper], 3)
    ink = INKS[0] if plain else rng.choice(INKS)
    side = min(canvas.width, canvas.height)
    aspect = canvas.width / canvas.height
    fits = aspects[0] <= aspect <= aspects[1]
    if fits and (plain or rng.random() < 0.6):
        return Page(fill_sheet(rng, canvas, colour, plain), paper, colour, ink, None)
    desk = lay_desk(rng, canvas, plain)
    frame = inset_frame(rng, canvas, side * (0.01 if plain else rng.uniform(0.03, 0.05)), aspects)
    canvas.rect(frame, colour, (120, 120, 120), 1)
    return Page(frame, paper, colour, ink, desk)


def fill_sheet(rng: Random, canvas: Canvas, colour: Colour, plain: bool) -> Box:
    """Paper over the whole picture; returns the frame that a turned page may use."""
    canvas.image.paste(colour, (0, 0, *canvas.image.size))
    if not plain and rng.random() < 0.4:
        cover(canvas, blurred(rng, canvas.image.size, colour, 7, 3))
    inset = 0.0 if not canvas.angle else 0.035 * min(canvas.width, canvas.height)
    return inset, inset, canvas.width - inset, canvas.height - inset


def lay_desk(rng: Random, canvas: Canvas, plain: bool) -> str | None:
    """What the page lies on; returns its colour's name where it has one."""
    if plain or rng.random() < 0.6:
        name = rng.choice(VIVID)
        if plain:
            canvas.image.paste(PALETTE[name], (0, 0, *canvas.image.size))
        else:
            cover(canvas, blurred(rng, canvas.image.size, PALETTE[name], 14, rng.randint(2, 6)))
        return name
    base = rng.choice(((150, 120, 90), (110, 110, 120), (190, 180, 165), (90, 100, 90)))
    cover(canvas, blurred(rng, canvas.image.size, base, 44, rng.randint(4, 8)))
    return None


def rule_page(rng: Random, canvas: Canvas, page: Page) -> None:
    """Faint lines or a grid on the paper."""
    x0, y0, x1, y1 = page.frame
    r, g, b = page.colour
    faint = (r - 22, g - 16, b - 8)
    pitch = rng.uniform(18, 30)
    for k in range(1, int((y1 - y0) / pitch)):
        canvas.line([(x0, y0 + k * pitch), (x1, y0 + k * pitch)], faint)
    if rng.random() < 0.5:
        for k in range(1, int((x1 - x0) / pitch)):
            canvas.line([(x0 + k * pitch, y0), (x0 + k * pitch, y1)], faint)
