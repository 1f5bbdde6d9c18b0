"""What lesson 2C checks."""

import torch

from arr_coc.attending import check_tiling, children
from arr_coc.balancing import budget_of

GLIMPSE = [(2, row, col) for row in range(4) for col in range(4)]


def nearness(cell):
    """High for fine cells near the top left corner."""
    level, row, col = cell
    side = 2**level
    return -abs((row + 0.5) * side - 1.5) - abs((col + 0.5) * side - 1.5)


def the_budget_grows_geometrically(answer):
    got = [answer.tokens(tension) for tension in (0, 0.5, 1)]
    assert got == [64, 160, 400], f"0, 0.5 and 1 give {got}"
    assert answer.tokens(0.3) == budget_of(0.3), "0.3 differs"


def four_children_in_raster_order(answer):
    got = answer.split((2, 1, 3))
    assert got is not None, "split returns nothing"
    assert [tuple(cell) for cell in got] == [tuple(cell) for cell in children(torch.tensor([[2, 1, 3]])).tolist()]


def leaves_keep_the_budget_and_tile_the_picture(answer):
    leaves = answer.grow(30, GLIMPSE, nearness)
    assert leaves is not None, "grow returns nothing"
    assert len(leaves) == 28, f"{len(leaves)} leaves; 16 and 4 splits of 3 are 28, one more would be 31"
    assert min(level for level, _, _ in leaves) >= 0, "a cell of level 0 was split; it has no children"
    check_tiling(torch.tensor(leaves), (16, 16))
    assert (0, 1, 1) in [tuple(cell) for cell in leaves], "the cell next to the corner should be at level 0"


def nothing_is_left_to_split(answer):
    leaves = answer.grow(400, [(1, 0, 0)], nearness)
    assert leaves is not None and len(leaves) == 4, f"{len(leaves or [])} leaves, not the four of level 0"


CHECKS = (
    the_budget_grows_geometrically,
    four_children_in_raster_order,
    leaves_keep_the_budget_and_tile_the_picture,
    nothing_is_left_to_split,
)
