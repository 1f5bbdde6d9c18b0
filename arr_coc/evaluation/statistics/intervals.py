"""Means with honest errors: questions about one picture are not independent, and ten of ten is not certainty.

Every error and interval of a report comes from here. Errors are clustered by picture. Where all pictures are alike,
clustering and bootstrap say "no error at all", so neither may be smaller than what Wilson's interval (1927) has at its
edge: `least_error`, z^2 / (G + z^2) for scores 0..1 and their differences, 1 / (G + 1) for a standard error. One
picture that differs of G already has a standard error of 1 / G: between the edges the floor widens only what few
pictures with many questions have, whose clustered error is itself a guess.

Shapes: N questions, G clusters (pictures), R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import bootstrap, norm

from arr_coc.quoting import quoted

NUM_RESAMPLES = 10_000
MAX_DRAWN = 4_000_000
METHODS = ("percentile", "bca")
RIGHT = 0.5
"""A graded score counts as right from here on."""
ALIKE = 1e-9
SCORES, GAPS = (0.0, 1.0), (-1.0, 1.0)
"""Bounds of scores, and of differences of scores."""


def least_error(num_clusters: int, z: float = 1.0) -> float:
    """How far Wilson's interval reaches from an edge that all of `num_clusters` stand at; z = 1 is one standard error.

    It is also what z^2 pictures more, all going the other way, would change.
    """
    return z**2 / (num_clusters + z**2)


def half_normal(confidence: float) -> float:
    """The z of a two-sided interval: 1.96 at 0.95."""
    return float(norm.isf((1 - confidence) / 2))


def cluster_sums(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the values and number of values per cluster, each (G,).

    Raises:
        ValueError: no values, or not as many clusters as values.
    """
    scores = np.asarray(values, dtype=float)
    if len(scores) == 0 or len(scores) != len(clusters):
        raise ValueError(f"clusters: one per value, got {len(clusters)} for {len(scores)} values")
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    return np.bincount(member, weights=scores), np.bincount(member)


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> tuple[float, float]:
    """Mean of scores, or of differences of scores, and its standard error, clustered by picture.

    The error is that of `clustered_error`, but at least `least_error`; NaN where there are fewer than two clusters.
    """
    sums, sizes = cluster_sums(values, clusters)
    mean, error = clustered_error(sums, sizes)
    return mean, max(error, least_error(len(sums))) if len(sums) > 1 else error


def clustered_error(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error from sums and sizes of clusters, for values without bounds.

    se^2 = sum over clusters of (sum of residuals)^2 / n^2 * G / (G - 1), G clusters (Liang & Zeger 1986;
    as in Miller 2024, "Adding Error Bars to Evals"). NaN error where there are fewer than two clusters.
    """
    mean = float(sums.sum() / sizes.sum())
    residuals = sums - mean * sizes
    if len(sums) < 2:
        return mean, float("nan")
    return mean, float(np.sqrt((residuals**2).sum() * len(sums) / (len(sums) - 1)) / sizes.sum())


def resample(copies: np.ndarray, num_resamples: int, seed: int, width: int = 1) -> Iterator[np.ndarray]:
    """How often each kind of cluster is drawn, in chunks of (r, T), R rows in all.

    As many clusters as there are, drawn with replacement, are one multinomial draw over T kinds of clusters.

    Args:
        copies: (T,) clusters of each kind.
        width: numbers that the caller makes of one row, so that chunks fit into memory.
    """
    rng, chunk = np.random.default_rng(seed), max(1, MAX_DRAWN // max(len(copies), width))
    for start in range(0, num_resamples, chunk):
        size = min(chunk, num_resamples - start)
        yield rng.multinomial(copies.sum(), copies / copies.sum(), size=size)


def bootstrap_means(
    sums: np.ndarray, sizes: np.ndarray, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> np.ndarray:
    """(R,) means of resampled clusters: sum of the drawn sums / sum of the drawn sizes.

    Clusters of the same sum and size are interchangeable, so they are drawn as one kind.
    """
    kinds, copies = np.unique(np.stack([sums, sizes], axis=1), axis=0, return_counts=True)
    totals = np.concatenate([counts @ kinds for counts in resample(copies, num_resamples, seed)])
    means: np.ndarray = totals[:, 0] / totals[:, 1]
    return means


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    clusters: Sequence[str],
    *,
    confidence: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    method: str = "percentile",
    bounds: tuple[float, float] = GAPS,
) -> tuple[float, float]:
    """Interval of a mean by drawing whole pictures with replacement (Efron & Tibshirani 1993, chapters 13 and 14).

    It reaches at least `least_error` from the mean to either side, within the bounds.

    Args:
        bounds: of the values: `SCORES` or `GAPS`.
        method: "percentile", or "bca": bias-corrected and accelerated, by `scipy.stats.bootstrap`; slower.
    Returns:
        Low and high end; NaN where there are fewer than two clusters.
    Raises:
        ValueError: an unknown method, or not as many clusters as values.
    """
    if method not in METHODS:
        raise ValueError(f"method: unknown {quoted(method)}; there are {', '.join(METHODS)}")
    sums, sizes = cluster_sums(values, clusters)
    if len(sums) < 2:
        return float("nan"), float("nan")
    if method == "bca":
        ends = bca_interval(sums, sizes, confidence, num_resamples, seed)
    else:
        ends = percentiles(bootstrap_means(sums, sizes, num_resamples, seed), confidence)
    mean, floor = float(sums.sum() / sizes.sum()), least_error(len(sums), half_normal(confidence))
    return min(ends[0], max(mean - floor, bounds[0])), max(ends[1], min(mean + floor, bounds[1]))


def ratio_interval(
    parts: Sequence[float],
    wholes: Sequence[float],
    clusters: Sequence[str],
    *,
    confidence: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of sum(parts) / sum(wholes), whole pictures drawn with replacement.

    Both are scores or differences of scores. Where all draws are alike it reaches as far as `least_error` in the parts.

    Raises:
        ValueError: not as many clusters as values.
    """
    sums = np.stack([cluster_sums(values, clusters)[0] for values in (parts, wholes)], axis=1)
    kinds, copies = np.unique(sums, axis=0, return_counts=True)
    totals = np.concatenate([counts @ kinds for counts in resample(copies, num_resamples, seed)])
    ratios = np.divide(*totals.T, out=np.full(len(totals), np.nan), where=totals[:, 1] != 0)
    low, high = percentiles(ratios, confidence)
    if high - low > ALIKE:
        return low, high
    floor = least_error(len(sums), half_normal(confidence)) * len(parts) / abs(sums[:, 1].sum())
    return low - floor, high + floor


def percentiles(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """The middle `confidence` of resampled figures; NaN draws, where a figure was undefined, are left out."""
    tail = 100 * (1 - confidence) / 2
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return float(low), float(high)


def bca_interval(
    sums: np.ndarray, sizes: np.ndarray, confidence: float, num_resamples: int, seed: int
) -> tuple[float, float]:
    if not np.ptp(sums / sizes):
        return float(sums[0] / sizes[0]), float(sums[0] / sizes[0])
    interval = bootstrap(
        (sums, sizes),
        lambda drawn, counts, axis=-1: drawn.sum(axis) / counts.sum(axis),
        paired=True,
        vectorized=True,
        method="BCa",
        confidence_level=confidence,
        n_resamples=num_resamples,
        batch=max(1, MAX_DRAWN // len(sums)),
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)
