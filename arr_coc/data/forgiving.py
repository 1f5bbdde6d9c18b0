"""A task that learns from what can be read: a sample that can't is replaced by the next that can, and noted."""

from __future__ import annotations

import json
from pathlib import Path

from arr_coc.data.tasks import Sample, Task, check_index

ALWAYS_ALLOWED = 8
"""About as many questions as one picture has: one broken picture of a small folder ends no run."""


def allowed(share: float, num: int) -> float:
    """How many of `num` questions may fail before a run ends.

    Raises:
        ValueError: the share is not in 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"max-failures: must be a share in 0..1, got {share}")
    return max(ALWAYS_ALLOWED, share * num) if share else 0


class Forgiving(Task):
    """Another task, for training; which sample stands in for a bad one depends on the task alone.

    Args:
        note: a file of JSON lines that each process adds the samples to that it could not read; None keeps no note.
        max_failures: share of the samples that may be bad; up to `ALWAYS_ALLOWED` always may, unless it is 0.
    Raises:
        ValueError: on reading, where more samples are bad.
    """

    def __init__(self, task: Task, note: Path | None = None, max_failures: float = 0.2) -> None:
        self.task, self.note = task, note
        self.name, self.version, self.metric = task.name, task.version, task.metric
        self._most, self._bad = allowed(max_failures, len(task)), set[int]()

    def __len__(self) -> int:
        return len(self.task)

    def __getitem__(self, index: int) -> Sample:
        check_index(index, len(self))
        for step in range(len(self)):
            place = (index + step) % len(self)
            if place in self._bad:
                continue
            try:
                return self.task[place]
            except ValueError as error:
                self._add(place, error)
        raise ValueError(f"data: no sample of {self.name} can be read")

    def _add(self, place: int, error: ValueError) -> None:
        self._bad.add(place)
        if len(self._bad) > self._most:
            raise ValueError(
                f"data: {len(self._bad)} of {len(self)} samples of {self.name} can't be read, the last: {error}; "
                "mend them or raise --max-failures"
            ) from error
        if self.note is not None and self.note.parent.is_dir():  # it is not before a run is under way
            with open(self.note, "a", encoding="utf-8") as file:
                file.write(json.dumps({"task": self.name, "sample": place, "reason": str(error)}) + "\n")


def read_note(note: Path) -> list[tuple[str, int, str]]:
    """(task, sample, reason) of each sample that was replaced, once."""
    if not note.exists():
        return []
    found = {}
    for line in note.read_text(encoding="utf-8").split("\n")[:-1]:
        fields = json.loads(line)
        found.setdefault((fields["task"], fields["sample"]), fields["reason"])
    return [(task, sample, reason) for (task, sample), reason in sorted(found.items())]
