"""The whole picture at one size: what a plain resize gives."""

from __future__ import annotations

import torch

from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.evaluation.policies.policy import Given
from arr_coc.evaluation.recall import levels_of_resize
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.processor.plain_inputs import pixel_limits


def give_whole(host: TransformersHost, sample: Sample, max_tokens: int) -> Given:
    """The whole picture at one size, by the host's own resize rule."""
    size = host.stock_size(*sample.image.size, pixel_limits(host, *sample.image.size, max_tokens))
    cols, rows = (side // host.geometry.cell_px for side in size)
    index = torch.arange(rows * cols)
    with torch.no_grad():
        features = host.encode_whole(sample.image, size)
    positions = torch.stack([index // cols, index % cols], dim=1)
    shown = levels_of_resize((rows, cols), full_grid(host, sample.image.size))
    return Given(ImageBlock(positions, max(rows, cols)), features, (len(index),), shown)
