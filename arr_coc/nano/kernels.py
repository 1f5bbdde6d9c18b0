"""The host's own arithmetic, in the order in which a CPU does it fastest; the results are the same.

Fused attention is up to eight times slower than plain products in bfloat16 on a CPU, forward and backward, and so is a
convolution whose stride is its kernel against one product (dev/LOG.md).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface


def plain_products(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention of queries (B, heads, T, d), all in their dtype; an `AttentionInterface` named "plain_products"."""
    groups = getattr(module, "num_key_value_groups", 1)
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = (query * scaling) @ key.transpose(2, 3)
    if attention_mask is not None:
        scores = scores + attention_mask.to(scores.dtype)
    return (scores.softmax(-1) @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register("plain_products", plain_products)


class PatchProducts(nn.Module):
    """A patch embedding's convolution as one product of rows of pixels (R, C); the parameters are the same."""

    def __init__(self, proj: nn.Conv3d) -> None:
        super().__init__()
        self.proj = proj

    def forward(self, pixels: Tensor) -> Tensor:
        return F.linear(pixels.to(self.proj.weight.dtype), self.proj.weight.flatten(1), self.proj.bias)
