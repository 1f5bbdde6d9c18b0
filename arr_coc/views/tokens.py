"""The visual tokens of any policy as tiles over the picture: leaves, cells of a resized picture, or kept cells."""

from __future__ import annotations

from arr_coc.evaluation.policies.policy import Given
from arr_coc.records import Allocation
from arr_coc.views.leaves import level_color
from arr_coc.views.overlay import Tile, leaf_tiles, level_note

PLAIN_COLOR = "#3a5fcd"


def given_tiles(given: Given, grid: tuple[int, int]) -> list[Tile]:
    """Where each token of `given` lies in the picture.

    Args:
        grid: (rows, columns) of level 0.
    """
    if given.leaves is not None:
        allocation = Allocation(given.leaves, grid)
        return leaf_tiles(allocation, [level_note(level) for level in given.leaves[:, 0].tolist()])
    rows, cols = token_grid(given)
    is_whole = rows * cols == given.num_tokens
    color, note = (PLAIN_COLOR, f"one of {rows}x{cols} equal cells") if is_whole else (level_color(0), "kept")
    return [
        Tile((col / cols, row / rows, (col + 1) / cols, (row + 1) / rows), color, note)
        for row, col in given.block.positions.tolist()
    ]


def token_grid(given: Given) -> tuple[int, int]:
    """(rows, columns) in which the tokens have their positions: all of a resized picture, or some of a full one."""
    rows, cols = (int(last) + 1 for last in given.block.positions.amax(0))
    return (rows, cols) if rows * cols == given.num_tokens else given.shown.shape
