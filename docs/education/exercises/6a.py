"""Lesson 6A. Fill in the five functions, then run: python docs/education/check.py 6a THIS_FILE"""

from collections.abc import Callable


def model_flops(num_tokens: int, num_weights: int, width: int, num_blocks: int) -> int:
    """Operations of a model of `num_blocks` equal blocks.

    num_weights: weights of all matrices of one block. width: numbers of one token. Count matrices and attention.
    """
    ...


def encoded(glimpse: int, splits: list[int]) -> int:
    """Cells that go through the encoder.

    glimpse: cells of the first look. splits: how many cells are split in each round, one number a round.
    """
    ...


def in_turns(
    slow: Callable[[], object], fast: Callable[[], object], clock: Callable[[], float], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of each run of `slow`, and seconds of each run of `fast`: two lists of `rounds` numbers.

    First run each once without counting it. Then slow, fast, slow, fast. clock() gives the time in seconds.
    """
    ...


def speedup(slow: list[float], fast: list[float]) -> float:
    """How many times faster: median of `slow` over median of `fast`. Both in seconds; lengths may differ."""
    ...


def worth_most(seconds: dict[str, float]) -> tuple[str, float]:
    """The stage that takes most time, and how many times faster the whole becomes at best if it takes none.

    seconds: of every stage by name, two stages or more.
    """
    ...
