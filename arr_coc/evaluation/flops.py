"""Floating point operations of a Qwen3-VL, to tell what a run would take before it is run.

A matrix with w weights costs 2 w per token, attention over n tokens of width d costs 4 n^2 d (scores and
values); norms, rotations and the sampling head are left out.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import nn
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.records import Realization

_NUM_WEIGHTS: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()


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


def encoded_segments(realization: Realization) -> tuple[int, ...]:
    """Cells of each attention segment of the encoder: the glimpse, then the children that each round made."""
    considered = [len(scores.cells) for scores in realization.scores]
    return (*considered, realization.num_encoded - sum(considered))


def attention_flops(host: Qwen3VLHost, realization: Realization) -> float:
    """Of reading the question's attention to the leaves, round by round, in the first layers of the language model."""
    depth = host.model.config.text_config.num_hidden_layers
    share = host.gaze.layers(depth).stop / depth
    num_prompts = 2 if host.gaze.relative else 1
    segments, total = encoded_segments(realization), 0.0
    num_leaves = segments[0]
    for made in segments[1:]:
        total += num_prompts * share * prefill_flops(host.model, num_leaves)
        num_leaves += 3 * made // 4
    return total


def num_weights(part: nn.Module) -> int:
    """Counted once per module: it is asked for with every answer."""
    if part not in _NUM_WEIGHTS:
        _NUM_WEIGHTS[part] = sum(parameter.numel() for parameter in part.parameters())
    return _NUM_WEIGHTS[part]
