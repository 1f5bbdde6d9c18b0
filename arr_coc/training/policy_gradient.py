"""What learns by reinforcement: budget and splits as a policy, rewarded for right answers and few tokens.

Group relative policy optimisation (GRPO, Shao et al. 2024, arXiv 2402.03300), on-policy with one update a batch, so
that the ratio of policies is 1 and nothing is to be clipped. A rollout draws the budget's tension from a normal
distribution around the balancer's logit, and every round's splits without replacement (Gumbel top-k).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from arr_coc.allocator import Allocator
from arr_coc.attending import blind_score, combined_score, num_exploring
from arr_coc.balancing import LearnedBalancer
from arr_coc.data.scoring import METRICS
from arr_coc.evaluation.policies.policy import Given
from arr_coc.evaluation.recall import levels_of_leaves
from arr_coc.evaluation.running.batches import answer_all
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.knowing import standardise
from arr_coc.processor.trained_parts import trained_parts
from arr_coc.quoting import quoted
from arr_coc.records import AUTO, MAX_BUDGET, Gaze, Host, Pyramid, Realization, ScoreMaps, Tensions, View
from arr_coc.training.batches import Batch, Group
from arr_coc.training.objective import Outcome, SampleFacts

LEAST_DEVIATION = (
    0.05  # of the rewards of a group; keeps differences of a token or two from counting as much as answers
)


@dataclass(frozen=True)
class PolicySettings:
    """How the policy is explored and held.

    Attributes:
        num_rollouts: of each question.
        price: reward = correct - price * tokens / 400.
        spread: standard deviation of the budget's logit.
        temperature: of the splits.
        kl: to the reference policy, the one that training started from.
        entropy: weight of the splits' entropy, which is kept up.

    Raises:
        ValueError: a value out of range.
    """

    num_rollouts: int = 6
    price: float = 0.2
    spread: float = 0.7
    temperature: float = 0.7
    kl: float = 0.02
    entropy: float = 0.002

    def __post_init__(self) -> None:
        if self.num_rollouts < 2:
            raise ValueError(f"num_rollouts must be at least 2, got {quoted(self.num_rollouts)}")
        for name in ("spread", "temperature"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {quoted(getattr(self, name))}")
        for name in ("price", "kl", "entropy"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {quoted(getattr(self, name))}")


@dataclass(frozen=True)
class DrawnBudget:
    """A balancer whose budget was drawn; the rest is as the learned one decides."""

    logits: Tensor
    balancer: LearnedBalancer
    drawn: float

    def __call__(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Tensions:
        return self.balancer.decide(torch.cat([self.logits.new_tensor([self.drawn]), self.logits[1:]]), None)


@dataclass(eq=False)
class ComparedScorer:
    """A scorer, and how far what it says of the cells that may be split is from what a reference says.

    Attributes:
        divergences: KL(scorer || reference) of each round's first choice, with gradient.
    """

    scorer: nn.Module
    reference: nn.Module
    divergences: list[Tensor] = field(default_factory=list)

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        scores: list[Tensor] = self.scorer(host, views, gaze)
        with torch.no_grad():
            before = self.reference(host, views, gaze)
        for view, mine, theirs in zip(views, scores, before, strict=True):
            is_candidate = view.cells[:, 0] == view.cells[:, 0].min()
            log_mine, log_theirs = (standardise(each[is_candidate]).log_softmax(0) for each in (mine, theirs))
            self.divergences.append((log_mine.exp() * (log_mine - log_theirs)).sum())
        return scores


@dataclass(frozen=True, eq=False)
class Rollout:
    """One attempt at a question.

    Attributes:
        log_chance: of the budget and the splits drawn, with gradient.
        divergence: from the reference policy, with gradient.
        entropy: of the rounds' first choice, a mean, with gradient.
    """

    realization: Realization
    log_chance: Tensor
    divergence: Tensor
    entropy: Tensor


class PolicyLearner(nn.Module):
    """An `Objective`: terms "policy", "kl" and "entropy", each a sum over rollouts.

    Args:
        host: frozen.
        allocator: its scorer and balancer learn, the adapter stays.
    """

    def __init__(self, host: TransformersHost, allocator: Allocator, settings: PolicySettings) -> None:
        super().__init__()
        parts = trained_parts(allocator)
        assert isinstance(allocator.balancer, LearnedBalancer)
        self.host, self.settings, self.allocator, self.adapter = host, settings, allocator, parts["adapter"]
        self.scorer, self.balancer = parts["scorer"], allocator.balancer
        self.reference = deepcopy(nn.ModuleDict({"scorer": self.scorer, "balancer": self.balancer}))
        self.reference.requires_grad_(False)

    def parts(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"scorer": list(self.scorer.parameters()), "balancer": list(self.balancer.parameters())}

    def forward(self, batch: Batch) -> Outcome:
        rollouts, questions, rewards, facts = [], [], [], []
        for place, group in enumerate(batch.groups):
            attempts = self.attempt(group, 1000 * batch.number + place)
            correct = self.grade(group, attempts)
            num_each = len(attempts) // len(group.drawn)
            for row, (attempt, right) in enumerate(zip(attempts, correct, strict=True)):
                drawn = group.drawn[row // num_each]
                num_tokens = attempt.realization.allocation.num_tokens
                rollouts.append(attempt)
                rewards.append(right - self.settings.price * num_tokens / MAX_BUDGET)
                budget = attempt.realization.tensions.budget
                extras = {"reward": rewards[-1], "auto_budget": float(budget)}
                facts.append(
                    SampleFacts(
                        drawn.sample.kind, drawn.difficulty, budget, num_tokens, right, drawn.key, extras=extras
                    )
                )
            questions += [num_each] * len(group.drawn)
        advantages = group_advantages(torch.tensor(rewards), questions)
        chances = torch.stack([rollout.log_chance for rollout in rollouts])
        return Outcome(
            terms={
                "policy": -(advantages.to(chances) * chances).sum(),
                "kl": torch.stack([rollout.divergence for rollout in rollouts]).sum(),
                "entropy": -torch.stack([rollout.entropy for rollout in rollouts]).sum(),
            },
            weights={"policy": 1.0, "kl": self.settings.kl, "entropy": self.settings.entropy},
            num_tokens=len(rollouts),
            facts=facts,
        )

    def attempt(self, group: Group, seed: int) -> list[Rollout]:
        """All rollouts of all questions about one picture, question by question; one without noise in evaluation."""
        num_each = self.settings.num_rollouts if self.training else 1
        generator = torch.Generator().manual_seed(seed)
        host = RememberingHost(self.host)
        rollouts = []
        for drawn in group.drawn:
            logits = self.balancer.logits(self.host, group.pyramid, drawn.sample.question)
            for noise in spread_evenly(num_each, generator) if self.training else [0.0]:
                noise = noise * self.settings.spread
                rollouts.append(self.roll_out(host, group.pyramid, drawn.sample.question, logits, noise, generator))
        return rollouts

    def roll_out(
        self,
        host: TransformersHost,
        pyramid: Pyramid,
        question: str,
        logits: Tensor,
        noise: float,
        generator: torch.Generator,
    ) -> Rollout:
        settings = self.settings
        scorer = ComparedScorer(self.scorer, self.reference["scorer"])
        drawn = float(logits[0].detach()) + noise
        allocator = replace(self.allocator, balancer=DrawnBudget(logits, self.balancer, drawn), scorer=scorer)
        (realization,) = allocator.realize(
            host,
            [View.of(pyramid, question)],
            [AUTO],
            generator=generator if self.training else None,
            temperature=settings.temperature,
        )
        with torch.no_grad():
            reference = self.reference["balancer"].logits(self.host, pyramid, question)
        budget, budget_before = (Normal(each[0], settings.spread) for each in (logits, reference))
        chances = [budget.log_prob(torch.tensor(drawn))]
        for scores, splits in zip(realization.scores, realization.splits, strict=True):
            chances.append(log_chance(scores, splits, realization.tensions, settings.temperature))
        entropies = [
            torch.distributions.Categorical(logits=combined_score(scores, realization.tensions)).entropy()
            for scores in realization.scores
        ]
        entropy = torch.stack(entropies).mean() if entropies else logits.new_zeros(())
        divergence = torch.stack([kl_divergence(budget, budget_before), *scorer.divergences]).sum()
        return Rollout(realization, torch.stack(chances).sum(), divergence, entropy)

    @torch.no_grad()
    def grade(self, group: Group, attempts: Sequence[Rollout]) -> list[float]:
        """Score of each rollout's greedy answer, by its sample's own metric or exact match."""
        num_each = len(attempts) // len(group.drawn)
        samples = [drawn.sample for drawn in group.drawn for _ in range(num_each)]
        given = [
            Given(
                ImageBlock.of(r.allocation),
                r.features,
                (r.num_encoded,),
                levels_of_leaves(r.allocation, r.allocation.grid),
            )
            for r in (attempt.realization for attempt in attempts)
        ]
        answers = answer_all(self.host, [sample.prompt for sample in samples], given)
        return [
            METRICS[sample.metric or "exact_match"](answer, sample.answers)
            for answer, sample in zip(answers, samples, strict=True)
        ]


def spread_evenly(count: int, generator: torch.Generator) -> list[float]:
    """`count` draws from the standard normal distribution, one from each of as many equally likely stretches of it.

    Each alone is a plain draw, so nothing is biased; together they always compare small with large budgets.
    """
    shares = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    draws: list[float] = torch.special.ndtri(shares.double().clamp(1e-6, 1 - 1e-6)).tolist()
    return draws


def log_chance(scores: ScoreMaps, splits: Tensor, tensions: Tensions, temperature: float) -> Tensor:
    """Log probability of drawing these cells in this order without replacement (Plackett-Luce), a scalar."""
    num_exploit = len(splits) - num_exploring(len(splits), tensions)
    taken = torch.zeros(len(scores.cells), dtype=torch.bool)
    total = scores.participatory.new_zeros(())
    for score, drawn in (
        (combined_score(scores, tensions), splits[:num_exploit]),
        (blind_score(scores, tensions), splits[num_exploit:]),
    ):
        total = total + ordered_log_chance(score / temperature, drawn, taken)
        taken[drawn] = True
    return total


def ordered_log_chance(logits: Tensor, drawn: Tensor, taken: Tensor) -> Tensor:
    """Log probability of `drawn` (n,) in order from softmax(logits (N,)), each removed, those `taken` (N,) before."""
    if not len(drawn):
        return logits.sum() * 0
    rest = logits.masked_fill(taken.index_fill(0, drawn, True), -torch.inf)
    chosen = logits[drawn]
    tails = torch.cat([chosen, rest.logsumexp(0, keepdim=True)]).flip(0).logcumsumexp(0).flip(0)
    return (chosen - tails[:-1]).sum()


def group_advantages(rewards: Tensor, sizes: Sequence[int]) -> Tensor:
    """(B,) rewards less their group's mean, over its standard deviation; groups are neighbours of the given sizes."""
    advantages = []
    for group in rewards.split(list(sizes)):
        deviation = group.std(correction=0) if len(group) > 1 else group.new_zeros(())
        advantages.append((group - group.mean()) / deviation.clamp(min=LEAST_DEVIATION))
    return torch.cat(advantages)
