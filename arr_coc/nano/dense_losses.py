"""Dense, ordered supervision of the vision side: which character stands where.

Question answering alone never taught the tower to read (dev/LOG.md). Heads do: one on every patch
before the merger, one on every merged token after it, without which the merger drops characters, one
that names the characters with which words begin, where an answer is read from, and two for colours.
Another points: from the last token of a question to the visual tokens where its answer begins, as
real hosts learn from grounding data. The heads are thrown away after training.

Shapes: N cells, P = 4 patches of a cell, A = 2 slots (left and right half) of a patch.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arr_coc.data.drawing.colours import PALETTE, VIVID
from arr_coc.data.records import FIGURES, Figure

ALPHABET = [chr(code) for code in range(33, 127)] + ["€", "£"]
CLASS_OF = {char: index + 1 for index, char in enumerate(ALPHABET)}
NUM_CLASSES = len(ALPHABET) + 1
NUM_FIGURES = len(FIGURES) + 1
BLANK, IGNORE = 0, -100
SLOT_WIDTH, PATCH, CELL = 8, 16, 32
SLOTS_PER_CELL, PATCHES_PER_CELL = 8, 4
MIN_LEGIBLE_PX = 6.5
BLANK_WEIGHT = 0.1
COLOUR_RADIUS, COLOUR_SHARE = 0.2, 0.03
FILLED_SHARE, MOST_MIDDLES = 0.7, 3


def character_slots(
    chars: str, centres: np.ndarray, heights: np.ndarray, scale: tuple[float, float], grid: tuple[int, int]
) -> Tensor:
    """(rows * cols, 8) int64 class per slot of each cell at a level; BLANK, a character, or IGNORE.

    Args:
        chars: N characters drawn on the picture, with centres (N, 2) x, y and cap heights (N,) in its pixels.
        scale: (x, y) size of the level over size of the picture.
        grid: (rows, columns) of the level in cells.
    A slot with two characters, or with one too small to read, is ignored.
    """
    rows, cols = grid
    slots = np.zeros((rows * cols, SLOTS_PER_CELL), dtype=np.int64)
    if len(chars) == 0:
        return torch.from_numpy(slots)
    xs, ys = centres[:, 0] * scale[0], centres[:, 1] * scale[1]
    inside = (xs >= 0) & (ys >= 0) & (xs < cols * CELL) & (ys < rows * CELL)
    classes = np.array([CLASS_OF.get(char, IGNORE) for char in chars])
    classes = np.where(heights * min(scale) < MIN_LEGIBLE_PX, IGNORE, classes)[inside]
    columns, lines = (xs[inside] // SLOT_WIDTH).astype(int), (ys[inside] // PATCH).astype(int)
    cell = (lines // 2) * cols + columns // 4
    slot = (lines % 2) * 4 + columns % 4
    flat = cell * SLOTS_PER_CELL + slot
    count = np.bincount(flat, minlength=slots.size)
    slots.reshape(-1)[flat] = classes
    slots.reshape(-1)[count > 1] = IGNORE
    return torch.from_numpy(slots)


def patch_starts(slots: Tensor) -> Tensor:
    """(N, 4) class of the character with which a word begins in each patch, of slots (N, 8) that hold nothing else."""
    left, right = slots.reshape(-1, 2, 2, 2).flatten(1, 2).unbind(-1)
    both = (left != BLANK) & (right != BLANK)
    return torch.where(left == BLANK, right, left).masked_fill(both, IGNORE)


def figures_by_cell(figures: tuple[Figure, ...], size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """(rows * cols, 2) int64: class of the thing that fills a cell (0 nothing), and how many have their middle there.

    Args:
        size: (width, height) of the picture the boxes belong to.
        grid: (rows, columns) of the level in cells.
    A cell at the rim of a thing, or in the middle of several, is ignored.
    """
    rows, cols = grid
    filled, middles = np.zeros(grid, dtype=np.int64), np.zeros(grid, dtype=np.int64)
    cell_of = []
    for figure in figures:
        x0, x1 = (edge * cols / size[0] for edge in figure.box[::2])
        y0, y1 = (edge * rows / size[1] for edge in figure.box[1::2])
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        filled[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = IGNORE
        down = np.abs(np.arange(rows) + 0.5 - y) < FILLED_SHARE * (y1 - y0) / 2
        across = np.abs(np.arange(cols) + 0.5 - x) < FILLED_SHARE * (x1 - x0) / 2
        number = FIGURES.index(figure.name) + 1
        filled[np.ix_(down, across)] = number
        cell_of.append((min(rows - 1, int(y)), min(cols - 1, int(x)), number))
    for row, col, number in cell_of:
        filled[row, col] = IGNORE if middles[row, col] else number
        middles[row, col] = min(MOST_MIDDLES, middles[row, col] + 1)
    return torch.from_numpy(np.stack([filled, middles], axis=-1).reshape(-1, 2))


class DenseHeads(nn.Module):
    """Linear readers of characters, their first ones, colours and things, from last patch states and merged tokens."""

    def __init__(self, vision_width: int, text_width: int) -> None:
        super().__init__()
        self.patches = nn.Sequential(nn.LayerNorm(vision_width), nn.Linear(vision_width, 2 * NUM_CLASSES))
        self.tokens = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, SLOTS_PER_CELL * NUM_CLASSES))
        self.starts = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, PATCHES_PER_CELL * NUM_CLASSES))
        self.names = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, len(VIVID)))
        self.colours = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, PATCHES_PER_CELL * 3))
        self.figures = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, NUM_FIGURES + MOST_MIDDLES + 1))

    def forward(self, patch_states: Tensor, merged: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Patch states (4N, D_vision) and merged tokens (N, D) to what they hold.

        Returns:
            Logits of the characters of both, (N, 8, classes), logits of word starts (N, 4, classes), colours (N, 4, 3),
            logits of the names of colours (N, 9), logits of things and of their middles (N, things + counts).
        """
        return (
            self.patches(patch_states).reshape(-1, SLOTS_PER_CELL, NUM_CLASSES),
            self.tokens(merged).reshape(-1, SLOTS_PER_CELL, NUM_CLASSES),
            self.starts(merged).reshape(-1, PATCHES_PER_CELL, NUM_CLASSES),
            self.colours(merged).reshape(-1, PATCHES_PER_CELL, 3),
            self.names(merged),
            self.figures(merged),
        )


def patch_colours(image: Tensor, index: Tensor) -> Tensor:
    """(n, 4, 3) mean RGB in -1..1 of the patches of chosen cells of an image (3, H, W) in 0..1."""
    cols = image.shape[2] // CELL
    patches = (
        image.unfold(1, CELL, CELL).unfold(2, CELL, CELL)[:, index // cols, index % cols].unflatten(-1, (2, PATCH))
    )
    means = patches.unflatten(2, (2, PATCH)).mean((3, 5)) * 2 - 1
    return means.flatten(2).permute(1, 2, 0)


def colour_names(image: Tensor, index: Tensor) -> Tensor:
    """(n, 9) whether chosen cells of an image (3, H, W) in 0..1 show each vivid colour, by every second pixel."""
    palette = torch.tensor([PALETTE[name] for name in VIVID]) / 255
    cells = image[:, ::2, ::2].unfold(1, CELL // 2, CELL // 2).unfold(2, CELL // 2, CELL // 2)
    cols = cells.shape[2]
    shown = cells[:, index // cols, index % cols].flatten(2)[:, None]
    red, green, blue = ((shown[channel] - palette[:, channel, None, None]).square_() for channel in range(3))
    near = red.add_(green).add_(blue) < COLOUR_RADIUS**2
    return (near.float().mean(-1).T > COLOUR_SHARE).float()


def colour_loss(predicted: Tensor, colours: Tensor) -> Tensor:
    """Mean squared error; a tower that only learns to read forgets colour (dev/LOG.md)."""
    return F.mse_loss(predicted.float(), colours)


def character_loss(logits: Tensor, slots: Tensor) -> Tensor:
    """Mean cross entropy over slots that are not ignored, blank ones down-weighted."""
    weight = torch.ones(NUM_CLASSES)
    weight[BLANK] = BLANK_WEIGHT
    return F.cross_entropy(logits.flatten(0, 1).float(), slots.flatten(), weight.to(logits.device), ignore_index=IGNORE)


def figure_loss(logits: Tensor, figures: Tensor) -> Tensor:
    """Mean cross entropy of what fills a cell and of how many middles it holds, empty cells down-weighted."""
    losses, parts = [], logits.float().split([NUM_FIGURES, MOST_MIDDLES + 1], dim=1)
    for part, target in zip(parts, figures.unbind(1), strict=True):
        weight = torch.ones(part.shape[1], device=part.device)
        weight[0] = BLANK_WEIGHT
        losses.append(F.cross_entropy(part, target, weight, ignore_index=IGNORE))
    return sum(losses, logits.new_zeros(()))


def character_accuracy(logits: Tensor, slots: Tensor) -> tuple[int, int]:
    """(right, total) over the slots that hold a readable character."""
    printed = slots > BLANK
    return int((logits.argmax(-1) == slots)[printed].sum()), int(printed.sum())


class PointingHead(nn.Module):
    """Where the answer stands: a question's last hidden state against those of the visual tokens."""

    def __init__(self, text_width: int) -> None:
        super().__init__()
        self.query = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, text_width))
        self.key = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, text_width))

    def forward(self, questions: Tensor, tokens: Tensor, is_token: Tensor) -> Tensor:
        """Questions (Q, D), their pictures' visual tokens (Q, K, D), which of them are there -> logits (Q, K)."""
        scores = (self.query(questions)[:, None] * self.key(tokens)).sum(-1) / tokens.shape[-1] ** 0.5
        return scores.float().masked_fill(~is_token, float("-inf"))


def pointing_loss(logits: Tensor, evidence: Tensor) -> tuple[Tensor, int, int]:
    """-log of the probability on the evidence, mean over questions that have some; (loss, hits, questions)."""
    known = evidence.any(1)
    if not known.any():
        return logits.new_zeros(()), 0, 0
    logits, evidence = logits[known], evidence[known]
    loss = logits.logsumexp(1) - logits.masked_fill(~evidence, float("-inf")).logsumexp(1)
    hits = evidence.gather(1, logits.argmax(1, keepdim=True)).sum()
    return loss.mean(), int(hits), len(logits)


def attention_loss(logits: Tensor, evidence: Tensor, asked: Tensor) -> Tensor:
    """-log of the share of attention on the evidence, over visual tokens only.

    Args:
        logits: (questions, heads, K).
        evidence, asked: (E, K) and (E,), see `packing.Sample`; pieces of one question weigh the same.
    """
    known = evidence.any(1)
    if not known.any():
        return logits.new_zeros(())
    evidence, asked = evidence[known], asked[known]
    shares = torch.einsum("ehk,ek->eh", logits.softmax(-1)[asked], evidence.to(logits.dtype)).mean(1)
    weights = 1 / torch.bincount(asked, minlength=len(logits))[asked]
    return (-shares.clamp(min=1e-6).log() * weights).sum() / weights.sum()
