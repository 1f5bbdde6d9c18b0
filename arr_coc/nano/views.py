"""How a training picture is shown: whole at some size, in part, or as leaves of mixed levels."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from arr_coc.attending import children, plan_splits, raster_order
from arr_coc.data.records import MIN_GLYPH_PX, Box, Picture, Question, legible_level
from arr_coc.hosts.grids import fit_grid
from arr_coc.nano.config import CELL_PX, MAX_TOKENS
from arr_coc.nano.dense_losses import BLANK
from arr_coc.nano.packing import View, leaf_view, plain_view, slots_of
from arr_coc.records import MAX_BUDGET, MIN_BUDGET

MIN_TOKENS = 16
SHOWN_THOUGH_ILLEGIBLE = 0.05


@dataclass(frozen=True, eq=False)
class Shown:
    """A view of a picture, and the questions that can be answered from it."""

    view: View
    questions: list[Question]
    picture: Picture


def resized_grid(picture: Picture, max_tokens: int) -> tuple[int, int]:
    """(rows, columns) of the host's own resize rule under a cap of visual tokens."""
    width, height = picture.image.size
    area = CELL_PX**2
    height, width = smart_resize(height, width, CELL_PX, MIN_TOKENS * area, max_tokens * area)
    return height // CELL_PX, width // CELL_PX


def scale_of(picture: Picture, grid: tuple[int, int]) -> float:
    return min(grid[0] * CELL_PX / picture.image.height, grid[1] * CELL_PX / picture.image.width)


def covered(boxes: tuple[Box, ...], picture: Picture, grid: tuple[int, int]) -> Tensor:
    """(rows, columns) share of each cell of a grid that evidence covers, at most 1 where boxes overlap."""
    rows, cols = grid
    heat = torch.zeros(rows, cols)
    for x0, y0, x1, y1 in boxes:
        across = overlap(x0 * cols / picture.image.width, x1 * cols / picture.image.width, cols)
        down = overlap(y0 * rows / picture.image.height, y1 * rows / picture.image.height, rows)
        heat = torch.maximum(heat, down[:, None] * across[None, :])
    return heat


def overlap(low: float, high: float, length: int) -> Tensor:
    """(length,) how much of each unit interval [i, i + 1] lies in [low, high]."""
    start = torch.arange(length)
    return (torch.clamp(start + 1, max=high) - torch.clamp(start, min=low)).clamp(min=0)


def legible(question: Question, picture: Picture, grid: tuple[int, int], level_at: Tensor, rng: random.Random) -> bool:
    """Whether all evidence is shown finely enough; level_at (rows, columns) is 99 where nothing is shown."""
    if rng.random() < SHOWN_THOUGH_ILLEGIBLE:
        return True
    finest_needed = legible_level(question, scale_of(picture, grid))
    if math.isfinite(question.glyph_px) and question.glyph_px * scale_of(picture, grid) < MIN_GLYPH_PX:
        return False
    needed = covered(question.boxes, picture, grid) > 0.05 if question.boxes else torch.ones(grid, dtype=torch.bool)
    return bool((level_at[needed] <= finest_needed).all())


def show_whole(picture: Picture, rng: random.Random, max_tokens: int) -> Shown:
    """The picture at a random size up to `max_tokens`, larger ones more often."""
    cap = max(MIN_BUDGET, int(max_tokens * rng.random() ** 0.5))
    grid = resized_grid(picture, cap)
    level_at = torch.zeros(grid, dtype=torch.long)
    questions = [q for q in picture.questions if legible(q, picture, grid, level_at, rng)]
    return Shown(plain_view(picture, *grid), questions, picture)


def show_part(picture: Picture, rng: random.Random, max_tokens: int) -> Shown:
    """At most `max_tokens` cells at full size: those with evidence of a few questions, then inked ones."""
    grid = resized_grid(picture, MAX_TOKENS)
    slots = slots_of(picture.image, picture.glyphs, *grid)
    wanted = rng.sample(list(picture.questions), min(len(picture.questions), rng.randint(1, 4)))
    heat = torch.rand(grid) * 0.1 + (slots != BLANK).any(dim=1).reshape(grid) * torch.rand(grid)
    for question in wanted:
        heat += 4 * (covered(question.boxes, picture, grid) > 0)
    index = heat.flatten().topk(min(max_tokens, heat.numel())).indices.sort().values
    level_at = torch.full((heat.numel(),), 99)
    level_at[index] = 0
    questions = [q for q in picture.questions if q.boxes and legible(q, picture, grid, level_at.reshape(grid), rng)]
    return Shown(plain_view(picture, *grid, index), questions, picture)


def show_leaves(picture: Picture, rng: random.Random, max_tokens: int, pieces: float = 0.0) -> Shown:
    """Leaves of mixed levels: splits follow print and chance; a share in pieces, as several looks encode them."""
    rows, cols, coarsest = fit_grid(*resized_grid(picture, MAX_TOKENS), MAX_TOKENS)
    grid = (rows, cols)
    budget = geometric(rng, MIN_BUDGET, max(MIN_BUDGET, min(MAX_BUDGET, max_tokens)))
    heat = interest(picture, grid, rng)
    looked_at, leaves = split_by(heat, grid, coarsest, budget, rng.random())
    level_at = levels_shown(leaves, grid)
    questions = [q for q in picture.questions if legible(q, picture, grid, level_at, rng)]
    levels = [(level, index) for level, index in enumerate(looked_at) if len(index)]
    if pieces and rng.random() < pieces:
        glimpse = levels[-1]
        levels = [(level, piece) for level, index in levels[:-1] for piece in in_pieces(index, cols >> level, rng)]
        levels.append(glimpse)
    return Shown(leaf_view(picture, grid, levels, leaves), questions, picture)


def in_pieces(index: Tensor, cols: int, rng: random.Random) -> list[Tensor]:
    """The cells of a level with `cols` columns as two or three looks would encode them: those of a parent together."""
    parents = (index // (2 * cols) * cols + index % cols // 2).tolist()
    num_looks = rng.randint(2, 3)
    look_of = {parent: rng.randrange(num_looks) for parent in sorted(set(parents))}
    looks = torch.tensor([look_of[parent] for parent in parents])
    return [index[looks == look] for look in range(num_looks) if (looks == look).any()]


def geometric(rng: random.Random, low: int, high: int) -> int:
    return round(low * (high / low) ** rng.random())


def interest(picture: Picture, grid: tuple[int, int], rng: random.Random) -> Tensor:
    """(rows, columns) heat at level 0: a few spots of print, other print and noise in random proportion.

    Never the evidence: a host that had seen splits led by it would take fine cells for a hint at the answer.
    """
    printed = (slots_of(picture.image, picture.glyphs, *grid) != BLANK).any(dim=1).reshape(grid).float()
    noise = torch.rand(grid, generator=torch.Generator().manual_seed(rng.randrange(2**31)))
    return rng.choice((0, 3, 3)) * spots(printed, rng) + rng.random() * printed * noise + 0.1 * noise


def spots(printed: Tensor, rng: random.Random) -> Tensor:
    """(rows, columns) in [0, 1]: one to eight lying ellipses around cells drawn by chance, mostly printed ones."""
    rows, cols = printed.shape
    weights = (printed + 0.05).flatten().tolist()
    heat = torch.zeros(rows, cols)
    for centre in rng.choices(range(rows * cols), weights, k=rng.randint(1, 8)):
        height = 0.5 + 2 * rng.random()
        width = height * (1 + 3 * rng.random())
        down = (torch.arange(rows) - centre // cols) / height
        across = (torch.arange(cols) - centre % cols) / width
        heat = torch.maximum(heat, torch.exp(-(down[:, None] ** 2) - across[None, :] ** 2))
    return heat


def split_by(
    heat: Tensor, grid: tuple[int, int], coarsest: int, budget: int, focus_diversify: float
) -> tuple[list[Tensor], Tensor]:
    """Splits the hottest cells level by level.

    Returns:
        Encoded cells per level, finest first, as raster indices, and the leaves (K, 3) in raster order.
    """
    rows, cols = grid
    if rows * cols <= budget:
        index = torch.arange(rows * cols)
        return [index], torch.stack([torch.zeros_like(index), index // cols, index % cols], dim=1)
    pooled = [torch.nn.functional.max_pool2d(heat[None], 2**level)[0] for level in range(coarsest + 1)]
    index = torch.arange(pooled[coarsest].numel())
    width = cols >> coarsest
    frontier = torch.stack([torch.full_like(index, coarsest), index // width, index % width], dim=1)
    looked_at, leaves = [index], []
    for level, num_splits in zip(
        range(coarsest, 0, -1), plan_splits(budget, len(frontier), coarsest, focus_diversify), strict=True
    ):
        chosen = torch.zeros(len(frontier), dtype=torch.bool)
        chosen[pooled[level][frontier[:, 1], frontier[:, 2]].topk(num_splits).indices] = True
        leaves.append(frontier[~chosen])
        frontier = children(frontier[chosen]) if num_splits else frontier[:0]
        looked_at.insert(0, (frontier[:, 1] * (cols >> level - 1) + frontier[:, 2]).sort().values)
    leaves = torch.cat([*leaves, frontier])
    return looked_at, leaves[raster_order(leaves)]


def levels_shown(leaves: Tensor, grid: tuple[int, int]) -> Tensor:
    """(rows, columns) level of the leaf over each level-0 cell."""
    shown = torch.zeros(grid, dtype=torch.long)
    for level, row, col in leaves.tolist():
        side = 1 << level
        shown[row * side : (row + 1) * side, col * side : (col + 1) * side] = level
    return shown
