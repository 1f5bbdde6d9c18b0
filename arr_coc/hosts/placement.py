"""Where a model's modules compute: on the device of their weights, or, offloaded, where accelerate brings those.

An offloaded weight lies on the meta device until its module is called; so weights are only used by calling modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

META = torch.device("meta")


def base_of(model: Any) -> PreTrainedModel:
    """The model of transformers inside what peft, a compiler or a parallel trainer put around it."""
    while not isinstance(model, PreTrainedModel):
        inner = next(
            (getattr(model, name) for name in ("_orig_mod", "module", "base_model", "model") if name in inside(model)),
            None,
        )
        if inner is None:
            raise ValueError(
                f"model: must be a model of transformers, perhaps wrapped by peft, got {type(model).__name__}"
            )
        model = inner
    return model


def inside(module: Any) -> Mapping[str, object]:
    """Parts of a module by name, none of what is no module."""
    return module._modules if isinstance(module, nn.Module) else {}


def device_of(module: nn.Module) -> torch.device:
    """Where the module, or the first part of it that has a weight, takes its inputs."""
    for part in module.modules():
        for hook in hooks_of(part):
            device = getattr(hook, "execution_device", None)
            if device is not None:
                return torch.device(device)
        weight = next(part.parameters(recurse=False), None)
        if weight is not None and weight.device != META:
            return weight.device
    return META


def hooks_of(module: nn.Module) -> Iterator[object]:
    """Hooks that accelerate put around a module's forward; several come in one that holds them."""
    hook = getattr(module, "_hf_hook", None)
    if hook is not None:
        yield hook
        yield from getattr(hook, "hooks", ())


def together(module: nn.Module, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors where a module computes, whose parts are called one by one."""
    device = device_of(module)
    return tuple(tensor.to(device) for tensor in tensors)
