"""What the loop asks of a thing that learns, and what it is told after each batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from arr_coc.quoting import quoted


@dataclass(frozen=True)
class SampleFacts:
    """What is measured of one sample.

    Attributes:
        kind: question kind; accuracy is reported by it.
        difficulty: 0..1 as the data states it; 0.5 where it does not tell.
        budget: most visual tokens the sample was allowed.
        num_tokens: visual tokens it used.
        is_correct: 0..1 by the task's metric.
        key: samples of one key share an estimate of difficulty; empty takes kind and quarter of `difficulty`.
        extras: further figures to average and log, such as "kl" or "attention_precision". Two names mean something
            to the instruments: "auto_budget", the budget that the model would choose by itself, and
            "sufficient_budget", the smallest that is enough.
    """

    kind: str
    difficulty: float
    budget: int
    num_tokens: int
    is_correct: float
    key: str = ""
    extras: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The loss of one batch, in terms, and what was measured on the way.

    Attributes:
        terms: each loss term, summed over the batch (not averaged), not yet weighted; scalars with gradient.
        weights: how the terms add up; one for each term.
        num_tokens: what the sums are divided by, over all batches and processes of a step; such as answer tokens.
        facts: one a sample.
    """

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float]
    num_tokens: int
    facts: Sequence[SampleFacts]

    def __post_init__(self) -> None:
        if not self.terms or set(self.terms) != set(self.weights):
            raise ValueError(f"weights: must name the terms {sorted(self.terms)}, got {sorted(self.weights)}")
        if self.num_tokens < 1:
            raise ValueError(f"num_tokens must be at least 1, got {quoted(self.num_tokens)}")

    def total(self) -> Tensor:
        """sum_t weight_t * term_t, a scalar; a term of weight 0 is measured, not learnt."""
        return sum((self.weights[name] * term for name, term in self.terms.items() if self.weights[name]), self.zero())

    def zero(self) -> Tensor:
        return next(iter(self.terms.values())).new_zeros(())


@runtime_checkable
class Objective(Protocol):
    """An `nn.Module` whose forward pass is the whole computation of the loss, so that DDP and FSDP can wrap it.

    Its randomness is torch's global generator, which the loop seeds by the number of the batch. In evaluation mode
    (no gradient) the same forward pass measures the validation facts.
    """

    def forward(self, batch: Any) -> Outcome: ...

    def parts(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Trainable parameters by part, each in one part; parts that are frozen are absent."""
        ...
