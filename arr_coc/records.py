"""The nouns that travel between the verbs.

Shapes: B batch, C channels, N cells, K leaves, D width, S DeepStack planes.
A cell is (level, row, column) in the grid of its own level; level 0 is the native resolution of
the host, one cell of any level costs one visual token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import Protocol

import torch
from torch import Tensor

from arr_coc.quoting import quoted

MIN_BUDGET, MAX_BUDGET = 64, 400
OPPONENTS = ("compress_particularize", "focus_diversify", "exploit_explore")
AUTO = "auto"
SUM_ERROR = 1e-4  # by which weights in single precision may miss 1


@dataclass(frozen=True, eq=False)
class Pyramid:
    """A picture at every level: level l is 2^l times smaller than level 0.

    Attributes:
        levels: per level (3, H_l, W_l) float32 in 0..1; H_l and W_l are multiples of `cell_px`.
        textures: per level (13, R_l, C_l) float32, see `texture.CHANNELS`.
        cell_px: side of a cell in pixels of its own level.
    """

    levels: tuple[Tensor, ...]
    textures: Sequence[Tensor]
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

    Raises:
        ValueError: a tension outside 0..1, weights that are no shares of 1, a budget outside 64..400.
    """

    compress_particularize: float
    focus_diversify: float
    exploit_explore: float
    weights: tuple[float | Tensor, float | Tensor, float | Tensor]
    budget: int

    def __post_init__(self) -> None:
        for name in OPPONENTS:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1, got {quoted(getattr(self, name))}")
        shares = [float(each.detach() if isinstance(each, Tensor) else each) for each in self.weights]
        if len(shares) != 3 or not all(share >= 0 for share in shares) or abs(sum(shares) - 1) > SUM_ERROR:
            raise ValueError(f"weights must be three shares that sum to 1, got {tuple(shares)}")
        check_budget(self.budget)


def check_budget(budget: object) -> int:
    """The budget as a number, whatever kind of integer it is; ValueError where it is none in 64..400."""
    try:
        number = index(budget) if not isinstance(budget, bool) else 0  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if not MIN_BUDGET <= number <= MAX_BUDGET:
        wanted = f"auto or a whole number in {MIN_BUDGET}..{MAX_BUDGET}"
        raise ValueError(f"budget must be {wanted}, got {quoted(budget)}")
    return number


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
class View:
    """A picture as far as it has been looked at, and the question that it is looked at with.

    Attributes:
        cells: (N, 3) current leaves in raster order, of mixed levels; none before the glimpse.
        features: of the cells, in the same order.
        draft: an answer that the model gave to what it saw; where it looked while writing counts as well.
    """

    pyramid: Pyramid
    cells: Tensor
    features: CellFeatures
    question: str
    draft: str = ""

    @classmethod
    def of(cls, pyramid: Pyramid, question: str) -> View:
        """Nothing has been seen yet."""
        return cls(pyramid, pyramid.cells(0)[:0], CellFeatures(torch.empty(0, 0), torch.empty(0, 0, 0)), question)


@dataclass(frozen=True, eq=False)
class Realization:
    """Everything one picture and one question led to.

    Attributes:
        picture: its pyramid, or what makes it again when it is asked for; a pyramid is 16 bytes a pixel, all the
            rest together a fraction of it.
        scores: the score maps of every level that was considered for splitting, coarsest first.
        splits: per score map the cells that were split, as indices into it in the order they were chosen.
        features: of the leaves, in the order of `allocation.leaves`.
        num_encoded: cells that went through the encoder (those that this look made, leaves or split by now).
        encoded: features of the leaves before an adapter, if there is one.
    """

    picture: Pyramid | Callable[[], Pyramid]
    question: str
    tensions: Tensions
    scores: tuple[ScoreMaps, ...]
    splits: tuple[Tensor, ...]
    allocation: Allocation
    features: CellFeatures
    num_encoded: int
    encoded: CellFeatures

    def view(self, draft: str = "") -> View:
        """What has been seen, for a look that goes on from it."""
        return View(self.pyramid, self.allocation.leaves, self.encoded, self.question, draft)

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


@dataclass(frozen=True)
class Gaze:
    """How attention is read off a language model.

    Attributes:
        first, last: the layers read, as fractions of the depth; layers after `last` are not run.
        num_queries: tokens at the end of the prompt whose attention is averaged; with the chat format
            of Qwen the last five are the turn's end and the assistant's header.
        relative: 0..1, how much of the attention under `neutral` is taken away: score is log attention
            less `relative` times log attention under `neutral`. 1 leaves what the question changes, 0
            what is looked at, and saves the second prompt.
        neutral: the question that asks for nothing in particular.
        heads_from: the layer, as a fraction of the depth, from which on to `last` every head is handed on by
            itself, for a scorer that learnt which ones to heed; None hands on the mean alone.
    """

    first: float = 0.25
    last: float = 0.75
    num_queries: int = 5
    relative: float = 0.0
    neutral: str = "Describe the picture."
    heads_from: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last <= 1:
            raise ValueError(
                f"first, last: must satisfy 0 <= first < last <= 1, got {quoted(self.first)} and {self.last}"
            )
        if self.num_queries < 1:
            raise ValueError(f"num_queries: must be at least 1, got {quoted(self.num_queries)}")
        if not 0 <= self.relative <= 1:
            raise ValueError(f"relative: must lie in 0..1, got {quoted(self.relative)}")
        if self.heads_from is not None and not 0 <= self.heads_from < self.last:
            raise ValueError(f"heads_from: must lie in 0..{self.last}, got {quoted(self.heads_from)}")

    def apart(self) -> Gaze:
        """The same, with every head of the layers that are read anyway handed on."""
        return self if self.heads_from is not None else replace(self, heads_from=self.first)


class Host(Protocol):
    """What the core asks of a vision-language model; `hosts/` implements it."""

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        """Encodes chosen cells (N, 3) of each pyramid; one level of one picture is one segment."""

    def attend(self, views: list[View], gaze: Gaze) -> list[Looks]:
        """Per view: how strongly the question's last tokens look at each cell, as the gaze reads it."""

    def embed(self, question: str) -> Tensor:
        """(Q, D) float32 rows of the host's own embedding table for the question's tokens, without gradient."""
