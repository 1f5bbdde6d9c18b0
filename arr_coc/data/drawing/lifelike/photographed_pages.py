"""Pages that lie on something and are taken: like `photography`, with a true ground, the page's own shadow, stains."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from arr_coc.data.drawing.lifelike.photography import (
    Shot,
    Warp,
    choose_warp,
    corners_of,
    creased,
    exposed,
    lay,
    lit,
    scanned,
    warped,
    worn,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.textures import ground


def photographed_page(
    rng: Random, sheet: Sheet, clean: float = 0.3, flat_share: float = 0.3, kept_well: float = 0.65
) -> Shot:
    """The page as a file, as a scan, or photographed where it lies.

    Args:
        clean: share that never was paper.
        flat_share: share that was scanned.
        kept_well: share of paper that is neither worn nor creased.
    """
    kind = rng.random()
    crisp, flat = kind < clean, kind < clean + flat_share
    damaged = not crisp and rng.random() >= kept_well
    image = worn(rng, sheet.image) if damaged else sheet.image
    if damaged and rng.random() < 0.5:
        image = creased(rng, image)
    if damaged and rng.random() < 0.15:
        image = stained(rng, image)
    warp, size, framed = choose_warp(rng, sheet.image, flat)
    image = lying(rng, image, warp, size) if framed else scanned_flat(image, warp, size)
    questions, glyphs = lay(sheet, warp, size)
    if not crisp:
        image = lit(rng, image, strong=framed and rng.random() < 0.6)
        image = toned(rng, image) if framed else image
        image = exposed(rng, image) if damaged else scanned(rng, image)
    return Shot(image, questions, glyphs)


def scanned_flat(image: Image.Image, warp: Warp, size: tuple[int, int]) -> Image.Image:
    """The page on the white of a scanner's lid; one that is a file and straight stays exact."""
    if np.allclose(warp.forward[:2, :2], np.eye(2)) and np.allclose(warp.forward[2, :2], 0):
        whole = Image.new("RGB", size, (255, 255, 255))
        whole.paste(image, (round(warp.forward[0, 2]), round(warp.forward[1, 2])))
        return whole
    return warped(image, warp, size)


def lying(rng: Random, image: Image.Image, warp: Warp, size: tuple[int, int]) -> Image.Image:
    """The page on its ground with a soft shadow along its edges."""
    taken = warped(image, warp, size)
    edge = np.linspace(0, 1, 12)[:, None]
    corners = corners_of(image.width - 3, image.height - 3) + 1.5
    outline = np.concatenate([a + (b - a) * edge for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)])
    points = [tuple(point) for point in warp.to_picture(outline).tolist()]
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    below = ground(rng, size)
    quarter = (max(1, size[0] // 4), max(1, size[1] // 4))
    shadow = (
        mask.resize(quarter)
        .filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 4)))
        .resize(size, Image.Resampling.BILINEAR)
    )
    shadow = ImageChops.offset(shadow, rng.randint(-6, 9), rng.randint(0, 10))
    strength = rng.uniform(0.3, 0.65)
    below = Image.composite(below.point([round(value * (1 - strength)) for value in range(256)] * 3), below, shadow)
    return Image.composite(taken, below, mask)


def toned(rng: Random, image: Image.Image) -> Image.Image:
    """The colour of the light: warm lamps, cool shade."""
    warmth = rng.gauss(0, 0.05)
    gains = (1 + warmth, 1 + rng.gauss(0, 0.01), 1 - warmth)
    level = rng.uniform(0.86, 1.02)
    return image.point([min(255, round(value * gain * level)) for gain in gains for value in range(256)])


def stained(rng: Random, image: Image.Image) -> Image.Image:
    """The ring of a cup, or a drop."""
    shade = Image.new("RGB", image.size, (255, 255, 255))
    pen, radius = ImageDraw.Draw(shade), rng.uniform(0.06, 0.14) * image.width
    x, y = rng.uniform(0, image.width), rng.uniform(0, image.height)
    colour = (rng.randint(200, 235), rng.randint(180, 215), rng.randint(140, 180))
    box = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse(box, outline=colour, width=max(2, round(radius * 0.09))) if rng.random() < 0.7 else pen.ellipse(
        box, fill=colour
    )
    return ImageChops.multiply(image, shade.filter(ImageFilter.BoxBlur(2)))
