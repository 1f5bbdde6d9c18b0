"""Checkpoints that are whole or not there: the latest, and the best few by validation score.

A checkpoint is one file whose name carries step and score, so one rename makes it count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arr_coc.files.tensors import load_state, save_state
from arr_coc.files.writing import PARTIAL

NAME = re.compile(r"step_(\d{8})(?:_score_(-?\d+\.\d{6}))?\.pt")


@dataclass(frozen=True)
class Checkpoint:
    """A file on disk; `score` is None where the step was not validated."""

    path: Path
    step: int
    score: float | None

    def load(self) -> dict[str, Any]:
        """Tensors, in main memory, and plain values only."""
        return load_state(self.path)


class Checkpoints:
    """The checkpoints of a folder, which need not exist yet."""

    def __init__(self, folder: Path, keep_best: int) -> None:
        self.folder, self.keep_best = folder, keep_best

    def all(self) -> list[Checkpoint]:
        """By step, the latest last; partial files do not count."""
        names = [(path, NAME.fullmatch(path.name)) for path in self.folder.glob("step_*.pt")]
        found = [Checkpoint(path, int(match[1]), match[2] and float(match[2])) for path, match in names if match]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def latest(self) -> Checkpoint | None:
        return next(reversed(self.all()), None)

    def best(self) -> list[Checkpoint]:
        """Those with a score, the best first; of equals the earlier one."""
        scored = [checkpoint for checkpoint in self.all() if checkpoint.score is not None]
        return sorted(scored, key=lambda checkpoint: -checkpoint.score)

    def save(self, state: dict[str, Any], step: int, score: float | None) -> Checkpoint:
        """Writes, then removes what is neither latest nor among the best.

        Raises:
            OSError: the disk is full; earlier checkpoints are untouched and no partial file is left.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"step_{step:08d}" + ("" if score is None else f"_score_{score:.6f}") + ".pt"
        save_state(self.folder / name, state)
        self._prune(name)
        return Checkpoint(self.folder / name, step, score)

    def _prune(self, newest: str) -> None:
        kept = {newest, *(checkpoint.path.name for checkpoint in self.best()[: self.keep_best])}
        for path in self.folder.iterdir():
            if path.suffix == PARTIAL or (NAME.fullmatch(path.name) and path.name not in kept):
                path.unlink()
