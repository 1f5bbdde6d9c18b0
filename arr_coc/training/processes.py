"""The one place that knows how many processes train, and whether weights are copied (DDP) or sharded (FSDP2).

What runs is decided outside, by `torchrun` or `accelerate launch`; a plain `python` is one process.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, gather_object, send_to_device
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.optim import Optimizer

from arr_coc.training.objective import Outcome
from arr_coc.training.settings import LoopSettings

Item = TypeVar("Item")
PREFIX = "objective."


class Summed(nn.Module):
    """An objective whose output is the sum to go backward from, and the rest without gradient.

    DDP and FSDP look for the tensors of an output; they find the one that is used.
    """

    def __init__(self, objective: nn.Module) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, batch: Any) -> tuple[Tensor, Outcome]:
        outcome: Outcome = self.objective(batch)
        terms = {name: term.detach() for name, term in outcome.terms.items()}
        return outcome.total(), Outcome(terms, outcome.weights, outcome.num_tokens, outcome.facts)


class Processes:
    """This process among all that train.

    Raises:
        ValueError: FSDP of the first version, or batches that do not divide among the processes.
    """

    def __init__(self, settings: LoopSettings) -> None:
        handler = DistributedDataParallelKwargs(find_unused_parameters=settings.find_unused)
        use_cpu = settings.device == "cpu" or not torch.cuda.is_available()
        self._accelerator = Accelerator(cpu=use_cpu, kwargs_handlers=[handler])
        if self._accelerator.distributed_type == DistributedType.FSDP and not self._accelerator.is_fsdp2:
            raise ValueError("fsdp_version: must be 2, got 1; set it in the accelerate config")
        if settings.batches_per_step % self.count:
            raise ValueError(
                f"batches_per_step: {settings.batches_per_step} batches do not divide among {self.count} processes"
            )

    @property
    def count(self) -> int:
        return self._accelerator.num_processes

    @property
    def rank(self) -> int:
        return self._accelerator.process_index

    @property
    def is_main(self) -> bool:
        return self._accelerator.is_main_process

    @property
    def device(self) -> torch.device:
        return self._accelerator.device

    @property
    def is_sharded(self) -> bool:
        return bool(self._accelerator.is_fsdp2)

    def wrap(self, objective: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The module to call, and the optimizer over the parameters that it has after wrapping."""
        model, wrapped = self._accelerator.prepare(Summed(objective), optimizer)
        return model, wrapped.optimizer

    def mine(self, numbers: range) -> range:
        """This process' share of the numbers of a step's batches."""
        return numbers[self.rank :: self.count]

    def to_device(self, batch: Any) -> Any:
        """Containers of tensors, and objects with a method `to`."""
        return send_to_device(batch, self.device)

    def exchanging(self, model: nn.Module, is_last: bool) -> AbstractContextManager[Any]:
        """Gradients are exchanged in the backward pass of a step's last batch only."""
        return nullcontext() if is_last else self._accelerator.no_sync(model)

    def gather(self, items: Sequence[Item]) -> list[Item]:
        """The items of all processes, the same list on each."""
        return list(gather_object(list(items)))

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes that hold different shards; what all hold alike stays."""
        return self._accelerator.reduce(values, "sum") if self.is_sharded else values

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()

    def read_weights(self, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
        """ "weights" of what is trained, by the objective's own names, and "moments" of the optimizer.

        All processes must call; with sharded weights only the main one is given any.
        """
        options = StateDictOptions(full_state_dict=True, cpu_offload=self.is_sharded, ignore_frozen_params=True)
        weights, moments = get_state_dict(model, optimizer, options=options)
        named = {name.removeprefix(PREFIX): value for name, value in weights.items()}
        frozen = frozen_names(self._accelerator.unwrap_model(model))
        return {"weights": {name: value for name, value in named.items() if name not in frozen}, "moments": moments}

    def write_weights(self, model: nn.Module, optimizer: Optimizer, state: dict[str, Any]) -> None:
        """What `read_weights` gave, into all processes."""
        weights = {PREFIX + name: value for name, value in state["weights"].items()}
        options = StateDictOptions(full_state_dict=True, ignore_frozen_params=True, strict=False)
        set_state_dict(model, optimizer, model_state_dict=weights, optim_state_dict=state["moments"], options=options)


def frozen_names(model: Summed) -> set[str]:
    """The objective's names of frozen parameters, all of them where a tied parameter has several."""
    named = model.objective.named_parameters(remove_duplicate=False)
    return {name for name, parameter in named if not parameter.requires_grad}
