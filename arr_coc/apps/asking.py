"""Questions to one model, answered as a stream, with what the answer cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image

from arr_coc.apps.remembering import remember
from arr_coc.apps.streaming import stream_answer
from arr_coc.evaluation.comparing import warm_up
from arr_coc.hosts.prompts import ImageBlock, lay_out, pad_batch
from arr_coc.processor.answer import Look
from arr_coc.processor.asking import check_question
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits
from arr_coc.records import Realization
from arr_coc.serving.private import page_keeper
from arr_coc.views.table import printable

NUM_PICTURES, MAX_NEW_TOKENS = 4, 64
OURS, RESIZE, FULL = "arr-coc", "resize", "full"
WAYS = (OURS, RESIZE, FULL)
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer as far as it is there.

    Attributes:
        way: one of `WAYS`.
        num_full: visual tokens that full resolution takes.
        is_remembered: whether the pictures had been looked at in this way before, so that part of the work was done.
        sizes: (width, height) of each picture as it was read whole; none for ARR-COC.
        num_tokens: visual tokens read, by the last look where there were several.
        first_s, total_s: seconds to the first word or draft and so far, from the opened pictures on, alike for every
            way.
        realizations: of ARR-COC, one a picture.
        looks: of ARR-COC, where it looks until it is sure.
    """

    pictures: tuple[Image.Image, ...]
    question: str
    way: str
    num_full: int
    is_remembered: bool
    sizes: tuple[Size, ...] = ()
    text: str = ""
    num_tokens: int = 0
    first_s: float = 0.0
    total_s: float = 0.0
    realizations: tuple[Realization, ...] = ()
    looks: tuple[Look, ...] = ()

    def grown(self, text: str, elapsed_s: float, **changes: Any) -> Reply:
        """The reply with more of its answer."""
        return replace(self, text=printable(text), first_s=self.first_s or elapsed_s, total_s=elapsed_s, **changes)


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
        self,
        paths: Sequence[str],
        question: str,
        budget: int | None = None,
        way: str = OURS,
        max_tokens: Sequence[int] | None = None,
    ) -> Iterator[Reply]:
        """Yields the reply each time the answer grows, or once a look.

        Args:
            budget: of ARR-COC, 64..400 a picture; None looks until it is sure.
            way: of reading: one of `WAYS`.
            max_tokens: of "resize", one a picture: it reads as many as fit into that.

        Raises:
            ValueError: a picture that cannot be opened, a question that is empty or too long.
        """
        with self._lock:
            check_question(self.host, question, budget if way == OURS else None)
            pictures = tuple(self.host.open(path) for path in paths)
            start = time.perf_counter()
            reply = self._reply(pictures, question, way, max_tokens)
            replies = self._looks(reply) if way == OURS and budget is None else self._words(reply, budget)
            for text, changes in replies:
                now = time.perf_counter()
                reply = reply.grown(text, now - start, **changes)
                yield reply
                if reply.looks:
                    start += time.perf_counter() - now  # what a page draws between two looks is not their time

    def forget(self) -> None:
        """Drops from memory what was made of pictures whose files are gone."""
        with self._lock:
            self.host.forget()

    def pixels_of(self, picture: Image.Image, size: Size) -> Image.Image:
        """The picture as it is encoded when it is read whole at (width, height)."""
        return self.host.resizing.picture(self.host.resize(picture, size))

    def _reply(
        self, pictures: tuple[Image.Image, ...], question: str, way: str, max_tokens: Sequence[int] | None
    ) -> Reply:
        """A reply without words."""
        most = list(max_tokens) if way == RESIZE and max_tokens is not None else [None] * len(pictures)
        sizes = [None if way == OURS else self.size_of(*each) for each in zip(pictures, most, strict=True)]
        is_remembered = all(self.host.remembers(*each) for each in zip(pictures, sizes, strict=True))
        num_full = sum(count_tokens(self.host, *p.size, *pixel_limits(self.host, *p.size, None)) for p in pictures)
        return Reply(pictures, question, way, num_full, is_remembered, tuple(filter(None, sizes)))

    def _looks(self, reply: Reply) -> Iterator[tuple[str, dict[str, Any]]]:
        """The draft of each look, and what it changes in the reply."""
        messages = messages_about(reply.pictures, reply.question)
        looks: tuple[Look, ...] = ()
        for look in self.processor.looks(messages, max_new_tokens=MAX_NEW_TOKENS):
            looks = (*looks, look)
            yield look.text, {"looks": looks, "num_tokens": look.num_tokens, "realizations": look.realizations}

    def _words(self, reply: Reply, budget: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """The answer of one look or of a picture read whole, and what that changes in the reply."""
        if reply.way == OURS:
            messages = messages_about(reply.pictures, reply.question)
            made = self.processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget)
            inputs, realizations = dict(made.items()), tuple(made.realizations[0])
        else:
            inputs, realizations = self._whole(reply), ()
        num_tokens = int((inputs["input_ids"] == self.host.image_token_id).sum())
        for text in stream_answer(self.model, self.processor.tokenizer, inputs, MAX_NEW_TOKENS):
            yield text, {"num_tokens": num_tokens, "realizations": realizations}

    def size_of(self, picture: Image.Image, max_tokens: int | None) -> Size:
        """(width, height) by the host's own rule with the most tokens not above `max_tokens`; None is full."""
        return self.host.stock_size(*picture.size, pixel_limits(self.host, *picture.size, max_tokens))

    def _whole(self, reply: Reply) -> dict[str, Any]:
        """Inputs of pictures read whole, each at one size, as the untouched host reads them."""
        host = self.host
        messages = messages_about(reply.pictures, reply.question)
        ids = host.tokenize(messages, add_generation_prompt=True)
        prompt = lay_out(ids, host.image_token_id, [self._block(size) for size in reply.sizes])
        inputs = pad_batch([prompt], host.tokenizer.pad_token_id, "left")
        with torch.no_grad():
            features = [host.encode_whole(*each) for each in zip(reply.pictures, reply.sizes, strict=True)]
        outputs = host.encoder_outputs([features])
        return {name: value.to(host.device) for name, value in inputs.items()} | {"mm_encoder_outputs": outputs}

    def _block(self, size: Size) -> ImageBlock:
        cols, rows = (side // self.host.geometry.cell_px for side in size)
        index = torch.arange(rows * cols)
        return ImageBlock(torch.stack([index // cols, index % cols], dim=1), max(rows, cols))


def messages_about(pictures: Sequence[Image.Image], question: str) -> list[dict[str, Any]]:
    """One user turn: the pictures, then the question."""
    shown = [{"type": "image", "image": picture} for picture in pictures]
    return [{"role": "user", "content": [*shown, {"type": "text", "text": question}]}]
