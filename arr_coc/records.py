"""The nouns that travel between the verbs.

Shapes: B batch, C channels, N cells, K leaves, D width, S DeepStack planes.
A cell is (level, row, column) in the grid of its own level; level 0 is the native resolution of
the host, one cell of any level costs one visual token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

MIN_BUDGET, MAX_BUDGET = 64, 400


@dataclass(frozen=True, eq=False)
class Pyramid:
    """A picture at every level: level l is 2^l times smaller than level 0.

    Attributes:
        levels: per level (3, H_l, W_l) float32 in 0..1; H_l and W_l are multiples of `cell_px`.
        textures: per level (13, R_l, C_l) float32, see `texture.CHANNELS`.
        cell_px: side of a cell in pixels of its own level (32 for Qwen3-VL).
    """

    levels: tuple[Tensor, ...]
    textures: tuple[Tensor, ...]
    cell_px: int

    @property
    def coarsest(self) -> int:
        return len(self.levels) - 1

    def grid(self, level: int = 0) -> tuple[int, int]:
        """(rows, columns) of a level."""
        height, width = self.levels[level].shape[-2:]
        return height // self.cell_px, width // self.cell_px

    def cells(self, level: int) -> Tensor:
        """All cells of a level in raster order, (N, 3) int64."""
        rows, cols = self.grid(level)
        index = torch.arange(rows * cols)
        return torch.stack([torch.full_like(index, level), index // cols, index % cols], dim=1)


@dataclass(frozen=True)
class Tensions:
    """The three opponent tensions, each in 0..1, and what they decide.

    Attributes:
        compress_particularize: 0 spends 64 tokens, 1 spends 400.
        focus_diversify: 0 puts the splits into depth, 1 into breadth.
        exploit_explore: share of the splits given to question-blind scores.
        weights: simplex over (propositional, perspectival, participatory); tensors only while they are learnt.
        budget: most visual tokens the picture may cost.
    """

    compress_particularize: float
    focus_diversify: float
    exploit_explore: float
    weights: tuple[float | Tensor, float | Tensor, float | Tensor]
    budget: int


@dataclass(frozen=True, eq=False)
class ScoreMaps:
    """What would be gained by looking closer, for the cells of one level; each (N,), standardised."""

    cells: Tensor
    propositional: Tensor
    perspectival: Tensor
    participatory: Tensor


@dataclass(frozen=True, eq=False)
class Allocation:
    """The leaves of the quadtree: they tile the picture exactly once.

    Attributes:
        leaves: (K, 3) int64 cells in raster order of their top-left corners.
        grid: (rows, columns) of level 0.
    """

    leaves: Tensor
    grid: tuple[int, int]

    @property
    def num_tokens(self) -> int:
        return len(self.leaves)

    def positions(self) -> Tensor:
        """(K, 2) int64 row and column of each leaf's centre in the level-0 grid, rounded down."""
        side = 2 ** self.leaves[:, :1]
        return self.leaves[:, 1:] * side + (side - 1) // 2

    def boxes(self) -> Tensor:
        """(K, 4) float32 x0, y0, x1, y1 of each leaf as fractions of the picture."""
        side = 2 ** self.leaves[:, :1]
        corner = self.leaves[:, 1:] * side
        rows, cols = self.grid
        box = torch.cat([corner.flip(1), (corner + side).flip(1)], dim=1)
        return box / torch.tensor([cols, rows, cols, rows], dtype=torch.float32)


@dataclass(frozen=True, eq=False)
class CellFeatures:
    """Encoder output, one row per cell: merged (N, D) and DeepStack planes (S, N, D)."""

    merged: Tensor
    deepstack: Tensor

    def __getitem__(self, index: Tensor) -> CellFeatures:
        return CellFeatures(self.merged[index], self.deepstack[:, index])


@dataclass(frozen=True, eq=False)
class Realization:
    """Everything one picture and one question led to.

    Attributes:
        picture: its pyramid, or what makes it again when it is asked for; a pyramid is 16 bytes a pixel, all the
            rest together a fraction of it.
        scores: the score maps of every level that was considered for splitting, coarsest first.
        splits: per score map the cells that were split, as indices into it in the order they were chosen.
        features: of the leaves, in the order of `allocation.leaves`.
        num_encoded: cells that went through the encoder (the leaves and the cells that were split).
    """

    picture: Pyramid | Callable[[], Pyramid]
    question: str
    tensions: Tensions
    scores: tuple[ScoreMaps, ...]
    splits: tuple[Tensor, ...]
    allocation: Allocation
    features: CellFeatures
    num_encoded: int

    @property
    def pyramid(self) -> Pyramid:
        """The picture at every level; made anew at each call where only its source is kept, so hold on to it."""
        return self.picture if isinstance(self.picture, Pyramid) else self.picture()


@dataclass(frozen=True, eq=False)
class Looks:
    """How strongly a question looks at each of N cells, as logarithms: `mean` (N,), and `heads` (N, M) one by one.

    M is 0 where a host is not told to keep its heads apart.
    """

    mean: Tensor
    heads: Tensor


class Host(Protocol):
    """What the core asks of a vision-language model; `hosts/` implements it."""

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        """Encodes chosen cells (N, 3) of each pyramid; one level of one picture is one segment."""
        ...

    def attend(
        self, pyramids: list[Pyramid], cells: list[Tensor], features: list[CellFeatures], questions: list[str]
    ) -> list[Looks]:
        """Per picture: how strongly the question's last tokens look at each cell."""
        ...

    def embed(self, question: str) -> Tensor:
        """(Q, D) float32 rows of the host's own embedding table for the question's tokens, without gradient."""
        ...
