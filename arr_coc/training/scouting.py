"""What learns in phase scout: the scorer alone, to split where the evidence is. Nothing is answered.

The loss is the allocator phase's alignment, towards the evidence boxes, along splits that are nearly those it would
choose by itself; without the answers' forward and backward pass it sees several times as many questions an hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from arr_coc.allocator import Allocator
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.recall import WHOLE
from arr_coc.evaluation.running.runner import evidence_in_leaves
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.host import TransformersHost
from arr_coc.knowing import LearnedScorer
from arr_coc.records import Realization, View
from arr_coc.training.batches import Batch, Group
from arr_coc.training.learner import seeded
from arr_coc.training.losses import alignment
from arr_coc.training.objective import Outcome, SampleFacts
from arr_coc.training.sampling import Drawn
from arr_coc.training.teacher import boxes_attention

TEMPERATURE = 0.3


class ScoutLearner(nn.Module):
    """An `Objective` with one term; a question counts as right where all of its evidence is shown legibly.

    Args:
        host: frozen.
        allocator: whose scorer learns; the rest is frozen too.
        temperature: of the splits drawn while learning, in standard deviations of the combined score.
    """

    def __init__(self, host: TransformersHost, allocator: Allocator, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        assert isinstance(allocator.scorer, LearnedScorer)
        self.host, self.scorer, self.temperature = host, allocator.scorer, temperature
        self.allocator = replace(allocator, adapter=None)

    def parts(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"scorer": list(self.scorer.parameters())}

    def forward(self, batch: Batch) -> Outcome:
        losses, facts = [], []
        for place, group in enumerate(batch.groups):
            realizations = self.attempt(group, batch, place)
            samples = [drawn.sample for drawn in group.drawn]
            wanted = boxes_attention(group.pyramid, samples, [sample.image.size for sample in samples])
            losses += [alignment(*pair) for pair in zip(realizations, wanted, strict=True)]
            facts += [self.fact(*pair, batch.budget) for pair in zip(group.drawn, realizations, strict=True)]
        total = torch.stack(losses).sum() + self.nothing()
        return Outcome({"alignment": total}, {"alignment": 1.0}, len(losses), facts)

    def nothing(self) -> Tensor:
        """Zero with gradient, for batches in which nothing is to be split."""
        return torch.stack([parameter.sum() for parameter in self.scorer.parameters()]).sum() * 0

    def attempt(self, group: Group, batch: Batch, place: int) -> list[Realization]:
        """All questions about one picture, which share its glimpse."""
        questions = [drawn.sample.question for drawn in group.drawn]
        return self.allocator.realize(
            RememberingHost(self.host),
            [View.of(group.pyramid, question) for question in questions],
            [batch.budget] * len(questions),
            generator=seeded(batch.number, place) if self.training else None,
            temperature=self.temperature,
        )

    def fact(self, drawn: Drawn, realization: Realization, budget: int) -> SampleFacts:
        recall = self.recall(drawn.sample, realization)
        return SampleFacts(
            drawn.sample.kind,
            drawn.difficulty,
            budget,
            realization.allocation.num_tokens,
            float(recall is None or recall >= WHOLE),
            drawn.key,
            extras={} if recall is None else {"evidence_recall": recall},
        )

    def recall(self, sample: Sample, realization: Realization) -> float | None:
        return evidence_in_leaves(self.host, sample, realization.allocation).recall
