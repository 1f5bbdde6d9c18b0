"""Every n-th token: the control that every selection rule has to beat (no source; needs nothing).

Shapes: N tokens, K kept.
"""

from __future__ import annotations

import torch
from torch import Tensor


def uniform(num_tokens: int, num_kept: int) -> Tensor:
    """(K,) int64, K = min(num_kept, num_tokens): the middle of each of K equal stretches, floor((i + 1/2) N / K)."""
    count = min(num_kept, num_tokens)
    return (2 * torch.arange(count) + 1) * num_tokens // (2 * max(count, 1))
