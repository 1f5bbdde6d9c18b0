"""An answer and what it cost, measured the same way for every policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteria,
    StoppingCriteriaList,
)

from arr_coc.hosts.timing import Stopwatch
from arr_coc.processor.options import checks_names
from arr_coc.records import Realization


@dataclass(frozen=True, eq=False)
class Look:
    """One look on the way to an answer.

    Attributes:
        text: the answer drafted from what was seen.
        budget: tokens that each picture might cost.
        num_tokens: visual tokens the language model read.
        num_encoded: cells encoded for this look; what was seen before is not encoded again.
        confidence: 0..1, the chance that the draft is right.
        settled: 0..1, the chance that looking on would not make a wrong draft right.
        num_kept: tokens of the draft before that held.
        realizations: one a picture.
        seconds: by stage, as in `Answer`.
    """

    text: str
    budget: int
    num_tokens: int
    num_encoded: int
    confidence: float
    settled: float
    num_kept: int
    realizations: tuple[Realization, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        seconds: "prepare" (opening, pyramid, scoring, text), "encode" (vision encoder), "prefill" (up to
            the first token) and "decode" (the rest).
        confidence: 0..1, the chance that it is right; None where nothing was said of it.
        looks: one after the other, where it looked until it was sure.
        num_tokens: visual tokens of the last look.
        num_encoded: cells encoded by all looks.
    """

    text: str
    num_new_tokens: int
    seconds: dict[str, float]
    confidence: float | None = None
    looks: tuple[Look, ...] = ()
    num_tokens: int = 0
    num_encoded: int = 0

    @property
    def ttft(self) -> float:
        """Seconds to the first token; an answer that was checked by several looks is there at once, at the end."""
        return self.total if self.looks else self.total - self.seconds["decode"]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


class FirstToken(StoppingCriteria):
    """Never stops; notes when the first token was there."""

    def __init__(self, clock: Stopwatch) -> None:
        self.clock = clock
        self.time: float | None = None

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        if self.time is None:
            self.time = self.clock.now()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


@checks_names
def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    inputs: Mapping[str, Any],
    max_new_tokens: int = 64,
    clock: Stopwatch | None = None,
    options: Mapping[str, Any] | None = None,
) -> Answer:
    """Answer to one conversation, greedy unless other options of `generate` are given.

    Args:
        inputs: of `RelevanceProcessor` or of `plain_inputs`; pixels are encoded here, timed as "encode".
        clock: seconds already spent on these inputs: its stage "encode" counts as such, every other
            stage as "prepare" (a RelevanceProcessor leaves them in `processor.host.clock`).

    Raises:
        ValueError: more than one conversation.
    """
    if len(inputs["input_ids"]) != 1:
        raise ValueError(f"inputs: answer takes one conversation, got {len(inputs['input_ids'])}")
    spent = dict(clock.seconds) if clock is not None else {}
    watch = Stopwatch(model.device)
    with torch.no_grad():
        ready = encode_pixels(model, inputs, watch)
        first, start = FirstToken(watch), watch.now()
        settings = dict(options or greedy(model, tokenizer))
        criteria = StoppingCriteriaList([first, *settings.pop("stopping_criteria", ())])
        output = model.generate(**ready, **settings, max_new_tokens=max_new_tokens, stopping_criteria=criteria)
        end = watch.now()
    new_ids = output[0, inputs["input_ids"].shape[1] :]
    assert first.time is not None
    seconds = {
        "prepare": sum(value for stage, value in spent.items() if stage != "encode"),
        "encode": spent.get("encode", 0.0) + watch.seconds.get("encode", 0.0),
        "prefill": first.time - start,
        "decode": end - first.time,
    }
    return Answer(tokenizer.decode(new_ids, skip_special_tokens=True).strip(), len(new_ids), seconds)


def encode_pixels(model: PreTrainedModel, inputs: Mapping[str, Any], clock: Stopwatch) -> dict[str, Any]:
    """Replaces `pixel_values` by encoder outputs, timed as "encode"; grids stay, since M-RoPE needs them."""
    ready = dict(inputs.items())
    pixels = ready.pop("pixel_values", None)
    if pixels is not None:
        with clock.measure("encode"):
            features = model.get_image_features(pixels, ready["image_grid_thw"], return_dict=True)
        ready["mm_encoder_outputs"] = {"image": features}
    return ready


def greedy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Generation settings for one deterministic answer, whatever the checkpoint's own sampling settings are."""
    end = model.generation_config.eos_token_id
    return {
        "do_sample": False,
        "num_beams": 1,
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "eos_token_id": end if end is not None else tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
