"""Where a question looks: attention from its last tokens to the visual tokens, in the host's own first layers.

Training-free coupling of question and content, after "MLLMs Know Where to Look" (Zhang et al. 2025,
arXiv 2502.17422). The layers of the untouched language model are called one by one, so neither its
weights, nor its attention implementation, nor its outputs change.

Shapes: R rows (prompts of one picture), T tokens, N visual tokens, Q query tokens, M heads told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.masking_utils import create_causal_mask
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb, repeat_kv

from arr_coc.hosts.prompts import Prompt
from arr_coc.records import CellFeatures


@dataclass(frozen=True)
class Gaze:
    """How attention is read off the language model.

    Attributes:
        first, last: the layers read, as fractions of the depth; layers after `last` are not run.
        num_queries: tokens at the end of the prompt whose attention is averaged; with the chat format
            of Qwen the last five are the turn's end and the assistant's header.
        relative: 0..1, how much of the attention under `neutral` is taken away: score is log attention
            less `relative` times log attention under `neutral`. 1 leaves what the question changes, 0
            what is looked at, and saves the second prompt.
        neutral: the question that asks for nothing in particular.
        heads_from: the layer, as a fraction of the depth, from which on to `last` every head is handed on by
            itself, for a scorer that learnt which ones to heed; None hands on the mean alone.
    """

    first: float = 0.25
    last: float = 0.75
    num_queries: int = 5
    relative: float = 0.0
    neutral: str = "Describe the picture."
    heads_from: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last <= 1:
            raise ValueError(f"first, last: must satisfy 0 <= first < last <= 1, got {self.first} and {self.last}")
        if self.num_queries < 1:
            raise ValueError(f"num_queries: must be at least 1, got {self.num_queries}")
        if not 0 <= self.relative <= 1:
            raise ValueError(f"relative: must lie in 0..1, got {self.relative}")
        if self.heads_from is not None and not 0 <= self.heads_from < self.last:
            raise ValueError(f"heads_from: must lie in 0..{self.last}, got {self.heads_from}")

    def layers(self, depth: int) -> range:
        """The layers read, at least one."""
        stop = max(1, round(self.last * depth))
        return range(min(round(self.first * depth), stop - 1), stop)

    def apart(self) -> Gaze:
        """The same, with every head of the layers that are read anyway handed on."""
        return self if self.heads_from is not None else replace(self, heads_from=self.first)

    def num_heads(self, text: PreTrainedConfig) -> int:
        """Heads that are handed on one by one, of a language model's configuration."""
        return int(text.num_attention_heads) * len(self.head_layers(text.num_hidden_layers))

    def head_layers(self, depth: int) -> range:
        """The layers whose heads are handed on one by one, perhaps none."""
        stop = self.layers(depth).stop
        return range(stop if self.heads_from is None else min(round(self.heads_from * depth), stop - 1), stop)


def look(
    language: nn.Module, prompts: list[Prompt], features: CellFeatures, image_token_id: int, gaze: Gaze
) -> tuple[Tensor, Tensor]:
    """Attention of each prompt's last tokens to the picture's tokens: (R, N) the mean, (R, N, M) head by head; float32.

    All prompts show the same picture; they are padded on the right, which causal attention never sees.
    """
    embeds, positions, is_visual = embed(language, prompts, features, image_token_id)
    rotary = language.rotary_emb(embeds, positions)
    mask = create_causal_mask(config=language.config, inputs_embeds=embeds, attention_mask=None, past_key_values=None)
    lengths = [len(prompt.ids) for prompt in prompts]
    averaged, apart = (pick(len(language.layers)) for pick in (gaze.layers, gaze.head_layers))
    means, hidden = [], embeds
    heads = [embeds.new_zeros(len(prompts), len(features.merged), 0, dtype=torch.float32)]
    for depth in range(averaged.stop):
        layer = language.layers[depth]
        if depth in averaged or depth in apart:
            maps = read_attention(layer, hidden, rotary, lengths, is_visual, gaze.num_queries)
            means += [maps.mean(2)] if depth in averaged else []
            heads += [maps] if depth in apart else []
        if depth < averaged.stop - 1:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, use_cache=False)
            hidden = add_deepstack(hidden, is_visual, features, depth)
    return torch.stack(means).mean(0), torch.cat(heads, dim=2)


def embed(
    language: nn.Module, prompts: list[Prompt], features: CellFeatures, image_token_id: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings (R, T, D) with the features in place, M-RoPE positions (3, R, T), visual mask (R, T)."""
    device = language.embed_tokens.weight.device
    ids = nn.utils.rnn.pad_sequence([prompt.ids for prompt in prompts], batch_first=True).to(device)
    positions = nn.utils.rnn.pad_sequence([prompt.positions.T for prompt in prompts]).permute(2, 1, 0).to(device)
    lengths = torch.tensor([len(prompt.ids) for prompt in prompts], device=device)
    is_visual = (ids == image_token_id) & (torch.arange(ids.shape[1], device=device) < lengths[:, None])
    embeds = language.embed_tokens(ids)
    merged = features.merged.to(device, embeds.dtype).repeat(len(prompts), 1)
    return embeds.masked_scatter(is_visual[..., None], merged), positions, is_visual


def add_deepstack(hidden: Tensor, is_visual: Tensor, features: CellFeatures, depth: int) -> Tensor:
    """Adds the DeepStack plane of a layer to its output at the visual tokens, as the host does."""
    if depth >= len(features.deepstack):
        return hidden
    plane = features.deepstack[depth].to(hidden.device, hidden.dtype).repeat(len(hidden), 1)
    return hidden + torch.zeros_like(hidden).masked_scatter(is_visual[..., None], plane)


def read_attention(
    layer: nn.Module,
    hidden: Tensor,
    rotary: tuple[Tensor, Tensor],
    lengths: list[int],
    is_visual: Tensor,
    num_queries: int,
) -> Tensor:
    """(R, N, heads): softmax(q k^T / sqrt(d)) of the layer's own projections, mean over the last query tokens."""
    attention = layer.self_attn
    normed = layer.input_layernorm(hidden)
    shape = (*normed.shape[:-1], -1, attention.head_dim)
    query = attention.q_norm(attention.q_proj(normed).view(shape)).transpose(1, 2)
    key = attention.k_norm(attention.k_proj(normed).view(shape)).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, *rotary)
    key = repeat_kv(key, attention.num_key_value_groups)
    rows = []
    for row, length in enumerate(lengths):
        first = max(0, length - num_queries)
        weights = causal_weights(query[row, :, first:length], key[row, :, :length], attention.scaling)
        rows.append(weights.mean(1).T[is_visual[row, :length]])
    return torch.stack(rows)


def causal_weights(query: Tensor, key: Tensor, scaling: float) -> Tensor:
    """(heads, Q, T) float32 attention of the last Q tokens; each sees itself and what came before."""
    logits = query.float() @ key.float().transpose(1, 2) * scaling
    num_queries, length = logits.shape[1:]
    hidden_from = torch.ones(num_queries, length, dtype=torch.bool, device=logits.device).triu(length - num_queries + 1)
    return logits.masked_fill(hidden_from, float("-inf")).softmax(-1)
