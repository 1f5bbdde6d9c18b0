"""Low-rank updates in place of the language matrices themselves, by peft: less memory for the optimizer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.registry import find_family
from arr_coc.quoting import quoted


def targets(family: Family) -> str:
    """A pattern of names: the matrices of the language layers that a family adapts."""
    return rf".*language_model\.layers\..*\.({'|'.join(family.lora)})"


def add_lora(model: PreTrainedModel, rank: int) -> Any:
    """Adapters of that rank in the model, in place; it starts as it was. Returns the PeftModel around it.

    `merge_and_unload()` of that leaves an ordinary model with the updates in its weights.
    Source: LoRA (arXiv 2106.09685).

    Raises:
        ValueError: peft is not installed, or the rank is under 1.
    """
    if rank < 1:
        raise ValueError(f"lora must be a rank of at least 1, got {quoted(rank)}")
    try:
        peft = import_module("peft")
    except ModuleNotFoundError as error:
        raise ValueError("lora: needs peft; install it with: pip install 'arr-coc[train]'") from error
    return peft.get_peft_model(
        model,
        peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets(find_family(model.config.model_type))),
    )


def lora_parameters(part: nn.Module) -> list[nn.Parameter]:
    """Those of the adapters in it; none where there are no adapters."""
    return [parameter for name, parameter in part.named_parameters() if ".lora_" in name]
