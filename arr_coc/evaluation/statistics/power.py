"""How many questions does it take to see a difference?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from arr_coc.evaluation.statistics.intervals import cluster_sums
from arr_coc.evaluation.statistics.paired import paired
from arr_coc.quoting import quoted

DIFFERENCES = (0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Needed:
    """Questions needed to see a difference.

    Attributes:
        difference: between two accuracies, 0..1.
        num_independent: if every question had a picture of its own.
        num_questions: with as many questions a picture as were observed.
    """

    difference: float
    num_independent: int
    num_questions: int


def mcnemar_questions(difference: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs for a two-sided McNemar test to find a difference with this power (Connor 1987, Biometrics 43).

    n = (z_(1-alpha/2) sqrt(psi) + z_power sqrt(psi - delta^2))^2 / delta^2, delta the difference of the two
    accuracies, psi the share of questions that one run alone gets right.

    Raises:
        ValueError: difference is not in 0..1 or discordance is smaller than it, which can't be.
    """
    if not 0 < difference <= 1:
        raise ValueError(f"difference must be in 0..1, got {quoted(difference)}")
    if not difference <= discordance <= 1:
        raise ValueError(
            f"discordance must be at least the difference {difference} and at most 1, got {quoted(discordance)}"
        )
    under_null = float(norm.isf(alpha / 2)) * math.sqrt(discordance)
    under_difference = float(norm.ppf(power)) * math.sqrt(discordance - difference**2)
    return math.ceil(((under_null + under_difference) / difference) ** 2)


def intraclass_correlation(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> float:
    """How alike the values of one picture are: ICC(1) of a one-way analysis of variance (Shrout & Fleiss 1979).

    (MSB - MSW) / (MSB + (n0 - 1) MSW), n0 = (N - sum of n_g^2 / N) / (G - 1) for pictures with n_g values.
    NaN where all values are equal, where there is one picture, or one value per picture.
    """
    scores = np.asarray(values, dtype=float)
    sums, sizes = cluster_sums(scores, clusters)
    total, groups = len(scores), len(sums)
    if groups < 2 or groups == total:
        return float("nan")
    between = (sums**2 / sizes).sum() - scores.sum() ** 2 / total
    within = (scores**2).sum() - (sums**2 / sizes).sum()
    mean_between, mean_within = between / (groups - 1), within / (total - groups)
    usual_size = (total - (sizes**2).sum() / total) / (groups - 1)
    spread = mean_between + (usual_size - 1) * mean_within
    return float((mean_between - mean_within) / spread) if spread > 1e-12 else float("nan")


def design_effect(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> float:
    """By how much clustering raises the number of questions needed: 1 + (m - 1) ICC (Kish 1965).

    m = sum of n_g^2 / N is the number of questions on the picture of a question. A negative or undefined ICC counts
    as 0, so the effect is at least 1.
    """
    _, sizes = cluster_sums(values, clusters)
    correlation = intraclass_correlation(values, clusters)
    if not correlation > 0:
        return 1.0
    return float(1 + ((sizes**2).sum() / sizes.sum() - 1) * correlation)


def questions_needed(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[str],
    *,
    differences: Sequence[float] = DIFFERENCES,
    power: float = 0.8,
    alpha: float = 0.05,
) -> list[Needed]:
    """Questions needed to see differences between two runs as discordant and clustered as these.

    The discordance is the mean squared difference of the scores, for right and wrong the share of questions that one
    run alone gets right. A difference can't exceed the discordance, so the larger of the two is taken.
    """
    first, second = paired(a, b)
    gaps = first - second
    effect, discordance = design_effect(gaps, clusters), float((gaps**2).mean())
    needed = []
    for difference in differences:
        count = mcnemar_questions(difference, max(discordance, difference), power=power, alpha=alpha)
        needed.append(Needed(difference, count, math.ceil(count * effect)))
    return needed
