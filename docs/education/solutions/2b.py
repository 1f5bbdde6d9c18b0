"""Lesson 2B, a solution."""

import torch
from torch import Tensor


def standardise(scores: Tensor) -> Tensor:
    centred = scores - scores.mean()
    deviation = centred.square().mean().sqrt()
    return centred / deviation if deviation > 1e-9 else torch.zeros_like(scores)


def lost_bits(energy: Tensor, noise: float = 2 / 255) -> Tensor:
    return 0.5 * torch.log2(1 + energy / noise**2)


def combined(maps: Tensor, weights: Tensor) -> Tensor:
    return (weights[:, None] * maps).sum(0)
