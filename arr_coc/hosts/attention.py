"""Where a question looks: attention from its last tokens to the visual tokens, in the host's own first layers.

Training-free coupling of question and content, after "MLLMs Know Where to Look" (Zhang et al. 2025,
arXiv 2502.17422). The layers of the untouched language model are called one by one, so neither its
weights, nor its attention implementation, nor its outputs change.

Shapes: R rows (prompts of one picture), T tokens, N visual tokens, Q query tokens, M heads told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.masking_utils import create_causal_mask

from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.shapes import attending_layers
from arr_coc.hosts.placement import device_of, together
from arr_coc.hosts.prompts import Prompt
from arr_coc.records import CellFeatures, Gaze, Looks

LEAST_ATTENTION = 1e-8  # below this a cell is not looked at, and its logarithm says nothing more


def look(
    family: Family,
    language: nn.Module,
    prompts: list[Prompt],
    features: CellFeatures,
    image_token_id: int,
    gaze: Gaze,
) -> tuple[Tensor, Tensor]:
    """Attention of each prompt's last tokens to the picture's tokens: (R, N) the mean, (R, N, M) head by head; float32.

    All prompts show the same picture; they are padded on the right, which causal attention never sees.
    """
    hidden, positions, is_visual = embed(language, prompts, features, image_token_id)
    rotary, masks = language.rotary_emb(hidden, positions), layer_masks(language, hidden)
    lengths = [len(prompt.ids) for prompt in prompts]
    averaged, apart, last = (pick(gaze, language.config) for pick in (layers_read, heads_read, last_read))
    means, heads = [], []
    for depth in range(last + 1):
        layer = language.layers[depth]
        if depth in averaged or depth in apart:
            maps = read_attention(family, layer, hidden, rotary, lengths, is_visual, gaze.num_queries)
            means += [maps.mean(2)] if depth in averaged else []
            heads += [maps] if depth in apart else []
        if depth < last:
            hidden = layer(hidden, attention_mask=masks[depth], position_embeddings=rotary, use_cache=False)
            hidden = add_deepstack(hidden, is_visual, features, depth)
    none = means[-1].new_zeros(len(prompts), len(features.merged), 0)
    return torch.stack(gathered(means)).mean(0), torch.cat(gathered([*heads, none]), dim=2)


def looks_of(maps: Sequence[tuple[Tensor, Tensor]], gaze: Gaze) -> Looks:
    """From attention (N,) and (N, M) of the question's prompt, and of the neutral one where the gaze is relative."""
    logs = [tuple(each.clamp(min=LEAST_ATTENTION).log().cpu() for each in pair) for pair in maps]
    mean, heads = logs[0]
    return Looks(mean - gaze.relative * logs[1][0] if gaze.relative else mean, heads)


def gathered(maps: list[Tensor]) -> list[Tensor]:
    """All where the last one is: layers may lie on several devices."""
    return [each.to(maps[-1].device) for each in maps]


def layers_read(gaze: Gaze, text: PreTrainedConfig) -> tuple[int, ...]:
    """The layers that a gaze reads, of a language model's configuration."""
    return layers_between(gaze.first, gaze.last, text)


def heads_read(gaze: Gaze, text: PreTrainedConfig) -> tuple[int, ...]:
    """The layers whose heads a gaze hands on one by one, perhaps none."""
    return () if gaze.heads_from is None else layers_between(gaze.heads_from, gaze.last, text)


def last_read(gaze: Gaze, text: PreTrainedConfig) -> int:
    """The last layer that is read; none after it is run."""
    return max((*layers_read(gaze, text), *heads_read(gaze, text)))


def num_heads(gaze: Gaze, text: PreTrainedConfig) -> int:
    """Heads that a gaze hands on one by one."""
    return int(text.num_attention_heads) * len(heads_read(gaze, text))


def layers_between(first: float, last: float, text: PreTrainedConfig) -> tuple[int, ...]:
    """Layers with attention maps between two fractions of the depth; the nearest one where there is none."""
    attending, depth = attending_layers(text), text.num_hidden_layers
    stop = max(1, round(last * depth))
    start = min(round(first * depth), stop - 1)
    within = tuple(layer for layer in attending if start <= layer < stop)
    return within or (max((layer for layer in attending if layer < start), default=attending[0]),)


def layer_masks(language: nn.Module, hidden: Tensor) -> list[Tensor | None]:
    """Of each layer, for prompts without padding before them: what attends is causal, what does not needs no mask."""
    config = language.config
    causal = create_causal_mask(config, hidden, None, None)
    attending = attending_layers(config)
    return [causal if depth in attending else None for depth in range(config.num_hidden_layers)]


def need_attention(text: PreTrainedConfig, what: str) -> None:
    """Raises ValueError for a language model of which some layers have no attention maps."""
    attending, depth = len(attending_layers(text)), text.num_hidden_layers
    if attending < depth:
        raise ValueError(
            f"{what}: needs attention in every layer; this model attends in {attending} of {depth} (linear attention)"
        )


def embed(
    language: nn.Module, prompts: list[Prompt], features: CellFeatures, image_token_id: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings (R, T, D) with the features in place, M-RoPE positions (3, R, T), visual mask (R, T)."""
    device = device_of(language.embed_tokens)
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
    return hidden + torch.zeros_like(hidden).masked_scatter(is_visual[..., None].to(hidden.device), plane)


def read_attention(
    family: Family,
    layer: nn.Module,
    hidden: Tensor,
    rotary: tuple[Tensor, Tensor],
    lengths: list[int],
    is_visual: Tensor,
    num_queries: int,
) -> Tensor:
    """(R, N, heads): softmax(q k^T / sqrt(d)) of the layer's own projections, mean over the last query tokens."""
    query, key = project(family, layer, hidden, rotary)
    rows = []
    for row, length in enumerate(lengths):
        first = max(0, length - num_queries)
        weights = causal_weights(query[row, :, first:length], key[row, :, :length], layer.self_attn.scaling)
        visual = is_visual[row, :length].nonzero()[:, 0].to(weights.device)
        rows.append(weights.mean(1).T[visual])
    return torch.stack(rows)


def project(family: Family, layer: nn.Module, hidden: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Rotated queries and keys (R, heads, T, d) of a layer for its input, keys repeated for the queries they serve."""
    hidden, *rotary = together(layer, hidden, *rotary)
    query, key = family.query_key(layer.self_attn, layer.input_layernorm(hidden), tuple(rotary))
    return query, key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)


def causal_weights(query: Tensor, key: Tensor, scaling: float) -> Tensor:
    """(heads, Q, T) float32 attention of the last Q tokens; each sees itself and what came before."""
    logits = query.float() @ key.float().transpose(1, 2) * scaling
    num_queries, length = logits.shape[1:]
    hidden_from = torch.ones(num_queries, length, dtype=torch.bool, device=logits.device).triu(length - num_queries + 1)
    return logits.masked_fill(hidden_from, float("-inf")).softmax(-1)
