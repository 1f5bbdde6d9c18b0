"""Qwen3-VL and Qwen3-VL-MoE: DeepStack, interleaved M-RoPE, a table of positions that the tower interpolates.

Sizes are those of `config.json` of Qwen/Qwen3-VL-*-Instruct on the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures
from transformers.vision_utils import get_vision_interpolation_indices_and_weights

from arr_coc.hosts.encoding import Geometry, Segment, gather_blocks, segment_grid
from arr_coc.hosts.families.family import Family, rotate
from arr_coc.hosts.families.shapes import LanguageShape, TowerShape
from arr_coc.records import CellFeatures

SMALL_TOWER = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "deepstack_visual_indexes": [5, 11, 17]}
LARGE_TOWER = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "deepstack_visual_indexes": [8, 16, 24]}


@dataclass(frozen=True)
class Interpolation:
    """How a tower reads its table of position embeddings."""

    num_grid_per_side: int
    mode: str
    align_corners: bool

    @classmethod
    def of(cls, visual: nn.Module) -> Interpolation:
        return cls(visual.num_grid_per_side, visual.interpolation_mode, visual.interpolation_align_corners)


@dataclass(frozen=True, eq=False)
class InterpolatedFamily(Family):
    """Towers with a table of positions; queries and keys are normed head by head."""

    def tower_facts(self, vision: nn.Module) -> Interpolation:
        return Interpolation.of(vision)

    def tower_kwargs(self, facts: Interpolation, segments: Sequence[Segment], geometry: Geometry) -> dict[str, Tensor]:
        """Beside positions: four taps into the table and their weights, of every patch."""
        tables = [
            get_vision_interpolation_indices_and_weights(
                segment_grid(segment, geometry),
                num_grid_per_side=facts.num_grid_per_side,
                mode=facts.mode,
                align_corners=facts.align_corners,
                spatial_merge_size=geometry.merge_size,
            )
            for segment in segments
        ]
        block = geometry.merge_size**2
        taps, weights = (
            torch.cat([gather_blocks(table, each.index, block) for table, each in zip(part, segments, strict=True)])
            for part in zip(*tables, strict=True)
        )
        shared = super().tower_kwargs(facts, segments, geometry)
        return {**shared, "interp_indices": taps, "interp_weights": weights}

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        return replace(super().tower_shape(config), has_table=True)

    def language_shape(self, config: PreTrainedConfig) -> LanguageShape:
        return replace(super().language_shape(config), has_head_norms=True)

    def query_key(self, attention: nn.Module, normed: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        shape = (*normed.shape[:-1], -1, attention.head_dim)
        query = attention.q_norm(attention.q_proj(normed).view(shape)).transpose(1, 2)
        key = attention.k_norm(attention.k_proj(normed).view(shape)).transpose(1, 2)
        return rotate(attention, query, key, rotary)


@dataclass(frozen=True, eq=False)
class DeepStackFamily(InterpolatedFamily):
    """Planes of earlier blocks are added to the first layers of the language model (DeepStack, arXiv 2406.04334)."""

    def bridge(self, vision: nn.Module) -> list[nn.Module]:
        return [vision.merger, vision.deepstack_merger_list]

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        shape = super().tower_shape(config)
        return replace(shape, num_planes=len(config.vision_config.deepstack_visual_indexes))

    def encoder_outputs(
        self, conversations: Sequence[Sequence[CellFeatures]], dtype: torch.dtype
    ) -> BaseModelOutputWithDeepstackFeatures:
        """A tuple of tensors a plane, beside the merged ones."""
        pictures = [picture for pictures in conversations for picture in pictures]
        planes = [
            tuple(plane.to(dtype) for plane in planes)
            for planes in zip(*(picture.deepstack for picture in pictures), strict=True)
        ]
        merged = tuple(picture.merged.to(dtype) for picture in pictures)
        return BaseModelOutputWithDeepstackFeatures(pooler_output=merged, deepstack_features=planes)


def size(
    tower: dict[str, object], hidden: int, inner: int, depth: int, heads: int, *, keys: int = 8, is_tied: bool = False,
    **text: object,
) -> dict[str, object]:  # fmt: skip
    """A configuration of this family."""
    return {
        "vision_config": {**tower, "num_heads": 16, "out_hidden_size": hidden},
        "text_config": {
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_hidden_layers": depth,
            "num_attention_heads": heads,
            "num_key_value_heads": keys,
            "head_dim": 128,
            "vocab_size": 151_936,
            "max_position_embeddings": 262_144,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5_000_000.0,
                "mrope_section": [24, 20, 20],
                "mrope_interleaved": True,
            },
            "tie_word_embeddings": is_tied,
            **text,
        },
        "tie_word_embeddings": is_tied,
    }


QWEN3_VL = DeepStackFamily(
    "qwen3_vl",
    "Qwen3-VL",
    "Qwen3VLForConditionalGeneration",
    "Qwen/Qwen3-VL-2B-Instruct",
    sizes={
        "2b": size(SMALL_TOWER, 2048, 6144, 28, 16, is_tied=True),
        "4b": size(SMALL_TOWER, 2560, 9728, 36, 32, is_tied=True),
        "8b": size(LARGE_TOWER, 4096, 12_288, 36, 32),
        "32b": size(LARGE_TOWER, 5120, 25_600, 64, 64),
    },
)

MIXED = {"moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8}
QWEN3_VL_MOE = DeepStackFamily(
    "qwen3_vl_moe",
    "Qwen3-VL-MoE",
    "Qwen3VLMoeForConditionalGeneration",
    "Qwen/Qwen3-VL-30B-A3B-Instruct",
    sizes={"30b-a3b": size(LARGE_TOWER, 2048, 6144, 48, 32, keys=4, **MIXED)},
    lora=("q_proj", "k_proj", "v_proj", "o_proj"),
)

FAMILIES = (QWEN3_VL, QWEN3_VL_MOE)
