"""Surfaces as a camera sees them, made of noise alone: wood, cloth, stone, plaster, brick, metal, leaves, sky."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageFilter

TILE = 1024
Rgb = tuple[int, int, int]
WOODS: tuple[Rgb, ...] = ((126, 84, 52), (92, 60, 38), (168, 128, 86), (196, 164, 124), (70, 50, 40), (146, 110, 78))
WALLS: tuple[Rgb, ...] = (
    (214, 206, 190), (190, 182, 172), (230, 224, 212), (176, 160, 138), (206, 186, 150), (150, 158, 162),
    (196, 140, 112), (226, 208, 170),
    (120, 130, 140), (170, 190, 180),
)  # fmt: skip
BRICKS: tuple[Rgb, ...] = (
    (148, 74, 56),
    (126, 62, 50),
    (172, 104, 76),
    (184, 150, 120),
    (110, 88, 80),
    (200, 190, 178),
)


@lru_cache(maxsize=8)
def cloud(seed: int, octaves: int = 5, coarse: int = 4) -> np.ndarray:
    """(TILE, TILE) float32 smooth noise of several sizes, mean 0, spread about 1; it tiles."""
    rng, total = np.random.default_rng(seed), np.zeros((TILE, TILE), np.float32)
    for octave in range(octaves):
        cells = coarse << octave
        small = rng.normal(size=(cells, cells)).astype(np.float32)
        wide = np.pad(small, 2, mode="wrap")
        step = TILE // cells
        image = Image.fromarray(wide).resize(((cells + 4) * step,) * 2, Image.Resampling.BICUBIC)
        total += np.asarray(image)[2 * step : 2 * step + TILE, 2 * step : 2 * step + TILE] / 1.7**octave
    return np.asarray(total / total.std())


@lru_cache(maxsize=2)
def grain() -> np.ndarray:
    """(TILE, TILE) float32 fine noise."""
    return np.random.default_rng(11).normal(size=(TILE, TILE)).astype(np.float32)


def piece(rng: Random, noise: np.ndarray, size: tuple[int, int], stretch: tuple[float, float] = (1, 1)) -> np.ndarray:
    """(height, width) of a noise tile from a random place, stretched."""
    width, height = max(2, round(size[0] / stretch[0])), max(2, round(size[1] / stretch[1]))
    x, y = rng.randrange(TILE), rng.randrange(TILE)
    rows, columns = (np.arange(height) + y) % TILE, (np.arange(width) + x) % TILE
    part = noise[rows[:, None], columns[None, :]]
    if (width, height) == size:
        return part
    return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC))


def shaded(base: Rgb, shade: np.ndarray, tint: Rgb = (255, 255, 255)) -> Image.Image:
    """A colour times (1 + shade)."""
    tables = np.array(base, np.float32) * np.array(tint, np.float32) / 255
    return Image.fromarray((tables * (1 + shade[..., None])).clip(0, 255).astype(np.uint8))


def wood(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Long grain with rings."""
    across = rng.random() < 0.5
    shape = size if across else (size[1], size[0])
    flow = piece(rng, cloud(3), shape, (6.0, 1.2))
    rings = np.sin((np.arange(shape[1])[:, None] / shape[1] * rng.uniform(14, 40)) + flow * rng.uniform(1.5, 3.5))
    fine = piece(rng, grain(), shape, (14.0, 1.0))
    image = shaded(rng.choice(WOODS), 0.1 * rings + 0.06 * fine + 0.05 * piece(rng, cloud(4), shape))
    return image if across else image.transpose(Image.Transpose.ROTATE_90).resize(size)


def planks(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Boards side by side, dark gaps between."""
    image, step = wood(rng, size), rng.randint(60, 170)
    shade = np.ones((size[1], size[0]), np.float32)
    for start in range(0, size[1], step):
        shade[start : start + step] *= rng.uniform(0.85, 1.08)
        shade[start : start + rng.randint(2, 4)] *= 0.45
    return ImageChops.multiply(image, Image.fromarray((shade * 230).clip(0, 255).astype(np.uint8)).convert("RGB"))


def cloth(rng: Random, size: tuple[int, int]) -> Image.Image:
    """A weave with folds."""
    y, x = np.mgrid[: size[1], : size[0]]
    weave = 0.05 * np.sin(x * rng.uniform(1.2, 2.4)) + 0.05 * np.sin(y * rng.uniform(1.2, 2.4))
    base = rng.choice(((60, 70, 96), (140, 40, 44), (210, 204, 190), (80, 96, 80), (40, 40, 46), (190, 170, 140)))
    return shaded(base, weave + 0.12 * piece(rng, cloud(5, 3, 2), size) + 0.04 * piece(rng, grain(), size))


def stone(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Speckled: a kitchen counter, concrete."""
    base = rng.choice(((176, 174, 170), (120, 118, 116), (206, 198, 188), (84, 86, 90), (226, 224, 222)))
    specks = piece(rng, grain(), size, (2.0, 2.0))
    return shaded(base, 0.07 * piece(rng, cloud(6), size) + rng.uniform(0.02, 0.1) * specks)


def plaster(rng: Random, size: tuple[int, int]) -> Image.Image:
    """A rendered or painted wall, streaked by rain."""
    streaks = piece(rng, cloud(7), size, (1.0, 7.0))
    return shaded(
        rng.choice(WALLS), 0.05 * piece(rng, cloud(8), size) + 0.035 * streaks + 0.035 * piece(rng, grain(), size)
    )


def bricks(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Courses of bricks in mortar."""
    tall = rng.randint(14, 34)
    wide = round(tall * rng.uniform(2.4, 3.4))
    base, joint = (
        np.array(rng.choice(BRICKS), np.float32),
        np.array(rng.choice(((200, 194, 184), (150, 144, 138), (110, 104, 100))), np.float32),
    )
    y, x = np.mgrid[: size[1], : size[0]]
    course = y // tall
    shifted = x + (course % 2) * (wide // 2)
    gap = max(1, tall // 9)
    mortar = (y % tall < gap) | (shifted % wide < gap)
    tones = np.random.default_rng(rng.randrange(1 << 30)).normal(1, 0.1, (course.max() + 1, size[0] // wide + 3))
    tone = tones[course, shifted // wide] + 0.09 * piece(rng, cloud(9), size) + 0.06 * piece(rng, grain(), size)
    colours = np.where(
        mortar[..., None], joint * (0.95 + 0.05 * piece(rng, grain(), size)[..., None]), base * tone[..., None]
    )
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(0.6))


def metal(rng: Random, size: tuple[int, int]) -> Image.Image:
    """A brushed or corrugated sheet."""
    base = rng.choice(((150, 154, 158), (90, 96, 104), (60, 74, 70), (130, 60, 52), (58, 84, 112)))
    x = np.arange(size[0])[None, :]
    waves = 0.16 * np.sin(x / rng.uniform(3, 9)) if rng.random() < 0.5 else 0.0
    return shaded(base, waves + 0.05 * piece(rng, grain(), size, (1.0, 20.0)) + 0.06 * piece(rng, cloud(10), size))


def tiles(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Glazed square tiles."""
    side, base = (
        rng.randint(36, 90),
        rng.choice(((226, 226, 222), (40, 70, 90), (30, 80, 70), (196, 180, 150), (80, 30, 34))),
    )
    y, x = np.mgrid[: size[1], : size[0]]
    tones = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 0.04, (size[1] // side + 1, size[0] // side + 1))
    joint = (x % side < 2) | (y % side < 2)
    shade = tones[y // side, x // side] + 0.1 * (1 - (y % side) / side) + 0.02 * piece(rng, grain(), size)
    return shaded(base, np.where(joint, -0.3, shade))


def leaves(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Hedges and trees out of focus."""
    depth = piece(rng, cloud(12, 6, 8), size)
    green = np.stack([60 + 26 * depth, 88 + 34 * depth, 40 + 18 * depth], axis=-1)
    return Image.fromarray(green.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 4)))


def sky(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Paler towards the horizon, with clouds or without."""
    top, low = (
        np.array(rng.choice(((86, 130, 190), (120, 150, 184), (150, 160, 170), (64, 96, 150)))),
        np.array((206, 216, 224)),
    )
    share = np.linspace(0, 1, size[1])[:, None, None]
    white = rng.choice((0.0, 1.0)) * piece(rng, cloud(13, 5, 4), size, (2.0, 1.0)).clip(0, 2)[..., None] * 24
    return Image.fromarray((top * (1 - share) + low * share + white).clip(0, 255).astype(np.uint8))


GROUNDS: tuple[Callable[[Random, tuple[int, int]], Image.Image], ...] = (
    wood,
    wood,
    cloth,
    stone,
    planks,
    stone,
    plaster,
)


def ground(rng: Random, size: tuple[int, int]) -> Image.Image:
    """What a page lies on, drawn at half size: it is out of focus anyway."""
    half = (max(16, size[0] // 2), max(16, size[1] // 2))
    return rng.choice(GROUNDS)(rng, half).resize(size, Image.Resampling.BILINEAR)
