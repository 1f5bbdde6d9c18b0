"""Do two runs differ? Paired differences on the same questions, tests, and a family of comparisons.

Shapes: N questions, G clusters (pictures).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binom, binomtest

from arr_coc.evaluation.statistics.intervals import MAX_DRAWN, NUM_RESAMPLES, bootstrap_interval, cluster_sums


@dataclass(frozen=True)
class Comparison:
    """Run a against run b on the same questions.

    Attributes:
        num_questions, num_clusters: how many questions, about how many pictures.
        difference: mean_a - mean_b.
        low, high: ends of its bootstrap interval, clustered by picture.
        p: two-sided, of the sign-flip test by picture.
        p_holm: p after Holm's correction over the family of comparisons; p itself for one alone.
        p_mcnemar: exact, taking questions as independent; None where scores are not all 0 or 1.
    """

    name: str
    num_questions: int
    num_clusters: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    p_mcnemar: float | None


def compare(
    name: str,
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[str],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    method: str = "percentile",
) -> Comparison:
    """Compares the scores of two runs, question by question.

    Args:
        a, b: (N,) scores 0..1, the same question at the same place.
        clusters: (N,) picture of each question.
        method: of the interval, see `statistics.bootstrap_interval`.
    Raises:
        ValueError: the lengths differ, or there are no questions.
    """
    first, second = paired(a, b)
    gaps = first - second
    sums, _ = cluster_sums(gaps, clusters)
    low, high = bootstrap_interval(gaps, clusters, num_resamples=num_resamples, seed=seed, method=method)
    p = sign_flip_test(sums, num_resamples=num_resamples, seed=seed)
    is_binary = bool(np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all())
    return Comparison(
        name=name,
        num_questions=len(gaps),
        num_clusters=len(sums),
        mean_a=float(first.mean()),
        mean_b=float(second.mean()),
        difference=float(gaps.mean()),
        low=low,
        high=high,
        p=p,
        p_holm=p,
        p_mcnemar=mcnemar_exact(first, second) if is_binary else None,
    )


def paired(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if len(first) != len(second):
        raise ValueError(f"b: {len(second)} scores for the {len(first)} of a; pair the questions first")
    return first, second


def mcnemar_exact(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """Two-sided exact McNemar test: of the questions that one run alone gets right, half should be a's.

    Takes questions as independent, which several about one picture are not; see `sign_flip_test`.
    """
    first, second = paired(a, b)
    only_a, only_b = int((first > second).sum()), int((second > first).sum())
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def sign_flip_test(sums: np.ndarray, *, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> float:
    """Two-sided p of a mean difference: were the runs alike, each picture's sum could as well have the other sign.

    Exact where the sums are whole numbers, as for right and wrong; there, with one question a picture, it is the
    exact McNemar test. Otherwise by random flips, p = (1 + as extreme) / (1 + R) (Phipson & Smyth 2010).

    Args:
        sums: (G,) sum of a picture's differences.
    """
    whole = np.rint(sums).astype(int)
    if np.allclose(sums, whole, rtol=0, atol=1e-9):
        null = sum_of_flips(np.abs(whole))
        distance = np.abs(np.arange(len(null)) - len(null) // 2)
        return min(1.0, float(null[distance >= abs(whole.sum())].sum()))
    rng, chunk = np.random.default_rng(seed), max(1, MAX_DRAWN // len(sums))
    extreme = 0
    for start in range(0, num_resamples, chunk):
        signs = rng.integers(0, 2, size=(min(chunk, num_resamples - start), len(sums))) * 2 - 1
        extreme += int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).sum())
    return (1 + extreme) / (1 + num_resamples)


def sum_of_flips(sizes: np.ndarray) -> np.ndarray:
    """Distribution of the sum of whole numbers with random signs, over -total..total."""
    null = np.ones(1)
    for size, count in zip(*np.unique(sizes[sizes > 0], return_counts=True), strict=True):
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        null = np.convolve(null, part)
    return null


def holm(p: Sequence[float]) -> list[float]:
    """p-values that keep the chance of any false claim in the family at their level (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1; none may fall below the one before it, or rise above 1.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(scaled, 1.0)
    return [float(value) for value in adjusted]


def with_holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons as one family: p_holm corrected for how many there are."""
    adjusted = holm([comparison.p for comparison in comparisons])
    return [replace(comparison, p_holm=p) for comparison, p in zip(comparisons, adjusted, strict=True)]
