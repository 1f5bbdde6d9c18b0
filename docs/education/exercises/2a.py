"""Lesson 2A. Fill in the three functions, then run: python docs/education/check.py 2a THIS_FILE"""

from torch import Tensor


def luma(image: Tensor) -> Tensor:
    """(3, H, W) colours in 0..1 to (H, W) brightness: 0.2126 red + 0.7152 green + 0.0722 blue."""
    ...


def halve(image: Tensor) -> Tensor:
    """(3, H, W) to (3, H/2, W/2): each pixel is the mean of a 2x2 block."""
    ...


def entropy(brightness: Tensor) -> float:
    """Bits of the histogram of all values in 0..1, in 32 equal bins: -sum p log2 p over bins that are not empty."""
    ...
