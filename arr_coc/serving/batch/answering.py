"""What a worker does: it loads the host once and answers rows, several pictures at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from arr_coc.allocator import Budget
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.hosts.host import TransformersHost
from arr_coc.pictures.opening import image_size
from arr_coc.processor.answer import greedy
from arr_coc.processor.asking import check_question
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.serving.batch.inputs import Row
from arr_coc.serving.batch.journal import Line

FAULTS = (ValueError, MemoryError, torch.OutOfMemoryError)
"""What a picture or a question can bring about; anything else is a defect and ends the run."""


@dataclass(frozen=True)
class Settings:
    """What all rows are answered with; see `load_host` and `RelevanceProcessor`."""

    model: str
    relevance: str | None = None
    budget: Budget = None
    max_new_tokens: int = 64


class Answerer:
    """A host that is loaded when the first row comes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processor: RelevanceProcessor | None = None

    def answer(self, rows: Sequence[Row]) -> list[Line]:
        """A line a row, in order.

        Raises:
            ValueError: the host can't be loaded.
        """
        if self.processor is None:
            self.processor = load_host(self.settings.model, relevance=self.settings.relevance)[1]
        failed = [Line.failed(row, row.fault) for row in rows if row.fault]
        sound = [row for row in rows if not row.fault]
        return sorted(failed + (self._try(self.processor, sound) if sound else []), key=lambda line: line.row)

    def _try(self, processor: RelevanceProcessor, rows: Sequence[Row]) -> list[Line]:
        """Halved until what is at fault stands alone."""
        start = time.perf_counter()
        try:
            found = answer_together(processor, rows, self.settings)
        except FAULTS as error:
            if len(rows) == 1:
                return [Line.failed(rows[0], str(error) or type(error).__name__)]
            middle = len(rows) // 2
            return self._try(processor, rows[:middle]) + self._try(processor, rows[middle:])
        seconds = round((time.perf_counter() - start) / len(rows), 4)
        return [
            Line(row.number, row.id, row.question, text, spent, max(0, full - spent), seconds, None)
            for row, (text, spent, full) in zip(rows, found, strict=True)
        ]


def answer_together(
    processor: RelevanceProcessor, rows: Sequence[Row], settings: Settings
) -> list[tuple[str, int, int]]:
    """Per row: the answer, its visual tokens, and those of the full resolution; one batch.

    Raises:
        ValueError: one of the rows can't be asked.
    """
    host = processor.host
    for row in rows:
        check_question(host, row.question, settings.budget)
    full = [num_full(host, row) for row in rows]
    conversations = [question_messages(row.picture, row.question) for row in rows]
    inputs: Any = processor.apply_chat_template(conversations, add_generation_prompt=True, budget=settings.budget)
    length = inputs["input_ids"].shape[1]
    with torch.no_grad():
        output = host.model.generate(
            **inputs,
            **greedy(host.model, host.tokenizer),
            max_new_tokens=settings.max_new_tokens,
        )
    texts = processor.batch_decode(output[:, length:], skip_special_tokens=True)
    spent = [pictures[0].allocation.num_tokens for pictures in inputs.realizations]
    return list(zip((text.strip() for text in texts), spent, full, strict=True))


def num_full(host: TransformersHost, row: Row) -> int:
    """Visual tokens of the picture at the host's full resolution."""
    rows, cols = full_grid(host, image_size(row.picture))
    return rows * cols
