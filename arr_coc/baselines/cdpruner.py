"""CDPruner (Zhang et al. 2025, "Beyond Attention or Similarity", arXiv 2506.10967).

A determinantal point process over the tokens, conditioned on the question: L = diag(r) S diag(r) with S the cosine
similarity of the features and r the relevance to the question, scaled to 0..1. The set kept is the greedy maximum
of log det L_S. The paper takes the relevance from CLIP's text tower; a host has none, so here it is the mean
cosine of a merged feature to the question's rows of the host's own embedding table.

Shapes: N tokens, D width, T words, K kept.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.baselines.coverage import cosines

RIDGE = 1e-3
"""Added to the diagonal of S, whose rank is at most D: once it is used up, relevance decides."""


def cdpruner(features: Tensor, words: Tensor, num_kept: int) -> Tensor:
    """(K,) int64 in raster order, K = min(num_kept, N).

    Args:
        features: (N, D).
        words: (T, D) embeddings of the question's tokens.
    """
    relevance = scale(cosines(words, features).mean(0))
    return best_determinant(features, relevance, num_kept)


def scale(scores: Tensor) -> Tensor:
    """(N,) to 0..1 over this picture's tokens alone; equal scores become 1."""
    low, high = scores.min(), scores.max()
    return torch.where(high > low, (scores - low) / (high - low).clamp(min=1e-12), torch.ones_like(scores))


def best_determinant(features: Tensor, relevance: Tensor, num_kept: int) -> Tensor:
    """(K,) int64 in raster order: greedy MAP of the process by a growing Cholesky factor (Chen et al. 2018).

    `variance` is what is left of each token's diagonal entry given the kept ones, so the factor by which the
    determinant grows; only the rows of L that belong to kept tokens are ever made.
    """
    scaled = F.normalize(features.float(), dim=-1) * relevance[:, None]
    ridge = RIDGE * relevance.square()
    variance = scaled.square().sum(-1) + ridge
    count = min(num_kept, len(scaled))
    factor = scaled.new_zeros(count, len(scaled))
    chosen = torch.zeros(len(scaled), dtype=torch.bool, device=scaled.device)
    for step in range(count):
        token = variance.masked_fill(chosen, -torch.inf).argmax()
        chosen[token] = True
        row = scaled @ scaled[token] - factor[:step, token] @ factor[:step]
        row[token] += ridge[token]
        factor[step] = row / variance[token].clamp(min=1e-12).sqrt()
        variance = (variance - factor[step].square()).clamp(min=0)
    return chosen.nonzero()[:, 0]
