"""Whole pictures at full resolution, encoded once for all policies that start from one.

Shapes: N cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image

from arr_coc.baselines.encoder_attention import Received, encode_and_read
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.encoding import Segment
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import CellFeatures


@dataclass(frozen=True, eq=False)
class Whole:
    """A picture encoded whole, at the size of the host's own resize rule.

    Attributes:
        grid: rows and columns of cells.
        features: of the N cells in raster order.
        received: attention they received in the encoder, None where it was not asked for.
    """

    grid: tuple[int, int]
    features: CellFeatures
    received: Received | None

    @property
    def num_cells(self) -> int:
        return self.grid[0] * self.grid[1]


class WholePictures(RememberingHost):
    """A remembering host that also remembers the last picture that it encoded whole, by identity."""

    def __init__(self, host: TransformersHost, num_pictures: int = 2, num_questions: int = 64) -> None:
        super().__init__(host, num_pictures, num_questions)
        self._last: tuple[Image.Image, Whole] | None = None

    def whole(self, image: Image.Image, with_attention: bool) -> Whole:
        if self._last is not None and self._last[0] is image and (self._last[1].received or not with_attention):
            return self._last[1]
        self._last = image, encode_whole(self, image, with_attention)
        return self._last[1]


def whole_picture(host: TransformersHost, image: Image.Image, with_attention: bool = False) -> Whole:
    """Encoded now, or remembered where the host does; equal either way."""
    if isinstance(host, WholePictures):
        return host.whole(image, with_attention)
    return encode_whole(host, image, with_attention)


def full_grid(host: TransformersHost, size: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) of cells of a picture of (width, height) pixels at the host's full resolution."""
    width, height = host.stock_size(*size)
    return height // host.geometry.cell_px, width // host.geometry.cell_px


def whole_segment(host: TransformersHost, image: Image.Image) -> tuple[Segment, tuple[int, int]]:
    """All cells of a picture at full resolution, and its grid (rows, columns)."""
    rows, cols = full_grid(host, image.size)
    size = cols * host.geometry.cell_px, rows * host.geometry.cell_px
    return Segment(host.resize(image, size), torch.arange(rows * cols)), (rows, cols)


def encode_whole(host: TransformersHost, image: Image.Image, with_attention: bool) -> Whole:
    segment, grid = whole_segment(host, image)
    with torch.no_grad():
        if with_attention:
            return Whole(grid, *encode_and_read(host, [segment])[0])
        return Whole(grid, host.encode_segments([segment])[0], None)
