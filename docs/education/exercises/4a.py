"""Lesson 4A. Fill in the three functions, then run: python docs/education/check.py 4a THIS_FILE"""

from torch import Tensor

BLANK, IGNORE = 0, -100


def slot_of(x: float, y: float, columns: int) -> tuple[int, int]:
    """Pixel of a character's middle to (cell, slot), in a level of `columns` cells of 32 pixels.

    A cell holds 8 slots of 8 x 16 pixels: four in its upper half, four in its lower.
    """
    ...


def accuracy(logits: Tensor, slots: Tensor) -> float:
    """Share of printed slots (N, 8) whose likeliest class (N, 8, classes) is right; blank and ignored do not count."""
    ...


def dense_loss(logits: Tensor, slots: Tensor, blank_weight: float = 0.1) -> Tensor:
    """Weighted mean cross entropy: ignored slots left out, blank ones weigh `blank_weight`, others 1."""
    ...
