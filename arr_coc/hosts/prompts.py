"""From token ids with one placeholder per picture to what the language model takes.

Shapes: B batch, T tokens, K leaves of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from arr_coc.records import Allocation


@dataclass(frozen=True, eq=False)
class ImageBlock:
    """The visual tokens that take the place of one placeholder.

    Attributes:
        positions: (K, 2) int64 row and column of each token, from the block's start.
        span: positions the block takes; text goes on at start + span.
    """

    positions: Tensor
    span: int

    @classmethod
    def of(cls, allocation: Allocation) -> ImageBlock:
        """Leaves at their centres in the level-0 grid; text goes on at max(rows, columns), as the host does it."""
        return cls(allocation.positions(), max(allocation.grid))


@dataclass(frozen=True, eq=False)
class Prompt:
    """One sequence: ids (T,) with a placeholder per visual token, M-RoPE positions (3, T) of t, h, w."""

    ids: Tensor
    positions: Tensor


def lay_out(ids: list[int], image_token_id: int, blocks: list[ImageBlock]) -> Prompt:
    """Widens each placeholder to its block and gives every token its M-RoPE position (Qwen3-VL, `get_rope_index`).

    Raises:
        ValueError: the text holds more or fewer placeholders than there are pictures.
    """
    if ids.count(image_token_id) != len(blocks):
        raise ValueError(
            f"messages: the text holds {ids.count(image_token_id)} image placeholders for {len(blocks)} pictures; "
            "give each picture one image part, write no placeholder yourself, and use a chat template that knows images"
        )
    pieces, positions, start = [], [], 0
    remaining = iter(blocks)
    for run in split_at(ids, image_token_id):
        if run == [image_token_id]:
            block = next(remaining)
            pieces.append(torch.full((len(block.positions),), image_token_id))
            rows, cols = block.positions.unbind(1)
            positions.append(torch.stack([torch.zeros_like(rows), rows, cols]) + start)
            start += block.span
        else:
            pieces.append(torch.tensor(run))
            positions.append(torch.arange(start, start + len(run)).expand(3, -1))
            start += len(run)
    return Prompt(torch.cat(pieces), torch.cat(positions, dim=1))


def split_at(ids: list[int], token: int) -> list[list[int]]:
    """Runs of other tokens and, on its own, every occurrence of `token`, in order."""
    runs: list[list[int]] = []
    for value in ids:
        if value != token and runs and runs[-1] != [token]:
            runs[-1].append(value)
        else:
            runs.append([value])
    return runs


def pad_batch(prompts: list[Prompt], pad_token_id: int, side: str) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` (B, T) and `position_ids` (4, B, T): text row, then t, h, w; 0 where padded."""
    length = max(len(prompt.ids) for prompt in prompts)
    ids = torch.full((len(prompts), length), pad_token_id)
    mask = torch.zeros(len(prompts), length, dtype=torch.long)
    positions = torch.zeros(4, len(prompts), length, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        count = len(prompt.ids)
        place = slice(length - count, length) if side == "left" else slice(0, count)
        ids[row, place] = prompt.ids
        mask[row, place] = 1
        positions[0, row, place] = torch.arange(count)
        positions[1:, row, place] = prompt.positions
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
