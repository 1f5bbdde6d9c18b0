"""Lesson 2A. Fill in the four functions, then run: python docs/education/check.py 2a THIS_FILE"""

from torch import Tensor


def luma(image: Tensor) -> Tensor:
    """(3, H, W) red, green and blue in 0..1 to (H, W) brightness in 0..1."""
    ...


def halve(image: Tensor) -> Tensor:
    """(3, H, W) to (3, H/2, W/2): each pixel is the mean of a 2x2 block. H and W are even, and may differ."""
    ...


def grids(rows: int, columns: int) -> list[tuple[int, int]]:
    """(rows, columns) of every level, level 0 first, of a grid that halves evenly, down to 64 cells or fewer."""
    ...


def entropy(brightness: Tensor) -> float:
    """Bits of all values in 0..1, sorted into 32 equal bins; 1 itself belongs to the last bin."""
    ...
