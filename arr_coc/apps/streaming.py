"""A greedy answer that arrives word by word."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)

from arr_coc.processor.answer import greedy


class Cancelled(StoppingCriteria):
    """Stops once nobody listens any more."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        return torch.full((len(input_ids),), self.event.is_set(), dtype=torch.bool, device=input_ids.device)


def stream_answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    inputs: Mapping[str, Any],
    max_new_tokens: int = 64,
) -> Iterator[str]:
    """Yields the answer so far each time it grows; the last value is the answer, stripped.

    Closing the iterator ends the generation at the next token. What `generate` raises is raised here.
    """
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    cancelled = Cancelled()

    def generate() -> None:
        try:
            model.generate(
                **inputs,
                **greedy(model, tokenizer),
                max_new_tokens=max_new_tokens,
                stopping_criteria=StoppingCriteriaList([cancelled]),
                streamer=streamer,
            )
        finally:
            streamer.end()

    text = ""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(generate)
        try:
            for piece in streamer:
                text += piece
                yield text.strip()
        finally:
            cancelled.event.set()
        done.result()
