"""A run's log as a file: one JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class JsonlLog:
    """Appends objects to a file. What a full disk refuses is kept and tried again.

    Args:
        keep: of a resumed run, whether a line that is there still holds; those that do not are dropped, since the run
            writes them again. None starts the file anew.
    """

    def __init__(self, path: Path, keep: Callable[[dict[str, Any]], bool] | None = None) -> None:
        self.path, self._waiting = path, b""
        lines = path.read_bytes().splitlines(keepends=True) if keep is not None and path.exists() else []
        kept = [line for line in lines if line.endswith(b"\n") and keep is not None and keep(json.loads(line))]
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(b"".join(kept))
        os.replace(partial, path)

    def append(self, entry: Mapping[str, object]) -> None:
        self._waiting += json.dumps(dict(entry)).encode() + b"\n"
        try:
            self._flush()
        except OSError:
            return

    def close(self) -> None:
        """Raises OSError where lines still could not be written."""
        self._flush()

    def _flush(self) -> None:
        with open(self.path, "ab", buffering=0) as file:
            while self._waiting:
                self._waiting = self._waiting[file.write(self._waiting) :]
