"""Greedy decoding as a user of transformers writes it, with a cache and without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from arr_coc.hosts.decoding import CACHE, cache_in

STEPS = 6


@torch.no_grad()
def go_on(model: torch.nn.Module, output: Any, mask: Tensor, between: Callable[[], object] = lambda: None) -> Tensor:
    """The logits (B, S, V) of greedy steps after a prompt whose output is given, as a user writes them.

    A mask is handed in where something is padded.
    """
    logits = [output.logits[:, -1]]
    cache = cache_in(output)
    for _ in range(STEPS - 1):
        between()
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        masked = {} if mask.all() else {"attention_mask": mask}
        output = model(input_ids=logits[-1].argmax(-1, keepdim=True), **{CACHE: cache}, **masked)
        logits.append(output.logits[:, -1])
    return torch.stack(logits, dim=1)


@torch.no_grad()
def by_hand(model: torch.nn.Module, inputs: Any, between: Callable[[], object] = lambda: None) -> Tensor:
    output = model(**inputs, use_cache=True)
    return go_on(model, output, inputs["attention_mask"], between)


@torch.no_grad()
def by_repeated_forward(model: torch.nn.Module, inputs: Any) -> Tensor:
    """The same logits without a cache, positions written out."""
    grown, logits = dict(inputs), []
    for _ in range(STEPS):
        logits.append(model(**grown).logits[:, -1])
        grown["input_ids"] = torch.cat([grown["input_ids"], logits[-1].argmax(-1, keepdim=True)], dim=1)
        grown["attention_mask"] = torch.nn.functional.pad(grown["attention_mask"], (0, 1), value=1)
        grown["position_ids"] = torch.cat([grown["position_ids"], grown["position_ids"][..., -1:] + 1], dim=2)
    return torch.stack(logits, dim=1)
