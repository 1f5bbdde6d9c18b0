"""What a run tells about itself: sums since the last log line, by term, part, budget and kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scipy.stats import spearmanr

from arr_coc.records import MIN_BUDGET
from arr_coc.training.objective import SampleFacts

BUDGETS = (64, 100, 160, 256, 400)
BINS_PER_OCTAVE = 4


@dataclass(frozen=True)
class StepReport:
    """One optimizer step over all processes.

    Attributes:
        totals, terms: weighted sum of the losses, and each term unweighted, summed over the step's batches.
        num_tokens: what they are divided by.
        norms: gradient norm by part, per token, before clipping; `norm` is that of the whole.
        rates: learning rate by part.
    """

    total: float
    terms: Mapping[str, float]
    num_tokens: int
    facts: Sequence[SampleFacts]
    norms: Mapping[str, float]
    norm: float
    rates: Mapping[str, float]

    @property
    def loss(self) -> float:
        return self.total / self.num_tokens


def chosen_tokens(sample: SampleFacts) -> float:
    """What the model would spend, as far as it is known: "auto_budget" of the extras, or else the tokens used."""
    return sample.extras.get("auto_budget", sample.num_tokens)


def budget_bucket(budget: int) -> int:
    """The smallest of `BUDGETS` that holds it, at most the largest."""
    return next((bucket for bucket in BUDGETS if budget <= bucket), BUDGETS[-1])


def budget_bin(num_tokens: float) -> int:
    """Number of the bin of the budget histogram; bins grow by 2^(1/4) = 19%, and bin 0 is centred on 64 tokens."""
    return round(BINS_PER_OCTAVE * math.log2(max(num_tokens, 1) / MIN_BUDGET))


def bin_centre(number: int) -> int:
    """Tokens in the middle of a bin: 64, 76, 91, 108, 128, 152, 181, 215, 256, 304, 362, 431."""
    return round(MIN_BUDGET * 2 ** (number / BINS_PER_OCTAVE))


@dataclass
class Meter:
    """Weighted means by name since it was last emptied, and the histogram of budgets; plain values throughout.

    Attributes:
        sums: [sum, weight] by name.
        bins: samples by `budget_bin` of `chosen_tokens`.
    """

    sums: dict[str, list[float]] = field(default_factory=dict)
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, name: str, value: float, weight: float = 1.0) -> None:
        entry = self.sums.setdefault(name, [0.0, 0.0])
        entry[0] += value
        entry[1] += weight

    def add_step(self, report: StepReport) -> None:
        """Losses are means per token, norms and rates means over steps."""
        self.add_losses(report.total, report.terms, report.num_tokens)
        self.add("grad_norm", report.norm)
        for part, norm in report.norms.items():
            self.add(f"grad_norm/{part}", norm)
        for part, rate in report.rates.items():
            self.add(f"rate/{part}", rate)
        self.add_facts(report.facts)

    def add_losses(self, total: float, terms: Mapping[str, float], num_tokens: int) -> None:
        self.add("loss", total, num_tokens)
        for name, value in terms.items():
            self.add(f"loss/{name}", value, num_tokens)

    def add_facts(self, facts: Iterable[SampleFacts]) -> None:
        """Means over samples."""
        for sample in facts:
            for place in ("", f"/budget_{budget_bucket(sample.budget)}", f"/kind_{sample.kind}"):
                self.add(f"accuracy{place}", sample.is_correct)
                self.add(f"tokens{place}", sample.num_tokens)
            for name, value in sample.extras.items():
                self.add(name, value)
            number = budget_bin(chosen_tokens(sample))
            self.bins[number] = self.bins.get(number, 0) + 1

    def means(self) -> dict[str, float]:
        """Means by name, and the share of samples in each bin of the budget histogram."""
        means = {name: total / weight for name, (total, weight) in self.sums.items()}
        shares = {number: self.bins[number] / self.num_samples for number in sorted(self.bins)}
        return means | {f"budget_share/{bin_centre(number)}": share for number, share in shares.items()}

    @property
    def num_samples(self) -> int:
        return sum(self.bins.values())


def budget_calibration(facts: Sequence[SampleFacts]) -> dict[str, float]:
    """Spearman correlation of `chosen_tokens` with the smallest sufficient budget, or else with the difficulty.

    The former where every sample's extras give a `sufficient_budget`; nothing where either side is constant.
    """
    if facts and all("sufficient_budget" in sample.extras for sample in facts):
        name, wanted = "calibration/sufficient", [sample.extras["sufficient_budget"] for sample in facts]
    else:
        name, wanted = "calibration/difficulty", [sample.difficulty for sample in facts]
    chosen = [chosen_tokens(sample) for sample in facts]
    if len(set(wanted)) < 2 or len(set(chosen)) < 2:
        return {}
    return {name: float(spearmanr(chosen, wanted).statistic)}
