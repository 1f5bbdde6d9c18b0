"""Muon in float32, for CPUs on which torch's own, in bfloat16, takes ten times as long as the rest of a step."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
NUM_ROUNDS, MOMENTUM, RMS = 5, 0.95, 0.2


def orthogonalised(matrix: Tensor) -> Tensor:
    """Newton-Schulz: the matrix with its singular values moved near 1 (Jordan et al. 2024)."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(NUM_ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon32(torch.optim.Optimizer):
    """`torch.optim.Muon(adjust_lr_fn="match_rms_adamw")` with Nesterov momentum, its products in float32."""

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 0.1) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.update(parameter, group["lr"], group["weight_decay"])

    def update(self, parameter: Tensor, rate: float, decay: float) -> None:
        state = self.state[parameter]
        momentum = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
        momentum.lerp_(parameter.grad, 1 - MOMENTUM)
        step = orthogonalised(parameter.grad.lerp(momentum, MOMENTUM))
        parameter.mul_(1 - rate * decay)
        parameter.add_(step, alpha=-rate * RMS * sqrt(max(parameter.shape)))
