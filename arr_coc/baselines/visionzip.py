"""VisionZip (Yang et al. 2024, "Longer is Better but Not Necessary", arXiv 2412.04467).

Most of the budget goes to the tokens that receive most attention in the encoder. Of the others every n-th is an
anchor; the rest joins the anchor with the most similar key, and each anchor becomes the mean of its group.

Shapes: N tokens, A anchors, D width, S DeepStack planes, K kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

from arr_coc.baselines.coverage import cosines
from arr_coc.baselines.uniform import uniform
from arr_coc.records import CellFeatures

CONTEXTUAL_SHARE = 10 / 64


def visionzip(
    features: CellFeatures, attention: Tensor, keys: Tensor, num_kept: int, share: float = CONTEXTUAL_SHARE
) -> tuple[Tensor, CellFeatures]:
    """Exactly K = min(num_kept, N) tokens: their rows (K,) in raster order, an anchor's for its group, and features.

    Args:
        features: of N tokens; DeepStack planes are merged as the tokens are.
        attention: (N,) received in the encoder.
        keys: (N, D) of the same block, by which the others find their anchor.
        share: of the budget that goes to anchors.
    """
    num_tokens = len(attention)
    if num_kept >= num_tokens:
        return torch.arange(num_tokens, device=attention.device), features
    num_anchors = min(round(share * num_kept), num_kept)
    dominant = attention.argsort(descending=True, stable=True)[: num_kept - num_anchors]
    is_left = torch.ones(num_tokens, dtype=torch.bool, device=attention.device).index_fill(0, dominant, False)
    left = is_left.nonzero()[:, 0]
    anchors = left[uniform(len(left), num_anchors).to(left.device)]
    group = torch.arange(num_tokens, device=attention.device)
    if num_anchors:
        group[left] = anchors[cosines(keys[left], keys[anchors]).argmax(-1)]
        group[anchors] = anchors
    index = torch.cat([dominant, anchors]).sort().values
    merged = mean_of_groups(features.merged, group)[index]
    planes = [mean_of_groups(plane, group)[index] for plane in features.deepstack]
    return index, CellFeatures(merged, torch.stack(planes) if planes else features.deepstack[:, index])


def mean_of_groups(rows: Tensor, group: Tensor) -> Tensor:
    """(N, D): row g is the mean of all rows (N, D) whose group is g; a group of one keeps its row to the bit."""
    total = torch.zeros_like(rows, dtype=torch.float32).index_add_(0, group, rows.float())
    size = torch.bincount(group, minlength=len(rows)).clamp(min=1)
    return (total / size[:, None]).to(rows.dtype)
