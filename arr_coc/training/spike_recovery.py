"""When to go back to the last good state, when to halve the rate, when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from arr_coc.training.settings import PatienceSettings

LOSS_DECAY = 0.95
MIN_DEVIATION = 0.02
"""Least standard deviation of the loss, as a share of its mean, so that a flat loss is not spiked by noise."""


@dataclass
class SpikeWatch:
    """Running mean and variance of the loss; suspicious losses do not enter them."""

    mean: float = 0.0
    variance: float = 0.0
    num_steps: int = 0
    num_suspicious: int = 0

    def look(self, loss: float, settings: PatienceSettings) -> bool:
        """True where this loss completes a spike."""
        deviation = max(math.sqrt(self.variance), MIN_DEVIATION * abs(self.mean))
        warm = self.num_steps >= settings.spike_warmup
        if warm and loss > self.mean + settings.spike_sigmas * deviation:
            self.num_suspicious += 1
            return self.num_suspicious >= settings.spike_steps
        self.num_suspicious = 0
        self._follow(loss)
        return False

    def _follow(self, loss: float) -> None:
        decay = min(LOSS_DECAY, self.num_steps / (self.num_steps + 1))
        gap = loss - self.mean
        self.mean += (1 - decay) * gap
        self.variance = decay * (self.variance + (1 - decay) * gap * gap)
        self.num_steps += 1

    def calm(self) -> None:
        """After a roll back: the statistics stay, the suspicion goes."""
        self.num_suspicious = 0


class Verdict(Enum):
    BETTER, WAIT, HALVE, STOP = "better", "wait", "halve", "stop"


@dataclass
class ScoreWatch:
    """The best validation score so far, and for how many validations it has stood."""

    best: float | None = None
    num_since: int = 0

    def look(self, score: float, settings: PatienceSettings) -> Verdict:
        if self.best is None or score >= self.best + settings.min_gain:
            self.best, self.num_since = score, 0
            return Verdict.BETTER
        self.num_since += 1
        if self.num_since >= settings.stop:
            return Verdict.STOP
        return Verdict.WAIT if self.num_since % settings.plateau else Verdict.HALVE
