"""Greedy maximisation of coverage, a submodular function (Nemhauser et al. 1978); SCOPE and MMTok share it.

Shapes: U things to cover, N tokens, D width, T words.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cosines(rows: Tensor, columns: Tensor) -> Tensor:
    """(U, N) float32 cosine similarities of vectors (U, D) and (N, D)."""
    return F.normalize(rows.float(), dim=-1) @ F.normalize(columns.float(), dim=-1).T


def best_covering(similarity: Tensor, num_kept: int, weights: Tensor | None = None) -> Tensor:
    """(K,) int64 tokens in raster order, K = min(num_kept, N), chosen one by one.

    Coverage of a set S is the sum over u of max(0, max of similarity[u, v] over v in S). Each step takes the token
    with the largest weights[v] * (gain in coverage by v). The gains are kept up to date by what changes: only rows
    that the new token covers better than before are read again.

    Args:
        similarity: (U, N).
        weights: (N,) not negative; None weighs all alike.
    """
    num_tokens = similarity.shape[1]
    weights = similarity.new_ones(num_tokens) if weights is None else weights.to(similarity)
    covered = similarity.new_zeros(len(similarity))
    gains = similarity.clamp(min=0).sum(0)
    chosen = torch.zeros(num_tokens, dtype=torch.bool, device=similarity.device)
    for _ in range(min(num_kept, num_tokens)):
        token = (gains * weights).masked_fill(chosen, -torch.inf).argmax()
        chosen[token] = True
        raised = (similarity[:, token] > covered).nonzero()[:, 0]
        before, after = covered[raised, None], similarity[raised, token][:, None]
        gains = gains - (similarity[raised].clamp(before, after) - before).sum(0)
        covered[raised] = after[:, 0]
    return chosen.nonzero()[:, 0]
