"""Lesson 2C. Fill in the five functions, then run: python docs/education/check.py 2c THIS_FILE

A cell is (level, row, column): whole numbers from 0, level 0 the finest.
"""

from collections.abc import Callable

Cell = tuple[int, int, int]


def tokens(dial: float) -> int:
    """0..1 to a budget of tokens: 64 * (400 / 64) ** dial, rounded to the nearest whole number."""
    ...


def split(cell: Cell) -> list[Cell]:
    """A cell of level 1 or more to its four children of the next finer level.

    In raster order: the upper row from left to right, then the lower row.
    """
    ...


def grow(budget: int, glimpse: list[Cell], score: Callable[[Cell], float]) -> list[Cell]:
    """The leaves of a tree that begins with the cells of the glimpse, at most `budget` of them after any split.

    Again and again, split the leaf with the highest score, while three more tokens fit. All leaves compete,
    except those of level 0: they can't be split. Of equal scores the leaf that is first in the list is split.
    Its children go to the end of the list. The list of the glimpse itself stays as it is.
    """
    ...


def plan_wide(num_splits: int, num_cells: int, coarsest: int) -> list[int]:
    """Dial two at 1: splits per level, from the coarsest level down to level 1.

    The coarsest level has num_cells cells. Each level splits all the cells it has before the next one splits
    any. A split gives four cells to the next level. Splits that no cell is left for are dropped.
    """
    ...


def choose(asked: list[float], blind: list[float], num_splits: int, explore: float) -> list[int]:
    """Dial three: the indices of num_splits different cells, in the order of choice.

    A share `explore` (0..1) of the splits explores; half a split is rounded up. First the others are chosen:
    the highest scores in `asked`. Then the exploring ones: the highest in `blind` among the cells that are left.
    Of equal scores the first cell is chosen.
    """
    ...
