"""What stands on printed papers beside words: bar codes, square codes, logos, stamps, signatures."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from arr_coc.data.drawing.lifelike.lettering import Print, letter
from arr_coc.data.drawing.lifelike.typefaces import choices
from arr_coc.data.drawing.lifelike.writer import Writer
from arr_coc.data.records import Box

Rgb = tuple[int, int, int]
ACCENTS: tuple[Rgb, ...] = (
    (22, 58, 112), (12, 96, 150), (150, 26, 34), (20, 108, 72), (214, 98, 20), (70, 44, 110), (40, 44, 52),
    (0, 122, 135),
    (120, 80, 30), (190, 30, 90), (88, 110, 34), (52, 73, 94), (200, 150, 12),
)  # fmt: skip
TINTED_PAPERS: tuple[Rgb, ...] = (
    (255, 255, 255), (255, 255, 255), (255, 255, 255), (253, 252, 248), (247, 244, 236), (244, 246, 250),
    (255, 250, 226),
    (252, 238, 238), (234, 244, 234), (236, 240, 250),
)  # fmt: skip
STAMPS = (
    "PAID",
    "RECEIVED",
    "COPY",
    "APPROVED",
    "URGENT",
    "FINAL NOTICE",
    "CANCELLED",
    "ORIGINAL",
    "OVERDUE",
    "CHECKED",
    "ENTERED",
)


def lighter(colour: Rgb, share: float) -> Rgb:
    """Mixed with white."""
    r, g, b = (round(part + (255 - part) * share) for part in colour)
    return r, g, b


def darker(colour: Rgb, share: float) -> Rgb:
    r, g, b = (round(part * (1 - share)) for part in colour)
    return r, g, b


def bar_code(writer: Writer, box: Box, ink: Rgb = (0, 0, 0)) -> None:
    """Upright bars of one to four modules."""
    rng, (x0, y0, x1, y1) = writer.rng, box
    module = max(1, round((x1 - x0) / 110))
    x = round(x0)
    while x < x1 - module:
        width = module * rng.choice((1, 1, 2, 3))
        writer.pen.rectangle((x, y0, min(x + width - 1, x1), y1), fill=ink)
        x += width + module * rng.choice((1, 1, 2, 3))


def square_code(writer: Writer, x: float, y: float, side: float) -> None:
    """Looks like a QR code; says nothing."""
    rng, modules = np.random.default_rng(writer.rng.randrange(1 << 30)), writer.rng.choice((25, 29, 33))
    grid = (rng.random((modules, modules)) < 0.5).astype(np.uint8) * 255
    for row, column in ((0, 0), (0, modules - 7), (modules - 7, 0)):
        grid[max(0, row - 1) : row + 8, max(0, column - 1) : column + 8] = 255
        grid[row : row + 7, column : column + 7] = 0
        grid[row + 1 : row + 6, column + 1 : column + 6] = 255
        grid[row + 2 : row + 5, column + 2 : column + 5] = 0
    size = max(modules, round(side / modules) * modules)
    code = Image.fromarray(grid).resize((size, size), Image.Resampling.NEAREST).convert("RGB")
    writer.sheet.image.paste(code, (round(x), round(y)))


def logo(writer: Writer, x: float, y: float, side: float, colour: Rgb) -> None:
    """A simple mark: ring, leaf, bars, hexagon, initial in a disc."""
    pen, rng, kind = writer.pen, writer.rng, writer.rng.randrange(6)
    box, middle = (x, y, x + side, y + side), (x + side / 2, y + side / 2)
    second = lighter(colour, rng.uniform(0.3, 0.6))
    if kind == 0:
        pen.ellipse(box, outline=colour, width=max(2, round(side * 0.16)))
        pen.pieslice(box, rng.randint(0, 360), rng.randint(361, 520), fill=second)
    elif kind == 1:
        pen.chord(box, 40, 260, fill=colour)
        pen.chord(box, 220, 440, fill=second)
    elif kind == 2:
        for k in range(4):
            left, top = x + side * k / 4, y + side * rng.uniform(0, 0.7)
            pen.rectangle((left, top, left + side * 0.17, y + side), fill=(colour, second)[k % 2])
    elif kind == 3:
        points = [(middle[0] + side / 2 * cos(k * pi / 3), middle[1] + side / 2 * sin(k * pi / 3)) for k in range(6)]
        pen.polygon(points, fill=colour)
        pen.ellipse((x + side * 0.3, y + side * 0.3, x + side * 0.7, y + side * 0.7), fill=second)
    elif kind == 4:
        pen.polygon([(x, y + side), (middle[0], y), (x + side, y + side)], fill=colour)
        pen.polygon(
            [(x + side * 0.4, y + side), (x + side * 0.75, y + side * 0.4), (x + side * 1.15, y + side)], fill=second
        )
    else:
        pen.rounded_rectangle(box, side * 0.2, fill=colour)
        pen.ellipse(
            (x + side * 0.22, y + side * 0.22, x + side * 0.78, y + side * 0.78),
            outline=(255, 255, 255),
            width=max(2, int(side * 0.09)),
        )


def stamped(
    writer: Writer, text: str, middle: tuple[float, float], cap: float, angle: float, colour: Rgb, unseen: bool
) -> Box:
    """A rubber stamp over the print, askew, its ink uneven; the box around it."""
    rng = writer.rng
    face = rng.choice(choices("display", unseen) if rng.random() < 0.5 else choices("narrow", unseen))
    line = letter(text, Print(face, cap, damage=rng.uniform(0.1, 0.3)), rng)
    assert line is not None
    margin = round(cap * 0.7)
    patch = Image.new("L", (line.mask.width + 2 * margin, line.mask.height + 2 * margin))
    patch.paste(line.mask, (margin, margin))
    if rng.random() < 0.75:
        frame = (2, 2, patch.width - 3, patch.height - 3)
        ImageDraw.Draw(patch).rounded_rectangle(
            frame, cap * rng.choice((0, 0.3)), outline=255, width=max(2, round(cap / 8))
        )
    turned = patch.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    strength = rng.uniform(0.55, 0.9)
    mask = turned.point([round(value * strength) for value in range(256)])
    at = round(middle[0] - turned.width / 2), round(middle[1] - turned.height / 2)
    writer.sheet.image.paste(colour, at, mask)
    x0, y0 = max(0.0, float(at[0])), max(0.0, float(at[1]))
    return (
        x0,
        y0,
        min(writer.sheet.width - 1.0, at[0] + turned.width),
        min(writer.sheet.height - 1.0, at[1] + turned.height),
    )


def signature(writer: Writer, x: float, y: float, width: float, colour: Rgb = (30, 40, 120)) -> None:
    """A scribble that is no letter."""
    rng = writer.rng
    steps, rise = 60, width * rng.uniform(0.06, 0.14)
    phases = [rng.uniform(0, 2 * pi) for _ in range(4)]
    turns = [rng.uniform(1, 3), rng.uniform(4, 8), rng.uniform(8, 13), rng.uniform(3, 6)]
    points = []
    for k in range(steps):
        t = k / steps
        dy = sin(turns[0] * t * 2 * pi + phases[0]) + 0.6 * sin(turns[1] * t * 2 * pi + phases[1])
        dx = 0.09 * sin(turns[2] * t * 2 * pi + phases[2]) + 0.05 * sin(turns[3] * t * 2 * pi + phases[3])
        points.append((x + width * (t * 0.9 + dx), y + rise * dy * (1 - 0.6 * t)))
    writer.pen.line(points, fill=colour, width=rng.choice((1, 2, 2)), joint="curve")


def paper_choice(rng: Random) -> tuple[Rgb, Rgb]:
    """Paper and ink of a page."""
    return rng.choice(TINTED_PAPERS), rng.choice(((12, 12, 14), (26, 26, 30), (40, 42, 50), (20, 24, 52), (52, 50, 54)))
