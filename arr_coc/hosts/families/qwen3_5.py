"""Qwen3.5 and Qwen3.5-MoE: every fourth layer attends, the others keep a memory of fixed size (Gated DeltaNet).

Sizes are those of `config.json` of Qwen/Qwen3.5-* on the Hugging Face hub.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn
from transformers import PreTrainedConfig

from arr_coc.hosts.families.family import rotate
from arr_coc.hosts.families.qwen3_vl import InterpolatedFamily
from arr_coc.hosts.families.shapes import LanguageShape

TOWER = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16}
LINEAR_MATRICES = ("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a", "out_proj")
ATTENTION_MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass(frozen=True, eq=False)
class HybridFamily(InterpolatedFamily):
    """The query's projection makes a gate as well."""

    def language_shape(self, config: PreTrainedConfig) -> LanguageShape:
        return replace(super().language_shape(config), has_gate=True)

    def query_key(self, attention: nn.Module, normed: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        rows = normed.shape[:-1]
        query, _gate = attention.q_proj(normed).view(*rows, -1, 2 * attention.head_dim).chunk(2, dim=-1)
        key = attention.k_proj(normed).view(*rows, -1, attention.head_dim)
        query, key = attention.q_norm(query).transpose(1, 2), attention.k_norm(key).transpose(1, 2)
        return rotate(attention, query, key, rotary)


def size(
    hidden: int, depth: int, heads: int, keys: int, linear_heads: int, is_tied: bool = False, **text: object
) -> dict[str, object]:
    """A configuration of this family."""
    return {
        "vision_config": {**TOWER, "out_hidden_size": hidden},
        "text_config": {
            "hidden_size": hidden,
            "num_hidden_layers": depth,
            "num_attention_heads": heads,
            "num_key_value_heads": keys,
            "head_dim": 256,
            "linear_num_value_heads": linear_heads,
            "vocab_size": 248_320,
            "max_position_embeddings": 262_144,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000_000.0,
                "mrope_section": [11, 11, 10],
                "mrope_interleaved": True,
                "partial_rotary_factor": 0.25,
            },
            "tie_word_embeddings": is_tied,
            **text,
        },
        "tie_word_embeddings": is_tied,
    }


QWEN3_5 = HybridFamily(
    "qwen3_5",
    "Qwen3.5",
    "Qwen3_5ForConditionalGeneration",
    "Qwen/Qwen3.5-9B",
    sizes={
        "qwen3.5-9b": size(4096, 32, 16, 4, 32, intermediate_size=12_288),
        "qwen3.5-27b": size(5120, 64, 24, 4, 48, intermediate_size=17_408),
    },
    lora=(*ATTENTION_MATRICES, *LINEAR_MATRICES, "gate_proj", "up_proj", "down_proj"),
)

MIXED = {
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "num_experts": 256,
    "num_experts_per_tok": 8,
}
QWEN3_5_MOE = HybridFamily(
    "qwen3_5_moe",
    "Qwen3.5-MoE",
    "Qwen3_5MoeForConditionalGeneration",
    "Qwen/Qwen3.5-35B-A3B",
    sizes={"qwen3.5-35b-a3b": size(2048, 40, 16, 2, 32, **MIXED)},
    lora=(*ATTENTION_MATRICES, *LINEAR_MATRICES, "gate_proj", "up_proj", "down_proj"),
)

FAMILIES = (QWEN3_5, QWEN3_5_MOE)
