"""Muon in float32, for CPUs on which torch's own, in bfloat16, takes ten times as long as the rest of a step."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from arr_coc.nano.distributed import ALONE, Team

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


def num_products(matrix: Tensor) -> float:
    """Multiplications of one round of `orthogonalised`."""
    short, long = sorted(matrix.shape)
    return 2.0 * short**2 * long + short**3


class Muon32(torch.optim.Optimizer):
    """`torch.optim.Muon(adjust_lr_fn="match_rms_adamw")` with Nesterov momentum, its products in float32.

    They take a fifth of a small host's step on a CPU without bfloat16, so the members of a team share them out.
    """

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 0.1, team: Team = ALONE) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.team = team

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        reached = [(p, group) for group in self.param_groups for p in group["params"] if p.grad is not None]
        wanted = [self.direction(parameter) for parameter, _ in reached]
        steps = self.team.divide(orthogonalised, wanted, [num_products(matrix) for matrix in wanted])
        for (parameter, group), step in zip(reached, steps, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(step, alpha=-group["lr"] * RMS * sqrt(max(parameter.shape)))

    def direction(self, parameter: Tensor) -> Tensor:
        """The gradient with Nesterov momentum."""
        state = self.state[parameter]
        momentum = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
        momentum.lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(momentum, MOMENTUM)
