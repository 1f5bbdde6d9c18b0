"""How much attention each cell receives in a late block of an untouched vision tower (VisionZip, arXiv 2412.04467).

The towers have no class token, so a patch's saliency is the mean attention that all patches of its
segment pay to it. A hook notes what goes into the block and works out queries and keys once more; nothing in the
tower changes, and the whole (P, P) map is never held at once, so any attention implementation will do.

Shapes: P patches, N cells, H heads, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from arr_coc.hosts.encoding import Segment
from arr_coc.hosts.families.family import rotate
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.placement import together
from arr_coc.records import CellFeatures

CHUNK = 256


@dataclass(frozen=True, eq=False)
class Received:
    """Of the cells of one segment, means over their patches.

    Attributes:
        attention: (N,) float32, received from all patches that see them, mean over heads; 1 in sum over those.
        keys: (N, D) before rotation, heads side by side.
    """

    attention: Tensor
    keys: Tensor


def encode_and_read(host: TransformersHost, segments: list[Segment]) -> list[tuple[CellFeatures, Received]]:
    """`host.encode_segments`, and what each segment's cells received in a late block, in one pass."""
    found: list[Received] = []

    def read(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.append(received(block, args[0], kwargs["position_embeddings"], kwargs["cu_seqlens"].diff().tolist()))

    late = host.vision.blocks[host.family.late_block(host.vision)]
    handle = late.register_forward_pre_hook(read, with_kwargs=True)
    try:
        features = host.encode_segments(segments)
    finally:
        handle.remove()
    return list(zip(features, by_cell(host, segments, found[0]), strict=True))


def received(block: nn.Module, hidden: Tensor, rotary: tuple[Tensor, Tensor], lengths: list[int]) -> Received:
    """Of patches (P, D) that go into a block, of which `lengths` in a row see each other: (P,) and (P, D)."""
    attention = block.attn
    hidden, *rotary = together(block, hidden, *rotary)
    qkv = attention.qkv(block.norm1(hidden)).reshape(len(hidden), 3, attention.num_heads, -1)
    query, key = qkv[:, 0], qkv[:, 1]
    turned = rotate(attention, query, key, tuple(rotary), "apply_rotary_pos_emb_vision")
    parts = zip(*(states.split(lengths) for states in turned), strict=True)
    return Received(torch.cat([mean_received(*part, attention.scaling) for part in parts]), key.flatten(1))


def by_cell(host: TransformersHost, segments: list[Segment], patches: Received) -> list[Received]:
    """Means over the patches of each cell, a record a segment, cells in the order of its index."""
    counts, block = [len(segment.index) for segment in segments], host.geometry.merge_size**2
    kwargs = host.family.tower_kwargs(host.family.tower_facts(host.vision), segments, host.geometry)
    place = host.family.tower_order(kwargs, sum(counts)).argsort().to(patches.keys.device)
    attention, keys = (each.unflatten(0, (-1, block)).mean(1)[place] for each in (patches.attention, patches.keys))
    return [Received(*pair) for pair in zip(attention.split(counts), keys.split(counts), strict=True)]


def mean_received(query: Tensor, key: Tensor, scaling: float) -> Tensor:
    """(P,) float32 mean over heads and queries of softmax(q k^T * scaling), from (P, H, d) of one segment."""
    keys = key.float().permute(1, 2, 0)
    total = keys.new_zeros(len(key))
    for chunk in query.float().transpose(0, 1).split(CHUNK, dim=1):
        total += (chunk @ keys * scaling).softmax(-1).sum(dim=(0, 1))
    return total / (query.shape[0] * query.shape[1])
