"""What a block (a repeated layer) keeps between forward and backward pass, and whether it is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import save_on_cpu
from torch.utils.checkpoint import checkpoint

from arr_coc.training.settings import LoopSettings


def check_blocks(blocks: Sequence[nn.Module], settings: LoopSettings) -> None:
    """Raises ValueError where an option works on blocks and none are given."""
    for name in ("gradient_checkpointing", "compile_blocks"):
        if getattr(settings, name) and not blocks:
            raise ValueError(f"{name}: needs the blocks of the host, got none")


@contextmanager
def prepared(blocks: Sequence[nn.Module], settings: LoopSettings) -> Iterator[None]:
    """Blocks that recompute and are compiled, before anything wraps them: checkpointing, compile, then DDP or FSDP.

    Compiling a block from outside the recomputation lets the compiler see both; wrapping first would put the
    exchange of weights into the graph. Recomputation ends with the context.
    """
    if settings.gradient_checkpointing:
        for block in blocks:
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)  # type: ignore[method-assign]
    if settings.compile_blocks:
        for block in blocks:
            block.compile()
    try:
        yield
    finally:
        if settings.gradient_checkpointing:
            for block in blocks:
                del block.forward


def autocast(settings: LoopSettings, device: torch.device) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.bf16)


def offload(settings: LoopSettings, device: torch.device) -> AbstractContextManager[Any]:
    """Activations saved for the backward pass wait in pinned main memory."""
    return save_on_cpu(pin_memory=device.type == "cuda") if settings.offload_activations else nullcontext()
