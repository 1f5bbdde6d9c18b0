"""Relaxed accuracy: numbers may be 5% off, text must be the same.

Sources: Methani et al. 2020, "PlotQA" (arXiv 1909.00997); Masry et al. 2022, "ChartQA" (arXiv 2203.10244), section
5.1. In ChartQA a year is a number like any other, so 1990 passes for 2010; ChartQAPro (arXiv 2504.05506) compares
years exactly, which is the second metric here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from arr_coc.data.scoring.exact import normalise
from arr_coc.data.scoring.numbers import Quantity, read_quantity

TOLERANCE = 0.05
YEAR = re.compile(r"1[5-9]\d\d|20\d\d")


def within(given: float, accepted: float) -> bool:
    """|given - accepted| <= 5% of |accepted|; an accepted 0 must be met exactly."""
    return abs(given - accepted) <= TOLERANCE * abs(accepted) * (1 + 1e-9)


def agrees(given: Quantity, accepted: Quantity) -> bool:
    """Whether two numbers agree; where only one is in percent, "45%" stands for 45 and for 0.45."""
    if given.is_percent == accepted.is_percent:
        return within(given.value, accepted.value)
    if given.is_percent:
        return within(given.value, accepted.value) or within(given.value / 100, accepted.value)
    return within(given.value, accepted.value) or within(given.value, accepted.value / 100)


def matches(answer: str, accepted: str) -> bool:
    given, wanted = read_quantity(answer), read_quantity(accepted)
    if given is None or wanted is None:
        return normalise(answer) == normalise(accepted)
    return agrees(given, wanted)


def relaxed_accuracy(answer: str, answers: Sequence[str]) -> float:
    """1.0 where the answer is within 5% of an accepted number, or equal to an accepted text, else 0.0.

    Thousands commas, currency and percent signs are understood; case and runs of spaces are ignored.
    """
    return float(any(matches(answer, accepted) for accepted in answers))


def relaxed_accuracy_exact_years(answer: str, answers: Sequence[str]) -> float:
    """As `relaxed_accuracy`, but an accepted answer that is a year, 1500 to 2099, must be met exactly."""
    years = [accepted for accepted in answers if YEAR.fullmatch(accepted.strip())]
    others = [accepted for accepted in answers if accepted not in years]
    is_year = normalise(answer) in {normalise(year) for year in years}
    return float(is_year) or relaxed_accuracy(answer, others)
