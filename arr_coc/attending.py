"""Scores and tensions to the cells that are split: the quadtree.

Shapes: N cells considered, K leaves. A split replaces a cell of level l by its four children of level
l - 1 and so costs three tokens. At the coarsest level the glimpse cells are considered, at every
finer level the children that the previous round made.
"""

from __future__ import annotations

import torch
from torch import Tensor

from arr_coc.records import ScoreMaps, Tensions

TOKENS_PER_SPLIT = 3


def plan_splits(budget: int, num_glimpse_cells: int, coarsest: int, focus_diversify: float) -> list[int]:
    """How many cells to split at each level, coarsest first, level 1 last.

    The total is min((budget - num_glimpse_cells) // 3, all there is to split), and no level is given
    more splits than the previous one makes cells. At each level the number lies between the fewest
    that leave room for the rest below (focus, 0: straight to level 0) and the most there are (diversify,
    1: every cell of a level before any of the next), interpolated geometrically: at 0.5 about as many
    splits at every level.
    """
    assert num_glimpse_cells <= budget, (num_glimpse_cells, budget)
    plan: list[int] = []
    num_cells = num_glimpse_cells
    num_left = min((budget - num_glimpse_cells) // TOKENS_PER_SPLIT, num_cells * capacity(coarsest))
    for level in range(coarsest, 0, -1):
        fewest = -(-num_left // capacity(level))
        most = min(num_left, num_cells)
        plan.append(round(fewest ** (1 - focus_diversify) * most**focus_diversify))
        num_left -= plan[-1]
        num_cells = 4 * plan[-1]
    assert num_left == 0, plan
    return plan


def plan_further(plan: list[int], leaves: Tensor, num_glimpse_cells: int) -> list[int]:
    """What is left of a plan where leaves (K, 3) show splits already; the finest pay for those beyond the plan."""
    left: list[int] = []
    excess, num_cells = 0, num_glimpse_cells
    for level, wanted in zip(range(len(plan), 0, -1), plan, strict=True):
        done = num_cells - int((leaves[:, 0] == level).sum())
        left, excess, num_cells = [*left, max(0, wanted - done)], excess + max(0, done - wanted), 4 * done
    for place in reversed(range(len(left))):
        paid = min(left[place], excess)
        left[place], excess = left[place] - paid, excess - paid
    return left


def capacity(level: int) -> int:
    """Splits that one cell of a level can take until all of it is at level 0: 1 + 4 + ... + 4^(level - 1)."""
    return int((4**level - 1) // 3)


def select(
    scores: ScoreMaps,
    num_splits: int,
    tensions: Tensions,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Chooses the cells to split: (num_splits,) indices in the order of choice.

    The exploiting share goes to the highest weighted sum of the three maps, the rest, a share of
    `exploit_explore`, to the highest question-blind sum among the cells that are left. Ties go to the
    cell that comes first. With a generator, choices are drawn without replacement with probability
    proportional to exp(score / temperature) (Gumbel top-k, Kool et al. 2019).
    """
    assert 0 <= num_splits <= len(scores.cells), (num_splits, len(scores.cells))
    num_explore = num_exploring(num_splits, tensions)
    chosen = torch.empty(0, dtype=torch.int64, device=scores.cells.device)
    drawn = ((combined_score(scores, tensions), num_splits - num_explore), (blind_score(scores, tensions), num_explore))
    for score, num in drawn:
        score = score.detach() if generator is None else perturb(score.detach(), generator, temperature)
        order = score.index_fill(0, chosen, -torch.inf).sort(descending=True, stable=True).indices
        chosen = torch.cat([chosen, order[:num]])
    return chosen


def num_exploring(num_splits: int, tensions: Tensions) -> int:
    """How many of a round's splits go to question-blind scores."""
    return int(num_splits * tensions.exploit_explore + 0.5)


def combined_score(scores: ScoreMaps, tensions: Tensions) -> Tensor:
    """(N,) sum of the three maps by their weights."""
    propositional, perspectival, participatory = tensions.weights
    combined = propositional * scores.propositional + perspectival * scores.perspectival
    return combined + participatory * scores.participatory


def blind_score(scores: ScoreMaps, tensions: Tensions) -> Tensor:
    """(N,) mean of the question-blind maps by their weights, or in equal parts where both are zero."""
    propositional, perspectival, _ = tensions.weights
    if propositional + perspectival == 0:
        propositional = perspectival = 0.5
    total = propositional + perspectival
    return (propositional * scores.propositional + perspectival * scores.perspectival) / total


def perturb(scores: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
    """(N,) scores / temperature plus Gumbel noise."""
    uniform = torch.rand(len(scores), generator=generator, dtype=torch.float32, device=generator.device).to(
        scores.device
    )
    tiny = torch.finfo(uniform.dtype).tiny
    return scores / temperature - uniform.clamp(min=tiny).log().neg().clamp(min=tiny).log()


def children(cells: Tensor) -> Tensor:
    """(N, 3) cells to the (4N, 3) cells of the next finer level that tile them."""
    assert bool((cells[:, 0] > 0).all()), "cells of level 0 have no children"
    scale = torch.tensor([1, 2, 2], device=cells.device)
    offsets = torch.tensor([[-1, 0, 0], [-1, 0, 1], [-1, 1, 0], [-1, 1, 1]], device=cells.device)
    return (cells[:, None] * scale + offsets).flatten(0, 1)


def raster_order(cells: Tensor) -> Tensor:
    """(N,) permutation that sorts cells by the row, then the column of their top-left corners at level 0."""
    corner = cells[:, 1:] * 2 ** cells[:, :1]
    return ((corner[:, 0] << 32) + corner[:, 1]).argsort(stable=True)


def check_tiling(leaves: Tensor, grid: tuple[int, int]) -> None:
    """Asserts that leaves (K, 3) cover every cell of the level-0 grid (rows, columns) exactly once."""
    covered = torch.zeros(grid, dtype=torch.int64, device=leaves.device)
    for level in set(leaves[:, 0].tolist()):
        side = 1 << level
        rows, cols = grid[0] // side, grid[1] // side
        _, row, col = leaves[leaves[:, 0] == level].unbind(1)
        assert bool(((row >= 0) & (row < rows) & (col >= 0) & (col < cols)).all()), f"leaf of level {level} outside"
        counts = torch.bincount(row * cols + col, minlength=rows * cols).view(rows, cols)
        covered[: rows * side, : cols * side] += counts.repeat_interleave(side, 0).repeat_interleave(side, 1)
    assert bool((covered == 1).all()), "leaves must tile the picture exactly once"
