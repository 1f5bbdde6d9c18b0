"""Training starts again with tcmalloc where it is installed: steps on a CPU take a third to a half less time.

Every step frees and takes the same large tensors; glibc scatters them over ever more pages (dev/LOG.md). An allocator
is chosen when a process starts, so there is no other way than to start again, before torch is loaded.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

TEACHING = {("nano", "train"), ("nano", "pre"), ("nano", "sft")}
"""Beside all of `arr-coc train`."""
PRELOAD, LIBRARIES = "LD_PRELOAD", ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
FOLDERS = (f"/usr/lib/{platform.machine()}-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")


def restart_where_it_pays(command: list[str]) -> None:
    """Replaces this process by itself with another allocator; returns where there is none, or one was chosen."""
    if pays(command, os.environ) and (library := find_library()) is not None:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, PRELOAD: str(library)})


def pays(command: list[str], environment: Mapping[str, str]) -> bool:
    """Whether a command trains, and nobody has chosen what to load before it; "" chooses nothing."""
    is_training = command[:1] == ["train"] or tuple(command[:2]) in TEACHING
    return is_training and PRELOAD not in environment


def find_library() -> Path | None:
    """tcmalloc as distributions install it, or as conda does."""
    found = (Path(folder, name) for folder in (f"{sys.prefix}/lib", *FOLDERS) for name in LIBRARIES)
    return next((path for path in found if path.is_file()), None)
