"""A host's layers compiled: what lies between its products is fused, for pictures and texts of any length."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

RECOMPILE_LIMIT = 64
"""Of one function, which all layers share: one each, and one more each for a batch of a single row. At torch's own
limit, 8, the last ones stay uncompiled."""


def compile_layers(layers: Iterable[nn.Module]) -> None:
    """Fuses what lies between the products of each layer, for batches of any length; the first steps take minutes.

    Not by layer.compile(): that compiles a layer's hooks with it, and the learner hangs new ones on every batch.
    """
    torch.compiler.config.recompile_limit = RECOMPILE_LIMIT
    for layer in layers:
        setattr(layer, "forward", torch.compile(layer.forward, dynamic=True))  # noqa: B010
