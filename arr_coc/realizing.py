"""The whole of relevance realization: glimpse, then look closer where it pays, until the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from arr_coc.adapter import Adapter
from arr_coc.attending import check_tiling, children, combined_score, plan_further, plan_splits, raster_order, select
from arr_coc.balancing import Balancer
from arr_coc.knowing import Scorer, know
from arr_coc.records import Allocation, CellFeatures, Gaze, Host, Realization, ScoreMaps, Tensions, View


def realize(
    host: Host,
    views: list[View],
    *,
    gaze: Gaze,
    balancer: Balancer,
    scorer: Scorer,
    adapter: Adapter | None = None,
    budgets: list[int | None] | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> list[Realization]:
    """Spends each picture's budget on what its question asks for; pictures do not influence each other.

    Args:
        views: pictures with their questions; one that has been looked at goes on from its leaves (`Realization.view`).
        adapter: applied to the leaf features; None leaves them as they are.
        budgets: per view the most tokens it may cost (64..400), or None to let the balancer decide.
        generator: draws the splits instead of taking the best (for training); None is deterministic.
        temperature: of the draws.

    Raises:
        ValueError: lists of different lengths, a budget outside 64..400, scores, tensions or adapted features that
            are not what a scorer, balancer or adapter is to return.
    """
    tensions = balance(balancer, host, views, budgets)
    frontiers = [Frontier(*each) for each in zip(views, tensions, fork(generator, len(views)), strict=True)]
    look(host, [frontier for frontier in frontiers if len(frontier.unseen)])
    while active := [frontier for frontier in frontiers if frontier.plan]:
        for frontier, relevance in zip(active, judge(scorer, host, active, gaze), strict=True):
            frontier.split(relevance, temperature)
        look(host, active)
    return [frontier.conclude(adapter) for frontier in frontiers]


@dataclass(eq=False)
class Frontier:
    """How far the looking has come in one picture.

    While a scorer is learnt the features of new cells pass a straight-through gate: they stay as they are,
    and their gradient reaches the score of the cell that was split for them.

    Attributes:
        view: the picture, and of it the encoded cells that nothing finer has replaced.
        generator: draws the splits, None takes the best.
        plan: level and number of splits of the rounds still to come, coarsest level first.
        unseen: (N, 3) cells of one level that the next look encodes.
        gate: (N, 1) of the unseen cells, 1 in value; None where nothing is learnt.
        scores, splits: of the rounds so far.
        num_encoded: cells encoded so far.
    """

    view: View
    tensions: Tensions
    generator: torch.Generator | None
    plan: list[tuple[int, int]] = field(init=False)
    unseen: Tensor = field(init=False)
    gate: Tensor | None = field(init=False, default=None)
    scores: list[ScoreMaps] = field(init=False, default_factory=list)
    splits: list[Tensor] = field(init=False, default_factory=list)
    num_encoded: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Starts with the glimpse, or with all of level 0 where the budget covers it; or goes on from leaves."""
        pyramid, leaves, budget = self.view.pyramid, self.view.cells, self.tensions.budget
        rows, cols = pyramid.grid()
        coarsest = 0 if rows * cols <= budget and not len(leaves) else pyramid.coarsest
        glimpse = pyramid.cells(coarsest)
        self.unseen = glimpse[:0] if len(leaves) else glimpse
        plan = plan_splits(budget, len(glimpse), coarsest, self.tensions.focus_diversify)
        plan = plan_further(plan, leaves, len(glimpse)) if len(leaves) else plan
        self.plan = [(level, num) for level, num in zip(range(coarsest, 0, -1), plan, strict=True) if num]

    def see(self, features: CellFeatures) -> None:
        """Takes in what the host says of the unseen cells."""
        if self.gate is not None:
            gate = self.gate.to(features.merged)
            features = CellFeatures(features.merged * gate, features.deepstack * gate)
        if len(self.view.cells):
            before = self.view.features
            features = CellFeatures(
                torch.cat([before.merged, features.merged]), torch.cat([before.deepstack, features.deepstack], dim=1)
            )
        leaves = torch.cat([self.view.cells, self.unseen])
        order = raster_order(leaves)
        self.num_encoded += len(self.unseen)
        self.view = replace(self.view, cells=leaves[order], features=features[order])
        self.unseen = leaves[:0]

    def split(self, relevance: Tensor, temperature: float) -> None:
        """One round: replaces the leaves of a level that score highest by their unseen children.

        `relevance` (K,) is the participatory score of every leaf; only leaves of that level compete.
        """
        leaves, (level, num_splits) = self.view.cells, self.plan.pop(0)
        candidates = (leaves[:, 0] == level).nonzero().squeeze(1)
        scores = know(self.view.pyramid, leaves[candidates], relevance[candidates])
        splits = select(scores, num_splits, self.tensions, self.generator, temperature)
        offspring = children(scores.cells[splits])
        order = raster_order(offspring)
        self.gate = straight_through(scores, splits, self.tensions)
        self.gate = self.gate[order] if self.gate is not None else None
        keep = torch.ones(len(leaves), dtype=torch.bool).index_fill(0, candidates[splits], False)
        self.unseen = offspring[order]
        self.view = replace(self.view, cells=leaves[keep], features=self.view.features[keep.nonzero().squeeze(1)])
        self.scores.append(scores)
        self.splits.append(splits)

    def conclude(self, adapter: Adapter | None) -> Realization:
        """The leaves as they are now are the allocation."""
        leaves, features, grid = self.view.cells, self.view.features, self.view.pyramid.grid()
        assert not self.plan and len(leaves) <= self.tensions.budget
        check_tiling(leaves, grid)
        if adapter is not None:
            features = CellFeatures(adapt(adapter, features.merged, leaves[:, 0]), features.deepstack)
        return Realization(
            self.view.pyramid,
            self.view.question,
            self.tensions,
            tuple(self.scores),
            tuple(self.splits),
            Allocation(leaves, grid),
            features,
            self.num_encoded,
            self.view.features,
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
    encoded = host.encode([each.view.pyramid for each in frontiers], [each.unseen for each in frontiers])
    for frontier, features in zip(frontiers, encoded, strict=True):
        frontier.see(features)


def balance(balancer: Balancer, host: Host, views: list[View], budgets: list[int | None] | None) -> list[Tensions]:
    """The tensions of every view, checked: a balancer may be a user's own."""
    budgets = [None] * len(views) if budgets is None else budgets
    if len(budgets) != len(views):
        raise ValueError(f"budgets must hold one entry per picture ({len(views)}), got {len(budgets)}")
    try:
        found = [balancer(host, view.pyramid, view.question, each) for view, each in zip(views, budgets, strict=True)]
    except ValueError as error:
        raise ValueError(f"balancer {name_of(balancer)}: {error}") from error
    for tensions, budget in zip(found, budgets, strict=True):
        expect(isinstance(tensions, Tensions), "balancer", balancer, "must return Tensions", tensions)
        is_kept = budget is None or tensions.budget == budget
        expect(is_kept, "balancer", balancer, f"must keep the budget {budget}", tensions.budget)
    return found


def judge(scorer: Scorer, host: Host, frontiers: list[Frontier], gaze: Gaze) -> list[Tensor]:
    """Participatory scores of the leaves of every picture, (K,) each, checked: a scorer may be a user's own."""
    scores, count = scorer(host, [frontier.view for frontier in frontiers], gaze), len(frontiers)
    is_list = isinstance(scores, (list, tuple)) and len(scores) == count
    expect(is_list, "scorer", scorer, f"must return a list of {count} tensors, one per view", scores)
    for each, frontier in zip(scores, frontiers, strict=True):
        shape = (len(frontier.view.cells),)
        is_real = isinstance(each, Tensor) and each.shape == shape and not each.is_complex()
        expect(is_real, "scorer", scorer, f"must return tensors of one real score per cell, {shape} here", each)
        expect(bool(each.isfinite().all()), "scorer", scorer, "must return finite scores", "NaN or infinity")
    return list(scores)


def adapt(adapter: Adapter, merged: Tensor, level: Tensor) -> Tensor:
    """Features (K, D) of cells of `level` (K,), adapted and checked: an adapter may be a user's own."""
    adapted, shape = adapter(merged, level, len(merged)), tuple(merged.shape)
    is_alike = isinstance(adapted, Tensor) and adapted.shape == shape
    expect(is_alike, "adapter", adapter, f"must return a tensor of shape {shape}", adapted)
    return adapted


def expect(is_right: bool, kind: str, part: object, wanted: str, got: object) -> None:
    """Raises ValueError that names a user's own part, what it must do, and what it did."""
    if not is_right:
        size = f" of shape {tuple(got.shape)}" if isinstance(got, Tensor) else ""
        size = f" of {len(got)}" if isinstance(got, (list, tuple)) else size
        got = got if isinstance(got, (str, int)) else f"{type(got).__name__}{size}"
        raise ValueError(f"{kind} {name_of(part)}: {wanted}, got {got}")


def name_of(part: object) -> str:
    """As a user knows it: the function's name or the object's class."""
    return str(getattr(part, "__name__", type(part).__name__))


def fork(generator: torch.Generator | None, num_pictures: int) -> list[torch.Generator | None]:
    """One generator per picture, so that what one draws does not depend on how much its neighbours draw."""
    if generator is None:
        return [None] * num_pictures
    seeds = torch.randint(2**31, (num_pictures,), generator=generator, device=generator.device).tolist()
    return [torch.Generator(generator.device).manual_seed(seed) for seed in seeds]
