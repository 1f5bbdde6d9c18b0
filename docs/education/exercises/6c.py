"""Lesson 6C. Fill in the four functions, then run: python docs/education/check.py 6c THIS_FILE"""

from collections.abc import Callable


def mine(numbers: range, rank: int, count: int) -> list[int]:
    """Which batches of a step process `rank` of `count` takes: every count-th of `numbers`, from place `rank` on."""
    ...


def all_reduced(sums: list[list[float]], tokens: list[int]) -> list[float]:
    """The gradient of a step, the same in every process: its mean over the tokens of all processes.

    sums: processes x weights; each row is the gradient of one process, summed over its tokens.
    tokens: how many tokens each process had; some may have none, not all.
    """
    ...


def self_times(spans: list[tuple[str, float, float]]) -> dict[str, float]:
    """Self time of each stage in seconds; a stage that ran several times has the sum.

    spans: (name, start, end) in seconds, ordered by start; of two with the same start the outer one comes first.
    Two spans lie one after the other, or one lies inside the other.
    """
    ...


def num_calls(run: Callable[[], object], name: str) -> int:
    """How often functions called `name` are called while run() runs once, by cProfile; 0 if never."""
    ...
