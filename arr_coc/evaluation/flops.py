"""Floating point operations of a Qwen3-VL, to tell what a run would take before it is run.

A matrix with w weights costs 2 w per token, attention over n tokens of width d costs 4 n^2 d (scores and
values); norms, rotations and the sampling head are left out.
"""

from __future__ import annotations

from torch import nn
from transformers import Qwen3VLForConditionalGeneration


def encode_flops(model: Qwen3VLForConditionalGeneration, num_cells: int) -> float:
    """Of the vision encoder for one picture of `num_cells` visual tokens in one attention segment."""
    visual, config = model.model.visual, model.config.vision_config
    num_patches = num_cells * config.spatial_merge_size**2
    attention = 4 * num_patches**2 * config.hidden_size * config.depth
    merging = num_weights(visual.merger) + num_weights(visual.deepstack_merger_list)
    return 2.0 * num_patches * num_weights(visual.blocks) + attention + 2.0 * num_cells * merging


def prefill_flops(model: Qwen3VLForConditionalGeneration, num_tokens: int) -> float:
    """Of the language model for a prompt of `num_tokens`, visual ones included."""
    config = model.config.text_config
    attention = 4 * num_tokens**2 * config.num_attention_heads * config.head_dim * config.num_hidden_layers
    return 2.0 * num_tokens * num_weights(model.model.language_model.layers) + attention


def num_weights(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())
