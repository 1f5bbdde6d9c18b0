"""Questions to one model, answered as a stream, with what the answer cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from PIL import Image

from arr_coc.apps.remembering import remember
from arr_coc.apps.streaming import stream_answer
from arr_coc.evaluation.comparing import check_question, warm_up
from arr_coc.hosts.timing import Stopwatch
from arr_coc.processor.answer import encode_pixels
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits, plain_inputs, question_messages
from arr_coc.records import Realization
from arr_coc.views.table import printable

NUM_PICTURES, MAX_NEW_TOKENS = 4, 64


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer as far as it is there.

    Attributes:
        num_tokens: visual tokens read; `num_full` is what full resolution takes.
        first_s, total_s: seconds to the first word and so far, from the question on.
        realization: None at full resolution.
        resized: (width, height) that plain resize gives with as many tokens.
    """

    picture: Image.Image
    question: str
    text: str
    num_tokens: int
    num_full: int
    first_s: float
    total_s: float
    realization: Realization | None
    resized: tuple[int, int] | None


class Asker:
    """One loaded model; one question at a time, the last pictures remembered.

    Raises:
        ValueError: see `load_host`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.model, processor = load_host(name)
        warm_up(self.model, processor)
        self.processor, self.host = remember(processor, NUM_PICTURES)
        self._lock = threading.Lock()

    def ask(self, path: str, question: str, budget: int | None, uses_relevance: bool = True) -> Iterator[Reply]:
        """Yields the reply each time the answer grows.

        Args:
            budget: 64..400, None for what picture and question ask for.
            uses_relevance: False reads the picture at full resolution.

        Raises:
            ValueError: a picture that cannot be opened, a question that is empty or too long.
        """
        with self._lock:
            check_question(self.host, question, budget if uses_relevance else None)
            yield from self._stream(path, question, budget, uses_relevance)

    def _stream(self, path: str, question: str, budget: int | None, uses_relevance: bool) -> Iterator[Reply]:
        start = time.perf_counter()
        picture = self.host.open(path)
        inputs, realization = self._prepare(picture, question, budget, uses_relevance)
        num_tokens = int((inputs["input_ids"] == self.host.image_token_id).sum())
        num_full = count_tokens(self.host, *picture.size, *pixel_limits(self.host, *picture.size, None))
        resized = self.resized(picture, num_tokens) if realization else None
        reply = Reply(picture, question, "", num_tokens, num_full, 0.0, 0.0, realization, resized)
        for text in stream_answer(self.model, self.processor.tokenizer, inputs, MAX_NEW_TOKENS):
            elapsed = time.perf_counter() - start
            reply = replace(reply, text=printable(text), first_s=reply.first_s or elapsed, total_s=elapsed)
            yield reply

    def resized(self, picture: Image.Image, num_tokens: int) -> tuple[int, int]:
        """(width, height) of plain resize with the most tokens not above `num_tokens`."""
        return self.host.stock_size(*picture.size, pixel_limits(self.host, *picture.size, num_tokens))

    def _prepare(
        self, picture: Image.Image, question: str, budget: int | None, uses_relevance: bool
    ) -> tuple[dict, Realization | None]:
        messages = question_messages(picture, question)
        if uses_relevance:
            inputs = self.processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget)
            return dict(inputs.items()), inputs.realizations[0][0]
        with torch.no_grad():
            plain = plain_inputs(self.host, messages)
            return encode_pixels(self.model, plain, Stopwatch(self.model.device)), None
