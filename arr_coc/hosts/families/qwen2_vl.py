"""Qwen2-VL and Qwen2.5-VL: patches of 14 pixels; in most blocks of the later one patches see their window alone.

Sizes are those of `config.json` of Qwen/Qwen2-VL-*-Instruct and Qwen/Qwen2.5-VL-*-Instruct on the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from arr_coc.hosts.encoding import Geometry, Segment, segment_grid
from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.shapes import TowerShape

CLIP = (tuple(OPENAI_CLIP_MEAN), tuple(OPENAI_CLIP_STD))


@dataclass(frozen=True, eq=False)
class Qwen2VLFamily(Family):
    """Names of widths differ: `hidden_size` of the tower's configuration is the language model's."""

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        vision = config.vision_config
        return TowerShape(
            depth=vision.depth,
            width=vision.embed_dim,
            heads=vision.num_heads,
            inner=vision.embed_dim * vision.mlp_ratio,
            output=vision.hidden_size,
            merge=vision.spatial_merge_size,
            patch=vision.patch_size,
            channels=vision.in_channels * vision.temporal_patch_size * vision.patch_size**2,
            alive=3,
            kept=3,
        )


@dataclass(frozen=True, eq=False)
class WindowFamily(Family):
    """Cells are sorted into windows of four by four of their level's grid; few blocks look beyond."""

    def tower_facts(self, vision: nn.Module) -> int:
        """Side of a window in cells."""
        return int(vision.window_size // vision.spatial_merge_size // vision.patch_size)

    def tower_kwargs(self, facts: int, segments: Sequence[Segment], geometry: Geometry) -> dict[str, Tensor]:
        """Beside positions: cells in the order of their windows, and where windows end."""
        orders, lengths, offset = [], [0], 0
        for segment in segments:
            window = window_of(segment, geometry, facts)
            orders.append(window.argsort(stable=True) + offset)
            lengths += (window.unique(return_counts=True)[1] * geometry.merge_size**2).tolist()
            offset += len(window)
        shared = super().tower_kwargs(facts, segments, geometry)
        ends = torch.tensor(lengths).cumsum(0).int()
        return {**shared, "window_index": torch.cat(orders), "cu_window_seqlens": ends}

    def tower_order(self, kwargs: Mapping[str, Tensor], num_cells: int) -> Tensor:
        return kwargs["window_index"]

    def late_block(self, vision: nn.Module) -> int:
        """The last one that sees more than windows."""
        return int(max(vision.fullatt_block_indexes))

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        vision, shape = config.vision_config, super().tower_shape(config)
        full = tuple(vision.fullatt_block_indexes)
        window = (vision.window_size // vision.patch_size) ** 2
        return replace(shape, alive=3, kept=4, is_root_mean=True, window=window, full_blocks=full)


def window_of(segment: Segment, geometry: Geometry, side: int) -> Tensor:
    """(n,) number of the window that each cell of a segment lies in, counted row by row."""
    cols = int(segment_grid(segment, geometry)[0, 2]) // geometry.merge_size
    return segment.index // cols // side * -(-cols // side) + segment.index % cols // side


def size(
    tower: dict[str, object], hidden: int, inner: int, depth: int, heads: int, keys: int, vocabulary: int,
    is_tied: bool = False,
) -> dict[str, object]:  # fmt: skip
    """A configuration of either family."""
    return {
        "vision_config": {"depth": 32, "num_heads": 16, **tower},
        "text_config": {
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_hidden_layers": depth,
            "num_attention_heads": heads,
            "num_key_value_heads": keys,
            "vocab_size": vocabulary,
            "max_position_embeddings": 128_000,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]},
            "tie_word_embeddings": is_tied,
        },
        "tie_word_embeddings": is_tied,
    }


def plain_tower(hidden: int) -> dict[str, object]:
    return {"embed_dim": 1280, "hidden_size": hidden, "mlp_ratio": 4}


def window_tower(hidden: int) -> dict[str, object]:
    blocks = [7, 15, 23, 31]
    return {
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "out_hidden_size": hidden,
        "window_size": 112,
        "fullatt_block_indexes": blocks,
    }


QWEN2_VL = Qwen2VLFamily(
    "qwen2_vl",
    "Qwen2-VL",
    "Qwen2VLForConditionalGeneration",
    "Qwen/Qwen2-VL-2B-Instruct",
    sizes={
        "qwen2-vl-2b": size(plain_tower(1536), 1536, 8960, 28, 12, 2, 151_936, is_tied=True),
        "qwen2-vl-7b": size(plain_tower(3584), 3584, 18_944, 28, 28, 4, 152_064),
    },
    pixel_limits=(3136, 12_845_056),
    patch_size=14,
    mean=CLIP[0],
    std=CLIP[1],
)

QWEN2_5_VL = WindowFamily(
    "qwen2_5_vl",
    "Qwen2.5-VL",
    "Qwen2_5_VLForConditionalGeneration",
    "Qwen/Qwen2.5-VL-3B-Instruct",
    sizes={
        "qwen2.5-vl-3b": size(window_tower(2048), 2048, 11_008, 36, 16, 2, 151_936, is_tied=True),
        "qwen2.5-vl-7b": size(window_tower(3584), 3584, 18_944, 28, 28, 4, 152_064),
    },
    pixel_limits=(3136, 12_845_056),
    patch_size=14,
    mean=CLIP[0],
    std=CLIP[1],
)

FAMILIES = (QWEN2_VL, QWEN2_5_VL)
