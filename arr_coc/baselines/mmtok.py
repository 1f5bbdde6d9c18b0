"""MMTok (Dong et al. 2025, "Multimodal Coverage Maximization", arXiv 2508.18264).

The kept tokens are to cover the words of the question and the whole picture at once:
f(S) = mean over words of max over S + `share` * mean over tokens of max over S. Both similarities are first
sharpened by a softmax over the tokens, so that a word asks for few tokens rather than a little for all.
The paper reads words and tokens in CLIP's common space; a host has no text tower of that kind, so here words are
rows of the host's own embedding table and tokens the merged features, which live in the same space.

Shapes: N tokens, T words, D width, K kept.
"""

from __future__ import annotations

import torch
from torch import Tensor

from arr_coc.baselines.coverage import best_covering, cosines

WORD_TEMPERATURE = 0.02
TOKEN_TEMPERATURE = 0.2
TOKEN_SHARE = 0.5


def mmtok(features: Tensor, words: Tensor, num_kept: int, share: float = TOKEN_SHARE) -> Tensor:
    """(K,) int64 in raster order, K = min(num_kept, N).

    Args:
        features: (N, D).
        words: (T, D) embeddings of the question's tokens.
        share: weight of covering the picture beside covering the question.
    """
    return best_covering(weighted_similarity(features, words, share), num_kept)


def weighted_similarity(features: Tensor, words: Tensor, share: float) -> Tensor:
    """(T + N, N): rows to cover, scaled so that the sum of their maxima is f(S)."""
    of_words = (cosines(words, features) / WORD_TEMPERATURE).softmax(-1) / max(len(words), 1)
    of_tokens = (cosines(features, features) / TOKEN_TEMPERATURE).softmax(-1) * (share / len(features))
    return torch.cat([of_words, of_tokens])
