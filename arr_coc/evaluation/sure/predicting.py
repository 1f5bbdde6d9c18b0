"""The opponent that chooses beforehand: from a glimpse and the question to one size of the whole picture.

After CARES (arXiv 2510.19496): a small predictor, learnt on the same sweep of sizes from which the rule of looking
until sure is calibrated. It is a multinomial regression on the host's own features of a glimpse and a question.

Shapes: N questions, F traits, S sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from arr_coc.evaluation.statistics.intervals import RIGHT
from arr_coc.evaluation.sure.trails import Trail

RIDGE = 30.0


@dataclass(frozen=True, eq=False)
class SizePredictor:
    """Weights (F + 1, S) of standardised traits; the last row is the constant."""

    weights: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    def chances(self, traits: np.ndarray) -> np.ndarray:
        """(N, S) chance that each size is the smallest sufficient one, from traits (N, F)."""
        return np.asarray(softmax(with_constant((traits - self.mean) / self.deviation) @ self.weights, axis=1))

    def choose(self, trail: Trail, certainty: float) -> int:
        """The place of the smallest size that suffices with this certainty."""
        enough = self.chances(np.array([trail.traits]))[0].cumsum() >= certainty
        return int(enough.argmax()) if enough.any() else len(trail.looks) - 1


def with_constant(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def smallest_place(trail: Trail) -> int:
    """The first size from which on all larger ones are right; 0 where none is: nothing is gained by more there."""
    right = [look.score >= RIGHT for look in trail.looks]
    place = len(right)
    while place and right[place - 1]:
        place -= 1
    return place if place < len(right) else 0


def learn(trails: Sequence[Trail]) -> SizePredictor:
    """The predictor of trails along sizes."""
    traits = np.array([trail.traits for trail in trails])
    mean, deviation = traits.mean(0), traits.std(0) + 1e-6
    rows, num_sizes = with_constant((traits - mean) / deviation), len(trails[0].looks)
    labels = np.eye(num_sizes)[[smallest_place(trail) for trail in trails]]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(rows.shape[1], num_sizes)
        logs = log_softmax(rows @ weights, axis=1)
        shrunk = weights * (np.arange(len(weights)) < len(weights) - 1)[:, None]
        slope = rows.T @ (np.exp(logs) - labels) + RIDGE * shrunk
        return float(RIDGE / 2 * (shrunk**2).sum() - (labels * logs).sum()), slope.ravel()

    found = minimize(loss, np.zeros(rows.shape[1] * num_sizes), jac=True, method="L-BFGS-B")
    return SizePredictor(found.x.reshape(rows.shape[1], num_sizes), mean, deviation)
