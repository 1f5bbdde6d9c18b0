"""A tiny model of every family: one row each, which all tests of families go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from arr_coc.hosts.families.registry import families

MROPE = {"rope_type": "default", "rope_theta": 10000.0}
INTERLEAVED = {**MROPE, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
TABLE_TOWER = {"depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "num_position_embeddings": 64}
DEEPSTACK_TOWER = {**TABLE_TOWER, "out_hidden_size": 48, "deepstack_visual_indexes": [0, 1]}
TEXT = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "max_position_embeddings": 2048,
    "initializer_range": 0.2,
}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
LINEAR = {
    **HEADS,
    "rope_parameters": {**INTERLEAVED, "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5},
    "full_attention_interval": 2,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
WIDTHS = {
    "hidden_size",
    "intermediate_size",
    "out_hidden_size",
    "embed_dim",
    "head_dim",
    "moe_intermediate_size",
    "shared_expert_intermediate_size",
    "linear_key_head_dim",
    "linear_value_head_dim",
}
GLM = (
    {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 48,
        "image_size": 112,
    },
    {"rope_parameters": {**MROPE, "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5}},
)
ROWS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qwen3_vl": (DEEPSTACK_TOWER, {**HEADS, "rope_parameters": INTERLEAVED}),
    "qwen3_vl_moe": (DEEPSTACK_TOWER, {**HEADS, **EXPERTS, "rope_parameters": INTERLEAVED}),
    "qwen3_5": ({**TABLE_TOWER, "out_hidden_size": 48}, LINEAR),
    "qwen3_5_moe": (
        {**TABLE_TOWER, "out_hidden_size": 48},
        {**LINEAR, **EXPERTS, "shared_expert_intermediate_size": 24},
    ),
    "qwen2_vl": (
        {"depth": 3, "embed_dim": 32, "hidden_size": 48, "num_heads": 2},
        {"rope_parameters": {**MROPE, "mrope_section": [4, 2, 2]}},
    ),
    "qwen2_5_vl": (
        {
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 48,
            "fullatt_block_indexes": [1],
        },
        {"rope_parameters": {**MROPE, "mrope_section": [4, 2, 2]}},
    ),
    "glm4v": GLM,
    "glm46v": GLM,
}


def row_config(model_type: str, tokenizer: PreTrainedTokenizerFast, factor: int = 1) -> PreTrainedConfig:
    """The configuration of a row, its widths multiplied by a factor."""
    tower, text = ROWS[model_type]
    token_id = tokenizer.convert_tokens_to_ids
    text = {**TEXT, "vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": None, **text}
    return AutoConfig.for_model(
        model_type,
        vision_config=widened({**tower, "initializer_range": 0.2}, factor),
        text_config=widened(text, factor),
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
    )


def widened(values: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """Widths and the shares that time, row and column have of them, multiplied."""
    wide = {name: factor * value if name in WIDTHS else value for name, value in values.items()}
    rope = dict(wide.get("rope_parameters", {}))
    if rope:
        wide["rope_parameters"] = {**rope, "mrope_section": [factor * share for share in rope["mrope_section"]]}
    return wide


def row_model(model_type: str, tokenizer: PreTrainedTokenizerFast, factor: int = 1) -> PreTrainedModel:
    """Float32, seeded, evaluation mode; large weights, so that every part tells."""
    torch.manual_seed(0)
    model = families()[model_type].build(row_config(model_type, tokenizer, factor)).eval()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
