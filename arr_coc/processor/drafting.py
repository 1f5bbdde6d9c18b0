"""A drafted answer, checked in the very pass that prefills a finer look: greedy speculative decoding.

All tokens of the draft are read at once behind the new picture; those that the model would have chosen anyway are
kept, and decoding goes on from the first that differs, with the cache of that pass (Leviathan et al. 2023, with the
coarser look as the draft model). What comes out is what decoding anew would give.

Shapes: T tokens of the prompt, N of a draft, V words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from arr_coc.hosts.decoding import CACHE, cache_in
from arr_coc.hosts.families.shapes import attending_layers
from arr_coc.hosts.placement import base_of


@dataclass(frozen=True)
class Draft:
    """An answer as far as it was written.

    Attributes:
        ids: of its tokens, the end of the turn included where it was reached.
        chances: the probability that the model gave each of them.
        has_ended: whether the model ended it; else it was cut off.
        num_kept: tokens that were taken over from the draft before.
    """

    ids: tuple[int, ...]
    chances: tuple[float, ...]
    has_ended: bool
    num_kept: int = 0

    @property
    def least_chance(self) -> float:
        """Of the token that the model was least sure of."""
        return min(self.chances, default=1.0)


def write(
    model: PreTrainedModel, inputs: Mapping[str, Any], settings: Mapping[str, Any], most: int, before: Draft | None
) -> Draft:
    """A greedy answer of at most so many tokens to one conversation; `before` is checked first.

    Args:
        inputs: of `RelevanceProcessor`, one row.
        settings: of greedy generation, see `answer.greedy`.
    """
    with torch.no_grad():
        if before is None or not before.ids or not can_check(model):
            return go_on(model, inputs, settings, most, [], [])
        return check(model, inputs, settings, most, before)


def can_check(model: PreTrainedModel) -> bool:
    """Whether the cache can be cut back to where a draft goes wrong; what linear attention keeps can't be."""
    text = base_of(model).config.text_config
    return len(attending_layers(text)) == text.num_hidden_layers


def check(
    model: PreTrainedModel, inputs: Mapping[str, Any], settings: Mapping[str, Any], most: int, before: Draft
) -> Draft:
    """Prompt and draft in one pass: what is kept of it, and what the model writes instead of the rest."""
    drafted = list(before.ids[:most])
    read = drafted[:-1]
    output = model(
        **followed(inputs, read),
        mm_encoder_outputs=inputs.get("mm_encoder_outputs"),
        use_cache=True,
        logits_to_keep=len(drafted),
    )
    chances = output.logits[0].float().softmax(-1)
    chosen = chances.argmax(-1).tolist()
    num_kept = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(chosen, drafted, strict=True))))
    written = chosen[: num_kept + 1] if num_kept < len(drafted) else drafted
    known = [float(chances[place, token]) for place, token in enumerate(written)]
    if written[-1] in ends_of(settings) or len(written) == most:
        return Draft(tuple(written), tuple(known), written[-1] in ends_of(settings), num_kept)
    cache = cache_in(output)
    surplus = len(read) - (len(written) - 1)
    if surplus:
        cache.crop(-surplus)
    text = {name: value for name, value in inputs.items() if name != "mm_encoder_outputs"}
    return go_on(model, {**text, CACHE: cache}, settings, most, written, known, num_kept)


def go_on(
    model: PreTrainedModel,
    inputs: Mapping[str, Any],
    settings: Mapping[str, Any],
    most: int,
    written: list[int],
    known: list[float],
    num_kept: int = 0,
) -> Draft:
    """Decodes from what is written already; its cache, if there is one, ends before the last token of that."""
    output = model.generate(
        **{**inputs, **followed(inputs, written)},
        **settings,
        max_new_tokens=most - len(written),
        return_dict_in_generate=True,
        output_logits=True,
    )
    new = output.sequences[0, inputs["input_ids"].shape[1] + len(written) :].tolist()
    chances = [float(logits[0].float().softmax(-1)[token]) for logits, token in zip(output.logits, new, strict=True)]
    ids = (*written, *new)
    return Draft(ids, (*known, *chances), bool(ids) and ids[-1] in ends_of(settings), num_kept)


def followed(inputs: Mapping[str, Any], written: list[int]) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` (1, T + N) and `position_ids` (4, 1, T + N) of a prompt with tokens behind it."""
    ids, positions = inputs["input_ids"], inputs["position_ids"]
    more = torch.tensor([written], dtype=ids.dtype, device=ids.device)
    steps = torch.arange(1, len(written) + 1, device=positions.device)
    last = torch.cat([positions[:1, :, -1:], positions[1:].amax((0, 2), keepdim=True).expand(3, -1, -1)])
    return {
        "input_ids": torch.cat([ids, more], dim=1),
        "attention_mask": torch.ones_like(torch.cat([ids, more], dim=1)),
        "position_ids": torch.cat([positions, last + steps], dim=2),
    }


def ends_of(settings: Mapping[str, Any]) -> set[int]:
    """Ids that end an answer."""
    end = settings["eos_token_id"]
    return set(end) if isinstance(end, (list, tuple)) else {end}
