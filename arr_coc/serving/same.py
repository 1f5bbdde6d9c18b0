"""Whether a server answers what the library answers: every request asked of both, prompt lengths compared too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import httpx
import torch

from arr_coc.processor.loading import load_host
from arr_coc.serving.load import TIMEOUT_S, Ask, body_of

OFF = "off"
TIE = 0.01
"""Logits nearer than this are a tie: both sides compute in float32, but sum in another order."""


@dataclass(frozen=True)
class Answer:
    """What was said, and the tokens of the prompt.

    Attributes:
        error: why there is no answer; empty where there is one.
        gaps: of an answer that is expected, at each token how far its logit lay above the second best.
        starts: of an answer that is expected, the text up to each token, that one included.
    """

    text: str
    num_tokens: int
    error: str = ""
    gaps: tuple[float, ...] = ()
    starts: tuple[str, ...] = ()

    def gap_before(self, other: str) -> float:
        """That of the first token at which another text says something else."""
        apart = (number for number, start in enumerate(self.starts) if not other.startswith(start.strip()))
        return self.gaps[next(apart, len(self.gaps) - 1)]


@dataclass(frozen=True)
class Compared:
    """One request and both answers."""

    ask: Ask
    budget: str
    served: Answer
    expected: Answer

    @property
    def is_same(self) -> bool:
        return not self.served.error and self.served.text == self.expected.text

    @property
    def gap(self) -> float:
        """Of the two best tokens where the answers part; infinite where that is not known."""
        return self.expected.gap_before(self.served.text) if self.expected.gaps else float("inf")

    @property
    def is_tie(self) -> bool:
        return not self.is_same and not self.served.error and self.gap < TIE

    @property
    def is_as_long(self) -> bool:
        return self.served.num_tokens == self.expected.num_tokens


async def ask_server(
    url: str,
    model: str,
    wanted: Sequence[tuple[Ask, str]],
    num_clients: int,
    max_tokens: int,
    key: str,
    *,
    is_stock: bool = False,
) -> list[Answer]:
    """Answers in the order of `wanted`, questions and budgets; `num_clients` at a time.

    Args:
        is_stock: the server knows no budgets; what it says is expected, so it is asked how sure it was.
    """
    free = asyncio.Semaphore(num_clients)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, headers=headers) as client:

        async def one(ask: Ask, budget: str) -> Answer:
            body = json.loads(body_of(model, ask, budget, max_tokens)) | {"stream": False}
            del body["stream_options"]
            if is_stock:
                del body["mm_processor_kwargs"]
                body |= {"logprobs": True, "top_logprobs": 2}
            async with free:
                try:
                    reply = await client.post("/v1/chat/completions", json=body)
                except httpx.HTTPError as error:
                    return Answer("", 0, f"{type(error).__name__}: {error}")
            if reply.status_code != httpx.codes.OK:
                return Answer("", 0, f"{reply.status_code}: {reply.text[:200]}")
            return served_answer(reply.json())

        return list(await asyncio.gather(*(one(*each) for each in wanted)))


def served_answer(reply: Any) -> Answer:
    """What a server says; how sure it was where it tells."""
    [choice], length = reply["choices"], reply["usage"]["prompt_tokens"]
    tokens = (choice.get("logprobs") or {}).get("content") or ()
    best = [sorted((each["logprob"] for each in token["top_logprobs"]), reverse=True)[:2] for token in tokens]
    starts = tuple(accumulate(token["token"] for token in tokens))
    return Answer(choice["message"]["content"].strip(), length, gaps=tuple(a - b for a, b in best), starts=starts)


def ask_library(
    name: str, wanted: Sequence[tuple[Ask, str]], max_tokens: int, tell: Callable[[int], None]
) -> list[Answer]:
    """What `RelevanceProcessor` and `generate` say, one request at a time, in float32."""
    model, processor = load_host(name, dtype="float32")
    answers = []
    for number, (ask, budget) in enumerate(wanted, 1):
        content = [{"type": "image", "image": ask.picture}, {"type": "text", "text": ask.question}]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            budget=int(budget) if budget.isdigit() else budget,
        )
        answers.append(answer_of(model, processor, inputs, max_tokens))
        tell(number)
    return answers


def answer_of(model: Any, processor: Any, inputs: Any, max_tokens: int) -> Answer:
    length = inputs["input_ids"].shape[1]
    options = {"max_new_tokens": max_tokens, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
    with torch.no_grad():
        found = model.generate(**inputs, **options)
    ids = found.sequences[0, length:]
    best = torch.cat(found.logits).topk(2).values
    starts = tuple(processor.decode(ids[: end + 1], skip_special_tokens=True) for end in range(len(ids)))
    return Answer(starts[-1].strip(), length, gaps=tuple((best[:, 0] - best[:, 1]).tolist()), starts=starts)


def table(compared: Sequence[Compared], budgets: Sequence[str]) -> str:
    """Markdown: a row for each budget, and every answer that is another."""
    lines = [
        "| budget | requests | same answer | another by a tie | another | same length of the prompt | failed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for budget in (*budgets, "all"):
        of = [each for each in compared if budget in (each.budget, "all")]
        same, ties = sum(each.is_same for each in of), sum(each.is_tie for each in of)
        failed = sum(bool(each.served.error) for each in of)
        counts = [len(of), same, ties, len(of) - same - ties - failed, sum(each.is_as_long for each in of), failed]
        lines.append(f"| {budget} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, "", *map(difference, (each for each in compared if not each.is_same))])


def difference(one: Compared) -> str:
    where = f"- {one.ask.picture.name}, {one.ask.question!r}, {one.budget}"
    if one.served.error:
        return f"{where}: {one.served.error}"
    words = f"{where}: the server says {one.served.text!r}, expected {one.expected.text!r}"
    if not one.expected.gaps:
        return words
    return f"{words}; the two best tokens there lie {one.gap:.4f} apart{' (a tie)' if one.is_tie else ''}"
