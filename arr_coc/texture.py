"""Pixels to a Pyramid: the picture at every level, and what each of its cells looks like.

Shapes: C channels, H height and W width in pixels, R rows and K columns of cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.records import Pyramid

MAX_GLIMPSE_CELLS = 64
HISTOGRAM_BINS = 32
BAND_PIXELS = 2**17

CHANNELS = (
    "red",  # 0..1, mean of the sRGB values
    "green",  # 0..1
    "blue",  # 0..1
    "lightness",  # L*, 0..100
    "green_red",  # a*, about -86..98, negative is green
    "blue_yellow",  # b*, about -108..95, negative is blue
    "sobel_x",  # -0.5..0.5 luma per pixel, signed mean, positive where it brightens to the right
    "sobel_y",  # -0.5..0.5 luma per pixel, signed mean, positive where it brightens downwards
    "sobel_magnitude",  # 0..0.71 luma per pixel, mean length of the gradient
    "entropy",  # 0..5 bits, of the 32-bin luma histogram of the cell
    "row",  # 0..1, of the cell's centre, 0 is the top of the picture
    "column",  # 0..1, of the cell's centre, 0 is the left
    "eccentricity",  # 0..1, pixel distance of the cell's centre to the picture's, in half diagonals
)

CHANNEL_SCALES = (1.0, 1.0, 1.0, 100.0, 60.0, 60.0, 0.2, 0.2, 0.3, 5.0, 1.0, 1.0, 1.0)  # brings each to about -1..1
NUM_LOOKS = 10  # channels that say how a cell looks; the rest say where it is

LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, applied to the gamma-coded values
RGB_TO_XYZ = (  # IEC 61966-2-1 (sRGB), each row divided by the D65 white of that row
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)


def round_grid(rows: int, cols: int) -> tuple[int, int, int]:
    """Rounds a grid of native cells so that it halves evenly down to a glimpse.

    Returns (rows, cols, L): rows and cols rounded to the nearest multiple of 2^L (half up, at least
    2^L), L the smallest for which the coarsest level has at most 64 cells. L = 0 leaves the grid as
    it is. Rounding a rounded grid changes nothing.

    Raises:
        ValueError: a side without cells.
    """
    if min(rows, cols) < 1:
        raise ValueError(f"grid must be at least 1x1 cells, got {rows}x{cols}")

    def rounded(num_cells: int, level: int) -> int:
        step = 1 << level
        return max(1, (2 * num_cells + step) // (2 * step)) * step

    level = next(i for i in count() if rounded(rows, i) * rounded(cols, i) <= MAX_GLIMPSE_CELLS << 2 * i)
    rows, cols = rounded(rows, level), rounded(cols, level)
    return rows, cols, next(i for i in count() if rows * cols <= MAX_GLIMPSE_CELLS << 2 * i)


def build_pyramid(pixels: Tensor, cell_px: int) -> Pyramid:
    """All levels of a picture and their textures; levels above 0 by antialiased bicubic from level 0.

    Args:
        pixels: (3, H, W) float32 in 0..1 at the native size.
        cell_px: side of a cell in pixels.

    Raises:
        ValueError: H or W is not what `round_grid` allows.
    """
    assert pixels.ndim == 3 and pixels.shape[0] == 3 and pixels.dtype == torch.float32, (pixels.shape, pixels.dtype)
    height, width = pixels.shape[1:]
    rows, cols, num_levels = round_grid(max(1, height // cell_px), max(1, width // cell_px))
    if (rows * cell_px, cols * cell_px) != (height, width):
        raise ValueError(
            f"pixels must be {rows * cell_px}x{cols * cell_px} for cells of {cell_px} px, got {height}x{width}"
        )
    levels = (pixels, *(downsample(pixels, 1 << level) for level in range(1, num_levels + 1)))
    textures = Textures(levels, cell_px, {level: texture(levels[level], cell_px) for level in range(1, len(levels))})
    return Pyramid(levels, textures, cell_px)


class Textures(Sequence[Tensor]):
    """Of every level; those that are not known are measured when they are asked for.

    Level 0 is three quarters of the work, and only who chooses a budget by the picture looks at it.
    """

    def __init__(self, levels: Sequence[Tensor], cell_px: int, known: dict[int, Tensor]) -> None:
        self.levels, self.cell_px, self.known = levels, cell_px, known

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, level: int) -> Tensor:  # type: ignore[override]
        level = range(len(self))[level]
        if level not in self.known:
            self.known[level] = texture(self.levels[level], self.cell_px)
        return self.known[level]


def downsample(image: Tensor, factor: int) -> Tensor:
    """(C, H, W) to (C, H / factor, W / factor), antialiased bicubic, clamped to 0..1."""
    size = (image.shape[1] // factor, image.shape[2] // factor)
    return F.interpolate(image[None], size=size, mode="bicubic", antialias=True)[0].clamp_(0, 1)


def texture(image: Tensor, cell_px: int) -> Tensor:
    """The 13 `CHANNELS` of every cell of one level, (3, H, W) in 0..1 to (13, R, K).

    Works in bands of whole cells, so that a large picture stays in the processor's cache.
    """
    height, width = image.shape[1:]
    band_px = cell_px * max(1, BAND_PIXELS // (cell_px * width))
    bands = [measure_band(image, top, min(top + band_px, height), cell_px) for top in range(0, height, band_px)]
    colour, edges, entropy = (torch.cat(parts, dim=1) for parts in zip(*bands, strict=True))
    where = position(height // cell_px, width // cell_px, image.device)
    return torch.cat([colour, to_lab(colour), edges, entropy, where])


def measure_band(image: Tensor, top: int, bottom: int, cell_px: int) -> tuple[Tensor, Tensor, Tensor]:
    """Colour (3, R, K), edges (3, R, K) and entropy (1, R, K) of the pixel rows top..bottom."""
    height = image.shape[1]
    above, below = max(top - 1, 0), min(bottom + 1, height)
    luma = to_luma(image[:, above:below])
    padding = (1, 1, int(above == top), int(below == bottom))
    edges = sobel(F.pad(luma[None], padding, mode="replicate")[0])
    inner = luma[top - above : bottom - above]
    return cell_mean(image[:, top:bottom], cell_px), cell_mean(edges, cell_px), cell_entropy(inner, cell_px)


def to_luma(image: Tensor) -> Tensor:
    """(3, H, W) to (H, W), BT.709 luma in 0..1."""
    return (image.new_tensor(LUMA) @ image.flatten(1)).view(image.shape[1:])


def sobel(luma: Tensor) -> Tensor:
    """(H+2, W+2) padded luma to (3, H, W): gradient in x, in y and its length, luma per pixel."""
    down = luma[:-2] + luma[2:] + 2 * luma[1:-1]
    across = luma[:, :-2] + luma[:, 2:] + 2 * luma[:, 1:-1]
    gx = (down[:, 2:] - down[:, :-2]) / 8
    gy = (across[2:] - across[:-2]) / 8
    return torch.stack([gx, gy, (gx * gx + gy * gy).sqrt_()])


def cell_mean(planes: Tensor, cell_px: int) -> Tensor:
    """(C, H, W) to (C, R, K)."""
    return F.avg_pool2d(planes[None], cell_px)[0]


def cell_entropy(luma: Tensor, cell_px: int) -> Tensor:
    """(H, W) luma to (1, R, K): Shannon entropy in bits of each cell's 32-bin histogram."""
    rows, cols = luma.shape[0] // cell_px, luma.shape[1] // cell_px
    bins = (luma * HISTOGRAM_BINS).to(torch.int32).clamp_(0, HISTOGRAM_BINS - 1).view(rows, cell_px, cols, cell_px)
    cells = torch.arange(rows * cols, dtype=torch.int32, device=luma.device).view(rows, 1, cols, 1)
    counts = torch.bincount((cells * HISTOGRAM_BINS + bins).flatten(), minlength=rows * cols * HISTOGRAM_BINS)
    share = counts.view(1, rows, cols, HISTOGRAM_BINS) / cell_px**2
    bits: Tensor = torch.special.entr(share).sum(-1) / log(2)
    return bits


def to_lab(colour: Tensor) -> Tensor:
    """CIE L*a*b* (D65) of sRGB colours, (3, R, K) to (3, R, K).

    Of a cell's mean sRGB colour, not the mean of its pixels' colours, which costs two powers a pixel.
    """
    linear = torch.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,jrk->irk", colour.new_tensor(RGB_TO_XYZ), linear)
    x, y, z = torch.where(xyz > (6 / 29) ** 3, xyz ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def position(rows: int, cols: int, device: torch.device) -> Tensor:
    """(3, R, K): row, column and eccentricity of each cell's centre."""
    row = (torch.arange(rows, dtype=torch.float32, device=device) + 0.5) / rows
    col = (torch.arange(cols, dtype=torch.float32, device=device) + 0.5) / cols
    distance = torch.hypot((row[:, None] - 0.5) * rows, (col[None] - 0.5) * cols)
    eccentricity = distance / (0.5 * (rows**2 + cols**2) ** 0.5)
    return torch.stack([row[:, None].expand(rows, cols), col[None].expand(rows, cols), eccentricity])
