"""Lesson 2B. Fill in the six functions, then run: python docs/education/check.py 2b THIS_FILE"""

from torch import Tensor


def energy(blown_up: Tensor, finer: Tensor, side: int) -> Tensor:
    """Two pictures (H, W), values 0..1, to (H/side, W/side): mean squared difference in each cell.

    A cell is a square of side x side pixels. H and W are multiples of `side`, and may differ.
    """
    ...


def lost_bits(energy: Tensor, noise: float = 2 / 255) -> Tensor:
    """Energy of any shape to bits per pixel, same shape: half of log2(1 + energy / noise squared)."""
    ...


def stands_out(values: Tensor) -> Tensor:
    """One number a cell (R, K) to (R, K): how far it is from the mean of the 3 x 3 cells around it.

    The cell itself is one of the nine. Cells outside the picture do not count: a corner has four. Never negative.
    """
    ...


def asked(attention: Tensor) -> Tensor:
    """(L, Q, N) attention in L layers from Q tokens of the question to N cells, 0..1, to (N,) scores.

    First the mean over layers and tokens, then the natural logarithm. A mean below 1e-8 counts as 1e-8.
    """
    ...


def standardise(scores: Tensor) -> Tensor:
    """(N,) scores of any unit to (N,): mean 0, standard deviation 1 (divide by N, not N - 1).

    If all scores are equal, N zeros.
    """
    ...


def combined(maps: Tensor, weights: Tensor) -> Tensor:
    """(3, N) maps and (3,) weights, which sum to 1, to (N,): the weighted sum."""
    ...
