"""Several processes train one model: each takes its share of every batch, their gradients are averaged.

The first process is the run itself; it starts the others, and they end when it does, however it does.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True)
class Team:
    """Which of `size` processes this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every process gets the mean of all; a parameter that some shares of the batch did not reach counts as zero.

        Raises:
            ChildProcessError: another process has ended.
        """
        if self.size == 1:
            return
        parameters = list(parameters)
        reached = self.sum(torch.tensor([float(parameter.grad is not None) for parameter in parameters])).tolist()
        parameters = [parameter for parameter, shares in zip(parameters, reached, strict=True) if shares]
        flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters])
        flat = self.sum(flat) / self.size
        for parameter, mean in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = mean.view_as(parameter)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        try:
            dist.all_reduce(values)
        except RuntimeError as error:
            message = f"processes: one of {self.size} has ended (memory?); go on from the last checkpoint with --resume"
            raise ChildProcessError(message) from error
        return values


ALONE = Team()


@contextmanager
def team_of(size: int, member: Callable[..., None], *arguments: object) -> Iterator[Team]:
    """The leading member of a team; `member(*arguments, team)` runs in each of the other processes."""
    if size == 1:
        yield ALONE
        return
    store = dist.TCPStore("127.0.0.1", 0, size, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("spawn")
    others = [
        context.Process(target=join_team, args=(store.port, Team(rank, size), member, *arguments))
        for rank in range(1, size)
    ]
    for process in others:
        process.start()
    dist.init_process_group("gloo", store=store, rank=0, world_size=size)
    torch.set_num_threads(threads_of(size))
    try:
        yield Team(0, size)
    finally:
        dist.destroy_process_group()
        for process in others:
            process.join(10)
            process.kill()


def join_team(port: int, team: Team, member: Callable[..., None], *arguments: object) -> None:
    store = dist.TCPStore("127.0.0.1", port, team.size)
    dist.init_process_group("gloo", store=store, rank=team.rank, world_size=team.size)
    torch.set_num_threads(threads_of(team.size))
    member(*arguments, team)


def threads_of(size: int) -> int:
    return max(1, len(os.sched_getaffinity(0)) // size)
