"""What can be done to a picture without changing its answers: blur, JPEG, noise, turning, inverting, shouting text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from math import cos, radians, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from arr_coc.data.drawing.fonts import font_size, load_font
from arr_coc.data.records import Box
from arr_coc.data.tasks import Sample

BLUR_RADIUS, JPEG_QUALITY, NOISE, MAX_TURN = 1.2, 10, 24.0, 5.0
SHOUT, SHOUT_FACE, SHOUT_COLOURS = "LOOK HERE", "sans-bold", ((255, 0, 160), (255, 60, 0), (0, 200, 255))
SHOUT_TRIES = 200
PATCH_SHARE, PATCH_TRIES, GAP_SHARE = 0.15, 12, 0.15
"""Side of a patch of grain as a share of the picture's, how many are tried, and the room they leave to evidence."""

Transform = Callable[[Sample, Random], Sample]


def blur(sample: Sample, rng: Random) -> Sample:
    return replace(sample, image=sample.image.filter(ImageFilter.GaussianBlur(BLUR_RADIUS)))


def jpeg10(sample: Sample, rng: Random) -> Sample:
    buffer = BytesIO()
    sample.image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    image = Image.open(buffer)
    image.load()
    return replace(sample, image=image)


def noise(sample: Sample, rng: Random) -> Sample:
    pixels = np.asarray(sample.image, dtype=np.float32)
    noisy = pixels + np.random.default_rng(rng.randrange(2**32)).normal(0, NOISE, pixels.shape)
    return replace(sample, image=Image.fromarray(noisy.clip(0, 255).astype(np.uint8)))


def inverted(sample: Sample, rng: Random) -> Sample:
    """Only for questions that do not ask for colours; see `ANSWERABLE`."""
    return replace(sample, image=ImageOps.invert(sample.image))


def rotation(sample: Sample, rng: Random) -> Sample:
    """Turned about the centre; the frame grows and is filled with grey, evidence boxes become their hulls."""
    angle = rng.choice((-1, 1)) * rng.uniform(2.0, MAX_TURN)
    image = sample.image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(128, 128, 128))
    boxes = sample.boxes and tuple(turned(box, angle, sample.image.size, image.size) for box in sample.boxes)
    return replace(sample, image=image, boxes=boxes)


def turned(box: Box, angle: float, before: tuple[int, int], after: tuple[int, int]) -> Box:
    """Hull of a box after a turn by `angle` degrees counter-clockwise about the centre."""
    c, s = cos(radians(angle)), sin(radians(angle))
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[0], box[3]), (box[2], box[3])):
        dx, dy = x - before[0] / 2, y - before[1] / 2
        xs.append(c * dx + s * dy + after[0] / 2)
        ys.append(-s * dx + c * dy + after[1] / 2)
    return max(0.0, min(xs)), max(0.0, min(ys)), min(float(after[0]), max(xs)), min(float(after[1]), max(ys))


def adversarial(sample: Sample, rng: Random) -> Sample:
    """Salient text away from all evidence, as large as fits; unchanged where there is no room."""
    image = sample.image.copy()
    width, height = image.size
    for attempt in range(SHOUT_TRIES):
        cap = max(10, round(min(width, height) * 0.09 * (1 - attempt / SHOUT_TRIES)))
        font = load_font(SHOUT_FACE, font_size(SHOUT_FACE, cap))
        left, top, right, bottom = font.getbbox(SHOUT)
        if right - left >= width or bottom - top >= height:
            continue
        x, y = rng.uniform(0, width - (right - left)), rng.uniform(0, height - (bottom - top))
        area = (x, y, x + right - left, y + bottom - top)
        if all(apart(area, box) for box in sample.boxes or ()):
            pen = ImageDraw.Draw(image)
            pen.rectangle(area, fill=(255, 255, 0))
            pen.text((x - left, y - top), SHOUT, fill=rng.choice(SHOUT_COLOURS), font=font)
            return replace(sample, image=image)
    return sample


def textured(sample: Sample, rng: Random) -> Sample:
    """Patches of coarse grain, the most detail there can be, wherever no evidence is; all that they hide is noise."""
    image = sample.image.copy()
    width, height = image.size
    side = round(min(width, height) * PATCH_SHARE)
    grain = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (height, width, 1), dtype=np.uint8)
    noise = Image.fromarray(grain.repeat(3, axis=2))
    for _ in range(PATCH_TRIES):
        x, y = rng.randrange(width - side), rng.randrange(height - side)
        area = (x, y, x + side, y + side)
        if all(apart(area, box, GAP_SHARE * side) for box in sample.boxes or ()):
            image.paste(noise.crop(area), (x, y))
    return replace(sample, image=image)


def apart(a: Box, b: Box, gap: float = 4.0) -> bool:
    return a[2] + gap < b[0] or b[2] + gap < a[0] or a[3] + gap < b[1] or b[3] + gap < a[1]


TRANSFORMS: dict[str, Transform] = {
    "blur": blur,
    "jpeg10": jpeg10,
    "noise": noise,
    "rotation": rotation,
    "inverted": inverted,
    "adversarial": adversarial,
}
COLOURED = ("colour", "bar_colour", "line_colour")


def is_answerable(sample: Sample, transform: str) -> bool:
    """Whether the answer survives: inverting changes colours, and a shout hides what has no marked evidence."""
    if transform == "inverted":
        return not any(word in sample.question.lower() for word in COLOUR_WORDS) and sample.kind not in COLOURED
    return transform != "adversarial" or bool(sample.boxes)


COLOUR_WORDS = (
    "colour", "red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "grey", "black", "white",
)  # fmt: skip
