"""Where text goes on after a prompt that brought its own positions, for those who decode by hand.

A host of the Qwen kind notes by how much the positions of a prompt run ahead of its count of tokens (`rope_deltas`),
and goes on from there at `model(input_ids=..., past_key_values=...)`. Three things are missing: for positions that it
is given it notes nothing; the note belongs to the last prompt, whichever cache is handed in; and where a mask is handed
in, it places as many tokens as the mask is long. Two hooks of PyTorch's public kind mend them: the note is taken from
the positions given and kept with the cache, and new tokens get their places. No weight, no method and no output of a
prompt changes. `generate`, which counts on from the positions it was given, does not need them.

Shapes: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from transformers.masking_utils import create_causal_mask

CACHE = "cache" if "cache" in signature(create_causal_mask).parameters else "past_key_values"
"""What transformers calls a cache among the arguments of models and layers; 5.24 renamed it."""


def follow_positions(model: nn.Module) -> None:
    """Hooks every part of the model that notes `rope_deltas`, once; copies of the model keep the hooks."""
    for module in model.modules():
        if "rope_deltas" in vars(module) and take_note not in module._forward_pre_hooks.values():
            module.register_forward_pre_hook(take_note, with_kwargs=True)
            module.register_forward_hook(keep_note, with_kwargs=True)


def take_note(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Before a call: the note of the positions that are given, else that of the cache that is handed in."""
    cache = cache_in(kwargs)
    if brings_positions(kwargs):
        module.rope_deltas = deltas_of(kwargs["position_ids"])
    elif kwargs.get("position_ids") is None and hasattr(cache, "rope_deltas"):
        module.rope_deltas = cache.rope_deltas
        mask, ids = kwargs.get("attention_mask"), kwargs.get("input_ids")
        if cache.rope_deltas is not None and mask is not None and mask.ndim == 2 and ids is not None:
            return args, {**kwargs, "position_ids": places(mask, ids.shape[1], cache.rope_deltas)}
    return None


def keep_note(module: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any) -> None:
    """After a prompt: its cache carries the note, none where the prompt is text whose positions are its count."""
    cache = cache_in(output) if isinstance(output, Mapping) else None
    if cache is not None and (brings_positions(kwargs) or not hasattr(cache, "rope_deltas")):
        cache.rope_deltas = None if is_counted(kwargs) else module.rope_deltas


def brings_positions(kwargs: Mapping[str, Any]) -> bool:
    """Whether these are the arguments of a prompt with a row of counts and rows of t, h, w."""
    positions = kwargs.get("position_ids")
    return positions is not None and positions.ndim == 3 and len(positions) == 4 and positions.shape[-1] > 1


def is_counted(kwargs: Mapping[str, Any]) -> bool:
    """Whether the host just counts the tokens: text alone, no positions given."""
    others = ("position_ids", "inputs_embeds", "image_grid_thw", "video_grid_thw")
    return all(kwargs.get(name) is None for name in others)


def cache_in(values: Mapping[str, Any]) -> Any:
    """The cache among a model's arguments or outputs, by either of its names; None where there is none."""
    return next((values[name] for name in ("cache", "past_key_values") if values.get(name) is not None), None)


def deltas_of(positions: Tensor) -> Tensor:
    """(B, 1) by how much the positions (4, B, T) of t, h, w run ahead of the count in the first row."""
    return (positions[1:].amax((0, 2)) - positions[0].amax(1))[:, None]


def places(mask: Tensor, num_new: int, deltas: Tensor) -> Tensor:
    """(4, B, N) count, t, h, w of the last N tokens under a mask (B, T)."""
    counts = (mask.long().cumsum(-1) - 1)[:, -num_new:]
    ahead = counts + deltas.to(mask.device)
    return torch.stack([counts, ahead, ahead, ahead])
