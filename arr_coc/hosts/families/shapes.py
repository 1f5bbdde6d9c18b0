"""Widths of a model's two parts, from its configuration: what counting operations and bytes needs.

Letters as in `serving/memory.py`: D width, M width of the MLP, A width of all query heads, K width of all key heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedConfig

LINEAR = "linear_attention"


@dataclass(frozen=True)
class TowerShape:
    """The vision tower.

    Attributes:
        depth, width, heads, inner: of its blocks.
        output: width of a merged token.
        merge: patches along a side of a cell.
        patch, channels: side of a patch in pixels, numbers in a row of `pixel_values`.
        num_planes: DeepStack planes beside the merged tokens.
        has_table: position embeddings are added to the patches.
        alive: tensors as wide as the inner width that an MLP holds at once; a backward pass wants `kept` of them.
        is_root_mean: norms are root mean square norms, which work in float32.
        window: patches that see each other in a block that is not in `full_blocks`; None where all blocks see all.
        full_blocks: blocks in which all patches of a segment see each other.
    """

    depth: int
    width: int
    heads: int
    inner: int
    output: int
    merge: int
    patch: int
    channels: int
    num_planes: int = 0
    has_table: bool = False
    alive: int = 2
    kept: int = 2
    is_root_mean: bool = False
    window: int | None = None
    full_blocks: tuple[int, ...] = ()

    @property
    def num_full(self) -> int:
        """Blocks in which all patches of a segment see each other."""
        return self.depth if self.window is None else len(self.full_blocks)

    @property
    def patches_per_cell(self) -> int:
        return self.merge**2


@dataclass(frozen=True)
class Experts:
    """A mixture in the place of an MLP: `active` of `total` experts answer a token, a shared one always does."""

    total: int
    active: int
    inner: int
    shared: int = 0


@dataclass(frozen=True)
class LinearAttention:
    """Layers whose memory has a fixed size (Gated DeltaNet, arXiv 2412.06464).

    Attributes:
        key_heads, value_heads, key_dim, value_dim: heads and widths of one head.
        kernel: tokens that the convolution before it sees.
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int

    @property
    def conv_width(self) -> int:
        """Channels of the convolution: queries, keys and values side by side."""
        return 2 * self.key_heads * self.key_dim + self.value_heads * self.value_dim


@dataclass(frozen=True)
class LanguageShape:
    """The language model.

    Attributes:
        width, inner, head, vocabulary: D, M of a dense MLP, width of a head, words.
        query, key: A and K.
        rotary: numbers of a head that are turned.
        alive: M-wide tensors that an MLP holds at once.
        num_norms: over D, in a layer.
        has_head_norms: queries and keys are normed head by head.
        has_gate: attention's output is gated by a second query.
        attending: layers with softmax attention, which alone keep keys and values of every token; the others are
            `linear`.
        experts: of the layers `mixed`; None where all are dense.
    """

    depth: int
    width: int
    inner: int
    head: int
    query: int
    key: int
    rotary: int
    vocabulary: int
    attending: tuple[int, ...]
    linear: LinearAttention | None = None
    experts: Experts | None = None
    mixed: tuple[int, ...] = ()
    alive: int = 3
    num_norms: int = 2
    has_head_norms: bool = False
    has_gate: bool = False

    @property
    def num_linear(self) -> int:
        return self.depth - len(self.attending)


def attending_layers(text: PreTrainedConfig) -> tuple[int, ...]:
    """Layers that have attention maps, of a language model's configuration."""
    kinds: Sequence[str] = getattr(text, "layer_types", None) or ("full_attention",) * text.num_hidden_layers
    return tuple(layer for layer, kind in enumerate(kinds) if kind != LINEAR)


def language_shape(text: PreTrainedConfig) -> LanguageShape:
    """From the names that configurations of transformers share."""
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    num_keys = text.num_key_value_heads or text.num_attention_heads
    experts, attending = experts_of(text), attending_layers(text)
    return LanguageShape(
        depth=text.num_hidden_layers,
        width=text.hidden_size,
        inner=getattr(text, "intermediate_size", 0),
        head=head,
        query=text.num_attention_heads * head,
        key=num_keys * head,
        rotary=int(head * (text.rope_parameters or {}).get("partial_rotary_factor", 1)),
        vocabulary=text.vocab_size,
        attending=attending,
        linear=linear_of(text) if len(attending) < text.num_hidden_layers else None,
        experts=experts,
        mixed=mixed_layers(text) if experts else (),
    )


def linear_of(text: PreTrainedConfig) -> LinearAttention:
    return LinearAttention(
        text.linear_num_key_heads,
        text.linear_num_value_heads,
        text.linear_key_head_dim,
        text.linear_value_head_dim,
        text.linear_conv_kernel_dim,
    )


def experts_of(text: PreTrainedConfig) -> Experts | None:
    if not getattr(text, "num_experts_per_tok", None):
        return None
    shared = getattr(text, "shared_expert_intermediate_size", 0)
    return Experts(text.num_experts, text.num_experts_per_tok, text.moe_intermediate_size, shared)


def mixed_layers(text: PreTrainedConfig) -> tuple[int, ...]:
    """Layers with experts; some configurations name dense ones, or mix every n-th alone."""
    dense, step = getattr(text, "mlp_only_layers", None) or (), getattr(text, "decoder_sparse_step", 1)
    layers = range(text.num_hidden_layers)
    return tuple(layer for layer in layers if layer not in dense and (layer + 1) % step == 0)
