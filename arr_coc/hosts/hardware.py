"""What this machine multiplies fast."""

from __future__ import annotations

import torch

WITHOUT_BFLOAT16 = ("AVX2", "DEFAULT")


def has_bfloat16(device: str) -> bool:
    """Whether products in bfloat16 are the faster ones; a CPU without units for them takes many times as long."""
    return device != "cpu" or torch.backends.cpu.get_cpu_capability() not in WITHOUT_BFLOAT16


def best_device() -> str:
    """ "cuda" where torch sees a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"
