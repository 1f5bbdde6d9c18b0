"""The model class that lmms-eval drives; importing it needs lmms-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NoReturn

import torch
from accelerate import Accelerator
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from tqdm import tqdm

from arr_coc.hosts.checkpoints import AUTO, load_model
from arr_coc.processor.answer import greedy
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.quoting import quoted

MAX_NEW_TOKENS = 128
SEPARATOR = "\n\n"
"""What lmms-eval puts between examples, and stops at in every task that names no other stop."""

SAMPLING = ("temperature", "top_p", "top_k")


class ArrCoc(lmms):
    """Answers chat messages of lmms-eval with a host and a RelevanceProcessor.

    Args:
        pretrained: nano, a folder, or an id of the Hugging Face hub.
        budget: visual tokens a picture, 64..400, or auto.
        relevance: folder with settings of `RelevanceProcessor.save_pretrained`.
        device: as torch names it; with several processes each takes its own.
        dtype: float32, bfloat16, float16 or auto.
        batch_size: conversations answered at once.
        system_prompt: put before each conversation that has none.

    Raises:
        ValueError: of `load_model` and `RelevanceProcessor.from_pretrained`; an argument out of range.
    """

    is_simple = False

    def __init__(
        self,
        pretrained: str = "nano",
        budget: int | str = AUTO,
        relevance: str | None = None,
        device: str | None = None,
        dtype: str = AUTO,
        batch_size: int | str = 1,
        max_batch_size: int | str | None = None,
        system_prompt: str | None = None,
    ) -> None:
        super().__init__()
        self.batch_size = read_batch_size(batch_size)
        self.accelerator = Accelerator()
        self._rank, self._world_size = self.accelerator.process_index, self.accelerator.num_processes
        own = str(self.accelerator.device) if self._world_size > 1 else device or AUTO
        model = load_model(pretrained, dtype, own)
        self.processor = RelevanceProcessor.from_pretrained(pretrained, model=model, relevance=relevance, budget=budget)
        self.processor.downloads = False
        self.device = model.device
        self.system_prompt = system_prompt

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """One answer per request, in their order, with the tokens it took."""
        answers: list[GenerationResult] = []
        progress = tqdm(total=len(requests), disable=self._rank != 0, desc="arr_coc")
        for _, same in groupby(requests, key=lambda request: repr(request.args[2])):
            alike = list(same)
            for start in range(0, len(alike), self.batch_size):
                batch = alike[start : start + self.batch_size]
                answers += self._answer([self._messages(request) for request in batch], batch[0].args[2])
                progress.update(len(batch))
        progress.close()
        return answers

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        raise ValueError("model arr_coc: it answers by generating text; tasks that score given answers are unsupported")

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> NoReturn:
        raise ValueError("model arr_coc: tasks of several rounds are unsupported")

    def clean(self) -> None:
        """Lets go of the model."""
        del self.processor
        super().clean()

    def _messages(self, request: Instance) -> list[dict[str, Any]]:
        """The conversation of a request; a picture stands under "url", as lmms-eval has it."""
        _, to_messages, _, number, task, split = request.args
        messages = list(to_messages(self.task_dict[task][split][number]))
        kinds = {part["type"] for message in messages for part in message["content"]} - {"text", "image"}
        if kinds:
            raise ValueError(f"task {task}: model arr_coc reads text and pictures, not {', '.join(sorted(kinds))}")
        if self.system_prompt and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": [{"type": "text", "text": self.system_prompt}]})
        return messages

    def _answer(self, conversations: list[list[dict[str, Any]]], wanted: Mapping[str, Any]) -> list[GenerationResult]:
        host = self.processor.host
        inputs = self.processor.apply_chat_template(conversations, add_generation_prompt=True)
        settings = {**greedy(host.model, host.tokenizer), **generation_settings(wanted)}
        with torch.no_grad():
            output = host.model.generate(**inputs, **settings)
        new_ids = output[:, inputs["input_ids"].shape[1] :]
        texts = host.tokenizer.batch_decode(new_ids, skip_special_tokens=True)
        num_new = (new_ids != host.tokenizer.pad_token_id).sum(1).tolist()
        num_read = inputs["attention_mask"].sum(1).tolist()
        return [
            GenerationResult(cut(text.strip(), wanted.get("until")), TokenCounts(input_tokens=read, output_tokens=new))
            for text, read, new in zip(texts, num_read, num_new, strict=True)
        ]


def read_batch_size(value: int | str) -> int:
    if not str(value).isdecimal() or int(value) < 1:
        raise ValueError(f"batch_size: must be a whole number from 1 on, got {quoted(value)}")
    return int(value)


def generation_settings(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `generate` from a task's own; without a temperature above 0 nothing is sampled."""
    settings: dict[str, Any] = {"max_new_tokens": wanted.get("max_new_tokens") or MAX_NEW_TOKENS}
    is_sampled = (wanted.get("temperature") or 0) > 0 and wanted.get("do_sample") is not False
    if is_sampled:
        settings["do_sample"] = True
    names = ("num_beams", *SAMPLING) if is_sampled else ("num_beams",)
    return settings | {name: wanted[name] for name in names if wanted.get(name) is not None}


def cut(text: str, until: str | Sequence[str] | None) -> str:
    """Text up to the first stop; `SEPARATOR` does not stop, since answers in paragraphs are answers."""
    stops = [until] if isinstance(until, str) else until or []
    for stop in stops:
        if stop and stop != SEPARATOR:
            text = text.split(stop)[0]
    return text.strip()
