"""Paper, light and camera: a sheet becomes a picture, and what lay on it is followed to where it now lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from arr_coc.data.drawing.backgrounds import add_noise, blurred, through_jpeg
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.records import Box, Glyphs, Question

MESH_PX = 96


@dataclass(frozen=True)
class Warp:
    """Where a sheet lies in the picture: q = s + d(q), then a homography of q.

    Attributes:
        forward: (3, 3) homography from the curled sheet to the picture.
        bend, period, phase: amplitude in pixels, and the wave along the height, of the displacement across;
            the second entries of each, down along the width.
    """

    forward: np.ndarray
    bend: tuple[float, float] = (0.0, 0.0)
    period: tuple[float, float] = (1.0, 1.0)
    phase: tuple[float, float] = (0.0, 0.0)

    def shift(self, points: np.ndarray) -> np.ndarray:
        across = self.bend[0] * np.sin(points[:, 1] / self.period[0] + self.phase[0])
        down = self.bend[1] * np.sin(points[:, 0] / self.period[1] + self.phase[1])
        return np.stack([across, down], axis=1)

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) points of the sheet in pixels of the picture."""
        curled = points
        for _ in range(4):
            curled = points + self.shift(curled)
        return projected(self.forward, curled)

    def to_sheet(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) points of the picture in pixels of the sheet; the inverse of `to_picture`."""
        curled = projected(np.linalg.inv(self.forward), points)
        return curled - self.shift(curled)


def projected(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    flat = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return np.asarray(flat[:, :2] / flat[:, 2:])


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) matrix that takes four points (4, 2) to four others."""
    rows = []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), target.reshape(-1)), 1.0).reshape(3, 3)


def corners_of(width: float, height: float) -> np.ndarray:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float)


def warped(sheet: Image.Image, warp: Warp, size: tuple[int, int]) -> Image.Image:
    """The sheet as it lies in a picture of `size`; outside of it, whatever."""
    columns, rows = -(-size[0] // MESH_PX), -(-size[1] // MESH_PX)
    xs, ys = np.linspace(0, size[0], columns + 1).round(), np.linspace(0, size[1], rows + 1).round()
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    source = warp.to_sheet(grid.reshape(-1, 2)).reshape(grid.shape)
    mesh = []
    for row in range(rows):
        for column in range(columns):
            box = (*grid[row, column], *grid[row + 1, column + 1])
            quad = [source[row + dy, column + dx].tolist() for dx, dy in ((0, 0), (0, 1), (1, 1), (1, 0))]
            mesh.append((tuple(int(edge) for edge in box), tuple(edge for point in quad for edge in point)))
    fill = 255 if sheet.mode == "L" else (255, 255, 255)
    return sheet.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=fill)


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture and what is known about it."""

    image: Image.Image
    questions: tuple[Question, ...]
    glyphs: Glyphs


def lay(sheet: Sheet, warp: Warp, size: tuple[int, int]) -> tuple[tuple[Question, ...], Glyphs]:
    """Questions and characters of a sheet where a warp puts them."""
    glyphs = sheet.glyphs()
    centres = warp.to_picture(glyphs.centres.astype(float))
    ends = warp.to_picture(glyphs.centres + np.array([0.0, 1.0]))
    heights = glyphs.heights * np.hypot(*(ends - centres).T)
    scale = float(np.median(heights / glyphs.heights)) if len(heights) else 1.0
    questions = []
    for question in sheet.questions:
        boxes = tuple(hull(warp, box, size) for box in question.boxes)
        if all(x1 - x0 > 1 and y1 - y0 > 1 for x0, y0, x1, y1 in boxes):
            questions.append(replace(question, boxes=boxes, glyph_px=question.glyph_px * scale))
    moved = replace(glyphs, centres=centres.astype(np.float32), heights=heights.astype(np.float32))
    return tuple(questions), moved


def hull(warp: Warp, box: Box, size: tuple[int, int]) -> Box:
    x0, y0, x1, y1 = box
    points = warp.to_picture(np.array([(x0 - 1, y0 - 1), (x1 + 1, y0 - 1), (x1 + 1, y1 + 1), (x0 - 1, y1 + 1)]))
    low, high = points.min(0).clip(0), points.max(0)
    return float(low[0]), float(low[1]), min(float(size[0]), float(high[0])), min(float(size[1]), float(high[1]))


def choose_warp(rng: Random, sheet: Image.Image, flat: bool) -> tuple[Warp, tuple[int, int], bool]:
    """How the sheet lies, how large the picture is, and whether anything of the background shows.

    A flat one was scanned: straight or a little askew on white. Another was photographed by hand.
    """
    width, height = sheet.size
    if flat:
        margin = rng.choice((0.0, 0.0, rng.uniform(0, 0.25)))
        right = width * (1 + rng.choice((0.0, margin, 2 * margin)))
        size = round(right), round(height * (1 + margin * rng.random() * 0.3))
        shift = np.array([(size[0] - width) * rng.random(), (size[1] - height) * rng.random()])
        tilt = rng.choice((0.0, rng.gauss(0, 0.006)))
        return Warp(homography(corners_of(width, height), turned(corners_of(width, height), tilt) + shift)), size, False
    border = rng.uniform(0.0, 0.09) * width
    size = round(width + 2 * border), round(height + 2 * border)
    jitter = np.array([[rng.gauss(0, 0.012) * width, rng.gauss(0, 0.008) * width] for _ in range(4)])
    target = turned(corners_of(width, height), rng.gauss(0, 0.02)) + jitter + border
    warp = Warp(
        homography(corners_of(width, height), target),
        bend=(rng.gauss(0, 0.006) * width, rng.gauss(0, 0.008) * width),
        period=(height / rng.uniform(2, 9), width / rng.uniform(1.5, 6)),
        phase=(rng.uniform(0, 6.3), rng.uniform(0, 6.3)),
    )
    return warp, size, True


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    centre = points.mean(0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((points - centre) @ turn.T + centre)


def worn(rng: Random, image: Image.Image) -> Image.Image:
    """What the printer did: bleeding or thin ink, pale bands, fading."""
    kind = rng.random()
    if kind < 0.15:
        soft = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.9)))
        image = soft.point(steeper(rng.uniform(1.0, 1.7)) * len(soft.getbands()))
    elif kind < 0.22:
        image = image.filter(ImageFilter.MinFilter(3)) if rng.random() < 0.5 else image.filter(ImageFilter.BoxBlur(1))
    if rng.random() < 0.25:
        image = ImageChops.lighter(
            image, soft_field(rng, image.size, 2, rng.randint(3, 14), 0, rng.randint(60, 150), image.mode)
        )
    if rng.random() < 0.12:
        image = ImageChops.lighter(image, bands(rng, image.size, image.mode))
    return image


def steeper(factor: float) -> list[int]:
    return [max(0, min(255, round(255 - (255 - value) * factor))) for value in range(256)]


def soft_field(
    rng: Random, size: tuple[int, int], columns: int, rows: int, low: int, high: int, mode: str = "L"
) -> Image.Image:
    """A smooth random field between two values."""
    small = Image.new("L", (columns, rows))
    small.putdata([rng.randint(low, high) for _ in range(columns * rows)])
    field = small.resize(size, Image.Resampling.BICUBIC)
    return field if mode == "L" else field.convert(mode)


def bands(rng: Random, size: tuple[int, int], mode: str) -> Image.Image:
    """Pale lines along the roll, where the print head was dirty."""
    row = Image.new("L", (size[0], 1), 0)
    for _ in range(rng.randint(1, 5)):
        x, width = rng.randrange(size[0]), rng.choice((1, 1, 2, 3, 6))
        row.paste(rng.randint(90, 230), (x, 0, x + width, 1))
    field = row.resize(size, Image.Resampling.NEAREST)
    return field if mode == "L" else field.convert(mode)


PAPERS = (
    (255, 255, 255),
    (252, 252, 250),
    (246, 243, 236),
    (240, 240, 244),
    (255, 250, 228),
    (236, 230, 214),
    (228, 228, 230),
)
INKS = ((10, 10, 12), (24, 24, 30), (40, 40, 48), (38, 34, 70), (60, 56, 60), (84, 80, 88))


def coloured(rng: Random, image: Image.Image, crisp: bool) -> Image.Image:
    """Grey print as ink on paper."""
    if image.mode == "RGB":
        return image
    paper, ink = ((255, 255, 255), (0, 0, 0)) if crisp else (rng.choice(PAPERS), rng.choice(INKS))
    tables = [[round(i + (p - i) * value / 255) for value in range(256)] for p, i in zip(paper, ink, strict=True)]
    return Image.merge("RGB", [image.point(table) for table in tables])


def creased(rng: Random, image: Image.Image) -> Image.Image:
    """Folds as bright and dark lines, with a shade to one side."""
    shade = Image.new("L", image.size, 255)
    pen = ImageDraw.Draw(shade)
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.6:
            y = rng.randrange(image.height)
            line = (0, y, image.width, y + rng.randint(-25, 25))
        else:
            x = rng.randrange(image.width)
            line = (x, 0, x + rng.randint(-40, 40), image.height)
        pen.line(line, fill=rng.randint(150, 225), width=rng.choice((1, 2, 3, 5)))
    shade = shade.filter(ImageFilter.BoxBlur(rng.choice((1, 2, 3))))
    return ImageChops.multiply(image, shade.convert("RGB"))


def photographed(rng: Random, sheet: Sheet, clean: float = 0.2, kept_well: float = 0.5) -> Shot:
    """The sheet printed, laid down and taken.

    Args:
        clean: share of pictures that never were paper: exact and without noise.
        kept_well: share of paper that is neither worn nor creased and was taken with care, as most real paper is
            (an OCR engine finds 97% on real receipts and 78% where all paper is worn; dev/LOG.md).
    """
    kind = rng.random()
    crisp, flat = kind < clean, kind < 0.6
    damaged = not crisp and rng.random() >= kept_well
    warp, size, framed = choose_warp(rng, sheet.image, flat)
    image = coloured(rng, worn(rng, sheet.image) if damaged else sheet.image, crisp)
    if damaged and rng.random() < 0.2:
        image = creased(rng, image)
    image = place(rng, image, warp, size, framed)
    questions, glyphs = lay(sheet, warp, size)
    if not crisp:
        image = lit(rng, image, strong=framed and damaged)
        image = exposed(rng, image) if damaged else scanned(rng, image)
    return Shot(image, questions, glyphs)


def place(rng: Random, image: Image.Image, warp: Warp, size: tuple[int, int], framed: bool) -> Image.Image:
    straight = (
        not any(warp.bend) and np.allclose(warp.forward[:2, :2], np.eye(2)) and np.allclose(warp.forward[2, :2], 0)
    )
    if straight:
        whole = Image.new("RGB", size, image.getpixel((0, 0)))  # type: ignore[arg-type]
        whole.paste(image, (round(warp.forward[0, 2]), round(warp.forward[1, 2])))
        return whole
    taken = warped(image, warp, size)
    edge = np.linspace(0, 1, 12)[:, None]
    corners = corners_of(*image.size)
    outline = np.concatenate([a + (b - a) * edge for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)])
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).polygon([tuple(point) for point in warp.to_picture(outline).tolist()], fill=255)
    ground = backing(rng, size) if framed else Image.new("RGB", size, (255, 255, 255))
    return Image.composite(taken, ground, mask)


def backing(rng: Random, size: tuple[int, int]) -> Image.Image:
    """A table, a cloth, a hand's colour: soft blobs, or grain along one way."""
    base = rng.choice(
        ((120, 84, 52), (60, 52, 48), (150, 148, 144), (210, 204, 196), (44, 60, 80), (92, 110, 84), (180, 140, 110))
    )
    ground = blurred(rng, (size[0] + size[0] % 2, size[1] + size[1] % 2), base, 30, rng.randint(2, 8)).resize(size)
    if rng.random() < 0.4:
        grain = Image.new("L", (1, size[1] // 3 + 1))
        grain.putdata([rng.randint(190, 255) for _ in range(grain.height)])
        ground = ImageChops.multiply(ground, grain.resize(size, Image.Resampling.BILINEAR).convert("RGB"))
    return ground


def lit(rng: Random, image: Image.Image, strong: bool) -> Image.Image:
    """Uneven light, and a shadow over part of it."""
    if rng.random() < (0.85 if strong else 0.3):
        low = rng.randint(130, 235) if strong else rng.randint(215, 245)
        image = ImageChops.multiply(image, soft_field(rng, image.size, 3, 4, low, 255, "RGB"))
    return image


def scanned(rng: Random, image: Image.Image) -> Image.Image:
    """A steady hand or a scanner: a little blur, a little exposure, one compression that keeps print."""
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.6)))
    if rng.random() < 0.3:
        gain, lift = rng.uniform(0.9, 1.1), rng.uniform(-6, 20)
        image = image.point([max(0, min(255, round(value * gain + lift))) for value in range(256)] * 3)
    return through_jpeg(image, rng.randint(70, 95)) if rng.random() < 0.7 else image


def exposed(rng: Random, image: Image.Image) -> Image.Image:
    """Lens, sensor, file: blur, a smaller copy, exposure, grain, compression once or twice."""
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.2:
        factor, full = rng.uniform(0.65, 0.95), image.size
        small = image.resize((round(full[0] * factor), round(full[1] * factor)), Image.Resampling.BILINEAR)
        image = small.resize(full, rng.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)))
    if rng.random() < 0.5:
        gain, lift = rng.uniform(0.75, 1.15), rng.uniform(-12, 35)
        image = image.point([max(0, min(255, round(value * gain + lift))) for value in range(256)] * 3)
    if rng.random() < 0.45:
        image = add_noise(rng, image)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        image = through_jpeg(image, rng.randint(30, 92))
    return image
