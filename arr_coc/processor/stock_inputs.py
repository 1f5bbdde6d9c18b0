"""What the stock processor made, taken apart again: pictures, text ids and questions.

Shapes: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from arr_coc.hosts.encoding import Geometry, join_patches
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.questions import question_of_ids


@dataclass(frozen=True, eq=False)
class StockSample:
    """One row of a stock batch: ids without padding and with one placeholder per picture."""

    ids: list[int]
    pictures: list[Image.Image]
    question: str


def take_apart(inputs: Mapping[str, Tensor], host: TransformersHost) -> list[StockSample]:
    """The samples of `input_ids`, `attention_mask`, `pixel_values` and `image_grid_thw`, batch order kept.

    Raises:
        ValueError: videos, no `input_ids`, or placeholders that do not fit the grids.
    """
    if inputs.get("pixel_values_videos") is not None:
        raise ValueError("pixel_values_videos: videos are not supported; pass pictures only")
    if inputs.get("input_ids") is None:
        raise ValueError("input_ids: missing; pass what the stock processor returns")
    pictures = restore_pictures(inputs.get("pixel_values"), inputs.get("image_grid_thw"), host.geometry)
    sizes = [picture.width * picture.height // host.geometry.cell_px**2 for picture in pictures]
    mask = inputs.get("attention_mask")
    samples, taken = [], 0
    for row, padded in enumerate(inputs["input_ids"]):
        ids = (padded if mask is None else padded[mask[row].bool()]).tolist()
        narrow, count = narrow_placeholders(ids, host.image_token_id, sizes[taken:])
        question = question_of_ids(narrow, host)
        samples.append(StockSample(narrow, pictures[taken : taken + count], question))
        taken += count
    if taken != len(pictures):
        raise ValueError(f"image_grid_thw: {len(pictures)} pictures, but input_ids hold placeholders for {taken}")
    return samples


def narrow_placeholders(ids: list[int], image_token_id: int, sizes: list[int]) -> tuple[list[int], int]:
    """Replaces each picture's run of placeholders by one; returns the ids and the number of pictures."""
    narrow, count, place = [], 0, 0
    while place < len(ids):
        narrow.append(ids[place])
        if ids[place] != image_token_id:
            place += 1
            continue
        width = sizes[count] if count < len(sizes) else 0
        if width == 0 or ids[place : place + width] != [image_token_id] * width:
            raise ValueError("input_ids: image placeholders do not fit image_grid_thw; pass both as the processor made")
        place, count = place + width, count + 1
    return narrow, count


def restore_pictures(pixel_values: Tensor | None, grids: Tensor | None, geometry: Geometry) -> list[Image.Image]:
    """8-bit RGB pictures at the size the stock processor gave them."""
    if pixel_values is None or grids is None:
        return []
    lengths = grids.prod(-1).tolist()
    if any(frames != 1 for frames in grids[:, 0].tolist()) or sum(lengths) != len(pixel_values):
        raise ValueError(f"image_grid_thw: {grids.tolist()} does not describe {len(pixel_values)} rows of pixel_values")
    pictures = []
    for patches, (_, rows, cols) in zip(pixel_values.cpu().float().split(lengths), grids.tolist(), strict=True):
        grid = (rows // geometry.merge_size, cols // geometry.merge_size)
        pixels = (join_patches(patches, grid, geometry) * 255).round().clamp(0, 255)
        pictures.append(Image.fromarray(pixels.permute(1, 2, 0).numpy().astype(np.uint8)))
    return pictures
