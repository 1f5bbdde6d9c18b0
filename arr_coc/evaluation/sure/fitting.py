"""From trails to a rule when to stop: two logistic regressions, and a threshold for each wished loss of accuracy.

Shapes: N looks, S signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

from arr_coc.evaluation.reporting.tables import markdown_table
from arr_coc.evaluation.statistics.intervals import RIGHT
from arr_coc.evaluation.sure.trails import FULL, Seen, Trail
from arr_coc.processor.sureness import SIGNS, Sign, Sureness
from arr_coc.processor.until_sure import num_agreeing
from arr_coc.records import MAX_BUDGET

LOSSES = (0.0, 0.5, 1.0, 2.0, 3.0)
RIDGE = 1.0
NUM_BINS = 10
LEAST_PICTURES = 8


def signs_of(trail: Trail) -> list[Sign]:
    """What each look of a trail tells."""
    texts = [look.answer for look in trail.looks]
    return [
        Sign(look.budget or MAX_BUDGET, look.chance, num_agreeing(texts[i], texts[:i]))
        for i, look in enumerate(trail.looks)
    ]


def restricted(trail: Trail, ladder: Sequence[int]) -> Trail:
    """The same trail on fewer rungs; looks that are chosen anew do not depend on those between."""
    kept = [look for look in trail.looks if look.budget in ladder or look.budget == FULL]
    return replace(trail, looks=tuple(kept or trail.looks[-1:]))


def check_pictures(pictures: Iterable[str]) -> None:
    """Raises ValueError where they are too few to fit anything; reads no further than it must."""
    found: set[str] = set()
    for picture in pictures:
        found.add(picture)
        if len(found) == LEAST_PICTURES:
            return
    raise ValueError(f"limit: {len(found)} pictures are too few to calibrate on; 20 and more tell something")


def fit(trails: Sequence[Trail], ladder: Sequence[int]) -> Sureness:
    """The rule of these trails; thresholds by pictures that the weights were not fitted on.

    Raises:
        ValueError: too few trails to tell anything.
    """
    pictures = sorted({trail.picture for trail in trails})
    check_pictures(pictures)
    halves = [[t for t in trails if pictures.index(t.picture) % 2 == half] for half in (0, 1)]
    rules = [rule_of(half, ladder) for half in halves]
    crossed = [(rules[0], halves[1]), (rules[1], halves[0])]
    thresholds = {f"{loss:g}": threshold_for(crossed, loss) for loss in LOSSES}
    return replace(rule_of(trails, ladder), thresholds=thresholds, is_calibrated=True)


def rule_of(trails: Sequence[Trail], ladder: Sequence[int]) -> Sureness:
    rows = np.array([sign.values() for trail in trails for sign in signs_of(trail)])
    right = np.array([look.score >= RIGHT for trail in trails for look in trail.looks])
    settled = np.array([look.score >= trail.looks[-1].score for trail in trails for look in trail.looks])
    return Sureness(tuple(ladder), logistic_fit(rows, settled), logistic_fit(rows, right))


def logistic_fit(rows: np.ndarray, labels: np.ndarray) -> tuple[float, ...]:
    """(S,) weights of rows (N, S) for labels (N,); a ridge on all but the constant keeps them finite."""

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = rows @ weights
        shrunk = weights * (np.arange(len(SIGNS)) > 0)
        value = np.logaddexp(0, logits).sum() - logits[labels].sum() + RIDGE / 2 * (shrunk**2).sum()
        return float(value), rows.T @ (expit(logits) - labels) + RIDGE * shrunk

    found = minimize(loss, np.zeros(len(SIGNS)), jac=True, method="L-BFGS-B")
    return tuple(round(float(weight), 6) for weight in found.x)


def stop_at(trail: Trail, rule: Sureness, threshold: float) -> int:
    """The place of the look at which a rule stops."""
    for place, sign in enumerate(signs_of(trail)[:-1]):
        if rule.settled(sign) >= threshold:
            return place
    return len(trail.looks) - 1


def threshold_for(crossed: Sequence[tuple[Sureness, Sequence[Trail]]], loss: float) -> float:
    """The smallest threshold that loses no more than so many points against looking to the end.

    Who looks longer should not lose more, so the losses are made to fall with the threshold first (isotonic
    regression): otherwise the noise of a few questions would decide.
    """
    told = sorted({round(rule.settled(s), 3) for rule, trails in crossed for trail in trails for s in signs_of(trail)})
    lost = [100 * mean(lost_by(crossed, threshold)) for threshold in told]
    smooth = isotonic_regression(lost, increasing=False).x
    return next((threshold for threshold, each in zip(told, smooth, strict=True) if each <= loss), 1.0)


def lost_by(crossed: Sequence[tuple[Sureness, Sequence[Trail]]], threshold: float) -> list[float]:
    """Per trail, the score at the end less that where its rule stops."""
    return [
        trail.looks[-1].score - trail.looks[stop_at(trail, rule, threshold)].score
        for rule, trails in crossed
        for trail in trails
    ]


def threshold_table(trails: Sequence[Trail], rule: Sureness) -> str:
    """For each wished loss: the threshold, and what it gives and spends on the trails it was chosen by."""
    rows = []
    for loss in sorted(rule.thresholds, key=float):
        places = [stop_at(trail, rule, rule.thresholds[loss]) for trail in trails]
        scores = [trail.looks[place].score for trail, place in zip(trails, places, strict=True)]
        tokens = [trail.looks[place].num_tokens for trail, place in zip(trails, places, strict=True)]
        rows.append([loss, f"{rule.thresholds[loss]:.3f}", f"{100 * mean(scores):.1f}", f"{mean(tokens):.0f}"])
    return markdown_table(["points below the largest budget", "settled", "accuracy", "tokens"], rows)


@dataclass(frozen=True)
class Bin:
    """Answers of nearly the same confidence: how many, what was said, how many were right."""

    count: int
    said: float
    right: float


def reliability(said: Sequence[float], right: Sequence[float], num_bins: int = NUM_BINS) -> list[Bin]:
    """Bins of as many answers each, from the least confident on (a reliability diagram's points)."""
    order = np.argsort(np.asarray(said), kind="stable")
    parts = [part for part in np.array_split(order, num_bins) if len(part)]
    return [Bin(len(p), float(np.asarray(said)[p].mean()), float(np.asarray(right)[p].mean())) for p in parts]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of what was said from what was right, weighted by answers."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.said - each.right) for each in bins) / total


def spent(trail: Trail, place: int) -> tuple[int, int, float, float]:
    """(tokens of the last look, cells encoded in all, operations in all, seconds in all) of stopping at a look."""
    looks: Sequence[Seen] = trail.looks[: place + 1]
    return (
        looks[-1].num_tokens,
        sum(look.num_encoded for look in looks),
        sum(look.flops for look in looks),
        sum(look.seconds for look in looks),
    )
