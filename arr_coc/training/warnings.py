"""Complaints about a run that learns nothing, or the wrong thing; they are told, the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from arr_coc.training.monitoring import Meter, bin_centre
from arr_coc.training.settings import AlarmSettings

NORM_DECAY, NORM_STEPS = 0.98, 20
MIN_SAMPLES = 32


@dataclass(frozen=True)
class Alarm:
    """One complaint: "dead_gradient", "exploding_gradient", "budget_collapse" or "floor", and what was seen."""

    name: str
    message: str


@dataclass
class GradientWatch:
    """How each part's gradient has been so far; plain values throughout.

    Attributes:
        dead: steps in a row without gradient, by part.
        means: running mean of the norm, by part.
        num_steps: steps that went into the mean, by part.
    """

    dead: dict[str, int] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    num_steps: dict[str, int] = field(default_factory=dict)

    def look(self, norms: Mapping[str, float], settings: AlarmSettings) -> list[Alarm]:
        """Alarms of one step; a part that stays dead is named again every `dead_steps` steps."""
        found = [self._look_dead(part, norm, settings) for part, norm in norms.items()]
        found += [self._look_exploding(part, norm, settings) for part, norm in norms.items()]
        return [alarm for alarm in found if alarm]

    def _look_dead(self, part: str, norm: float, settings: AlarmSettings) -> Alarm | None:
        self.dead[part] = self.dead.get(part, 0) + 1 if norm < settings.dead_norm else 0
        if not self.dead[part] or self.dead[part] % settings.dead_steps:
            return None
        return Alarm("dead_gradient", f"{part} has had no gradient (norm {norm:.1e}) for {self.dead[part]} steps")

    def _look_exploding(self, part: str, norm: float, settings: AlarmSettings) -> Alarm | None:
        mean, num_steps = self.means.get(part, norm), self.num_steps.get(part, 0)
        exploded = num_steps >= NORM_STEPS and norm > settings.explode_ratio * max(mean, settings.dead_norm)
        if not exploded:
            self.means[part] = NORM_DECAY * mean + (1 - NORM_DECAY) * norm
        self.num_steps[part] = num_steps + 1
        if exploded:
            return Alarm("exploding_gradient", f"{part}: norm {norm:.3g}, running mean {mean:.3g}")
        return None


def window_alarms(meter: Meter, settings: AlarmSettings) -> list[Alarm]:
    """Alarms of the samples between two log lines: one budget for all, figures under their floor."""
    alarms = []
    if meter.num_samples >= MIN_SAMPLES and settings.collapse_share < 1:
        fullest, share = fullest_pair(meter.bins)
        if share >= settings.collapse_share:
            message = f"{share:.0%} of {meter.num_samples} samples want about {bin_centre(fullest)} tokens"
            alarms.append(Alarm("budget_collapse", message))
    means = meter.means()
    for name, floor in settings.floors.items():
        if name in means and means[name] < floor:
            alarms.append(Alarm("floor", f"{name} is {means[name]:.4g}, under its floor {floor:.4g}"))
    return alarms


def fullest_pair(bins: Mapping[int, int]) -> tuple[int, float]:
    """The fuller of the two neighbouring bins of the budget histogram that hold most samples, and their joint share.

    Two, since budgets that are all alike may lie across the edge of a bin.
    """
    first = max(bins, key=lambda number: bins[number] + bins.get(number + 1, 0))
    pair = (first, first + 1)
    share = sum(bins.get(number, 0) for number in pair) / sum(bins.values())
    return max(pair, key=lambda number: bins.get(number, 0)), share
