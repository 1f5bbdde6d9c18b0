"""Bytes that a host takes, from its configuration alone.

Activations are what is alive at the widest moment of a forward pass with fused attention, counted in the order
in which the model's code makes and drops its tensors; `tests/test_plan.py` holds each formula against the
allocator. Statistics of norms and other terms under a percent are left out.

Letters: b bytes of a number in the model's dtype, F 4 bytes of a float32, D width, M width of the MLP,
A width of all query heads, K width of all key heads, h width of one head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn
from transformers import PreTrainedConfig

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.hosts.attention import Gaze
from arr_coc.hosts.families.registry import find_family
from arr_coc.hosts.families.shapes import LanguageShape, TowerShape
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.texture import CHANNELS

FLOAT = 4
INTERPOLATION = 64  # bytes a patch: position, taps and tap weights, see `hosts.encoding.TowerInputs`


@dataclass(frozen=True)
class Weights:
    """Parameters of a host by part; shared ones are counted once.

    Attributes:
        vision_block: of one of them.
        mergers: of what leads from the tower to the language model.
        language_layers: of each; they differ where not all attend.
        lora_widths: in + out, summed over the matrices of all language layers that LoRA adapts: what rank 1 adds.
        parts: of scorer, balancer and adapter for this host, which are float32.
    """

    total: int
    vision_block: int
    mergers: int
    language_layers: tuple[int, ...]
    lora_widths: int
    parts: int


def count_weights(config: PreTrainedConfig) -> Weights:
    """Counts on torch's meta device, which holds shapes and no numbers."""
    family, width = find_family(config.model_type), config.text_config.hidden_size
    with torch.device("meta"):
        model = family.build(config)
        scorer = LearnedScorer(ScorerConfig(width, num_looks=Gaze().apart().num_heads(config.text_config)))
        parts = [scorer, LearnedBalancer(BalancerConfig(width)), QualityAdapter(AdapterConfig(width))]
    vision, layers = family.vision(model), family.language(model).layers
    adapted = [
        part
        for name, part in layers.named_modules()
        if isinstance(part, nn.Linear) and name.rpartition(".")[2] in family.lora
    ]
    return Weights(
        total=num_parameters(model),
        vision_block=num_parameters(vision.blocks[0]),
        mergers=sum(map(num_parameters, family.bridge(vision))),
        language_layers=tuple(map(num_parameters, layers)),
        lora_widths=sum(linear.in_features + linear.out_features for linear in adapted),
        parts=sum(map(num_parameters, parts)),
    )


def num_parameters(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())


@dataclass(frozen=True)
class Memory:
    """The formulas for one host; b is `dtype.itemsize`."""

    config: PreTrainedConfig
    dtype: torch.dtype

    @cached_property
    def tower(self) -> TowerShape:
        return find_family(self.config.model_type).tower_shape(self.config)

    @cached_property
    def text(self) -> LanguageShape:
        return find_family(self.config.model_type).language_shape(self.config)

    def cache(self, num_tokens: int) -> int:
        """What one sequence leaves behind: 2 b K per token and layer that attends, and the memories of the others."""
        keys_and_values = 2 * self.dtype.itemsize * self.text.key * len(self.text.attending)
        return keys_and_values * num_tokens + self.state()

    def state(self) -> int:
        """Of one sequence, in layers of linear attention: the convolution's last tokens, and F per key and value."""
        linear = self.text.linear
        if linear is None:
            return 0
        last = self.dtype.itemsize * linear.conv_width * linear.kernel
        return self.text.num_linear * (last + FLOAT * linear.value_heads * linear.key_dim * linear.value_dim)

    def features(self, num_cells: int) -> int:
        """Encoder output that waits for the language model: b D per cell, merged and each DeepStack plane."""
        return self.dtype.itemsize * self.tower.output * (1 + self.tower.num_planes) * num_cells

    def encode(self, num_cells: int) -> int:
        """Peak of the vision encoder over one pass of `num_cells`, its own output included.

        Per patch: the widest of attention, b 5D (residual, norm, query, key, value) and the rotation in float32,
        F 6D (F 4D where that is the model's own dtype), and of the MLP, b (3D + 2M); beside it the table
        of positions F D, the rotation's F 2h and the pixels, which arrive as float32.
        """
        tower, b = self.tower, self.dtype.itemsize
        width, head = tower.width, tower.width // tower.heads
        attention = b * 5 * width + FLOAT * (6 if b < FLOAT else 4) * width
        mlp = b * (3 * width + 2 * tower.inner)
        beside = FLOAT * (width + 2 * head) + INTERPOLATION + (FLOAT + b if b < FLOAT else FLOAT) * tower.channels
        return self.num_patches(num_cells) * (max(attention, mlp) + beside) + self.features(num_cells)

    def prefill(self, num_tokens: int) -> int:
        """Peak of the language model over one prompt, cache not included.

        Per token: the wider of the MLP, b (3D + 3M) (embedding, residual, norm; gate, up, product), and of
        attention, b (2D + 4A + 2K); beside it the embedding b D and the rotation b 2h.
        """
        text = self.text
        mlp = 3 * text.width + 3 * text.inner
        attention = 2 * text.width + 4 * text.query + 2 * text.key
        return self.dtype.itemsize * num_tokens * (max(mlp, attention) + text.width + 2 * text.head)

    def masked(self, num_tokens: int) -> int:
        """Peak beside `prefill` of a mask that is spelled out, bool and in the model's dtype: (1 + b) tokens^2."""
        return (1 + self.dtype.itemsize) * num_tokens**2

    def next_token(self) -> int:
        """Logits of the next token of one sequence, in the model's dtype and in float32."""
        return (self.dtype.itemsize + FLOAT) * self.text.vocabulary

    def language_graph(self, num_tokens: int, is_trained: bool, layer: int = 0) -> int:
        """What one language layer keeps for the backward pass.

        Per token: inputs of the norms F (2D + A + K), attention's inputs and output b (2A + 2K), the MLP's three
        products b 3M; a trained layer keeps the inputs of its weights as well, b (4D + A + K + M).
        """
        text, b = self.text, self.dtype.itemsize
        heads = text.query + text.key
        kept = FLOAT * (2 * text.width + heads) + b * (2 * heads + 3 * text.inner)
        return num_tokens * (kept + b * (4 * text.width + heads + text.inner) * is_trained)

    def language_backward(self, num_tokens: int) -> int:
        """Widest moment of one layer's backward pass beside its graph: gradients of the MLP's products, b 3M."""
        return 3 * self.dtype.itemsize * self.text.inner * num_tokens

    def vision_graph(self, num_cells: int) -> int:
        """What one trained vision block keeps for the backward pass: b (11D + 2M) per patch."""
        return self.num_patches(num_cells) * self.dtype.itemsize * (11 * self.tower.width + 2 * self.tower.inner)

    def language_input(self, num_tokens: int) -> int:
        """What gradient checkpointing keeps of a language layer: b D per token."""
        return self.dtype.itemsize * self.text.width * num_tokens

    def vision_input(self, num_cells: int) -> int:
        """What gradient checkpointing keeps of a vision block: b D per patch."""
        return self.dtype.itemsize * self.tower.width * self.num_patches(num_cells)

    def loss(self, num_tokens: int) -> int:
        """Logits of `num_tokens`, their log-softmax and two gradients: (b + 12) per token and word."""
        return (self.dtype.itemsize + 3 * FLOAT) * self.text.vocabulary * num_tokens

    def embedding(self) -> int:
        """b V D: the gradient of the embeddings while it is added to the one that is there."""
        return self.dtype.itemsize * self.text.vocabulary * self.text.width

    def num_patches(self, num_cells: int) -> int:
        return num_cells * self.tower.patches_per_cell


def pyramid_bytes(rows: int, cols: int, num_levels: int, cell_px: int) -> int:
    """Pixels and textures of all levels of a picture of rows x cols native cells, float32, in main memory."""
    per_cell = FLOAT * (3 * cell_px**2 + len(CHANNELS))
    return sum(per_cell * (rows >> level) * (cols >> level) for level in range(num_levels))
