"""SCOPE (Deng et al. 2025, "Saliency-Coverage Oriented Token Pruning", arXiv 2510.24214).

Each step takes the token with the largest product of saliency and gain in coverage, where a set covers a token as
well as its most similar member does. Saliency alone keeps many near copies of one object, coverage alone keeps what
nobody looks at.

Shapes: N tokens, D width, K kept.
"""

from __future__ import annotations

from torch import Tensor

from arr_coc.baselines.coverage import best_covering, cosines


def scope(features: Tensor, saliency: Tensor, num_kept: int, power: float = 1.0) -> Tensor:
    """(K,) int64 in raster order, K = min(num_kept, N).

    Args:
        features: (N, D); coverage is by their cosine similarity, opposite features cover nothing.
        saliency: (N,) attention received in the encoder, not negative.
        power: of the saliency in the product; 0 leaves coverage alone.
    """
    return best_covering(cosines(features, features), num_kept, saliency.float() ** power)
