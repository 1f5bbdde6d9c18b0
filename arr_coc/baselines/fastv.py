"""FastV (Chen et al. 2024, "An Image is Worth 1/2 Tokens After Layer 2", arXiv 2403.06764).

The first layers of the language model, two in the paper, see all visual tokens; of these only the K that the
prompt's last token attends to most, mean over the heads of the last of those layers, go on to the layers after. So the
caches of early layers are longer than those of late ones, which `generate` has no place for: the untouched layers are
called one by one, and every token, kept or generated, has the position that it has without pruning.

Shapes: T tokens, N visual tokens, K kept, V words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.masking_utils import create_causal_mask

from arr_coc.hosts.attention import add_deepstack, embed, need_attention, read_attention
from arr_coc.hosts.decoding import CACHE
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.placement import device_of
from arr_coc.hosts.prompts import Prompt
from arr_coc.records import CellFeatures

NUM_FULL_LAYERS = 2


class LayerCaches:
    """Keys and values by layer, each of its own length; what the host's attention asks of a cache and no more."""

    def __init__(self, layers: Mapping[int, tuple[Tensor, Tensor]] | None = None) -> None:
        self.layers = dict(layers or {})

    def update(self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Appends to a layer and returns all that it holds; tensors held before are left as they are."""
        if layer in self.layers:
            past_keys, past_values = self.layers[layer]
            keys, values = torch.cat([past_keys, keys], dim=2), torch.cat([past_values, values], dim=2)
        self.layers[layer] = keys, values
        return keys, values


@dataclass(frozen=True, eq=False)
class Prefill:
    """A prompt that was read.

    Attributes:
        kept: (K,) int64 visual tokens that all layers have seen, in raster order.
        logits: (V,) of the first new token.
        position: (3,) of the first new token.
        caches: keys and values; `decode` works on a copy.
    """

    kept: Tensor
    logits: Tensor
    position: Tensor
    caches: LayerCaches


def num_full_layers(language: nn.Module, wanted: int = NUM_FULL_LAYERS) -> int:
    """Layers that see every token: those wanted, or all but one of a model that has no more."""
    return max(1, min(wanted, len(language.layers) - 1))


def need_every_layer(host: TransformersHost) -> None:
    """Raises ValueError for a host of which some layers do not attend."""
    need_attention(host.text_config, "fastv")


def prefill(
    host: TransformersHost, prompt: Prompt, features: CellFeatures, num_kept: int, num_full: int = NUM_FULL_LAYERS
) -> Prefill:
    """Reads a prompt with one picture; K = min(num_kept, N).

    Args:
        features: of all N visual tokens.
        num_full: layers that see them all.

    Raises:
        ValueError: a host of which some layers do not attend, so that a token can't be dropped from them.
    """
    need_every_layer(host)
    language = host.language
    hidden, positions, is_visual = embed(language, [prompt], features, host.image_token_id)
    caches, rotary = LayerCaches(), language.rotary_emb(hidden, positions)
    kept, mask = torch.arange(len(features.merged), device=hidden.device), causal_mask(language, hidden)
    for depth, layer in enumerate(language.layers):
        is_last_full = depth == num_full_layers(language, num_full) - 1
        if is_last_full:
            attention = read_attention(host.family, layer, hidden, rotary, [hidden.shape[1]], is_visual, 1)[0].mean(1)
            kept = most_attended(attention, num_kept)
        hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, **{CACHE: caches})
        hidden = add_deepstack(hidden, is_visual, features, depth)
        if is_last_full:
            rows = rows_to_keep(is_visual[0], kept)
            hidden, is_visual, features = hidden[:, rows], is_visual[:, rows], features[kept.to(features.merged.device)]
            rotary, mask = (rotary[0][:, rows], rotary[1][:, rows]), causal_mask(language, hidden)
    logits = host.head(language.norm(hidden[:, -1]))[0]
    return Prefill(kept, logits, positions[:, 0, -1] + 1, caches)


def decode(host: TransformersHost, read: Prefill, max_new_tokens: int, end_ids: Collection[int]) -> list[int]:
    """Greedy ids of the answer, the end token left out."""
    caches, logits, ids = LayerCaches(read.caches.layers), read.logits, []
    while len(ids) < max_new_tokens:
        token = int(logits.argmax())
        if token in end_ids:
            break
        ids.append(token)
        if len(ids) < max_new_tokens:
            logits = step(host, token, read.position + len(ids) - 1, caches)
    return ids


def step(host: TransformersHost, token: int, position: Tensor, caches: LayerCaches) -> Tensor:
    """(V,) logits after one more token, whose keys and values are added to the caches."""
    language = host.language
    hidden = language.embed_tokens(torch.tensor([[token]], device=device_of(language.embed_tokens)))
    rotary = language.rotary_emb(hidden, position[:, None, None])
    for layer in language.layers:
        hidden = layer(hidden, attention_mask=None, position_embeddings=rotary, **{CACHE: caches})
    return host.head(language.norm(hidden[:, -1]))[0]


def most_attended(attention: Tensor, num_kept: int) -> Tensor:
    """(K,) int64 in raster order; equal attention goes to the token that comes first."""
    return attention.argsort(descending=True, stable=True)[:num_kept].sort().values


def rows_to_keep(is_visual: Tensor, kept: Tensor) -> Tensor:
    """Numbers of all text tokens and of the kept visual ones among T tokens, in order."""
    keep = ~is_visual
    keep[is_visual.nonzero()[:, 0][kept]] = True
    return keep.nonzero()[:, 0]


def causal_mask(language: nn.Module, hidden: Tensor) -> Tensor | None:
    return create_causal_mask(language.config, hidden, None, None)
