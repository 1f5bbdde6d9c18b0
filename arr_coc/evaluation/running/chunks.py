"""What of a task is still to be answered, in pieces that a process takes at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from arr_coc.data.tasks import Task

CHUNK = 8


@dataclass(frozen=True)
class Wanted:
    """An answer to a question that is not read yet."""

    number: int
    policy: str
    budget: int


@dataclass(frozen=True)
class Chunk:
    """Neighbouring questions of a task, each with the conditions that are still to be answered."""

    task: str
    missing: tuple[tuple[int, tuple[tuple[str, int], ...]], ...]


def missing_chunks(name: str, task: Task, conditions: Iterable[tuple[str, int]], done: set[tuple]) -> list[Chunk]:
    """What of a task is not answered yet, in chunks of neighbouring questions."""
    conditions = list(conditions)
    missing = []
    for number in range(len(task)):
        left = tuple(pair for pair in conditions if (name, number, *pair) not in done)
        if left:
            missing.append((number, left))
    return [Chunk(name, tuple(missing[start : start + CHUNK])) for start in range(0, len(missing), CHUNK)]
