"""When to stop looking: what answers from coarse to fine say about each other, calibrated per host.

Two things are told from the same signs, each by a logistic regression (`arr-coc eval calibrate` fits both):
`confidence` is the chance that the answer is right; `settled` is the chance that looking on to the largest budget
would not make a wrong answer right. Looking stops by the second: a blurred sign is not read better by more tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import exp, log, log2
from pathlib import Path

from arr_coc.quoting import quoted, shortened
from arr_coc.records import MAX_BUDGET, MIN_BUDGET, check_budget

FILE = "sureness.json"
LADDER = (64, 100, 160, 256, 400)
SIGNS = ("constant", "log odds of the least sure token", "agrees with the look before", "with the two before", "budget")
MOST_ODDS = 7.0
UNCALIBRATED = ((-1.5, 0.8, 2.5, 1.0, 0.0), (-0.7, 0.6, 0.7, 0.4, 0.0))


@dataclass(frozen=True)
class Sign:
    """What one look tells.

    Attributes:
        budget: tokens that the look might cost.
        chance: probability of the least sure token of the answer.
        num_agreeing: looks right before it that gave the same answer.
    """

    budget: int
    chance: float
    num_agreeing: int

    def values(self) -> tuple[float, ...]:
        """In the order of `SIGNS`."""
        chance = min(max(self.chance, 1e-9), 1 - 1e-9)
        odds = min(MOST_ODDS, max(-MOST_ODDS, log(chance / (1 - chance))))
        place = log2(self.budget / MIN_BUDGET) / log2(MAX_BUDGET / MIN_BUDGET)
        return (1.0, odds, float(self.num_agreeing > 0), float(self.num_agreeing > 1), place)


@dataclass(frozen=True)
class Sureness:
    """A rule when to stop.

    Attributes:
        ladder: budgets of the looks, ascending.
        settled_weights, confidence_weights: of `SIGNS`.
        thresholds: per wished loss of accuracy in points below the largest budget, how settled an answer must be.
        is_calibrated: False where the weights are a guess for a host nobody measured.
        facts: what it was calibrated on, for the reader.

    Raises:
        ValueError: budgets that do not ascend, a weight missing, a threshold outside 0..1.
    """

    ladder: tuple[int, ...] = LADDER
    settled_weights: tuple[float, ...] = UNCALIBRATED[0]
    confidence_weights: tuple[float, ...] = UNCALIBRATED[1]
    thresholds: dict[str, float] = field(default_factory=lambda: {"1": 0.9})
    is_calibrated: bool = False
    facts: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.ladder or list(self.ladder) != sorted(set(map(check_budget, self.ladder))):
            raise ValueError(f"ladder: budgets must ascend, got {list(self.ladder)}")
        for name in ("settled_weights", "confidence_weights"):
            if len(getattr(self, name)) != len(SIGNS):
                raise ValueError(f"{name}: must be {len(SIGNS)} numbers, got {len(getattr(self, name))}")
        if "1" not in self.thresholds:
            raise ValueError("thresholds: the one for a loss of 1 point is missing")
        for threshold in self.thresholds.values():
            check_threshold(threshold)

    def settled(self, sign: Sign) -> float:
        """0..1, how sure it is that looking on would not make a wrong answer right."""
        return logistic(self.settled_weights, sign)

    def confidence(self, sign: Sign) -> float:
        """0..1, how sure it is that the answer is right."""
        return logistic(self.confidence_weights, sign)

    def threshold(self, until_sure: bool | float) -> float:
        """True is "at most 1 point below the largest budget"; a number is taken as it is.

        Raises:
            ValueError: neither True nor a number in 0..1.
        """
        return self.thresholds["1"] if until_sure is True else check_threshold(until_sure)

    def rungs(self, max_budget: int) -> tuple[int, ...]:
        """The ladder up to a largest budget, which is its last step."""
        return (*(budget for budget in self.ladder if budget < max_budget), check_budget(max_budget))


def logistic(weights: Sequence[float], sign: Sign) -> float:
    total = sum(weight * value for weight, value in zip(weights, sign.values(), strict=True))
    return 1 / (1 + exp(-max(-50.0, min(50.0, total))))


def check_threshold(value: object) -> float:
    """Raises ValueError for what is no number in 0..1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"until_sure: must be True, False or a number in 0..1, got {quoted(value)}")
    return float(value)


def save_sureness(folder: Path, sureness: Sureness) -> None:
    (folder / FILE).write_text(json.dumps(asdict(sureness), indent=2) + "\n", encoding="utf-8")


def load_sureness(folder: Path) -> Sureness:
    """Of a folder with trained parts; the guess where it was never calibrated.

    Raises:
        ValueError: a file that `arr-coc eval calibrate` did not write.
    """
    path = folder / FILE
    if not path.is_file():
        return Sureness()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("ladder", "settled_weights", "confidence_weights"):
            values[name] = tuple(values[name])
        return Sureness(**values)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{quoted(str(path))}: not written by arr-coc eval calibrate ({shortened(repr(error))}); run it again"
        ) from error
