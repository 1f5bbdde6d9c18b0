"""The splitting of a picture played again: what the leaves were after each round."""

from __future__ import annotations

import torch

from arr_coc.records import Allocation


def rounds_of(allocation: Allocation) -> list[int]:
    """The finest level there was after each round, from the glimpse on: coarsest leaf level down to the finest."""
    levels = allocation.leaves[:, 0]
    return list(range(int(levels.max()), int(levels.min()) - 1, -1))


def coarsened(allocation: Allocation, finest: int) -> Allocation:
    """The leaves when no cell finer than level `finest` had been made: finer ones become their ancestor there.

    The looking goes level by level, so this is what was there after the round that made that level.
    """
    levels = allocation.leaves[:, :1]
    rise = (finest - levels).clamp(min=0)
    cells = torch.cat([levels + rise, allocation.leaves[:, 1:] >> rise], dim=1)
    order = {tuple(cell): None for cell in cells.tolist()}
    return Allocation(torch.tensor(list(order)), allocation.grid)
