"""Means with honest errors: questions about one picture are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> tuple[float, float]:
    """Mean and its standard error, clustered by picture.

    se^2 = sum over clusters of (sum of residuals)^2 / n^2 * G / (G - 1), G clusters (Liang & Zeger 1986;
    as in Miller 2024, "Adding Error Bars to Evals"). NaN error where there are fewer than two clusters.
    """
    scores = np.asarray(values, dtype=float)
    mean = float(scores.mean())
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(member, weights=scores - mean)
    if len(sums) < 2:
        return mean, float("nan")
    return mean, float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(scores))
