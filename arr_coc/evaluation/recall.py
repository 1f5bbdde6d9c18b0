"""Was the evidence shown finely enough, and was it evidence that was shown finely?

Both need boxes around the evidence but no reader, so they hold for pictures that the host can't read.
A level here is relative to the host's own full resolution: 0 is as fine as `full` shows the picture, 1 half as
fine. So `full` sees all that is legible there, whatever the pyramid's grid was rounded to.
Shapes: K leaves, (R, C) rows and columns of a grid of cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from arr_coc.records import Allocation

NOTHING = 99.0
"""Level of cells over which nothing is shown."""

WHOLE = 0.999
"""Recall from which evidence counts as shown whole; sums of areas miss 1 by rounding."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class EvidenceSeen:
    """How well what is shown fits the evidence.

    Attributes:
        recall: share of the evidence's area that is shown at the needed level or finer.
        precision: share of the area shown at the finest level used that is evidence.
        Both None where no evidence is marked.
    """

    recall: float | None
    precision: float | None


def levels_of_leaves(allocation: Allocation, full: tuple[int, int]) -> np.ndarray:
    """(R, C) level of the leaf over each level-0 cell, relative to a `full` resolution of (rows, columns) cells.

    Level 0 of the pyramid is rounded to a grid that halves evenly, most often a larger one; what is finer than the
    full resolution counts as 0, what is coarser as the fraction it is.
    """
    shown = np.full(allocation.grid, NOTHING)
    rounding = level_of_grid(allocation.grid, full)
    leaves = allocation.leaves.numpy()
    for level in np.unique(leaves[:, 0]):
        rows, cols = leaves[leaves[:, 0] == level, 1:].T
        side = 1 << int(level)
        chosen = np.zeros((-(-allocation.grid[0] // side), -(-allocation.grid[1] // side)), dtype=bool)
        chosen[rows, cols] = True
        over = chosen.repeat(side, axis=0).repeat(side, axis=1)[: allocation.grid[0], : allocation.grid[1]]
        shown[over] = max(0.0, level + rounding)
    return shown


def levels_of_tokens(positions: Tensor, grid: tuple[int, int]) -> np.ndarray:
    """(R, C) 0 where a token of the full-resolution picture was kept, `NOTHING` elsewhere.

    Args:
        positions: (K, 2) row and column of the kept tokens.
    """
    shown = np.full(grid, NOTHING)
    rows, cols = positions.numpy().T
    shown[rows, cols] = 0
    return shown


def levels_of_resize(resized: tuple[int, int], full: tuple[int, int]) -> np.ndarray:
    """(R, C) level of a whole picture shown on a grid `resized`, relative to the `full` one; at least 0."""
    return np.full(full, max(0.0, level_of_grid(resized, full)))


def level_of_grid(grid: tuple[int, int], full: tuple[int, int]) -> float:
    """log2 of how much coarser a grid is than the full resolution; negative where it is finer.

    Where the aspect was rounded, the side that shrank more counts.
    """
    return float(np.log2(max(full[0] / grid[0], full[1] / grid[1])))


def evidence_share(boxes: Sequence[Box], grid: tuple[int, int]) -> np.ndarray:
    """(R, C) share of each cell that the union of the boxes covers.

    The picture is cut at every edge of a box and of a cell, so that each piece lies in or out as a whole.

    Args:
        boxes: x0, y0, x1, y1 in fractions of the picture.
    """
    edges = np.clip(np.asarray(boxes, dtype=float).reshape(-1, 4), 0, 1)
    down, heights, row_of = pieces(edges[:, [1, 3]], grid[0])
    across, widths, col_of = pieces(edges[:, [0, 2]], grid[1])
    inside_down = (edges[:, 1, None] <= down) & (down < edges[:, 3, None])
    inside_across = (edges[:, 0, None] <= across) & (across < edges[:, 2, None])
    covered = np.einsum("br,bc->rc", inside_down, inside_across, dtype=float) > 0
    share = np.zeros(grid)
    np.add.at(share, (row_of[:, None], col_of[None, :]), covered * heights[:, None] * widths[None, :])
    return share * grid[0] * grid[1]


def pieces(edges: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle, size and cell of the pieces that 0..1 falls into when cut into `length` cells and at the edges."""
    cuts = np.unique(np.concatenate([np.arange(length + 1) / length, edges.ravel()]))
    middles = (cuts[1:] + cuts[:-1]) / 2
    return middles, np.diff(cuts), np.minimum((middles * length).astype(int), length - 1)


def evidence_seen(shown: np.ndarray, boxes: Sequence[Box], needed_level: float | None = None) -> EvidenceSeen:
    """Evidence recall and precision of what a policy shows.

    Args:
        shown: (R, C) level shown over each cell of a grid, `NOTHING` where there is nothing; fractions are
            levels in between. Any policy can be told this way.
        boxes: evidence (x0, y0, x1, y1) in fractions of the picture.
        needed_level: coarsest level at which the evidence is legible (`data.legible_level`); None counts evidence
            shown at any level.
    Raises:
        ValueError: shown has not two dimensions.
    """
    if np.ndim(shown) != 2:
        raise ValueError(f"shown must have rows and columns, got shape {np.shape(shown)}")
    levels = np.asarray(shown, dtype=float)
    share = evidence_share(boxes, levels.shape)
    if share.sum() <= 0:
        return EvidenceSeen(None, None)
    is_seen = levels < NOTHING
    if needed_level is not None:
        is_seen &= levels <= needed_level + 1e-9
    finest = (levels == levels.min()) & (levels < NOTHING)
    precision = float(share[finest].mean()) if finest.any() else 0.0
    return EvidenceSeen(float(share[is_seen].sum() / share.sum()), precision)
