"""Lesson 2C. Fill in the three functions, then run: python docs/education/check.py 2c THIS_FILE"""


def tokens(tension: float) -> int:
    """0..1 to a budget, geometric from 64 to 400: 64 * (400 / 64) ** tension, rounded."""
    ...


def split(cell: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """(level, row, column) to its four children of the next finer level, in raster order."""
    ...


def grow(budget: int, glimpse: list[tuple[int, int, int]], score) -> list[tuple[int, int, int]]:
    """Leaves: split the cell of highest score(cell) again and again, while three more tokens fit.

    Cells of level 0 can't be split. Ties go to the cell that comes first in the list; children go to its end.
    """
    ...
