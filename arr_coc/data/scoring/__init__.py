"""Scores of one answer against the accepted ones, 0..1; a task names the one it is scored by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arr_coc.data.scoring.anls import anls
from arr_coc.data.scoring.counting import CountingError, counting, counting_error
from arr_coc.data.scoring.exact import exact_match, normalise
from arr_coc.data.scoring.relaxed import relaxed_accuracy, relaxed_accuracy_exact_years
from arr_coc.data.scoring.vqa import normalise_vqa, vqa_accuracy
from arr_coc.quoting import quoted

Metric = Callable[[str, Sequence[str]], float]


class Metrics(dict[str, Metric]):
    """Metrics by name; an unknown name is a ValueError that lists those there are."""

    def __missing__(self, name: str) -> Metric:
        raise ValueError(f"metric: unknown {quoted(name)}; there are {', '.join(self)}")


METRICS = Metrics(
    exact_match=exact_match,
    vqa_accuracy=vqa_accuracy,
    anls=anls,
    relaxed_accuracy=relaxed_accuracy,
    relaxed_accuracy_exact_years=relaxed_accuracy_exact_years,
    counting=counting,
)
"""(answer, accepted answers) -> score, by the name a task gives."""

__all__ = [
    "METRICS",
    "CountingError",
    "Metric",
    "anls",
    "counting",
    "counting_error",
    "exact_match",
    "normalise",
    "normalise_vqa",
    "relaxed_accuracy",
    "relaxed_accuracy_exact_years",
    "vqa_accuracy",
]
