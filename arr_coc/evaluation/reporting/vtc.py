"""What compression can lose, and what it keeps: VTC groups and loyalty.

Source: Liao et al. 2025, "Are We Using the Right Benchmark: An Evaluation Framework for Visual Token Compression
Methods" (VTC-Bench, arXiv 2510.07143). Of the questions that the host answers right at full resolution, group A are
those that plain resizing to the same number of tokens gets wrong (difficult), group B those it gets right (simple).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arr_coc.data.scoring import normalise
from arr_coc.evaluation.statistics.intervals import RIGHT, clustered_mean

GROUPS = ("A", "B")


@dataclass(frozen=True)
class GroupScore:
    """Mean score of a policy in one VTC group and its standard error, clustered by picture."""

    group: str
    num_questions: int
    mean: float
    error: float


def vtc_groups(full: Sequence[float], resized: Sequence[float]) -> list[str]:
    """Group of each question: "A", "B", or "" where the host is wrong at full resolution.

    Args:
        full, resized: scores of the same questions at full resolution, and by plain resize at the budget of the
            policy; a graded score counts as right from 0.5 on, as in VTC-Bench.
    Raises:
        ValueError: the lengths differ.
    """
    if len(full) != len(resized):
        raise ValueError(f"resized: {len(resized)} scores for {len(full)} at full resolution")
    return ["" if whole < RIGHT else "B" if small >= RIGHT else "A" for whole, small in zip(full, resized, strict=True)]


def score_by_group(groups: Sequence[str], scores: Sequence[float], clusters: Sequence[str]) -> list[GroupScore]:
    """Score of a policy in groups A and B; NaN mean and error for a group without questions."""
    results = []
    for group in GROUPS:
        members = [index for index, name in enumerate(groups) if name == group]
        if members:
            mean, error = clustered_mean([scores[i] for i in members], [clusters[i] for i in members])
        else:
            mean, error = float("nan"), float("nan")
        results.append(GroupScore(group, len(members), mean, error))
    return results


def loyalty(answers: Sequence[str], full_answers: Sequence[str], clusters: Sequence[str]) -> tuple[float, float]:
    """Share of questions answered as at full resolution, right or wrong, and its clustered standard error.

    Case and runs of spaces are ignored.

    Raises:
        ValueError: the lengths differ, or there are no answers.
    """
    if len(answers) != len(full_answers):
        raise ValueError(f"full_answers: {len(full_answers)} for {len(answers)} answers")
    pairs = zip(answers, full_answers, strict=True)
    return clustered_mean([float(normalise(own) == normalise(whole)) for own, whole in pairs], clusters)
