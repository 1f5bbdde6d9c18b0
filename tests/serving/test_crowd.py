"""Thirty-two clients at once: nothing is lost, nothing goes to another client, and memory stays as it is.

ARR_COC_CROWD_S=600 makes it the ten minutes that a release wants.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count, product
from typing import Any

import psutil
from conftest import EXAMPLES, Server, picture, questions, text

SECONDS, NUM_CLIENTS, LEAVING = float(os.environ.get("ARR_COC_CROWD_S", "20")), 32, 8
SAME, GROWN_MB = 0.99, 150
"""Ties between two words fall either way, since what is computed together changes."""


def shared_out_mb(server: Server) -> float:
    """Megabytes of the server's processes, pages that several hold counted once (proportional set size)."""
    root = psutil.Process(server.pid)
    return sum(one.memory_full_info().pss for one in (root, *root.children(recursive=True))) / 2**20


def test_a_crowd_is_served(server: Server) -> None:
    asked = list(product([(EXAMPLES / one["image"], one["question"]) for one in questions()[:6]], (64, 160, "auto")))
    client = server.client()

    def ask(number: int, **options: Any) -> Any:
        (path, question), budget = asked[number % len(asked)]
        return client.chat.completions.create(
            model="nano",
            messages=[{"role": "user", "content": [picture(path), text(question)]}],
            temperature=0,
            max_tokens=16,
            extra_body={"mm_processor_kwargs": {"budget": budget}},
            **options,
        )

    expected = [ask(number).choices[0].message.content for number in range(len(asked))]
    numbers, until = count(), time.monotonic() + SECONDS

    def one_client(_: int) -> list[bool]:
        same = []
        while time.monotonic() < until:
            number = next(numbers)
            if number % LEAVING == 0:
                with ask(number, stream=True) as stream:
                    next(iter(stream))
            else:
                same.append(ask(number).choices[0].message.content == expected[number % len(asked)])
        return same

    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        list(pool.map(ask, range(2 * NUM_CLIENTS)))
        before = shared_out_mb(server)
        same = [each for one in pool.map(one_client, range(NUM_CLIENTS)) for each in one]
    grown = shared_out_mb(server) - before
    print(f"{len(same)} answers in {SECONDS:.0f} s, {sum(same)} as asked alone; {before:.0f} MB, {grown:+.0f} MB")
    assert sum(same) >= SAME * len(same) and len(same) > NUM_CLIENTS
    assert grown < GROWN_MB
    assert server.is_idle()
