"""States of tensors and plain values as files, whole or not there, with errors of one line."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from arr_coc.files.writing import write_atomically
from arr_coc.quoting import shortened


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Raises OSError where the disk is full; the old file stays then."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getbuffer())


def load_state(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Tensors and plain values only.

    Raises:
        ValueError: the file is damaged or holds something else; names it.
    """
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location=device)
    except (RuntimeError, EOFError, ValueError, LookupError, pickle.UnpicklingError) as error:
        reason = shortened(next(iter(str(error).strip().splitlines()), type(error).__name__))
        raise ValueError(f"checkpoint {path}: it can't be read ({reason}); delete it or start anew") from error
    if not isinstance(state, dict):
        raise ValueError(f"checkpoint {path}: it holds no state of a run; delete it or start anew")
    return state
