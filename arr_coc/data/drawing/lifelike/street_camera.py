"""A camera in the street: sun and shade, dusk, a moving hand, a small file."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from arr_coc.data.drawing.backgrounds import add_noise, through_jpeg
from arr_coc.data.drawing.lifelike.photographed_pages import toned
from arr_coc.data.drawing.lifelike.photography import Shot, Warp, corners_of, homography, lay, lit, warped
from arr_coc.data.drawing.lifelike.sheet import Sheet


def seen_in_the_street(rng: Random, scene: Sheet) -> Shot:
    """The scene from a point of view of its own, in one light, through one camera."""
    width, height = scene.image.size
    inset = np.array([(rng.uniform(0, 0.05) * width, rng.uniform(0, 0.05) * height) for _ in range(4)])
    source = corners_of(width, height) + inset * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    warp = Warp(homography(source, corners_of(width, height)))
    image = warped(scene.image, warp, (width, height))
    questions, glyphs = lay(scene, warp, (width, height))
    hour = rng.random()
    image = lit(rng, image, strong=hour < 0.25)
    if 0.25 < hour < 0.5:
        image = in_shade(rng, image)
    image = at_dusk(rng, image) if hour > 0.88 else toned(rng, image)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    elif rng.random() < 0.2:
        image = moved(rng, image)
    if rng.random() < 0.6:
        image = add_noise(rng, image)
    return Shot(through_jpeg(image, rng.randint(45, 93)), questions, glyphs)


def in_shade(rng: Random, image: Image.Image) -> Image.Image:
    """The edge of a shadow across the picture."""
    width, height = image.size
    shade = Image.new("L", (width // 2, height // 2), 255)
    x = rng.uniform(-0.2, 1.0) * width / 2
    lean, wide = rng.uniform(-0.4, 0.4) * width / 2, rng.uniform(0.3, 0.9) * width / 2
    ImageDraw.Draw(shade).polygon(
        [(x, 0), (x + wide, 0), (x + wide + lean, height // 2), (x + lean, height // 2)], fill=rng.randint(110, 180)
    )
    soft = shade.filter(ImageFilter.GaussianBlur(rng.uniform(1, 6))).resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, soft.convert("RGB"))


def at_dusk(rng: Random, image: Image.Image) -> Image.Image:
    """Dark, warm, grainy."""
    level = rng.uniform(0.4, 0.65)
    gains = (level * 1.1, level, level * 0.85)
    return add_noise(rng, image.point([min(255, round(value * gain)) for gain in gains for value in range(256)]))


def moved(rng: Random, image: Image.Image) -> Image.Image:
    """A hand that moved across, by two or three pixels."""
    weights = [0.0] * 25
    for k in range(5):
        weights[10 + k if rng.random() < 0.8 else 2 + 5 * k] += 1
    total = sum(weights)
    return image.filter(ImageFilter.Kernel((5, 5), [weight / total for weight in weights]))
