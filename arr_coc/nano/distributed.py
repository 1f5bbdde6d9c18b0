"""Several processes train one model: each takes its share of every batch, their gradients are averaged.

How many is decided outside, by `torchrun`, as it is for `arr_coc.training`; a plain `python` is a team of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Team:
    """Which of `size` processes this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        if self.size > 1:
            dist.barrier()

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every process gets the mean of all; what a share of the batch did not reach counts as zero there."""
        if self.size == 1:
            return
        parameters = list(parameters)
        reached = torch.tensor([float(parameter.grad is not None) for parameter in parameters])
        dist.all_reduce(reached)
        parameters = [parameter for parameter, shares in zip(parameters, reached.tolist(), strict=True) if shares]
        flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters])
        dist.all_reduce(flat)
        flat /= self.size
        for parameter, mean in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = mean.view_as(parameter)

    def divide(self, work: Callable[[Tensor], Tensor], tensors: list[Tensor], costs: list[float]) -> list[Tensor]:
        """What `work` makes of each tensor, of its shape: every process does a share, all get all of it."""
        if self.size == 1:
            return [work(tensor) for tensor in tensors]
        own = {n for n, rank in enumerate(even_shares(costs, self.size)) if rank == self.rank}
        done = [work(tensor) if n in own else torch.zeros_like(tensor) for n, tensor in enumerate(tensors)]
        flat = torch.cat([tensor.flatten() for tensor in done])
        dist.all_reduce(flat)
        pieces = flat.split([tensor.numel() for tensor in tensors])
        return [piece.view_as(tensor) for piece, tensor in zip(pieces, tensors, strict=True)]


def even_shares(costs: list[float], num_members: int) -> list[int]:
    """Who does each piece of work: the dearest first, each to whoever has least to do."""
    owner, load = [0] * len(costs), [0.0] * num_members
    for number in sorted(range(len(costs)), key=lambda number: (-costs[number], number)):
        owner[number] = load.index(min(load))
        load[owner[number]] += costs[number]
    return owner


ALONE = Team()


@contextmanager
def joined() -> Iterator[Team]:
    """This process' place in the team that `torchrun` has started, if any."""
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    dist.init_process_group("gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
