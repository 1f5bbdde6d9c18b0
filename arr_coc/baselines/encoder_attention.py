"""How much attention each cell receives in a late block of an untouched vision tower (VisionZip, arXiv 2412.04467).

The tower of Qwen3-VL has no class token, so a patch's saliency is the mean attention that all patches of its
segment pay to it. A hook notes what goes into the block and works out queries and keys once more; nothing in the
tower changes, and the whole (P, P) map is never held at once, so any attention implementation will do.

Shapes: P patches, N cells, H heads, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb_vision

from arr_coc.hosts.encoding import Geometry, Segment, encode_segments
from arr_coc.records import CellFeatures

LATE_BLOCK = -2
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Received:
    """Of the cells of one segment, means over their patches.

    Attributes:
        attention: (N,) float32, received from all patches, mean over heads; a segment's sum over patches is 1.
        keys: (N, D) before rotation, heads side by side.
    """

    attention: Tensor
    keys: Tensor


def encode_and_read(
    visual: nn.Module, segments: list[Segment], geometry: Geometry
) -> list[tuple[CellFeatures, Received]]:
    """`encode_segments`, and what each segment's cells received in the last block but one, in one pass."""
    found: list[Received] = []

    def read(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        lengths = kwargs["cu_seqlens"].diff().tolist()
        found.extend(received(block, args[0], kwargs["position_embeddings"], lengths, geometry.merge_size**2))

    blocks = visual.blocks
    handle = blocks[max(0, len(blocks) + LATE_BLOCK)].register_forward_pre_hook(read, with_kwargs=True)
    try:
        features = encode_segments(visual, segments, geometry)
    finally:
        handle.remove()
    return list(zip(features, found, strict=True))


def received(
    block: nn.Module, hidden: Tensor, rotary: tuple[Tensor, Tensor], lengths: list[int], patches_per_cell: int
) -> list[Received]:
    """One record per segment; `hidden` (P, D) is the block's input and `lengths` are patches per segment."""
    attention = block.attn
    qkv = attention.qkv(block.norm1(hidden)).reshape(len(hidden), 3, attention.num_heads, -1)
    query, key = qkv[:, 0], qkv[:, 1]
    of_cells = key.flatten(1).unflatten(0, (-1, patches_per_cell)).mean(1)
    query, key = apply_rotary_pos_emb_vision(query, key, *rotary)
    parts = zip(query.split(lengths), key.split(lengths), strict=True)
    of_patches = torch.cat([mean_received(*part, attention.scaling) for part in parts])
    counts = [length // patches_per_cell for length in lengths]
    means = of_patches.unflatten(0, (-1, patches_per_cell)).mean(1)
    return [Received(*pair) for pair in zip(means.split(counts), of_cells.split(counts), strict=True)]


def mean_received(query: Tensor, key: Tensor, scaling: float) -> Tensor:
    """(P,) float32 mean over heads and queries of softmax(q k^T * scaling), from (P, H, d) of one segment."""
    keys = key.float().permute(1, 2, 0)
    total = keys.new_zeros(len(key))
    for chunk in query.float().transpose(0, 1).split(CHUNK, dim=1):
        total += (chunk @ keys * scaling).softmax(-1).sum(dim=(0, 1))
    return total / (query.shape[0] * query.shape[1])
