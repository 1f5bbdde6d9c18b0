"""Quality adapter: leaf features of mixed levels to features that the language model is used to.

Shapes: K leaves, D width of the host's features, W width of the adapter, P prototypes, A attention heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import log2, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arr_coc.quoting import quoted
from arr_coc.records import MAX_BUDGET, MIN_BUDGET

Adapter = Callable[[Tensor, Tensor, int], Tensor]
"""Features (K, D) of cells of some levels (K,) in a picture of so many tokens to (K, D)."""


@dataclass(frozen=True)
class AdapterConfig:
    """Sizes of a QualityAdapter.

    Attributes:
        dim: width of the host's features.
        width: width inside the adapter.
        num_prototypes: learned vectors that stand for the host's own feature distribution.
        num_levels: levels that can be told apart; coarser ones count as the coarsest of them.
        num_frequencies: sine and cosine pairs that describe the budget.

    Raises:
        ValueError: a size under 1, or a width that the heads do not divide.
    """

    dim: int
    width: int = 256
    num_heads: int = 4
    num_layers: int = 2
    num_prototypes: int = 64
    num_levels: int = 8
    num_frequencies: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} must be at least 1, got {quoted(getattr(self, field.name))}")
        if self.width % self.num_heads:
            raise ValueError(f"width must be a multiple of num_heads ({self.num_heads}), got {quoted(self.width)}")


class QualityAdapter(nn.Module):
    """features + correction(features, level, budget), then a gain per channel by budget.

    Both the correction and the logarithm of the gain end in layers that start at zero, so an
    untrained adapter returns exactly what it is given. DeepStack planes do not pass through it.
    """

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Sequential(nn.LayerNorm(config.dim), nn.Linear(config.dim, config.width))
        self.level = nn.Embedding(config.num_levels, config.width)
        self.budget = nn.Linear(2 * config.num_frequencies, config.width)
        self.prototypes = nn.Parameter(torch.randn(config.num_prototypes, config.width))
        self.layers = nn.ModuleList(PrototypeAttention(config) for _ in range(config.num_layers))
        self.leave = zero_linear(config.width, config.dim)
        self.gain = zero_linear(config.width, config.dim)

    def forward(self, features: Tensor, level: Tensor, budget: int) -> Tensor:
        """Features (K, D) of cells of `level` (K,) in a picture of `budget` tokens to (K, D), same dtype."""
        weight = self.leave.weight
        level = level.to(weight.device).clamp(max=self.config.num_levels - 1)
        budget_W = self.budget(budget_waves(budget, self.config.num_frequencies).to(weight))
        hidden = self.enter(features.to(weight)) + self.level(level) + budget_W
        for layer in self.layers:
            hidden = layer(hidden, self.prototypes)
        corrected = features + self.leave(hidden).to(features)
        adapted: Tensor = corrected * self.gain(F.gelu(budget_W)).exp().to(features)
        return adapted


class PrototypeAttention(nn.Module):
    """One layer: every leaf looks at the prototypes, then a two-layer perceptron; both pre-norm residuals."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        width = config.width
        self.num_heads = config.num_heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, hidden: Tensor, prototypes: Tensor) -> Tensor:
        """Hidden (K, W) and prototypes (P, W) to (K, W)."""
        query_AKW = self.query(self.norm_attention(hidden)).unflatten(-1, (self.num_heads, -1)).transpose(0, 1)
        key_value = self.key_value(prototypes).unflatten(-1, (2, self.num_heads, -1))
        key_APW, value_APW = key_value.permute(1, 2, 0, 3)
        looked = F.scaled_dot_product_attention(query_AKW, key_APW, value_APW).transpose(0, 1).flatten(1)
        hidden = hidden + self.out(looked)
        refined: Tensor = hidden + self.mlp(self.norm_mlp(hidden))
        return refined


def zero_linear(num_in: int, num_out: int) -> nn.Linear:
    """A linear layer that starts as zero."""
    layer = nn.Linear(num_in, num_out)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def budget_waves(budget: int, num_frequencies: int) -> Tensor:
    """(2 * num_frequencies,) sines and cosines of the budget's place on the logarithmic scale from 64 to 400."""
    place = log2(budget / MIN_BUDGET) / log2(MAX_BUDGET / MIN_BUDGET)
    angles = place * pi / 2 * 2.0 ** torch.arange(num_frequencies, dtype=torch.float32)
    return torch.cat([angles.sin(), angles.cos()])
