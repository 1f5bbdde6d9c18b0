"""Lesson 2B. Fill in the three functions, then run: python docs/education/check.py 2b THIS_FILE"""

from torch import Tensor


def standardise(scores: Tensor) -> Tensor:
    """(N,) scores to mean 0 and standard deviation 1 (over all N); a constant map gives zeros."""
    ...


def lost_bits(energy: Tensor, noise: float = 2 / 255) -> Tensor:
    """(N,) bits per pixel: half of log2(1 + energy / noise squared)."""
    ...


def combined(maps: Tensor, weights: Tensor) -> Tensor:
    """(3, N) maps and (3,) weights to (N,): the weighted sum."""
    ...
