"""Does the budget that is chosen follow the budget that is needed?

Shapes: N questions, B budgets, G pictures, R resamples, (U, V) distinct values of two variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from arr_coc.evaluation.statistics.intervals import (
    ALIKE,
    NUM_RESAMPLES,
    RIGHT,
    clustered_mean,
    percentiles,
    resample,
)

BUCKETS = (64, 100, 160, 256, 400)


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval, clustered by picture."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RankCorrelation:
    """Rank correlations of the chosen with the smallest sufficient budget.

    Attributes:
        num_questions: that some budget suffices for; the correlations are over these.
        num_censored: that no budget of the sweep suffices for.
        spearman, kendall: Spearman's rho and Kendall's tau-b, NaN where either variable does not vary.
    """

    num_questions: int
    num_censored: int
    spearman: Estimate
    kendall: Estimate


@dataclass(frozen=True)
class Bucket:
    """Questions for which a budget in (next lower bucket, budget] was chosen.

    Attributes:
        num_questions: that some budget suffices for; the figures below are over these, NaN where there are none.
        num_censored: that no budget suffices for.
        chosen, sufficient: geometric means of the chosen and of the smallest sufficient budget.
        share_sufficient: of the questions for which the chosen budget is at least the sufficient one.
        error: its standard error, clustered by picture.
    """

    budget: int
    num_questions: int
    num_censored: int
    chosen: float
    sufficient: float
    share_sufficient: float
    error: float


def smallest_sufficient(budgets: Sequence[int], scores: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """(N,) smallest budget from which on a question is right at every larger one; inf where it is wrong at the largest.

    Args:
        budgets: of the sweep, ascending.
        scores: (N, B) score of each question at each budget, right from 0.5 on.
    Raises:
        ValueError: budgets do not ascend, or scores has not a column per budget.
    """
    table = np.asarray(scores, dtype=float)
    if list(budgets) != sorted(set(budgets)):
        raise ValueError(f"budgets must ascend, got {list(budgets)}")
    if table.ndim != 2 or table.shape[1] != len(budgets):
        raise ValueError(f"scores: a column per budget ({len(budgets)}), got shape {table.shape}")
    right_from_here = np.logical_and.accumulate((table >= RIGHT)[:, ::-1], axis=1)
    smallest: np.ndarray = np.array([np.inf, *reversed(budgets)])[right_from_here.sum(axis=1)]
    return smallest


def rank_correlation(
    chosen: Sequence[float],
    sufficient: Sequence[float] | np.ndarray,
    clusters: Sequence[str],
    *,
    confidence: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> RankCorrelation:
    """Spearman's and Kendall's correlation of chosen with smallest sufficient budgets, by resampling pictures.

    Questions that no budget suffices for (inf) say nothing about how much is needed and are left out.

    Raises:
        ValueError: the lengths differ.
    """
    check_lengths(chosen, sufficient, clusters)
    kept = np.isfinite(np.asarray(sufficient, dtype=float))
    tables = tables_of(np.asarray(chosen)[kept], np.asarray(sufficient)[kept], np.asarray(clusters)[kept])
    values = correlations(tables.sum(axis=0, keepdims=True))[:, 0]
    draws = bootstrap_correlations(tables, num_resamples, seed)
    both = [estimate(float(value), drawn, confidence) for value, drawn in zip(values, draws, strict=True)]
    return RankCorrelation(int(kept.sum()), int((~kept).sum()), *both)


def bootstrap_correlations(tables: np.ndarray, num_resamples: int, seed: int) -> np.ndarray:
    """(2, R) correlations of resampled pictures, a table (U, V) of counts each; (2, 0) of fewer than two pictures."""
    if len(tables) < 2:
        return np.empty((2, 0))
    flat, copies = tables.reshape(len(tables), -1), np.ones(len(tables), dtype=int)
    drawn = resample(copies, num_resamples, seed, flat.shape[1])
    return np.concatenate(
        [correlations((counts.astype(float) @ flat).reshape(-1, *tables.shape[1:])) for counts in drawn], axis=1
    )


def correlations(tables: np.ndarray) -> np.ndarray:
    """(2, R) Spearman's and Kendall's correlation of tables of counts (R, U, V)."""
    return np.stack([spearman(tables), kendall(tables)])


def check_lengths(chosen: Sequence[float], sufficient: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> None:
    if not len(chosen) == len(sufficient) == len(clusters):
        raise ValueError(f"chosen, sufficient, clusters: {len(chosen)}, {len(sufficient)}, {len(clusters)} long")


def estimate(value: float, draws: np.ndarray, confidence: float) -> Estimate:
    """With the interval of the draws; NaN ends where they are undefined or all alike, which tells nothing of it."""
    if np.isnan(value) or np.isnan(draws).all() or np.nanmax(draws) - np.nanmin(draws) < ALIKE:
        return Estimate(value, float("nan"), float("nan"))
    return Estimate(value, *percentiles(draws, confidence))


def tables_of(x: np.ndarray, y: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """(G, U, V) how often each pair of values occurs in each cluster, values ascending."""
    axes = [np.unique(values, return_inverse=True) for values in (clusters, x, y)]
    tables = np.zeros([len(values) for values, _ in axes])
    np.add.at(tables, tuple(index for _, index in axes), 1)
    return tables


def spearman(tables: np.ndarray) -> np.ndarray:
    """(R,) rank correlations of tables of counts (R, U, V): Pearson's of the ranks, equal values sharing theirs."""
    x, y = (centred_ranks(tables.sum(axis=axis)) for axis in (2, 1))
    covariance = np.einsum("ruv,ru,rv->r", tables, x, y)
    spread = (tables.sum(axis=2) * x**2).sum(axis=1) * (tables.sum(axis=1) * y**2).sum(axis=1)
    return ratio(covariance, np.sqrt(spread))


def centred_ranks(counts: np.ndarray) -> np.ndarray:
    """(R, U) mean rank of each value, less the mean of all ranks, from how often it occurs."""
    centred: np.ndarray = counts.cumsum(axis=1) - (counts + counts.sum(axis=1, keepdims=True)) / 2
    return centred


def kendall(tables: np.ndarray) -> np.ndarray:
    """(R,) tau-b of tables of counts (R, U, V): (concordant - discordant) / sqrt of pairs untied in x and in y."""
    above = np.zeros_like(tables)
    above[:, :-1] = tables[:, :0:-1].cumsum(axis=1)[:, ::-1]
    after, before = np.zeros_like(tables), np.zeros_like(tables)
    after[:, :, :-1] = above[:, :, :0:-1].cumsum(axis=2)[:, :, ::-1]
    before[:, :, 1:] = above[:, :, :-1].cumsum(axis=2)
    excess = (tables * (after - before)).sum(axis=(1, 2))
    untied = [(tables.sum(axis=(1, 2)) ** 2 - (tables.sum(axis=axis) ** 2).sum(axis=1)) / 2 for axis in (2, 1)]
    return ratio(excess, np.sqrt(untied[0] * untied[1]))


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """NaN where the denominator is 0."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 1e-9)
    return quotient


def calibration_table(
    chosen: Sequence[float],
    sufficient: Sequence[float] | np.ndarray,
    clusters: Sequence[str],
    buckets: Sequence[int] = BUCKETS,
) -> list[Bucket]:
    """Chosen against sufficient budgets by bucket of the chosen one, as in a reliability diagram (Guo et al. 2017).

    Raises:
        ValueError: the lengths differ, or a chosen budget is above the largest bucket.
    """
    check_lengths(chosen, sufficient, clusters)
    spent, enough, pictures = np.asarray(chosen, dtype=float), np.asarray(sufficient, dtype=float), np.asarray(clusters)
    if len(spent) and spent.max() > max(buckets):
        raise ValueError(f"chosen: {spent.max():g} is above the largest bucket, {max(buckets)}")
    place = np.searchsorted(buckets, spent, side="left")
    return [
        bucket_of(budget, spent[place == index], enough[place == index], pictures[place == index])
        for index, budget in enumerate(buckets)
    ]


def bucket_of(budget: int, chosen: np.ndarray, sufficient: np.ndarray, clusters: np.ndarray) -> Bucket:
    kept = np.isfinite(sufficient)
    if not kept.any():
        nan = float("nan")
        return Bucket(budget, 0, len(kept), nan, nan, nan, nan)
    share, error = clustered_mean((chosen >= sufficient)[kept].tolist(), clusters[kept].tolist())
    spent, enough = (float(np.exp(np.log(values[kept]).mean())) for values in (chosen, sufficient))
    return Bucket(budget, int(kept.sum()), int((~kept).sum()), spent, enough, share, error)


def expected_calibration_error(table: Sequence[Bucket]) -> float:
    """In octaves: mean over buckets, weighted by their questions, of |log2(chosen / sufficient)|; 1 is a factor of 2.

    NaN where no question has a sufficient budget.
    """
    filled = [bucket for bucket in table if bucket.num_questions]
    total = sum(bucket.num_questions for bucket in filled)
    if not total:
        return float("nan")
    return sum(bucket.num_questions * abs(log2(bucket.chosen / bucket.sufficient)) for bucket in filled) / total
