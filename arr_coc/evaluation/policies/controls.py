"""Controls: what a reviewer holds ARR-COC against besides a plain resize and the pruners of papers.

blind: how much the questions give away. glimpse-crop: the rule of ViCrop, from which our own score comes: the whole
picture small, and one crop where the question looks. attention-pruning: the same attention, used the usual way: encode
everything, keep what is looked at most.

Shapes: (R, C) rows and columns of the glimpse, N cells.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from arr_coc.data.tasks import Sample
from arr_coc.evaluation.flops import num_text_tokens, prefill_flops
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.evaluation.policies.policy import Gazing, Given, Policy
from arr_coc.evaluation.policies.resizing import give_whole
from arr_coc.evaluation.recall import levels_of_leaves, levels_of_tokens
from arr_coc.hosts.attention import last_read
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.records import MIN_BUDGET, Allocation, Gaze, Pyramid, View

GREY = (128, 128, 128)
CROP_SIDES = (0.25, 0.375, 0.5)
"""Sides of the crop, as shares of the picture's, that are tried (ViCrop tries several and takes the most distinct)."""

Box = tuple[float, float, float, float]
NEEDS = frozenset({"pixels", "question", "encoder features", "language attention"})


def give_blind(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """A grey picture of the same shape: what is right now was known from the question."""
    grey = replace(sample, image=Image.new("RGB", sample.image.size, GREY))
    given = give_whole(host, grey, MIN_BUDGET)
    return replace(given, shown=levels_of_tokens(torch.zeros(0, 2, dtype=torch.long), given.shown.shape))


def give_glimpse_crop(host: TransformersHost, gaze: Gaze, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Half of the budget for the whole picture, half for one crop of it, as a second picture of the prompt."""
    whole = give_whole(host, sample, budget // 2)
    relevance, flops = glimpse_attention(host, gaze, sample, pyramid)
    box = most_distinct_window(relevance)
    width, height = sample.image.size
    edges = (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
    crop = give_whole(host, replace(sample, image=sample.image.crop(edges)), budget - whole.num_tokens)
    whole = give_whole(host, sample, budget - crop.num_tokens)  # sizes come in steps: what the crop leaves is not lost
    return replace(
        whole,
        more=((crop.block, crop.features),),
        segments=(len(pyramid.cells(pyramid.coarsest)), *whole.segments, *crop.segments),
        shown=with_crop(whole.shown, crop, box, full_grid(host, sample.image.size)),
        selection_flops=flops,
    )


def give_attention_pruning(host: TransformersHost, gaze: Gaze, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """All of level 0 encoded, of which the cells that the question looks at most are kept."""
    cells = pyramid.cells(0)
    with torch.no_grad():
        [features] = host.encode([pyramid], [cells])
        [looks] = host.attend([View(pyramid, cells, features, sample.question)], gaze)
    index = looks.mean.cpu().topk(min(budget, len(cells))).indices.sort().values
    block = ImageBlock(cells[index, 1:], max(pyramid.grid()))
    finest = levels_of_leaves(Allocation(cells, pyramid.grid()), full_grid(host, sample.image.size))
    kept = levels_of_tokens(block.positions, pyramid.grid())
    layers = range(last_read(gaze, host.text_config) + 1)
    return Given(
        block,
        features[index.to(features.merged.device)],
        (len(cells),),
        np.maximum(kept, finest),
        selection_flops=prefill_flops(host, len(cells) + num_text_tokens(host, sample.question), layers),
    )


def glimpse_attention(host: TransformersHost, gaze: Gaze, sample: Sample, pyramid: Pyramid) -> tuple[Tensor, float]:
    """(R, C) attention of the question in the glimpse, and the operations of reading it."""
    cells = pyramid.cells(pyramid.coarsest)
    with torch.no_grad():
        [features] = host.encode([pyramid], [cells])
        [looks] = host.attend([View(pyramid, cells, features, sample.question)], gaze)
    layers = range(last_read(gaze, host.text_config) + 1)
    flops = prefill_flops(host, len(cells) + num_text_tokens(host, sample.question), layers)
    return looks.mean.cpu().exp().reshape(pyramid.grid(pyramid.coarsest)), flops


def most_distinct_window(relevance: Tensor) -> Box:
    """x0, y0, x1, y1 in fractions: of the best windows of each size the one that stands out most."""
    rows, cols = relevance.shape
    found = []
    for side in CROP_SIDES:
        height, width = max(1, ceil(side * rows)), max(1, ceil(side * cols))
        sums = F.avg_pool2d(relevance[None, None].float(), (height, width), stride=1, divisor_override=1)[0, 0]
        row, col = divmod(int(sums.argmax()), sums.shape[1])
        box = (col / cols, row / rows, (col + width) / cols, (row + height) / rows)
        found.append((float(sums.max() - sums.mean()), box))
    return max(found)[1]


def with_crop(shown: np.ndarray, crop: Given, box: Box, full: tuple[int, int]) -> np.ndarray:
    """Levels with those of the crop where it lies: finer than the whole by as much as it was enlarged."""
    rows, cols = crop.block.positions.max(0).values.add(1).tolist()
    factor = max((box[3] - box[1]) * full[0] / rows, (box[2] - box[0]) * full[1] / cols, 1.0)
    levels = shown.copy()
    top, left = ceil(box[1] * full[0]), ceil(box[0] * full[1])
    bottom, right = int(box[3] * full[0]), int(box[2] * full[1])
    levels[top:bottom, left:right] = np.minimum(levels[top:bottom, left:right], np.log2(factor))
    return levels


CONTROLS = (
    Policy("blind", give_blind, "a grey picture: what the questions give away", frozenset(), has_budget=False),
    Policy(
        "glimpse-crop",
        Gazing(give_glimpse_crop),
        "half the tokens for the whole picture, half for one crop where the question looks",
        NEEDS,
        source="arXiv 2502.17422",
    ),
    Policy(
        "attention-pruning",
        Gazing(give_attention_pruning),
        "everything encoded, then the cells that the question looks at most",
        NEEDS,
    ),
)
