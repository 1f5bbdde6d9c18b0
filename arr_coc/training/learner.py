"""What learns in the phases that answer: allocations that answer well, look where the teacher looks and cost little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from arr_coc.allocator import Allocator
from arr_coc.balancing import LearnedBalancer
from arr_coc.evaluation.running.runner import evidence_in_leaves
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.processor.trained_parts import trained_parts
from arr_coc.quoting import quoted
from arr_coc.records import Realization, View
from arr_coc.training.batches import Batch, Group, answer_logits, answered
from arr_coc.training.losses import (
    alignment,
    answer_divergence,
    answer_loss,
    budget_chances,
    budget_cost,
    is_right,
)
from arr_coc.training.monitoring import BUDGETS
from arr_coc.training.objective import Outcome, SampleFacts
from arr_coc.training.sampling import Drawn
from arr_coc.training.teacher import Lesson, boxes_attention, teach

TERMS = ("answer", "kl", "alignment", "efficiency")
COST_MEMORY = 0.99


@dataclass(frozen=True)
class LossWeights:
    """How the terms add up.

    Attributes:
        kl, alignment: to the teacher's answers and to where it looks; both 0 spare the teacher.
        efficiency: of the expected cost of the budgets that the balancer stands for.
        price: nats that 400 tokens cost in it, reached after `price_steps` batches from 0.
        from_boxes: alignment to the evidence boxes instead of the teacher: the supervised variant.
    """

    answer: float = 1.0
    kl: float = 0.1
    alignment: float = 1.0
    efficiency: float = 0.1
    price: float = 1.5
    price_steps: int = 500
    from_boxes: bool = False

    def __post_init__(self) -> None:
        for name in ("answer", "kl", "alignment", "efficiency", "price"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {quoted(getattr(self, name))}")
        if self.price_steps < 1:
            raise ValueError(f"price_steps must be at least 1, got {quoted(self.price_steps)}")

    @property
    def needs_teacher(self) -> bool:
        return self.kl > 0 or (self.alignment > 0 and not self.from_boxes)


@dataclass(frozen=True, eq=False)
class Trial:
    """What became of one sample."""

    drawn: Drawn
    realization: Realization
    attention: Tensor | None
    teacher_logits: Tensor | None


class RelevanceLearner(nn.Module):
    """An `Objective`: answers under a budget, with everything that decides about it inside one forward pass.

    Args:
        host: with the model that learns, or that is frozen.
        allocator: with a learned scorer, balancer and adapter.
        trained: parameters by part, the frozen ones left out.
        teacher: the host that is never trained; may be `host` where that is frozen.
    """

    cost_mean: Tensor

    def __init__(
        self,
        host: TransformersHost,
        allocator: Allocator,
        trained: Mapping[str, Sequence[nn.Parameter]],
        weights: LossWeights,
        teacher: TransformersHost,
    ) -> None:
        super().__init__()
        self.host, self.teacher, self.weights, self.trained = host, teacher, weights, trained
        self.model = host.model
        self.allocator, self.learned = allocator, nn.ModuleDict(trained_parts(allocator))
        self.register_buffer("cost_mean", torch.tensor(1.0))

    def parts(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return self.trained

    def forward(self, batch: Batch) -> Outcome:
        trials = [trial for place, group in enumerate(batch.groups) for trial in self.attempt(group, batch, place)]
        samples = [trial.drawn.sample for trial in trials]
        blocks = [ImageBlock.of(trial.realization.allocation) for trial in trials]
        texts = answered(self.host, samples, blocks, [trial.realization.features for trial in trials])
        logits = answer_logits(self.host, texts)
        losses = {"answer": answer_loss(logits, texts.labels)}
        if self.weights.kl:
            taught = align_right([trial.teacher_logits for trial in trials], texts.labels.shape[1])
            losses["kl"] = answer_divergence(logits, taught, texts.labels)
        if self.weights.alignment:
            losses["alignment"] = torch.stack(
                [alignment(trial.realization, trial.attention) for trial in trials if trial.attention is not None]
            )
        losses["efficiency"] = self.efficiency(trials, losses["answer"], batch)
        return Outcome(
            terms={name: loss.sum() for name, loss in losses.items()},
            weights={name: getattr(self.weights, name) for name in losses},
            num_tokens=int((texts.labels >= 0).sum()),
            facts=self.facts(trials, is_right(logits, texts.labels), losses, batch.budget),
        )

    def attempt(self, group: Group, batch: Batch, place: int) -> list[Trial]:
        """All questions of one picture: allocations drawn while it learns, and what the teacher shows."""
        questions = [drawn.sample.question for drawn in group.drawn]
        realizations = self.allocator.realize(
            RememberingHost(self.host) if not self.host.is_training else self.host,
            [View.of(group.pyramid, question) for question in questions],
            [batch.budget] * len(questions),
            generator=seeded(batch.number, place) if self.training else None,
        )
        attention, logits = self.lesson(group)
        parts = zip(group.drawn, realizations, attention, logits, strict=True)
        return [Trial(*part) for part in parts]

    def lesson(self, group: Group) -> tuple[Sequence[Tensor | None], Sequence[Tensor | None]]:
        """Attention and answer logits to learn from, one a question, None where they are not needed."""
        samples = [drawn.sample for drawn in group.drawn]
        nothing = [None] * len(samples)
        taught: Lesson | None = None
        if self.weights.needs_teacher:
            taught = teach(self.teacher, group.pyramid, samples, self.allocator.gaze)
        attention: Sequence[Tensor | None] = nothing
        if self.weights.alignment and self.weights.from_boxes:
            attention = list(boxes_attention(group.pyramid, samples, [sample.image.size for sample in samples]))
        elif self.weights.alignment and taught is not None:
            attention = list(taught.attention)
        return attention, taught.logits if taught is not None else nothing

    def efficiency(self, trials: Sequence[Trial], answer: Tensor, batch: Batch) -> Tensor:
        """(B,) expected cost of the balancer's budgets, by the one budget that each sample happened to get.

        Budgets come in turn, whatever the question, the same number of tokens of each. So weighting a sample's cost
        by the chance that the balancer would have chosen its budget, over the share of samples that get it, is an
        unbiased estimate (importance sampling); taking the running mean of the cost away leaves the gradient's mean
        and lowers its variance.
        """
        balancer = self.learned["balancer"]
        assert isinstance(balancer, LearnedBalancer)
        used = torch.tensor([trial.realization.allocation.num_tokens for trial in trials], device=answer.device)
        price = self.weights.price * min(1.0, batch.number / self.weights.price_steps)
        cost = budget_cost(answer, used, price)
        if self.training:
            self.cost_mean.lerp_(cost.mean(), 1 - COST_MEMORY)
        if batch.budget not in BUDGETS:
            return torch.zeros_like(cost)
        chances = [
            budget_chances(
                balancer.logits(self.host, trial.realization.pyramid, trial.drawn.sample.question)[0].sigmoid(), BUDGETS
            )[BUDGETS.index(batch.budget)]
            for trial in trials
        ]
        share = 1 / batch.budget / sum(1 / budget for budget in BUDGETS)
        return torch.stack(chances) / share * (cost - self.cost_mean)

    def facts(
        self, trials: Sequence[Trial], right: Tensor, losses: Mapping[str, Tensor], budget: int
    ) -> list[SampleFacts]:
        """What is measured of each sample."""
        return [
            SampleFacts(
                kind=trial.drawn.sample.kind,
                difficulty=trial.drawn.difficulty,
                budget=budget,
                num_tokens=trial.realization.allocation.num_tokens,
                is_correct=float(right[row]),
                key=trial.drawn.key,
                extras=self.extras(trial) | ({"kl": losses["kl"][row].item()} if "kl" in losses else {}),
            )
            for row, trial in enumerate(trials)
        ]

    def extras(self, trial: Trial) -> dict[str, float]:
        """Evidence recall where boxes are known, and the budget that the balancer would have chosen."""
        sample, realization = trial.drawn.sample, trial.realization
        balancer = self.learned["balancer"]
        assert isinstance(balancer, LearnedBalancer)
        with torch.no_grad():
            logits = balancer.logits(self.host, realization.pyramid, sample.question)
        extras = {"auto_budget": float(balancer.decide(logits, None).budget)}
        recall = evidence_in_leaves(self.host, sample, realization.allocation).recall
        return extras if recall is None else extras | {"evidence_recall": recall}


def seeded(number: int, salt: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * number + salt)


def align_right(rows: Sequence[Tensor | None], length: int) -> Tensor:
    """(B, length, V) of rows (A_i, V) whose answers end in their last place; zeros before them."""
    padded = []
    for row in rows:
        assert row is not None
        short = length - len(row)
        padded.append(torch.cat([row.new_zeros(short, row.shape[1]), row]) if short > 0 else row[-length:])
    return torch.stack(padded)
