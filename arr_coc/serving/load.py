"""Load on an OpenAI-compatible server: real pictures, each asked about once a setting, settings in turns.

Settings take turns in rounds, so that what else a machine does falls on all of them. Within a round either a number of
clients asks as fast as it is answered (closed loop), or requests arrive at a rate, whether or not earlier ones are
answered (open loop, Poisson arrivals: what a server meets whose users don't know of each other).
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isnan, nan
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from arr_coc.data.scoring import METRICS

ROUND = 4
ROUNDS_AT_A_RATE = 2
TIMEOUT_S = 600.0
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Ask:
    """One question about one picture.

    Attributes:
        answers: that are right; none: nobody knows.
        metric: by which an answer is scored, of `data.scoring`.
    """

    picture: Path
    question: str
    answers: tuple[str, ...] = ()
    metric: str = "exact_match"

    def score(self, text: str) -> float:
        """0..1; NaN where nobody knows what is right."""
        return METRICS[self.metric](text, self.answers) if self.answers else nan


@dataclass(frozen=True)
class Setting:
    """What a request asks for, and how requests come.

    Attributes:
        budget: 64 to 400, auto or off.
        rate: requests that arrive in a second; 0: clients ask as fast as they are answered.
    """

    budget: str
    rate: float = 0.0

    def arrivals(self, number: int, seed: int) -> list[float]:
        """Seconds from the start of a round at which its requests come; the same for every budget."""
        if not self.rate:
            return [0.0] * number
        chance, now, times = random.Random(f"arrivals {self.rate} {seed}"), 0.0, []
        for _ in range(number):
            now += chance.expovariate(self.rate)
            times.append(now)
        return times


@dataclass(frozen=True)
class Reply:
    """What came of a request.

    Attributes:
        first: seconds to the first token, NaN where the server tells of none before the end.
        whole: seconds to the end of the answer.
        num_tokens: of the prompt, pictures among them.
        error: why there is no answer; empty where there is one.
        text: the answer.
        score: of the answer, 0..1; NaN where nobody knows what is right.
    """

    first: float
    whole: float
    num_tokens: int
    error: str = ""
    text: str = ""
    score: float = nan


@dataclass(frozen=True)
class Measured:
    """All replies at one setting, and the seconds that its rounds took."""

    setting: Setting
    replies: tuple[Reply, ...]
    seconds: float

    @property
    def answered(self) -> list[Reply]:
        return [reply for reply in self.replies if not reply.error]

    @property
    def per_second(self) -> float:
        return len(self.answered) / self.seconds if self.seconds else 0.0

    @property
    def right(self) -> float:
        """Percent; what was not answered is not right; NaN where nobody knows."""
        known = [0.0 if reply.error else reply.score for reply in self.replies]
        return 100 * float(np.mean(known)) if known else nan

    def in_time(self, limit: float) -> list[Reply]:
        """Answers whose end came within so many seconds."""
        return [reply for reply in self.answered if reply.whole <= limit]

    def goodput(self, limit: float) -> float:
        """Answers in time a second."""
        return len(self.in_time(limit)) / self.seconds if self.seconds else 0.0

    def percentiles(self, which: str) -> list[float]:
        """Seconds at `PERCENTILES` of "first" or "whole"; NaN where nothing was answered or no token told of."""
        values = [value for reply in self.answered if not isnan(value := getattr(reply, which))]
        return [float(np.percentile(values, share)) if values else float("nan") for share in PERCENTILES]


@dataclass(frozen=True)
class Server:
    """Where a model is asked, and how.

    Attributes:
        clients: how many ask at once, where requests do not come at a rate.
        max_tokens: of an answer.
    """

    url: str
    model: str
    key: str
    clients: int
    max_tokens: int


async def measure(
    server: Server, asks: Sequence[Ask], settings: Sequence[Setting], tell: Callable[[int, int], None]
) -> list[Measured]:
    """Every question at every setting; `tell` hears how many of all requests are done.

    Several rates share the pictures out, a part each, since a server may keep what it has encoded.
    """
    replies: dict[Setting, list[Reply]] = {setting: [] for setting in settings}
    seconds = dict.fromkeys(settings, 0.0)
    rounds = [each for part in in_rounds(asks, settings, server.clients) for each in part]
    done, total = 0, sum(len(group) for _, group in rounds)
    headers, unlimited = {"Authorization": f"Bearer {server.key}"}, httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S, headers=headers, limits=unlimited) as client:
        for number, (setting, group) in enumerate(rounds):
            bodies = [body_of(server.model, ask, setting.budget, server.max_tokens) for ask in group]
            times = setting.arrivals(len(group), number // len(settings))
            start = time.perf_counter()
            said = await ask_all(client, bodies, len(group) if setting.rate else server.clients, times)
            seconds[setting] += time.perf_counter() - start
            replies[setting] += [
                replace(reply, score=ask.score(reply.text)) for ask, reply in zip(group, said, strict=True)
            ]
            done += len(group)
            tell(done, total)
    return [Measured(setting, tuple(replies[setting]), seconds[setting]) for setting in settings]


def in_rounds(
    asks: Sequence[Ask], settings: Sequence[Setting], num_clients: int
) -> Iterator[list[tuple[Setting, list[Ask]]]]:
    """Rounds, each with all settings in turns, forwards and backwards."""
    rates = sorted({setting.rate for setting in settings})
    share = len(asks) // len(rates)
    size = ROUND * num_clients if rates == [0.0] else -(-share // ROUNDS_AT_A_RATE)
    parts = {rate: list(in_groups(asks[n * share : (n + 1) * share], size)) for n, rate in enumerate(rates)}
    for number in range(-(-share // size)):
        order = settings if number % 2 == 0 else settings[::-1]
        yield [(setting, parts[setting.rate][number]) for setting in order]


def in_groups(asks: Sequence[Ask], size: int) -> Iterator[list[Ask]]:
    remaining = iter(asks)
    while group := list(islice(remaining, size)):
        yield group


async def ask_all(
    client: httpx.AsyncClient, bodies: Sequence[bytes], num_clients: int, arrivals: Sequence[float]
) -> list[Reply]:
    """Each from its arrival on (seconds from now), so many under way at most."""
    free = asyncio.Semaphore(num_clients)

    async def one(body: bytes, arrival: float) -> Reply:
        await asyncio.sleep(arrival)
        async with free:
            return await ask_one(client, body)

    return list(await asyncio.gather(*map(one, bodies, arrivals)))


async def ask_one(client: httpx.AsyncClient, body: bytes) -> Reply:
    start, first, num_tokens, text = time.perf_counter(), nan, 0, ""
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
                text += "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", ()))
                num_tokens = (chunk.get("usage") or {}).get("prompt_tokens", num_tokens)
    except httpx.HTTPError as error:
        return Reply(0.0, 0.0, 0, f"{type(error).__name__}: {error}")
    return Reply(first, time.perf_counter() - start, num_tokens, text=text)


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


def table(measured: Sequence[Measured], limit: float) -> str:
    """Markdown: a row for each setting, and how budgets compare to the last one; `limit`: seconds of an answer."""
    has_rates = any(each.setting.rate for each in measured)
    lines = [
        f"| budget |{' offered |' if has_rates else ''} answered | failed | right | tokens of a prompt | "
        f"requests a second | within {limit:g} s | first token p50 / p95 / p99 | whole answer p50 / p95 / p99 |",
        f"|{' --- |' * (9 + has_rates)}",
    ]
    lines += [f"| {' | '.join(row(each, limit, has_rates))} |" for each in measured]
    for each in measured:
        last = [other for other in measured if other.setting.rate == each.setting.rate][-1]
        if each is not last and last.per_second and each.answered:
            lines.append("\n" + against(each, last, limit))
    return "\n".join(lines)


def row(each: Measured, limit: float, has_rates: bool) -> list[str]:
    answered, failed = len(each.answered), len(each.replies) - len(each.answered)
    return [
        each.setting.budget,
        *([f"{each.setting.rate:g}"] if has_rates else []),
        str(answered),
        str(failed),
        "-" if isnan(each.right) else f"{each.right:.0f}%",
        f"{np.mean([reply.num_tokens for reply in each.answered]):.0f}" if answered else "-",
        f"{each.per_second:.2f}",
        f"{each.goodput(limit):.2f} ({len(each.in_time(limit))} of {len(each.replies)})",
        *(" / ".join(map(seconds, each.percentiles(which))) for which in ("first", "whole")),
    ]


def seconds(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def against(one: Measured, other: Measured, limit: float) -> str:
    """One line: how many times as many, and how many times as soon; at a rate, how many come in time."""
    first, whole = (other.percentiles(which)[0] / one.percentiles(which)[0] for which in ("first", "whole"))
    sooner = f"whole answer {whole:.2f} times as soon (medians)"
    sooner = sooner if isnan(first) else f"first token {first:.2f} times as soon, {sooner}"
    named = f"{one.setting.budget} against {other.setting.budget}"
    if one.setting.rate:
        mine, theirs = (100 * len(each.in_time(limit)) / len(each.replies) for each in (one, other))
        return (
            f"{named} at {one.setting.rate:g} a second: {mine:.0f}% within {limit:g} s against {theirs:.0f}%, {sooner}"
        )
    return f"{named}: {one.per_second / other.per_second:.2f} times the requests a second, {sooner}"
