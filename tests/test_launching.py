"""What `arr-coc serve` starts vLLM with."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from arr_coc.serving.vllm.launching import CACHE_OF_NANO, SMALL, Launch
from arr_coc.serving.vllm.plugin import HYBRID, MODELS, check_format, check_options, check_served

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


@pytest.mark.parametrize(("capability", "chosen"), [("AVX2", True), ("DEFAULT", True), ("AVX512", False)])
def test_a_cpu_without_bfloat16_serves_the_embedded_host_in_float32(monkeypatch, capability, chosen) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert ("--dtype float32" in " ".join(NANO.command())) == chosen
    assert " ".join(dataclasses.replace(NANO, rest=("--dtype", "bfloat16")).command()).endswith("--dtype bfloat16")
    assert "--dtype" not in dataclasses.replace(NANO, name="Qwen/Qwen3-VL-2B-Instruct").command()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "--dtype" not in NANO.command()


def test_the_embedded_host_takes_one_process_less_unless_it_is_told() -> None:
    assert SMALL.items() <= NANO.environment({}).items()
    assert NANO.environment({"MALLOC_ARENA_MAX": "8"})["MALLOC_ARENA_MAX"] == "8"
    assert not SMALL.keys() & dataclasses.replace(NANO, name="Qwen/Qwen3-VL-2B-Instruct").environment({}).keys()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--enable-lora", "--enable-tower-connector-lora"], "adapters of the language model only"),
        (["--pipeline-parallel-size", "2"], "one stage only; use --tensor-parallel-size"),
        (["--max-model-len", "512", "--pipeline-parallel-size=2"], "one stage only"),
        (["-pp", "4", "--enforce-eager"], "one stage only"),
        (
            ["--speculative-config", '{"method": "mtp", "num_speculative_tokens": 2}'],
            "^--speculative-config: a draft",
        ),
        (["-sc={'method'"], "^-sc: a draft model can't"),
        (["--spec-model", "small"], "^--spec-model: "),
        (["--spec-method=eagle3", "--spec-model", "small"], "^--spec-method: "),
    ],
)
def test_options_that_leave_nothing_to_look_with_are_refused(options: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_options(options)


def test_other_options_are_the_operators_own() -> None:
    check_options([])
    check_options(["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 2}'])
    check_options(["--spec-method", "suffix"])
    check_options(["--enable-lora", "--lora-modules", "receipts=folder", "-pp", "1", "--pipeline-parallel-size=1"])


def test_four_families_are_served_and_others_are_refused() -> None:
    for model_type in MODELS:
        check_served(model_type)
    with pytest.raises(ValueError, match="glm4v is not served by ARR-COC yet, qwen3_vl, .*, qwen3_5_moe are"):
        check_served("glm4v")


@pytest.mark.parametrize("model_type", HYBRID)
def test_a_hybrid_host_has_one_number_format_on_a_cpu(model_type: str) -> None:
    for options in ([], ["--dtype", "bfloat16"], ["--dtype=auto"], ["--max-model-len", "512"]):
        check_format(model_type, options, "cpu")
    for options in (["--dtype", "float32"], ["--enforce-eager", "--dtype=float16"]):
        with pytest.raises(ValueError, match="^--dtype: on a CPU vLLM has qwen3_5.* in bfloat16 only, got [^\n]*$"):
            check_format(model_type, options, "cpu")
        check_format(model_type, options, "cuda")
        check_format("qwen3_vl", options, "cpu")
