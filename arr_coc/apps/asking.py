"""Questions to one model, answered as a stream, with what the answer cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image

from arr_coc.apps.remembering import remember
from arr_coc.apps.streaming import stream_answer
from arr_coc.evaluation.comparing import warm_up
from arr_coc.hosts.prompts import ImageBlock, lay_out, pad_batch
from arr_coc.processor.asking import check_question
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits, question_messages
from arr_coc.records import AUTO, Realization
from arr_coc.serving.private import page_keeper
from arr_coc.views.table import printable

NUM_PICTURES, MAX_NEW_TOKENS = 4, 64
OURS, RESIZE, FULL = "arr-coc", "resize", "full"
WAYS = (OURS, RESIZE, FULL)


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer as far as it is there.

    Attributes:
        way: one of `WAYS`.
        num_tokens: visual tokens read; `num_full` is what full resolution takes.
        first_s, total_s: seconds to the first word and so far, from the opened picture on, alike for every way.
        is_remembered: whether the picture had been looked at in this way before, so that part of the work was done.
        realization: of ARR-COC, else None.
        size: (width, height) of the picture as it was read whole, None for ARR-COC.
    """

    picture: Image.Image
    question: str
    way: str
    text: str
    num_tokens: int
    num_full: int
    first_s: float
    total_s: float
    is_remembered: bool
    realization: Realization | None
    size: tuple[int, int] | None


class Asker:
    """One loaded model; one question at a time, the last pictures remembered while their files are there.

    Raises:
        ValueError: see `load_host`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.model, processor = load_host(name)
        warm_up(self.model, processor)
        self.processor, self.host = remember(processor, NUM_PICTURES)
        self._lock = threading.Lock()
        page_keeper().on_sweep(self.forget)

    def ask(
        self, path: str, question: str, budget: int | None = None, way: str = OURS, max_tokens: int | None = None
    ) -> Iterator[Reply]:
        """Yields the reply each time the answer grows.

        Args:
            budget: of ARR-COC, 64..400; None for what picture and question ask for.
            way: of reading: one of `WAYS`.
            max_tokens: of "resize": it reads as many as fit into that.

        Raises:
            ValueError: a picture that cannot be opened, a question that is empty or too long.
        """
        with self._lock:
            check_question(self.host, question, budget if way == OURS else None)
            picture = self.host.open(path)
            start = time.perf_counter()
            reply, inputs = self._prepare(picture, question, budget, way, max_tokens)
            for text in stream_answer(self.model, self.processor.tokenizer, inputs, MAX_NEW_TOKENS):
                elapsed = time.perf_counter() - start
                reply = replace(reply, text=printable(text), first_s=reply.first_s or elapsed, total_s=elapsed)
                yield reply

    def forget(self) -> None:
        """Drops from memory what was made of pictures whose files are gone."""
        with self._lock:
            self.host.forget()

    def pixels_of(self, picture: Image.Image, size: tuple[int, int]) -> Image.Image:
        """The picture as it is encoded when it is read whole at (width, height)."""
        return self.host.resizing.picture(self.host.resize(picture, size))

    def _prepare(
        self, picture: Image.Image, question: str, budget: int | None, way: str, max_tokens: int | None
    ) -> tuple[Reply, dict[str, Any]]:
        """A reply without words, and what the model is given."""
        size = None if way == OURS else self.size_of(picture, max_tokens if way == RESIZE else None)
        is_remembered = self.host.remembers(picture, size)
        num_full = count_tokens(self.host, *picture.size, *pixel_limits(self.host, *picture.size, None))
        if size is None:
            messages = question_messages(picture, question)
            made = self.processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget or AUTO)
            inputs, realization = dict(made.items()), made.realizations[0][0]
        else:
            inputs, realization = self._whole(picture, question, size), None
        num_tokens = int((inputs["input_ids"] == self.host.image_token_id).sum())
        return Reply(
            picture, question, way, "", num_tokens, num_full, 0.0, 0.0, is_remembered, realization, size
        ), inputs

    def size_of(self, picture: Image.Image, max_tokens: int | None) -> tuple[int, int]:
        """(width, height) by the host's own rule with the most tokens not above `max_tokens`; None is full."""
        return self.host.stock_size(*picture.size, pixel_limits(self.host, *picture.size, max_tokens))

    def _whole(self, picture: Image.Image, question: str, size: tuple[int, int]) -> dict[str, Any]:
        """Inputs of the picture read whole at one size, as the untouched host reads it."""
        host = self.host
        cols, rows = (side // host.geometry.cell_px for side in size)
        index = torch.arange(rows * cols)
        block = ImageBlock(torch.stack([index // cols, index % cols], dim=1), max(rows, cols))
        messages = question_messages(picture, question)
        prompt = lay_out(host.tokenize(messages, add_generation_prompt=True), host.image_token_id, [block])
        inputs = pad_batch([prompt], host.tokenizer.pad_token_id, "left")
        with torch.no_grad():
            features = host.encode_whole(picture, size)
        outputs = host.encoder_outputs([[features]])
        return {name: value.to(host.device) for name, value in inputs.items()} | {"mm_encoder_outputs": outputs}
