"""What a run knows besides weights: enough to go on as if it had never stopped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted
from arr_coc.training.monitoring import Meter
from arr_coc.training.sampling import DifficultyMeter, Estimate
from arr_coc.training.settings import FREE_ON_RESUME, LoopSettings
from arr_coc.training.spike_recovery import ScoreWatch, SpikeWatch
from arr_coc.training.warnings import GradientWatch


@dataclass
class RunState:
    """Plain values throughout, so that a checkpoint holds tensors and plain values only.

    Attributes:
        step: optimizer steps done.
        rate_scale: halved by a plateau and by a spike.
        stopped: why the run is over; empty while it is not.
        seconds: of training, over all sessions.
        alarms: how often each was raised.
    """

    step: int = 0
    rate_scale: float = 1.0
    stopped: str = ""
    seconds: float = 0.0
    alarms: dict[str, int] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    gradients: GradientWatch = field(default_factory=GradientWatch)
    spikes: SpikeWatch = field(default_factory=SpikeWatch)
    scores: ScoreWatch = field(default_factory=ScoreWatch)
    difficulty: DifficultyMeter = field(default_factory=DifficultyMeter)
    estimate: Estimate = field(default_factory=Estimate)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunState:
        nested = {
            "meter": Meter,
            "gradients": GradientWatch,
            "spikes": SpikeWatch,
            "scores": ScoreWatch,
            "difficulty": DifficultyMeter,
            "estimate": Estimate,
        }
        return cls(**{name: nested[name](**value) if name in nested else value for name, value in values.items()})


def describe(settings: LoopSettings, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Settings and recipe as they are saved beside the checkpoints."""
    return json.loads(json.dumps({"settings": dataclasses.asdict(settings), "recipe": dict(recipe)}))


def save_description(path: Path, settings: LoopSettings, recipe: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(describe(settings, recipe), indent=1) + "\n").encode())


def check_description(path: Path, settings: LoopSettings, recipe: Mapping[str, Any]) -> None:
    """Raises ValueError where a run to resume was started with other settings, or for another host or task."""
    saved, asked = json.loads(path.read_text(encoding="utf-8")), describe(settings, recipe)
    for part in ("settings", "recipe"):
        for name in sorted({*saved[part], *asked[part]} - set(FREE_ON_RESUME)):
            before, now = saved[part].get(name), asked[part].get(name)
            if before != now:
                raise ValueError(f"{name}: the run in {path.parent} has {quoted(before)}, got {quoted(now)}")
