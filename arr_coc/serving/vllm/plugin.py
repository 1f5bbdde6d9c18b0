"""What vLLM calls in each of its processes when it starts: two names for one model, and nothing else.

With `--hf-overrides '{"architectures": ["ArrCocQwen3VL"]}'` a checkpoint is served by ARR-COC; with ARR_COC=1 in the
environment every Qwen3-VL is. Without either vLLM is untouched.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from arr_coc.allocator import Budget

ARCHITECTURE, STOCK = "ArrCocQwen3VL", "Qwen3VLForConditionalGeneration"
MODEL = "arr_coc.serving.vllm.model:RelevanceQwen3VL"
SERVED = "qwen3_vl"
SWITCH, RELEVANCE, BUDGET = "ARR_COC", "ARR_COC_RELEVANCE", "ARR_COC_BUDGET"
TRIED = ("0.32",)
"""Releases of vLLM under which the tests of `make test-serving` passed."""


def register() -> None:
    """The entry point; called several times, once a process.

    Raises:
        RuntimeError: switched on under a vLLM that was never tried.
    """
    from vllm.model_executor.models.registry import ModelRegistry

    ModelRegistry.register_model(ARCHITECTURE, MODEL)
    if is_on():
        check_version()
        ModelRegistry.register_model(STOCK, MODEL)


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
    if model_type != SERVED:
        raise ValueError(
            f"model: {model_type} is not served by ARR-COC yet, {SERVED} is; RelevanceProcessor takes it, or serve it "
            "with vLLM alone"
        )


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
