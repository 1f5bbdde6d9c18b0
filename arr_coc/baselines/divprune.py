"""DivPrune (Alvar et al. 2025, "Diversity-based Visual Token Pruning", arXiv 2503.02175).

Greedy max-min diversity: each step takes the token farthest from its nearest kept one, by cosine distance.

Shapes: N tokens, D width, K kept.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1024


def divprune(features: Tensor, num_kept: int) -> Tensor:
    """(K,) int64 in raster order, K = min(num_kept, N); starts with the token whose nearest other is farthest.

    Args:
        features: (N, D).
    """
    unit = F.normalize(features.float(), dim=-1)
    distance = distance_to_nearest(unit)
    chosen = torch.zeros(len(unit), dtype=torch.bool, device=unit.device)
    for step in range(min(num_kept, len(unit))):
        token = distance.masked_fill(chosen, -torch.inf).argmax()
        chosen[token] = True
        to_token = 1 - unit @ unit[token]
        distance = to_token if step == 0 else torch.minimum(distance, to_token)
    return chosen.nonzero()[:, 0]


def distance_to_nearest(unit: Tensor) -> Tensor:
    """(N,) cosine distance of each of the unit vectors (N, D) to its nearest other."""
    nearest = []
    for start in range(0, len(unit), CHUNK):
        similarity = unit[start : start + CHUNK] @ unit.T
        similarity.diagonal(offset=start).fill_(-torch.inf)
        nearest.append(1 - similarity.amax(-1))
    return torch.cat(nearest)
