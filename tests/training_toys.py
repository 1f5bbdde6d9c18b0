"""An objective that learns in milliseconds, and what other processes run of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.optim import Optimizer
from torch.utils.data import Dataset

from arr_coc.training import loop
from arr_coc.training.loop import RunResult
from arr_coc.training.objective import Outcome, SampleFacts
from arr_coc.training.processes import Processes, Summed
from arr_coc.training.runs import train
from arr_coc.training.sampling import Estimate
from arr_coc.training.settings import LoopSettings

WIDTH, BUDGETS = 8, (64, 160, 400)


class Toy(nn.Module):
    """A scorer and an adapter on a frozen host; fits the square of a sum, with noise on its features."""

    def __init__(self, noise: float = 0.1) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.noise = noise
        self.language = nn.Linear(WIDTH, WIDTH).requires_grad_(False)
        self.head = self.language  # tied, as embedding and output of many language models are
        self.scorer = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh())
        self.adapter = nn.Linear(WIDTH, 1)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) / 3

    def parts(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"scorer": list(self.scorer.parameters()), "adapter": list(self.adapter.parameters())}

    def forward(self, batch: dict[str, Any]) -> Outcome:
        noise = self.noise * torch.randn(batch["x"].shape) if self.training else 0.0
        hidden = self.scorer(self.language(batch["x"] + noise))
        gaps = self.adapter(hidden)[:, 0].float() - batch["y"]
        tokens = batch["tokens"]
        facts = [
            SampleFacts(f"k{i % 2}", 0.2 * (i % 5), batch["budget"], batch["budget"] - i % 3, float(gap.abs() < 0.3))
            for i, gap in enumerate(gaps)
        ]
        terms = {"answer": (gaps**2 * tokens).sum(), "efficiency": hidden.float().abs().sum()}
        return Outcome(terms, {"answer": 1.0, "efficiency": 0.01}, int(tokens.sum()), facts)


def draw(number: int) -> dict[str, Any]:
    """A batch with its own number of samples and tokens."""
    generator = torch.Generator().manual_seed(number)
    num = 4 + number % 5
    x = torch.randn(num, WIDTH, generator=generator)
    tokens: Tensor = torch.randint(1, 9, (num,), generator=generator)
    return {"x": x, "y": x.sum(1) ** 2 / 8, "tokens": tokens, "budget": BUDGETS[number % 3], "number": number}


@dataclass
class ToyBatches(Dataset[Any]):
    """`kill_at` kills the process, `nan_at` spoils the target of a batch."""

    num: int = 1 << 30
    kill_at: int | None = None
    nan_at: int | None = None

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, number: int) -> dict[str, Any]:
        if number == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        batch = draw(number)
        return {**batch, "y": batch["y"] * float("nan")} if number == self.nan_at else batch


@dataclass
class ToyFeed:
    """Takes the estimate into account, so that a run whose estimate is lost draws other batches."""

    data: ToyBatches

    def batches(self, estimate: Estimate) -> Dataset[Any]:
        return Shifted(self.data, round(1000 * sum(estimate.errors.values())))


@dataclass
class Shifted(Dataset[Any]):
    data: ToyBatches
    shift: int

    def __getitem__(self, number: int) -> dict[str, Any]:
        batch = self.data[number]
        return {**batch, "x": batch["x"] + self.shift / 1000}


def settings(**changes: Any) -> LoopSettings:
    few = LoopSettings(
        {"scorer": 1e-2, "adapter": 2e-2},
        num_steps=30,
        warmup_steps=4,
        log_every=3,
        save_every=5,
        validate_every=10,
        reestimate_every=8,
        device="cpu",
    )
    return replace(few, **changes)


def run(folder: Path, resume: bool = False, data: ToyBatches | None = None, **changes: Any) -> RunResult:
    feed, validation = ToyFeed(data or ToyBatches()), ToyBatches(5)
    return train(Toy(), feed, settings(**changes), folder, validation=validation, show=False, resume=resume)


class Sharded(Processes):
    """FSDP2 on any device: accelerate shards on accelerators only, and the rest of the loop is to be tested."""

    is_sharded = True

    def wrap(self, objective: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        model = Summed(objective)
        names = {parameter: name for name, parameter in model.named_parameters()}
        mesh = init_device_mesh(self.device.type, (self.count,))
        for module in (objective.scorer, model):
            fully_shard(module, mesh=mesh)
        sharded = dict(model.named_parameters())
        for group in optimizer.param_groups:
            group["params"] = [sharded[names[parameter]] for parameter in group["params"]]
        return model, optimizer

    @contextmanager
    def exchanging(self, model: nn.Module, is_last: bool) -> Iterator[None]:
        model.set_requires_gradient_sync(is_last)
        yield


def run_modes(folder: Path, *modes: str, kill_at: int | None = None) -> None:
    """`run` is killed at batch `kill_at`; `copied`, `sharded` and `resume-sharded` want several processes."""
    for mode in modes:
        loop.Processes = Sharded if "sharded" in mode else Processes
        num = 1 if mode == "run" else 4
        run(folder / mode, mode.startswith("resume"), ToyBatches(kill_at=kill_at), batches_per_step=num)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def run_until_killed(folder: Path, kill_at: int) -> None:
    run_modes(folder, "run", kill_at=kill_at)
