"""Batches of one budget each, all budgets mixed in one run, the smaller the budget the larger the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from torch.utils.data import Dataset

from arr_coc.data.mixture import GOLDEN, MODULUS
from arr_coc.quoting import quoted
from arr_coc.training.monitoring import BUDGETS
from arr_coc.training.sampling import Curriculum, Drawn, Estimate, Source, choose_bands


@dataclass(frozen=True)
class Buckets:
    """Budgets of a run.

    Attributes:
        tokens_per_batch: visual tokens of a batch; `tokens_per_batch // budget` samples of one budget.
        shares: of the batches, by budget; the same number of tokens goes to budgets of the same share.
        max_batch_size: most samples of a batch, whatever the budget.
    """

    tokens_per_batch: int
    budgets: tuple[int, ...] = BUDGETS
    shares: tuple[float, ...] = (1.0,) * len(BUDGETS)
    max_batch_size: int = 64

    def __post_init__(self) -> None:
        if not self.budgets or min(self.budgets) < 1:
            raise ValueError(f"budgets must be positive, got {quoted(self.budgets)}")
        if len(self.shares) != len(self.budgets) or min(self.shares) <= 0:
            raise ValueError(
                f"shares: {len(self.budgets)} budgets need as many positive shares, got {quoted(self.shares)}"
            )
        if self.tokens_per_batch < max(self.budgets):
            raise ValueError(
                f"tokens_per_batch: must hold a sample of {max(self.budgets)} tokens, "
                f"got {quoted(self.tokens_per_batch)}"
            )
        if self.max_batch_size < 1:
            raise ValueError(f"max_batch_size must be at least 1, got {quoted(self.max_batch_size)}")

    def budget_of(self, number: int) -> int:
        """The budget of a batch; any run of neighbouring batches holds the budgets in nearly their shares.

        Multiples of the golden ratio are spread evenly over 0..1 (a Kronecker sequence), where each budget has an
        interval as long as its share.
        """
        place = number * GOLDEN % MODULUS / MODULUS * sum(self.shares)
        for budget, share in zip(self.budgets, self.shares, strict=True):
            place -= share
            if place < 0:
                return budget
        return self.budgets[-1]

    def batch_size(self, budget: int) -> int:
        return min(self.max_batch_size, self.tokens_per_batch // budget)


Collate = Callable[[Sequence[Drawn], int, int], Any]
"""(samples, budget, number of the batch) -> what the objective takes; runs in the data processes."""


class Feed(Protocol):
    """What the loop draws batches from."""

    def batches(self, estimate: Estimate) -> Dataset[Any]:
        """Number of a batch -> the batch; a function of the number and the estimate alone."""
        ...


@dataclass(frozen=True)
class BucketedFeed:
    """Samples of a source, by curriculum and estimated difficulty, in buckets of one budget."""

    source: Source
    collate: Collate
    buckets: Buckets
    curriculum: Curriculum = Curriculum()
    seed: int = 0

    def batches(self, estimate: Estimate) -> Dataset[Any]:
        return BucketedBatches(self, estimate)

    def draw(self, number: int, estimate: Estimate) -> tuple[list[Drawn], int]:
        """The samples of a batch and its budget."""
        budget = self.buckets.budget_of(number)
        rng = Random(f"arr-coc batch {self.seed} {number}")
        bands = choose_bands(rng, self.curriculum.shares(number), self.buckets.batch_size(budget))
        return self.source.draw(rng, bands, estimate), budget


class BucketedBatches(Dataset[Any]):
    """The batches of a feed under one estimate."""

    def __init__(self, feed: BucketedFeed, estimate: Estimate) -> None:
        self._feed, self._estimate = feed, estimate

    def __getitem__(self, number: int) -> Any:
        drawn, budget = self._feed.draw(number, self._estimate)
        return self._feed.collate(drawn, budget, number)
