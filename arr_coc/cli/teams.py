"""What one process of a team does for all: `torchrun` and `accelerate launch` start as many as they are told."""

from __future__ import annotations

import os
from pathlib import Path

from arr_coc.files.checking import check_folder


def check_out(path: Path) -> None:
    """As `check_folder`, by the first process alone: two would take each other's empty folder away."""
    if os.environ.get("RANK", "0") == "0":
        check_folder(path)
