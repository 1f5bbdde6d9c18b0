"""What `arr-coc serve` starts vLLM with."""

from __future__ import annotations

import dataclasses

from arr_coc.serving.vllm.launching import CACHE_OF_NANO, SMALL, Launch

NANO = Launch("/weights", "nano", "127.0.0.1", 8000, "", None, 8, 32)
CACHE = "--kv-cache-memory-bytes"


def caches(launch: Launch) -> list[str]:
    """What is said about the cache; of several vLLM takes the last."""
    command = launch.command()
    return [value for option, value in zip(command, command[1:], strict=False) if option == CACHE]


def test_the_embedded_host_takes_a_small_cache_unless_it_is_told() -> None:
    assert caches(NANO) == [CACHE_OF_NANO]
    assert caches(dataclasses.replace(NANO, rest=(CACHE, "1G"))) == [CACHE_OF_NANO, "1G"]
    assert caches(dataclasses.replace(NANO, name="Qwen/Qwen3-VL-2B-Instruct")) == []


def test_the_embedded_host_takes_one_process_less_unless_it_is_told() -> None:
    assert SMALL.items() <= NANO.environment({}).items()
    assert NANO.environment({"MALLOC_ARENA_MAX": "8"})["MALLOC_ARENA_MAX"] == "8"
    assert not SMALL.keys() & dataclasses.replace(NANO, name="Qwen/Qwen3-VL-2B-Instruct").environment({}).keys()
