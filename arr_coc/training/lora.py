"""Low-rank updates in place of the language matrices themselves, by peft: less memory for the optimizer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torch import nn
from transformers import Qwen3VLForConditionalGeneration

TARGETS = r".*language_model\.layers\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
"""All matrices of the language layers; those of the vision encoder have other names."""


def add_lora(model: Qwen3VLForConditionalGeneration, rank: int) -> Any:
    """Adapters of that rank in the model, in place; it starts as it was. Returns the PeftModel around it.

    `merge_and_unload()` of that leaves an ordinary model with the updates in its weights.
    Source: LoRA (arXiv 2106.09685).

    Raises:
        ValueError: peft is not installed, or the rank is under 1.
    """
    if rank < 1:
        raise ValueError(f"lora must be a rank of at least 1, got {rank}")
    try:
        peft = import_module("peft")
    except ModuleNotFoundError as error:
        raise ValueError("lora: needs peft; install it with: pip install 'arr-coc[train]'") from error
    return peft.get_peft_model(model, peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=TARGETS))


def lora_parameters(part: nn.Module) -> list[nn.Parameter]:
    """Those of the adapters in it; none where there are no adapters."""
    return [parameter for name, parameter in part.named_parameters() if ".lora_" in name]
