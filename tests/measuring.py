"""What a run really holds and does: bytes of tensors that live, bytes that autograd keeps, operations."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only


class Living(TorchDispatchMode):
    """Counts the storages of tensors that operations make, while they live, and the most of them at one time.

    What a kernel borrows while it runs is not counted: it differs from one processor to the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self.known: dict[int, weakref.ref] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tree_map_only(torch.Tensor, lambda tensor: self.note(tensor, is_new=False), (args, kwargs))
        result = function(*args, **(kwargs or {}))
        tree_map_only(torch.Tensor, lambda tensor: self.note(tensor, is_new=True), result)
        return result

    def note(self, tensor: torch.Tensor, is_new: bool) -> None:
        storage = tensor.untyped_storage()
        key, size = id(storage), storage.nbytes() * is_new
        if key not in self.known:
            self.known[key] = weakref.ref(storage, lambda _: self.forget(key, size))
            self.held += size
            self.peak = max(self.peak, self.held)

    def forget(self, key: int, size: int) -> None:
        del self.known[key]
        self.held -= size


def peak_bytes(run: Callable[[], object]) -> int:
    """Most bytes of tensors that a run makes beyond what was held before."""
    with Living() as living:
        run()
    return living.peak


def graph_bytes(run: Callable[[], torch.Tensor], model: torch.nn.Module) -> int:
    """Bytes that autograd keeps for the backward pass, parameters aside."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    assert result.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def leave_gradients(*leaves: torch.Tensor) -> None:
    """Gradients where an earlier step would have left them."""
    for leaf in leaves:
        leaf.grad = torch.zeros_like(leaf) if leaf.requires_grad else None


def recompute(model: torch.nn.Module, switch: str) -> None:
    """Enables or disables that activations are worked out again; transformers 5.23 renamed the methods."""
    name = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
    getattr(model, f"{name}_checkpointing_{switch}")()
