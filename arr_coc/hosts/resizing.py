"""From a picture to pixels as a host's image processor has them, without the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from arr_coc.pictures.modes import to_rgb
from arr_coc.records import Pyramid
from arr_coc.texture import build_pyramid

REDUCING_GAP = 2.0


@dataclass(frozen=True)
class Resizing:
    """The part of an image processor that decides about pixels.

    Attributes:
        resample: Pillow's number of the filter.
        rescale_factor: of 8-bit values, to 0..1.
        cell_px: side of a cell in pixels.
    """

    resample: int
    rescale_factor: float
    cell_px: int

    def resize(self, image: Image.Image, size: tuple[int, int], reducing_gap: float | None = None) -> Tensor:
        """(3, H, W) float32 in 0..1 of any picture at (width, height)."""
        resized = np.asarray(to_rgb(image).resize(size, self.resample, reducing_gap=reducing_gap))
        return shares_of(torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1))), self.rescale_factor)

    def pyramid(self, image: Image.Image, size: tuple[int, int]) -> Pyramid:
        """The pyramid whose level 0 is the picture at (width, height)."""
        return build_pyramid(self.resize(image, size, REDUCING_GAP), self.cell_px)

    def picture(self, pixels: Tensor) -> Image.Image:
        """The 8-bit picture of what `resize` gave: resizing it to its own size gives the same pixels again."""
        values = (pixels / self.rescale_factor).round().to(torch.uint8)
        return Image.fromarray(values.permute(1, 2, 0).contiguous().numpy())


def shares_of(values: Tensor, rescale_factor: float) -> Tensor:
    """8-bit values to float32 in 0..1. By division: of 1/255 the product is off by the last bit in half of them."""
    return values.float().div_(1 / rescale_factor)
