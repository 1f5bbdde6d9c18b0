"""What the model can see: the picture made again from the pixels of its visual tokens."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from arr_coc.records import Realization


def draw_seen(
    realization: Realization, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC
) -> Image.Image:
    """The picture as its leaves show it: every leaf's own pixels, enlarged to its place.

    Args:
        size: (width, height) of the result.
        resample: NEAREST leaves the pixels of a leaf to be seen one by one.
    """
    pyramid, leaves = realization.pyramid, realization.allocation.leaves
    canvas = Image.new("RGB", size)
    for level in sorted(set(leaves[:, 0].tolist()), reverse=True):
        enlarged = to_image(pyramid.levels[level]).resize(size, resample)
        canvas.paste(enlarged, mask=mask_of(leaves[leaves[:, 0] == level, 1:], pyramid.grid(level), size))
    return canvas


def mask_of(cells: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """White where one of the cells (N, 2) of a level's grid lies, black elsewhere."""
    mask = torch.zeros(grid, dtype=torch.uint8)
    mask[cells[:, 0], cells[:, 1]] = 255
    return Image.fromarray(mask.numpy()).resize(size, Image.Resampling.NEAREST)


def to_image(pixels: Tensor) -> Image.Image:
    """RGB of (3, H, W) in 0..1."""
    return Image.fromarray((pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
