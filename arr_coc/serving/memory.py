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
from arr_coc.hosts.attention import num_heads
from arr_coc.hosts.families.registry import find_family
from arr_coc.hosts.families.shapes import LanguageShape, TowerShape
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.records import Gaze
from arr_coc.texture import CHANNELS

FLOAT = 4
CHUNK = 64  # tokens that linear attention works out at a time
ROUTING = 52  # bytes of indices and weights for every expert that a token is sent to
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
        scorer = LearnedScorer(ScorerConfig(width, num_looks=num_heads(Gaze().apart(), config.text_config)))
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
        F 6D (F 4D where that is the model's own dtype), and of the MLP, b 3D and as many times b M as it holds
        products; beside it the table of positions F D, the rotation's F 2h and the pixels, which arrive as float32.
        """
        tower, b = self.tower, self.dtype.itemsize
        width, head = tower.width, tower.width // tower.heads
        attention = b * 5 * width + FLOAT * (6 if b < FLOAT else 4) * width
        mlp = b * (3 * width + tower.alive * tower.inner)
        beside = FLOAT * (width * tower.has_table + 2 * head) + INTERPOLATION
        pixels = (FLOAT + b if b < FLOAT else FLOAT) * tower.channels
        return self.num_patches(num_cells) * (max(attention, mlp) + beside + pixels) + self.features(num_cells)

    def prefill(self, num_tokens: int) -> int:
        """Peak of the language model over one prompt, cache not included: that of its widest layer.

        Per token, beside the embedding b D and the rotation b 2h, a layer holds the widest of the MLP, b 3D
        (embedding, residual, norm) and b 3M (gate, up, product), and of attention, b (2D + 4A + 2K).
        """
        text, beside = self.text, self.text.width + 2 * self.text.rotary
        peaks = [self.dtype.itemsize * num_tokens * (self._attention_peak() + beside)]
        if text.num_linear:
            peaks.append(self._linear_peak(num_tokens))
        if len(text.mixed) < text.depth:
            peaks.append(self.dtype.itemsize * num_tokens * (3 * text.width + text.alive * text.inner + beside))
        if text.experts is not None:
            active, width, inner = text.experts.active, text.width, text.experts.inner
            routed = max(4 * active * width, active * (width + 4 * inner)) + 3 * width
            routed += width if text.experts.shared else 0
            peaks.append(num_tokens * (self.dtype.itemsize * (routed + beside) + ROUTING * active))
        return max(peaks)

    def _attention_peak(self) -> int:
        """Numbers a token; a gate costs one more A, and another where norms of 16 bits are worked out in float32."""
        text = self.text
        gates = text.has_gate * (2 if self.dtype.itemsize < FLOAT else 1)
        return 2 * text.width + (4 + gates) * text.query + 2 * text.key

    def _linear_peak(self, num_tokens: int) -> int:
        """Bytes of a layer of linear attention as transformers writes it; kernels made for it take less.

        In float32, a head and a token of whole chunks of C tokens: 2.5 C maps within chunks, 6 keys and 5.5 values;
        in the model's dtype b (3D, the convolution's channels, a gate, repeated queries and keys).
        """
        text, linear = self.text, self.text.linear
        assert linear is not None
        exact = (
            FLOAT
            * whole(num_tokens)
            * linear.value_heads
            * (5 * CHUNK + 12 * linear.key_dim + 11 * linear.value_dim)
            // 2
        )
        values = linear.value_heads * linear.value_dim
        repeated = 2 * linear.value_heads * linear.key_dim * (linear.value_heads > linear.key_heads)
        rough = 3 * text.width + linear.conv_width + values + repeated + 3 * linear.value_heads + 2 * text.rotary
        return exact + self.dtype.itemsize * num_tokens * rough

    def masked(self, num_tokens: int) -> int:
        """Peak beside `prefill` of a mask that is spelled out, bool and in the model's dtype: (1 + b) tokens^2."""
        return (1 + self.dtype.itemsize) * num_tokens**2

    def next_token(self) -> int:
        """Logits of the next token of one sequence, in the model's dtype and in float32."""
        return (self.dtype.itemsize + FLOAT) * self.text.vocabulary

    def language_graph(self, num_tokens: int, is_trained: bool, layer: int = 0) -> int:
        """What one language layer keeps for the backward pass.

        Per token: inputs of the norms over D, in float32, what attention keeps and what the MLP keeps.
        """
        kept = FLOAT * self.text.num_norms * self.text.width + self._mlp_graph(is_trained, layer in self.text.mixed)
        if layer in self.text.attending:
            return num_tokens * (kept + self._attention_graph(is_trained))
        return num_tokens * kept + self._linear_graph(num_tokens, is_trained)

    def _attention_graph(self, is_trained: bool) -> int:
        """Bytes a token: inputs of the head norms F (A + K), attention's inputs and output b (2A + 2K).

        Where weights are trained their inputs too: b D a norm, b 2D of both parts, and b (A + K) of the head norms. A
        gate adds b 3A; its norms, one more than their weights, keep what they have normed in float32.
        """
        text, b = self.text, self.dtype.itemsize
        heads, normed = text.query + text.key, text.num_norms * text.width
        kept = FLOAT * heads * text.has_head_norms + b * (2 * heads + 3 * text.query * text.has_gate)
        if not is_trained:
            return kept
        if text.has_gate:
            return kept + FLOAT * (normed + heads) + b * (2 * text.width + text.query)
        extra = 3 if text.num_norms > 2 else 2
        return kept + b * (normed + extra * text.width + heads * text.has_head_norms)

    def _linear_graph(self, num_tokens: int, is_trained: bool) -> int:
        """Bytes, measured: of each head F (5C + 4.5 keys + 6.5 values) a token of whole chunks, b (8 keys, a value)."""
        linear, b = self.text.linear, self.dtype.itemsize
        assert linear is not None
        keys, values = linear.value_heads * linear.key_dim, linear.value_heads * linear.value_dim
        exact = FLOAT * whole(num_tokens) * (10 * CHUNK * linear.value_heads + 9 * keys + 13 * values) // 2
        rough = b * (8 * keys + values + 2 * linear.conv_width)
        trained = (FLOAT * 5 + b * 3) * self.text.width // 2 + b * 2 * values
        return exact + num_tokens * (rough + trained * is_trained)

    def _mlp_graph(self, is_trained: bool, is_mixed: bool) -> int:
        """Bytes a token: the three products b 3M, and b M, the input of the last weight, where that is trained.

        Of experts the same for each that answers, and what it said, b D; where they are trained, what it was asked.
        """
        text, b = self.text, self.dtype.itemsize
        if not is_mixed or text.experts is None:
            return b * (3 + is_trained) * text.inner
        experts = text.experts
        routed = b * experts.active * ((3 + is_trained) * experts.inner + (1 + is_trained) * text.width)
        shared = b * ((3 + is_trained) * experts.shared + text.width) if experts.shared else 0
        return routed + shared + ROUTING * experts.active + FLOAT * experts.total

    def language_backward(self, num_tokens: int) -> int:
        """Widest moment of one layer's backward pass beside its graph: gradients of the MLP's products, b 3M.

        Of experts those of each that answers, and of what it was asked and said, b 2D.
        """
        text = self.text
        if text.experts is None:
            return self.dtype.itemsize * text.alive * text.inner * num_tokens
        routed = text.experts.active * (3 * text.experts.inner + 2 * text.width)
        return self.dtype.itemsize * (routed + 3 * text.experts.shared) * num_tokens

    def vision_graph(self, num_cells: int) -> int:
        """What one trained vision block keeps for the backward pass.

        Per patch b 11D and the MLP's products; root mean square norms keep their inputs in float32, F 2D.
        """
        tower = self.tower
        per_patch = self.dtype.itemsize * (11 * tower.width + tower.kept * tower.inner)
        return self.num_patches(num_cells) * (per_patch + FLOAT * 2 * tower.width * tower.is_root_mean)

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


def whole(num_tokens: int) -> int:
    """Tokens of the chunks that hold them."""
    return -(-num_tokens // CHUNK) * CHUNK


def pyramid_bytes(rows: int, cols: int, num_levels: int, cell_px: int) -> int:
    """Pixels and textures of all levels of a picture of rows x cols native cells, float32, in main memory."""
    per_cell = FLOAT * (3 * cell_px**2 + len(CHANNELS))
    return sum(per_cell * (rows >> level) * (cols >> level) for level in range(num_levels))
