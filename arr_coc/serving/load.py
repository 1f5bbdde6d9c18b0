"""Load on an OpenAI-compatible server: real pictures, each asked about once a setting, settings in turns.

Settings take turns in rounds, so that what else a machine does falls on all of them; within a round a number of clients
asks as fast as it is answered (closed loop).
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isnan, nan
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROUND = 4
TIMEOUT_S = 600.0
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Ask:
    """One question about one picture."""

    picture: Path
    question: str


@dataclass(frozen=True)
class Reply:
    """What came of a request.

    Attributes:
        first: seconds to the first token, NaN where the server tells of none before the end.
        whole: seconds to the end of the answer.
        num_tokens: of the prompt, pictures among them.
        error: why there is no answer; empty where there is one.
    """

    first: float
    whole: float
    num_tokens: int
    error: str = ""


@dataclass(frozen=True)
class Measured:
    """All replies at one setting, and the seconds that its rounds took."""

    budget: str
    replies: tuple[Reply, ...]
    seconds: float

    @property
    def answered(self) -> list[Reply]:
        return [reply for reply in self.replies if not reply.error]

    @property
    def per_second(self) -> float:
        return len(self.answered) / self.seconds if self.seconds else 0.0

    def percentiles(self, which: str) -> list[float]:
        """Seconds at `PERCENTILES` of "first" or "whole"; NaN where nothing was answered or no token told of."""
        values = [value for reply in self.answered if not isnan(value := getattr(reply, which))]
        return [float(np.percentile(values, share)) if values else float("nan") for share in PERCENTILES]


async def measure(
    url: str,
    model: str,
    asks: Sequence[Ask],
    budgets: Sequence[str],
    num_clients: int,
    max_tokens: int,
    key: str,
    tell: Callable[[int, int], None],
) -> list[Measured]:
    """Every question at every budget; `tell` hears how many of all requests are done."""
    replies: dict[str, list[Reply]] = {budget: [] for budget in budgets}
    seconds = dict.fromkeys(budgets, 0.0)
    headers = {"Authorization": f"Bearer {key}"}
    done, total = 0, len(asks) * len(budgets)
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, headers=headers) as client:
        for number, group in enumerate(in_groups(asks, ROUND * num_clients)):
            order = budgets if number % 2 == 0 else budgets[::-1]
            for budget in order:
                bodies = [body_of(model, ask, budget, max_tokens) for ask in group]
                start = time.perf_counter()
                replies[budget] += await ask_all(client, bodies, num_clients)
                seconds[budget] += time.perf_counter() - start
                done += len(group)
                tell(done, total)
    return [Measured(budget, tuple(replies[budget]), seconds[budget]) for budget in budgets]


def in_groups(asks: Sequence[Ask], size: int) -> Iterator[list[Ask]]:
    remaining = iter(asks)
    while group := list(islice(remaining, size)):
        yield group


async def ask_all(client: httpx.AsyncClient, bodies: Sequence[bytes], num_clients: int) -> list[Reply]:
    free = asyncio.Semaphore(num_clients)

    async def one(body: bytes) -> Reply:
        async with free:
            return await ask_one(client, body)

    return list(await asyncio.gather(*map(one, bodies)))


async def ask_one(client: httpx.AsyncClient, body: bytes) -> Reply:
    start, first, num_tokens = time.perf_counter(), nan, 0
    try:
        headers = {"content-type": "application/json"}
        async with client.stream("POST", "/v1/chat/completions", content=body, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                return Reply(0.0, 0.0, 0, f"{response.status_code}: {(await response.aread()).decode()[:200]}")
            async for line in response.aiter_lines():
                piece = line.removeprefix("data: ")
                if not line.startswith("data: ") or piece == "[DONE]":
                    continue
                chunk = json.loads(piece)
                if isnan(first) and has_token(chunk):
                    first = time.perf_counter() - start
                num_tokens = (chunk.get("usage") or {}).get("prompt_tokens", num_tokens)
    except httpx.HTTPError as error:
        return Reply(0.0, 0.0, 0, f"{type(error).__name__}: {error}")
    whole = time.perf_counter() - start
    return Reply(first, whole, num_tokens)


def has_token(chunk: dict[str, Any]) -> bool:
    """Whether a piece of the stream, not its summary at the end, tells of a token: by text, or by vLLM's count.

    Special tokens have no text, so a host with random weights may answer without any.
    """
    choices = chunk.get("choices", ())
    is_counted = bool(choices) and bool((chunk.get("usage") or {}).get("completion_tokens"))
    return is_counted or any(choice["delta"].get("content") for choice in choices)


def body_of(model: str, ask: Ask, budget: str, max_tokens: int) -> bytes:
    kind = "png" if ask.picture.suffix.lower() == ".png" else "jpeg"
    data = base64.b64encode(ask.picture.read_bytes()).decode()
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}},
        {"type": "text", "text": ask.question},
    ]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "mm_processor_kwargs": {"budget": int(budget) if budget.isdigit() else budget},
    }
    return json.dumps(body).encode()


def table(measured: Sequence[Measured]) -> str:
    """Markdown: a row for each setting, and how it compares to the last one."""
    lines = [
        "| budget | answered | failed | tokens of a prompt | requests a second | first token p50 / p95 / p99 | "
        "whole answer p50 / p95 / p99 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in measured:
        tokens = float(np.mean([reply.num_tokens for reply in each.answered])) if each.answered else float("nan")
        times = [" / ".join(map(seconds, each.percentiles(which))) for which in ("first", "whole")]
        failed = len(each.replies) - len(each.answered)
        cells = [each.budget, len(each.answered), failed, f"{tokens:.0f}", f"{each.per_second:.2f}", *times]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    last = measured[-1]
    lines += ["\n" + against(each, last) for each in measured[:-1] if last.per_second and each.answered]
    return "\n".join(lines)


def seconds(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def against(one: Measured, other: Measured) -> str:
    """One line: how many times as many, and how many times as soon."""
    first, whole = (other.percentiles(which)[0] / one.percentiles(which)[0] for which in ("first", "whole"))
    more, sooner = one.per_second / other.per_second, f"whole answer {whole:.2f} times as soon (medians)"
    sooner = sooner if isnan(first) else f"first token {first:.2f} times as soon, {sooner}"
    return f"{one.budget} against {other.budget}: {more:.2f} times the requests a second, {sooner}"
