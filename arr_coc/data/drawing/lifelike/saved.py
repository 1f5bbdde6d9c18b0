"""How a picture that never was paper reaches its reader: as it is, resized, compressed, or taken off a screen."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageFilter

from arr_coc.data.drawing.backgrounds import through_jpeg
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page, toned
from arr_coc.data.drawing.lifelike.photography import (
    Shot,
    Warp,
    choose_warp,
    corners_of,
    exposed,
    homography,
    lay,
    lit,
    warped,
)
from arr_coc.data.drawing.lifelike.sheet import Sheet


def saved(rng: Random, sheet: Sheet) -> Shot:
    """A file: exact, or resized a little, or compressed once or twice."""
    image, factor = sheet.image, 1.0
    if rng.random() < 0.35:
        factor = rng.uniform(0.8, 1.35)
        size = max(64, round(image.width * factor)), max(64, round(image.height * factor))
        image = image.resize(
            size, rng.choice((Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS))
        )
    warp = Warp(homography(corners_of(*sheet.image.size), corners_of(*image.size)))
    questions, glyphs = lay(sheet, warp, image.size)
    if rng.random() < 0.5:
        for _ in range(rng.choice((1, 1, 2))):
            image = through_jpeg(image, rng.randint(40, 95))
    return Shot(image, questions, glyphs)


def saved_or_printed(rng: Random, sheet: Sheet) -> Shot:
    """Mostly a file, sometimes a print that was scanned or photographed."""
    return (
        saved(rng, sheet)
        if rng.random() < 0.78
        else photographed_page(rng, sheet, clean=0.0, flat_share=0.5, kept_well=0.75)
    )


def saved_or_off_screen(rng: Random, sheet: Sheet) -> Shot:
    """Mostly a file, sometimes photographed off a monitor or a projector's wall."""
    return saved(rng, sheet) if rng.random() < 0.75 else off_screen(rng, sheet)


def off_screen(rng: Random, sheet: Sheet) -> Shot:
    """A screen taken by hand: its pixels' grid beats with the camera's, black around, a glare."""
    warp, size, _ = choose_warp(rng, sheet.image, flat=False)
    flat = Warp(warp.forward)
    taken = warped(sheet.image, flat, size)
    around = Image.new("RGB", size, rng.choice(((12, 12, 14), (30, 30, 34), (96, 92, 86), (6, 6, 8))))
    outline = flat.to_picture(corners_of(sheet.width - 3, sheet.height - 3) + 1.5)
    image = Image.composite(taken, around, Image.fromarray(within(outline, size)))
    image = beating(rng, image)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))
    questions, glyphs = lay(sheet, flat, size)
    image = toned(rng, lit(rng, image, strong=rng.random() < 0.4))
    return Shot(
        exposed(rng, image) if rng.random() < 0.4 else through_jpeg(image, rng.randint(60, 92)), questions, glyphs
    )


def within(outline: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(height, width) uint8, 255 inside a convex outline (4, 2)."""
    y, x = np.mgrid[: size[1], : size[0]]
    inside = np.ones((size[1], size[0]), bool)
    for (x0, y0), (x1, y1) in zip(outline.tolist(), np.roll(outline, -1, 0).tolist(), strict=True):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    return inside.astype(np.uint8) * 255


def beating(rng: Random, image: Image.Image) -> Image.Image:
    """Moire: faint coloured waves."""
    height, width = image.height, image.width
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, period = rng.uniform(0, 3.14), rng.uniform(2.2, 9)
    bent = x * np.cos(angle) + y * np.sin(angle) + 6 * np.sin(y / rng.uniform(60, 200))
    strength = rng.uniform(0.01, 0.05)
    waves = [strength * np.sin(bent * 6.283 / (period * (1 + 0.03 * k)) + k) for k in range(3)]
    pixels = np.asarray(image, np.float32) * (1 + np.stack(waves, axis=-1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
