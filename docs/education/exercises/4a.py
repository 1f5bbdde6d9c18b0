"""Lesson 4A. Fill in the four functions, then run: python docs/education/check.py 4a THIS_FILE"""

from torch import Tensor

BLANK, IGNORE = 0, -100
ALPHABET = [chr(code) for code in range(33, 127)] + ["€", "£"]
LEAST_HEIGHT = 6.5


def slot_of(x: float, y: float, columns: int) -> tuple[int, int]:
    """(cell, slot) of a character whose middle is x, y pixels from the left and upper edge; `columns` cells a row.

    Cells of 32 x 32 pixels are numbered from 0, row by row, from left to right. The 8 slots of a cell, 8 wide and 16
    high, are numbered the same way: 0 to 3 in its upper half, 4 to 7 in its lower. A point on an edge belongs to what
    begins there.
    """
    ...


def label(
    chars: str, middles: list[tuple[float, float]], heights: list[float], rows: int, columns: int
) -> list[list[int]]:
    """What the head must say: a list of 8 classes for each of the rows * columns cells.

    `chars` holds N characters, `middles` their N middles (x, y) and `heights` their N heights, all in pixels. The class
    of a character is its place in ALPHABET, counted from 1; of an empty slot it is BLANK. It is IGNORE where a slot
    holds two or more characters, one under LEAST_HEIGHT, or one that is not in ALPHABET. Characters whose middle lies
    outside the cells do not count at all.
    """
    ...


def accuracy(logits: Tensor, slots: Tensor) -> float:
    """Share (0 to 1) of printed slots whose likeliest class is right; 0.0 where no slot is printed.

    `logits` (N, 8, classes), for any number of classes; `slots` (N, 8) classes. BLANK and IGNORE are not printed.
    """
    ...


def dense_loss(logits: Tensor, slots: Tensor, blank_weight: float = 0.1) -> Tensor:
    """Cross entropy as a weighted mean, a scalar with a gradient: sum of weight * loss over the sum of the weights.

    `logits` (N, 8, classes), for any number of classes; `slots` (N, 8) classes. A slot that is IGNORE weighs 0, a BLANK
    one `blank_weight`, any other 1. At least one slot is not ignored.
    """
    ...
