"""What vLLM calls in each of its processes when it starts: two names for each model, and nothing else.

With `--hf-overrides '{"architectures": ["ArrCocQwen3VL"]}'` (for other hosts the names in `MODELS`) a checkpoint is
served by ARR-COC; with ARR_COC=1 in the environment every Qwen3-VL and Qwen3.5 is. Without either vLLM is untouched.
"""

from __future__ import annotations

import json
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
    "qwen3_5": ("ArrCocQwen3_5", "Qwen3_5ForConditionalGeneration", "RelevanceQwen3Point5"),
    "qwen3_5_moe": ("ArrCocQwen3_5Moe", "Qwen3_5MoeForConditionalGeneration", "RelevanceQwen3Point5Moe"),
}
"""By model type: its name for ARR-COC, its name for vLLM, and its class."""
HYBRID = ("qwen3_5", "qwen3_5_moe")
"""Model types most of whose layers keep a memory, which vLLM computes on a CPU in bfloat16 only."""
FORMAT = "--dtype"
TOWER_ADAPTERS, STAGES = "--enable-tower-connector-lora", ("--pipeline-parallel-size", "-pp")
DRAFT_CONFIG, DRAFT_METHOD, DRAFT_MODEL = ("--speculative-config", "-sc"), "--spec-method", "--spec-model"
OF_TEXT = ("ngram", "ngram_gpu", "suffix")
"""Ways to draft an answer from its words alone. A draft model would be handed the features of leaves, which it does not
know: their places travel behind them."""
SWITCH, RELEVANCE, BUDGET = "ARR_COC", "ARR_COC_RELEVANCE", "ARR_COC_BUDGET"
TRIED = ("0.32",)
"""Releases of vLLM under which the tests of `make test-serving` passed."""


def register() -> None:
    """The entry point; called several times, once a process.

    Raises:
        RuntimeError: switched on under a vLLM that was never tried.
    """
    from vllm.model_executor.models.config import MODELS_CONFIG_MAP
    from vllm.model_executor.models.registry import ModelRegistry

    if is_on():
        check_version()
    for own, stock, name in MODELS.values():
        for architecture in (own, stock) if is_on() else (own,):
            ModelRegistry.register_model(architecture, f"arr_coc.serving.vllm.model:{name}")
        if stock in MODELS_CONFIG_MAP:  # what vLLM settles for a family before it is loaded
            MODELS_CONFIG_MAP[own] = MODELS_CONFIG_MAP[stock]


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
            f"model: {model_type} is not served by ARR-COC yet, {', '.join(MODELS)} are; RelevanceProcessor takes "
            "it, or serve it with vLLM alone"
        )


def check_options(options: Sequence[str]) -> None:
    """Raises ValueError, in one line, for options of vLLM under which ARR-COC can't look; minutes before it would."""
    values = values_of(options)
    if TOWER_ADAPTERS in values:
        raise ValueError(f"{TOWER_ADAPTERS}: ARR-COC takes adapters of the language model only, not of the tower")
    for name in STAGES:
        if values.get(name, "1") != "1":
            raise ValueError(f"{name}: ARR-COC reads attention on one stage only; use --tensor-parallel-size")
    given = [name for name in (*DRAFT_CONFIG, DRAFT_METHOD, DRAFT_MODEL) if name in values]
    if given:
        check_drafts(values.get(DRAFT_METHOD) or method_of(values[given[0]]), given[0])


def check_drafts(method: str, name: str = DRAFT_CONFIG[0]) -> None:
    """Raises ValueError, in one line, for answers drafted by a model instead of from their words."""
    if method not in OF_TEXT:
        raise ValueError(f"{name}: a draft model can't read ARR-COC's tokens; use the method {' or '.join(OF_TEXT)}")


def method_of(config: str) -> str:
    """Of vLLM's configuration of drafts, as it is written; empty where none is named or it can't be read."""
    try:
        return str(json.loads(config).get("method", ""))
    except (ValueError, AttributeError):
        return ""


def check_format(model_type: str, options: Sequence[str], device: str) -> None:
    """Raises ValueError, in one line, for a number format at which vLLM's engine would end with the first request."""
    chosen = values_of(options).get(FORMAT, "auto")
    if model_type in HYBRID and device == "cpu" and chosen not in ("auto", "bfloat16"):
        raise ValueError(f"{FORMAT}: on a CPU vLLM has {model_type} in bfloat16 only, got {quoted(chosen)}")


def values_of(options: Sequence[str]) -> dict[str, str]:
    """Of vLLM's options, by name, each with the word behind it."""
    return dict(pairwise((*(part for option in options for part in option.split("=", 1)), "")))


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
