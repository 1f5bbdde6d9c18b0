"""Counting: how far a count is off, and a score that falls with it.

The share by which a count is off is the relative counting error of Chattopadhyay et al. 2017, "Counting Everyday
Objects in Everyday Scenes" (arXiv 1604.03505), here linear and capped at 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from arr_coc.data.scoring.numbers import read_count


@dataclass(frozen=True)
class CountingError:
    """How far a count is off.

    Attributes:
        absolute: |given - true|; inf where the answer holds no number.
        true: the count that is right.
    """

    absolute: float
    true: float

    @property
    def is_exact(self) -> bool:
        return self.absolute == 0

    @property
    def is_off_by_one(self) -> bool:
        """Off by exactly one."""
        return self.absolute == 1

    @property
    def score(self) -> float:
        """1 - min(1, |given - true| / max(1, true))."""
        return 1.0 - min(1.0, self.absolute / max(1.0, self.true))


def counting_error(answer: str, answers: Sequence[str]) -> CountingError:
    """The error against the accepted count that the answer comes closest to.

    Digits and words are read ("3", "three cats", "none"); of several numbers in an answer the first counts.

    Raises:
        ValueError: an accepted answer is no count, or there is none.
    """
    counts = [read_count(accepted) for accepted in answers]
    true = [count for count in counts if count is not None]
    if not counts or len(true) < len(counts):
        raise ValueError(f"answers: counting needs numbers, got {list(answers)}")
    given = read_count(answer)
    if given is None:
        return CountingError(math.inf, true[0])
    nearest = min(true, key=lambda count: abs(given - count))
    return CountingError(abs(given - nearest), nearest)


def counting(answer: str, answers: Sequence[str]) -> float:
    """Score of a count, 0..1; see `CountingError.score`."""
    return counting_error(answer, answers).score
