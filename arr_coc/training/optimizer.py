"""A learning rate for each part; gradients per token, measured by part, clipped as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from arr_coc.training.settings import LoopSettings

EPSILON = 1e-12


def make_optimizer(parts: Mapping[str, Sequence[nn.Parameter]], settings: LoopSettings) -> AdamW:
    """AdamW, two groups a part: matrices with weight decay, vectors without.

    Raises:
        ValueError: the rates do not name exactly the parts that are trained, or a part holds nothing.
    """
    if set(parts) != set(settings.rates):
        raise ValueError(f"rates: must name the trained parts {sorted(parts)}, got {sorted(settings.rates)}")
    groups: list[dict[str, object]] = []
    for part, parameters in parts.items():
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if not trained:
            raise ValueError(f"parts: {part} holds no trainable parameter")
        matrices = [parameter for parameter in trained if parameter.ndim > 1]
        vectors = [parameter for parameter in trained if parameter.ndim <= 1]
        for params, decay in ((matrices, settings.weight_decay), (vectors, 0.0)):
            if params:
                groups.append({"params": params, "part": part, "lr": settings.rates[part], "weight_decay": decay})
    return AdamW(groups, betas=(0.9, 0.98))


def rate_factor(settings: LoopSettings, step: int) -> float:
    """Linear warm-up, then a cosine from 1 to `final_rate`."""
    done = min(1.0, step / settings.num_steps)
    cosine = settings.final_rate + (1 - settings.final_rate) * (1 + math.cos(math.pi * done)) / 2
    return cosine * min(1.0, (step + 1) / max(1, settings.warmup_steps))


def set_rates(optimizer: Optimizer, settings: LoopSettings, step: int, scale: float) -> dict[str, float]:
    """The learning rates of a step by part, set and returned."""
    factor = rate_factor(settings, step) * scale
    for group in optimizer.param_groups:
        group["lr"] = settings.rates[group["part"]] * factor
    return {group["part"]: group["lr"] for group in optimizer.param_groups}


def fill_gradients(optimizer: Optimizer) -> None:
    """Zeros where a step left no gradient, so that every parameter has optimizer state from the first step on."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)


def local(gradient: Tensor) -> Tensor:
    """This process' shard of a sharded gradient."""
    return gradient.to_local() if hasattr(gradient, "to_local") else gradient


def gradient_norms(optimizer: Optimizer, scale: float, total: Callable[[Tensor], Tensor]) -> dict[str, float]:
    """L2 norm of the gradient by part, after multiplication by `scale`.

    Args:
        total: adds up squares over processes that hold different shards.
    """
    squares: dict[str, list[Tensor]] = {}
    for group in optimizer.param_groups:
        norms = [local(parameter.grad).norm(dtype=torch.float32) for parameter in group["params"]]
        squares.setdefault(group["part"], []).append(torch.stack(norms).square().sum())
    sums = total(torch.stack([torch.stack(parts).sum() for parts in squares.values()]))
    return {part: scale * math.sqrt(square) for part, square in zip(squares, sums.tolist(), strict=True)}


def scale_gradients(optimizer: Optimizer, scale: float, norm: float, clip_norm: float) -> None:
    """Multiplies by `scale`, then clips; `norm` is that of the whole gradient after scaling."""
    factor = scale * min(1.0, clip_norm / (norm + EPSILON))
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad.mul_(factor)
