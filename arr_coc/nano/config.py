"""The geometry of `nano`: a Qwen3-VL in everything but size."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, Qwen3VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from arr_coc.hosts.families.qwen3_vl import Interpolation

MAX_TOKENS = 1024
CELL_PX = 32
INTERPOLATION = Interpolation(num_grid_per_side=16, mode="bilinear", align_corners=True)


def nano_config(tokenizer: PreTrainedTokenizerFast, vision_width: int = 160, text_width: int = 192) -> Qwen3VLConfig:
    """Patch 16, merge 2, temporal 2, two DeepStack planes, interleaved M-RoPE, heads of 32."""
    vision = {
        "depth": 4,
        "hidden_size": vision_width,
        "intermediate_size": vision_width * 5 // 2,
        "num_heads": vision_width // 32,
        "out_hidden_size": text_width,
        "num_position_embeddings": INTERPOLATION.num_grid_per_side**2,
        "deepstack_visual_indexes": [1, 2],
        "initializer_range": 0.05,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": text_width,
        "intermediate_size": text_width * 5 // 2,
        "num_hidden_layers": 6,
        "num_attention_heads": text_width // 32,
        "num_key_value_heads": text_width // 64,
        "head_dim": 32,
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
        "initializer_range": 0.05,
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return assemble_config(vision, text, tokenizer)


def reading_layer(num_layers: int) -> int:
    """The language layer whose attention is taught where the answer stands, and is read from."""
    return 2 * num_layers // 3


def nano_image_processor() -> Qwen2VLImageProcessorPil:
    """At most 1024 visual tokens, at least 16."""
    return Qwen2VLImageProcessorPil(
        size={"shortest_edge": 16 * CELL_PX**2, "longest_edge": MAX_TOKENS * CELL_PX**2},
        patch_size=16,
        merge_size=2,
        temporal_patch_size=2,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )


def assemble_config(vision: dict[str, Any], text: dict[str, Any], tokenizer: PreTrainedTokenizerBase) -> Qwen3VLConfig:
    """A configuration whose special tokens are the tokenizer's."""
    token_id = tokenizer.convert_tokens_to_ids
    return Qwen3VLConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
        tie_word_embeddings=text["tie_word_embeddings"],
    )
