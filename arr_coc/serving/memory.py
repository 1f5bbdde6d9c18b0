"""Bytes that a Qwen3-VL takes, from its configuration alone.

Activations are what is alive at the widest moment of a forward pass with fused attention, counted in the order
in which the model's code makes and drops its tensors; `tests/test_plan.py` holds each formula against the
allocator. Statistics of norms and other terms under a percent are left out.

Letters: b bytes of a number in the model's dtype, F 4 bytes of a float32, D width, M width of the MLP,
A width of all query heads, K width of all key heads, h width of one head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.hosts.attention import Gaze
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.texture import CHANNELS

FLOAT = 4
INTERPOLATION = 64  # bytes a patch: position, taps and tap weights, see `hosts.encoding.TowerInputs`


@dataclass(frozen=True)
class Weights:
    """Parameters of a host by part; shared ones are counted once.

    Attributes:
        vision_block, language_layer: of one of them.
        mergers: of the merger and the DeepStack mergers.
        linear_widths: in + out, summed over the linear maps of one language layer: what LoRA of rank 1 adds.
        parts: of scorer, balancer and adapter for this host, which are float32.
    """

    total: int
    vision_block: int
    mergers: int
    language_layer: int
    linear_widths: int
    parts: int


def count_weights(config: Qwen3VLConfig) -> Weights:
    """Counts on torch's meta device, which holds shapes and no numbers."""
    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(config)
        width = config.text_config.hidden_size
        scorer = LearnedScorer(ScorerConfig(width, num_looks=Gaze().apart().num_heads(config.text_config)))
        parts = [scorer, LearnedBalancer(BalancerConfig(width)), QualityAdapter(AdapterConfig(width))]
    visual, layer = model.model.visual, model.model.language_model.layers[0]
    linears = [part for part in layer.modules() if isinstance(part, nn.Linear)]
    return Weights(
        total=num_parameters(model),
        vision_block=num_parameters(visual.blocks[0]),
        mergers=num_parameters(visual.merger) + num_parameters(visual.deepstack_merger_list),
        language_layer=num_parameters(layer),
        linear_widths=sum(linear.in_features + linear.out_features for linear in linears),
        parts=sum(map(num_parameters, parts)),
    )


def num_parameters(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())


@dataclass(frozen=True)
class Memory:
    """The formulas for one host; b is `dtype.itemsize`."""

    config: Qwen3VLConfig
    dtype: torch.dtype

    def cache(self, num_tokens: int) -> int:
        """KV cache of one sequence: 2 b K per token and layer."""
        text = self.config.text_config
        return 2 * self.dtype.itemsize * text.num_key_value_heads * text.head_dim * text.num_hidden_layers * num_tokens

    def features(self, num_cells: int) -> int:
        """Encoder output that waits for the language model: b D per cell, merged and each DeepStack plane."""
        vision = self.config.vision_config
        num_planes = 1 + len(vision.deepstack_visual_indexes)
        return self.dtype.itemsize * vision.out_hidden_size * num_planes * num_cells

    def encode(self, num_cells: int) -> int:
        """Peak of the vision encoder over one pass of `num_cells`, its own output included.

        Per patch: the widest of attention, b 5D (residual, norm, query, key, value) and the rotation in float32,
        F 6D (F 4D where that is the model's own dtype), and of the MLP, b (3D + 2M); beside it the table
        of positions F D, the rotation's F 2h and the pixels, which arrive as float32.
        """
        vision, b = self.config.vision_config, self.dtype.itemsize
        width, head = vision.hidden_size, vision.hidden_size // vision.num_heads
        attention = b * 5 * width + FLOAT * (6 if b < FLOAT else 4) * width
        mlp = b * (3 * width + 2 * vision.intermediate_size)
        pixels = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        beside = FLOAT * (width + 2 * head) + INTERPOLATION + (FLOAT + b if b < FLOAT else FLOAT) * pixels
        return self.num_patches(num_cells) * (max(attention, mlp) + beside) + self.features(num_cells)

    def prefill(self, num_tokens: int) -> int:
        """Peak of the language model over one prompt, cache not included.

        Per token: the wider of the MLP, b (3D + 3M) (embedding, residual, norm; gate, up, product), and of
        attention, b (2D + 4A + 2K); beside it the embedding b D and the rotation b 2h.
        """
        text = self.config.text_config
        width, query = text.hidden_size, text.num_attention_heads * text.head_dim
        mlp = 3 * width + 3 * text.intermediate_size
        attention = 2 * width + 4 * query + 2 * text.num_key_value_heads * text.head_dim
        return self.dtype.itemsize * num_tokens * (max(mlp, attention) + width + 2 * text.head_dim)

    def masked(self, num_tokens: int) -> int:
        """Peak beside `prefill` of a mask that is spelled out, bool and in the model's dtype: (1 + b) tokens^2."""
        return (1 + self.dtype.itemsize) * num_tokens**2

    def next_token(self) -> int:
        """Logits of the next token of one sequence, in the model's dtype and in float32."""
        return (self.dtype.itemsize + FLOAT) * self.config.text_config.vocab_size

    def language_graph(self, num_tokens: int, is_trained: bool) -> int:
        """What one language layer keeps for the backward pass.

        Per token: inputs of the norms F (2D + A + K), attention's inputs and output b (2A + 2K), the MLP's three
        products b 3M; a trained layer keeps the inputs of its weights as well, b (4D + A + K + M).
        """
        text, b = self.config.text_config, self.dtype.itemsize
        width, inner = text.hidden_size, text.intermediate_size
        heads = (text.num_attention_heads + text.num_key_value_heads) * text.head_dim
        kept = FLOAT * (2 * width + heads) + b * (2 * heads + 3 * inner)
        return num_tokens * (kept + b * (4 * width + heads + inner) * is_trained)

    def language_backward(self, num_tokens: int) -> int:
        """Widest moment of one layer's backward pass beside its graph: gradients of the MLP's products, b 3M."""
        return 3 * self.dtype.itemsize * self.config.text_config.intermediate_size * num_tokens

    def vision_graph(self, num_cells: int) -> int:
        """What one trained vision block keeps for the backward pass: b (11D + 2M) per patch."""
        vision = self.config.vision_config
        per_patch = self.dtype.itemsize * (11 * vision.hidden_size + 2 * vision.intermediate_size)
        return self.num_patches(num_cells) * per_patch

    def language_input(self, num_tokens: int) -> int:
        """What gradient checkpointing keeps of a language layer: b D per token."""
        return self.dtype.itemsize * self.config.text_config.hidden_size * num_tokens

    def vision_input(self, num_cells: int) -> int:
        """What gradient checkpointing keeps of a vision block: b D per patch."""
        return self.dtype.itemsize * self.config.vision_config.hidden_size * self.num_patches(num_cells)

    def loss(self, num_tokens: int) -> int:
        """Logits of `num_tokens`, their log-softmax and two gradients: (b + 12) per token and word."""
        return (self.dtype.itemsize + 3 * FLOAT) * self.config.text_config.vocab_size * num_tokens

    def embedding(self) -> int:
        """b V D: the gradient of the embeddings while it is added to the one that is there."""
        text = self.config.text_config
        return self.dtype.itemsize * text.vocab_size * text.hidden_size

    def num_patches(self, num_cells: int) -> int:
        return num_cells * self.config.vision_config.spatial_merge_size**2


def pyramid_bytes(rows: int, cols: int, num_levels: int, cell_px: int) -> int:
    """Pixels and textures of all levels of a picture of rows x cols native cells, float32, in main memory."""
    per_cell = FLOAT * (3 * cell_px**2 + len(CHANNELS))
    return sum(per_cell * (rows >> level) * (cols >> level) for level in range(num_levels))
