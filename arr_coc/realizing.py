"""The whole of relevance realization: glimpse, then look closer where it pays, until the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from arr_coc.attending import check_tiling, children, combined_score, plan_splits, raster_order, select
from arr_coc.balancing import Balancer
from arr_coc.knowing import Scorer, know
from arr_coc.records import Allocation, CellFeatures, Host, Pyramid, Realization, ScoreMaps, Tensions


def realize(
    host: Host,
    pyramids: list[Pyramid],
    questions: list[str],
    *,
    balancer: Balancer,
    scorer: Scorer,
    adapter: nn.Module | None = None,
    budgets: list[int | None] | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> list[Realization]:
    """Spends each picture's budget on what its question asks for; pictures do not influence each other.

    Args:
        questions: one per picture.
        adapter: a `QualityAdapter`, applied to the leaf features; None leaves them as they are.
        budgets: per picture the most tokens it may cost (64..400), or None to let the balancer decide.
        generator: draws the splits instead of taking the best (for training); None is deterministic.
        temperature: of the draws.

    Raises:
        ValueError: lists of different lengths, a budget outside 64..400.
    """
    budgets = check_lengths(pyramids, questions, budgets)
    tensions = [balancer(host, *each) for each in zip(pyramids, questions, budgets, strict=True)]
    generators = fork(generator, len(pyramids))
    frontiers = [Frontier(*each) for each in zip(pyramids, questions, tensions, generators, strict=True)]
    look(host, frontiers)
    while active := [frontier for frontier in frontiers if frontier.plan]:
        for frontier, relevance in zip(active, ask(scorer, host, active), strict=True):
            frontier.split(relevance, temperature)
        look(host, active)
    return [frontier.conclude(adapter) for frontier in frontiers]


@dataclass(eq=False)
class Frontier:
    """How far the looking has come in one picture.

    While a scorer is learnt the features of new cells pass a straight-through gate: they stay as they are,
    and their gradient reaches the score of the cell that was split for them.

    Attributes:
        generator: draws the splits, None takes the best.
        plan: splits still to give, one number a round, coarsest level first.
        leaves: (K, 3) encoded cells in raster order that nothing finer has replaced.
        features: of the leaves, None before the first look.
        unseen: (N, 3) cells of one level that the next look encodes.
        gate: (N, 1) of the unseen cells, 1 in value; None where nothing is learnt.
        scores, splits: of the rounds so far.
        num_encoded: cells encoded so far.
    """

    pyramid: Pyramid
    question: str
    tensions: Tensions
    generator: torch.Generator | None
    plan: list[int] = field(init=False)
    leaves: Tensor = field(init=False)
    features: CellFeatures | None = field(init=False, default=None)
    unseen: Tensor = field(init=False)
    gate: Tensor | None = field(init=False, default=None)
    scores: list[ScoreMaps] = field(init=False, default_factory=list)
    splits: list[Tensor] = field(init=False, default_factory=list)
    num_encoded: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Starts with the glimpse, or with all of level 0 where the budget covers it."""
        rows, cols = self.pyramid.grid()
        coarsest = 0 if rows * cols <= self.tensions.budget else self.pyramid.coarsest
        self.unseen = self.pyramid.cells(coarsest)
        self.leaves = self.unseen[:0]
        plan = plan_splits(self.tensions.budget, len(self.unseen), coarsest, self.tensions.focus_diversify)
        self.plan = [num_splits for num_splits in plan if num_splits]

    def see(self, features: CellFeatures) -> None:
        """Takes in what the host says of the unseen cells."""
        if self.gate is not None:
            gate = self.gate.to(features.merged)
            features = CellFeatures(features.merged * gate, features.deepstack * gate)
        if self.features is not None:
            features = CellFeatures(
                torch.cat([self.features.merged, features.merged]),
                torch.cat([self.features.deepstack, features.deepstack], dim=1),
            )
        leaves = torch.cat([self.leaves, self.unseen])
        order = raster_order(leaves)
        self.num_encoded += len(self.unseen)
        self.leaves, self.features, self.unseen = leaves[order], features[order], leaves[:0]

    def split(self, relevance: Tensor, temperature: float) -> None:
        """One round: replaces the leaves of the finest level that score highest by their unseen children.

        `relevance` (K,) is the participatory score of every leaf; only leaves of that level compete.
        """
        assert self.features is not None and relevance.shape == (len(self.leaves),), relevance.shape
        candidates = (self.leaves[:, 0] == self.leaves[:, 0].min()).nonzero().squeeze(1)
        scores = know(self.pyramid, self.leaves[candidates], relevance[candidates])
        splits = select(scores, self.plan.pop(0), self.tensions, self.generator, temperature)
        offspring = children(scores.cells[splits])
        order = raster_order(offspring)
        self.gate = straight_through(scores, splits, self.tensions)
        self.gate = self.gate[order] if self.gate is not None else None
        keep = torch.ones(len(self.leaves), dtype=torch.bool).index_fill(0, candidates[splits], False)
        self.unseen = offspring[order]
        self.leaves, self.features = self.leaves[keep], self.features[keep.nonzero().squeeze(1)]
        self.scores.append(scores)
        self.splits.append(splits)

    def conclude(self, adapter: nn.Module | None) -> Realization:
        """The leaves as they are now are the allocation."""
        assert self.features is not None and not self.plan and len(self.leaves) <= self.tensions.budget
        grid = self.pyramid.grid()
        check_tiling(self.leaves, grid)
        features = self.features
        if adapter is not None:
            merged = adapter(features.merged, self.leaves[:, 0], len(self.leaves))
            features = CellFeatures(merged, features.deepstack)
        allocation = Allocation(self.leaves, grid)
        return Realization(
            self.pyramid,
            self.question,
            self.tensions,
            tuple(self.scores),
            tuple(self.splits),
            allocation,
            features,
            self.num_encoded,
        )


def straight_through(scores: ScoreMaps, splits: Tensor, tensions: Tensions) -> Tensor | None:
    """(4n, 1) ones for the children of n split cells, with the gradient of sigmoid(score); None without gradient."""
    combined = combined_score(scores, tensions)
    if not combined.requires_grad:
        return None
    chance = combined[splits].sigmoid().repeat_interleave(4)[:, None]
    return 1 + chance - chance.detach()


def look(host: Host, frontiers: list[Frontier]) -> None:
    """Encodes the unseen cells of all pictures in one call."""
    if not frontiers:
        return
    encoded = host.encode([frontier.pyramid for frontier in frontiers], [frontier.unseen for frontier in frontiers])
    for frontier, features in zip(frontiers, encoded, strict=True):
        frontier.see(features)


def ask(scorer: Scorer, host: Host, frontiers: list[Frontier]) -> list[Tensor]:
    """Participatory scores of the leaves of every picture, (K,) each."""
    return scorer(
        host,
        [frontier.pyramid for frontier in frontiers],
        [frontier.leaves for frontier in frontiers],
        [frontier.features for frontier in frontiers if frontier.features is not None],
        [frontier.question for frontier in frontiers],
    )


def fork(generator: torch.Generator | None, num_pictures: int) -> list[torch.Generator | None]:
    """One generator per picture, so that what one draws does not depend on how much its neighbours draw."""
    if generator is None:
        return [None] * num_pictures
    seeds = torch.randint(2**31, (num_pictures,), generator=generator, device=generator.device).tolist()
    return [torch.Generator(generator.device).manual_seed(seed) for seed in seeds]


def check_lengths(pyramids: list[Pyramid], questions: list[str], budgets: list[int | None] | None) -> list[int | None]:
    """Returns the budgets, all None where none are given."""
    if budgets is None:
        budgets = [None] * len(pyramids)
    for name, given in (("questions", questions), ("budgets", budgets)):
        if len(given) != len(pyramids):
            raise ValueError(f"{name} must hold one entry per picture ({len(pyramids)}), got {len(given)}")
    return budgets
