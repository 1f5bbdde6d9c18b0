"""The grid of cells that stands for a picture: one that halves down to a glimpse, near the picture's size and shape."""

from __future__ import annotations

from functools import lru_cache
from math import log

from arr_coc.texture import MAX_GLIMPSE_CELLS, round_grid

MAX_STRETCH = 1.1


@lru_cache(maxsize=1024)
def fit_grid(rows: int, cols: int, most: int) -> tuple[int, int, int]:
    """(rows, cols, L) as `round_grid` has them, for a picture of rows x cols cells, its shape and size kept.

    What `round_grid` gives, if neither a side grows nor the shape changes by more than `MAX_STRETCH`. Else, of all
    grids that change the shape by no more than that, the one whose long side is nearest to the picture's. A picture
    longer than about 64:1 has no such grid; it is stretched as little as can be.

    Args:
        most: cells that the grid may have; rounding may go above by `MAX_STRETCH` a side, nothing else.
    Raises:
        ValueError: a side without cells.
    """
    whole, nearest = (rows, cols), round_grid(rows, cols)

    def has_grown(grid: tuple[int, int]) -> bool:
        return max(grid[0] / rows, grid[1] / cols) > MAX_STRETCH

    def cost(grid: tuple[int, int]) -> tuple[float, float, int]:
        shape = max(MAX_STRETCH, round(stretch(grid, whole), 6))
        return shape, round(abs(log(max(grid) / max(whole))), 6), -grid[0] * grid[1]

    if not has_grown(nearest[:2]) and stretch(nearest[:2], whole) <= MAX_STRETCH:
        return nearest
    glimpses = [(r, c) for r in range(1, MAX_GLIMPSE_CELLS + 1) for c in range(1, MAX_GLIMPSE_CELLS // r + 1)]
    grids = [(r << level, c << level) for level in range(max(whole).bit_length()) for r, c in glimpses]
    allowed = [grid for grid in grids if grid[0] * grid[1] <= most or not has_grown(grid)]
    return round_grid(*min(allowed, key=cost))


def stretch(grid: tuple[int, int], whole: tuple[int, int]) -> float:
    """How much the shape changes from `whole` to `grid`, both (rows, cols): 2 is one side twice as long as it was."""
    ratio = grid[0] * whole[1] / (grid[1] * whole[0])
    return max(ratio, 1 / ratio)
