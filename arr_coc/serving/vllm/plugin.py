"""What vLLM calls in each of its processes when it starts: two names for each model, and nothing else.

With `--hf-overrides '{"architectures": ["ArrCocQwen3VL"]}'` (ArrCocQwen3VLMoe for a host of experts) a checkpoint is
served by ARR-COC; with ARR_COC=1 in the environment every Qwen3-VL is. Without either vLLM is untouched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING

from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from arr_coc.allocator import Budget

MODELS = {
    "qwen3_vl": ("ArrCocQwen3VL", "Qwen3VLForConditionalGeneration", "RelevanceQwen3VL"),
    "qwen3_vl_moe": ("ArrCocQwen3VLMoe", "Qwen3VLMoeForConditionalGeneration", "RelevanceQwen3VLMoe"),
}
"""By model type: its name for ARR-COC, its name for vLLM, and its class."""
TOWER_ADAPTERS, STAGES = "--enable-tower-connector-lora", ("--pipeline-parallel-size", "-pp")
SWITCH, RELEVANCE, BUDGET = "ARR_COC", "ARR_COC_RELEVANCE", "ARR_COC_BUDGET"
TRIED = ("0.32",)
"""Releases of vLLM under which the tests of `make test-serving` passed."""


def register() -> None:
    """The entry point; called several times, once a process.

    Raises:
        RuntimeError: switched on under a vLLM that was never tried.
    """
    from vllm.model_executor.models.registry import ModelRegistry

    if is_on():
        check_version()
    for own, stock, name in MODELS.values():
        for architecture in (own, stock) if is_on() else (own,):
            ModelRegistry.register_model(architecture, f"arr_coc.serving.vllm.model:{name}")


def is_on() -> bool:
    return os.environ.get(SWITCH, "").lower() in ("1", "on", "true", "yes")


def check_version() -> None:
    """Raises RuntimeError, in one line, for a vLLM whose inner seams may be others."""
    found = installed()
    if not found.startswith(tuple(f"{each}." for each in TRIED)):
        raise RuntimeError(
            f"arr-coc: vLLM {found} was never tried with ARR-COC, {', '.join(TRIED)} was; install that one, "
            f"or unset {SWITCH} to serve without ARR-COC"
        )


def check_served(model_type: str) -> None:
    """Raises ValueError, in one line, for a family that has no seams in vLLM yet."""
    if model_type not in MODELS:
        raise ValueError(
            f"model: {model_type} is not served by ARR-COC yet, {' and '.join(MODELS)} are; RelevanceProcessor takes "
            "it, or serve it with vLLM alone"
        )


def check_options(options: Sequence[str]) -> None:
    """Raises ValueError, in one line, for options of vLLM under which ARR-COC can't look; minutes before it would."""
    values = dict(pairwise((*(part for option in options for part in option.split("=", 1)), "")))
    if TOWER_ADAPTERS in values:
        raise ValueError(f"{TOWER_ADAPTERS}: ARR-COC takes adapters of the language model only, not of the tower")
    for name in STAGES:
        if values.get(name, "1") != "1":
            raise ValueError(f"{name}: ARR-COC reads attention on one stage only; use --tensor-parallel-size")


def installed() -> str:
    """The version of vLLM, under whichever name it is installed."""
    import vllm

    return str(getattr(vllm, "__version__", "")) or version("vllm")


def own_budget() -> Budget:
    """The budget of requests that name none: ARR_COC_BUDGET, else that of the trained parts.

    Raises:
        ValueError: neither a whole number nor "auto".
    """
    text = os.environ.get(BUDGET)
    if not text or text == "auto":
        return text or None
    if not text.isdigit():
        raise ValueError(f"{BUDGET}: must be a number of tokens or auto, got {quoted(text)}")
    return int(text)
