"""The contract of a policy: what it is asked, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.flops import attention_flops, encoded_segments, pyramid_flops, scorer_flops
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.evaluation.recall import levels_of_leaves
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.records import AUTO, CellFeatures, Gaze, Pyramid, Realization, View


@dataclass(frozen=True, eq=False)
class Given:
    """What the host is given, and what it took to choose it.

    Attributes:
        block, features: visual tokens with their positions.
        segments: cells encoded, a number per attention segment of the vision encoder.
        shown: (R, C) level shown over each cell of the picture at full resolution, see `recall.evidence_seen`.
        leaves: (K, 3) where the tokens are leaves of mixed levels, else None.
        selection_flops: of choosing, beyond encoding and a prefill of the tokens given.
        more: further pictures of the prompt, behind the first.
        answer: where tokens are dropped within the language model, so that `generate` can't answer: takes the most
            new tokens, returns the text, and may be asked again. Else None.
    """

    block: ImageBlock
    features: CellFeatures
    segments: tuple[int, ...]
    shown: np.ndarray
    leaves: Tensor | None = None
    selection_flops: float = 0.0
    answer: Callable[[int], str] | None = None
    more: tuple[tuple[ImageBlock, CellFeatures], ...] = ()

    @property
    def pictures(self) -> list[tuple[ImageBlock, CellFeatures]]:
        return [(self.block, self.features), *self.more]

    @property
    def num_tokens(self) -> int:
        return sum(len(block.positions) for block, _ in self.pictures)

    @property
    def num_encoded(self) -> int:
        return sum(self.segments)


Give = Callable[[TransformersHost, Sample, Pyramid, int], Given]
Derive = Callable[[Allocator, Sample, Pyramid], Allocator]
OWN_BUDGET = 0
"""In the place of a number of tokens: "auto" for a policy that can choose, and no budget at all for the others."""


def own_question(sample: Sample) -> str:
    return sample.question


def choosing_flops(
    host: TransformersHost,
    realization: Realization,
    allocator: Allocator,
    num_draft: int = 0,
    known_rounds: int = 0,
) -> float:
    """All that choosing leaves costs beyond encoding them: the pyramid, the attention read and the scorer.

    Args:
        num_draft: tokens of a drafted answer whose attention is read, too.
        known_rounds: of the first ones, whose scores an earlier look left.
    """
    reads_attention = getattr(allocator.scorer, "reads_attention", False)
    attention = attention_flops(host, realization, allocator.gaze, num_draft, known_rounds) if reads_attention else 0.0
    return pyramid_flops(realization.pyramid) + attention + scorer_flops(allocator.scorer, realization, known_rounds)


def unchanged(pyramid: Pyramid) -> Pyramid:
    return pyramid


@dataclass(frozen=True)
class Leaves:
    """Leaves of mixed levels, by an allocator.

    Attributes:
        allocator: the policy's, from the one that the host came with; the sample and its pyramid are for scorers that
            know the evidence.
        question: that is looked with.
        before: changes the pyramid that is allocated.
        after: (host, pyramid, given) changes what is given.
    """

    allocator: Derive
    question: Callable[[Sample], str] = own_question
    before: Callable[[Pyramid], Pyramid] = unchanged
    after: Callable[[TransformersHost, Pyramid, Given], Given] | None = None

    def give(self, host: TransformersHost, standing: Allocator, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
        allocator = self.allocator(standing, sample, pyramid)
        return self.given(host, allocator, sample, self.realize(host, allocator, sample, pyramid, budget))

    def realize(
        self, host: TransformersHost, allocator: Allocator, sample: Sample, pyramid: Pyramid, budget: int
    ) -> Realization:
        """The leaves by an allocator of this policy, or by one that was changed by hand."""
        with torch.no_grad():
            view = View.of(self.before(pyramid), self.question(sample))
            return allocator.realize(host, [view], [AUTO if budget == OWN_BUDGET else budget])[0]

    def given(self, host: TransformersHost, allocator: Allocator, sample: Sample, realization: Realization) -> Given:
        allocation, pyramid = realization.allocation, realization.pyramid
        given = Given(
            ImageBlock.of(allocation),
            realization.features,
            encoded_segments(realization),
            levels_of_leaves(allocation, full_grid(host, sample.image.size)),
            allocation.leaves,
            choosing_flops(host, realization, allocator),
        )
        return given if self.after is None else self.after(host, pyramid, given)


@dataclass(frozen=True)
class Gazing:
    """A rule of its own that looks with the standing allocator's gaze: (host, gaze, sample, pyramid, budget)."""

    rule: Callable[[TransformersHost, Gaze, Sample, Pyramid, int], Given]

    def give(self, host: TransformersHost, standing: Allocator, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
        return self.rule(host, standing.gaze, sample, pyramid, budget)


def takes_any(host: TransformersHost) -> None:
    """Of a policy that works on every host."""


@dataclass(frozen=True)
class Policy:
    """A name, and the allocator or another rule by which visual tokens are chosen.

    Attributes:
        rule: leaves by an allocator, or (host, sample, pyramid, budget) to what the host is given.
        needs: what it looks at: pixels, encoder features, encoder attention, question, language attention, evidence.
        has_budget: False where it costs what it costs.
        chooses_budget: whether `OWN_BUDGET` lets it decide.
        uses_pyramid: whether building the pyramid is part of its work.
        needs_training: whether parts must have been trained for the host.
        source: paper or rule it follows.
        check: raises ValueError for a host it cannot work on, before anything is asked.
    """

    name: str
    rule: Give | Leaves | Gazing
    summary: str
    needs: frozenset[str] = field(default=frozenset({"pixels"}))
    has_budget: bool = True
    chooses_budget: bool = False
    uses_pyramid: bool = False
    needs_training: bool = False
    source: str = ""
    check: Callable[[TransformersHost], None] = takes_any

    @property
    def is_blind(self) -> bool:
        """Whether all questions about a picture are given the same."""
        return not self.needs & {"question", "language attention", "evidence"}

    def give(self, host: TransformersHost, standing: Allocator, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
        """What the host is given.

        Args:
            standing: the allocator that the host came with, from which those of policies are derived.
            budget: tokens, or `OWN_BUDGET`.
        """
        if isinstance(self.rule, (Leaves, Gazing)):
            return self.rule.give(host, standing, sample, pyramid, budget)
        return self.rule(host, sample, pyramid, budget)
