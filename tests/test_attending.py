"""Split plans, selection and the quadtree."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from arr_coc.attending import capacity, check_tiling, children, plan_splits, raster_order, select
from arr_coc.records import ScoreMaps, Tensions

TENSIONS = Tensions(0.5, 0.5, 0.0, (0.25, 0.25, 0.5), 160)


def scores_of(participatory: list[float], propositional: list[float] | None = None) -> ScoreMaps:
    num = len(participatory)
    cells = torch.stack([torch.full((num,), 2), torch.zeros(num, dtype=torch.int64), torch.arange(num)], dim=1)
    blind = torch.tensor(propositional or [0.0] * num)
    return ScoreMaps(cells, blind, torch.zeros(num), torch.tensor(participatory))


def random_scores(num: int, seed: int = 0) -> ScoreMaps:
    maps = torch.randn(3, num, generator=torch.Generator().manual_seed(seed))
    return ScoreMaps(scores_of([0.0] * num).cells, *maps)


def test_plans_are_feasible_and_spend_the_budget() -> None:
    draw = random.Random(0)
    for _ in range(3000):
        num_cells, coarsest, budget = draw.randint(1, 64), draw.randint(0, 5), draw.randint(64, 400)
        plan = plan_splits(budget, num_cells, coarsest, draw.choice([0.0, 1.0, draw.random()]))
        assert len(plan) == coarsest and min(plan, default=0) >= 0
        assert sum(plan) == min((budget - num_cells) // 3, num_cells * capacity(coarsest))
        assert all(num <= most for num, most in zip(plan, [num_cells, *(4 * num for num in plan)], strict=False))


@pytest.mark.parametrize(
    ("focus_diversify", "expected"), [(0.0, [1, 1, 2, 8]), (0.5, [3, 3, 3, 3]), (1.0, [12, 0, 0, 0])]
)
def test_plan_goes_from_depth_to_breadth(focus_diversify: float, expected: list[int]) -> None:
    assert plan_splits(100, 64, 4, focus_diversify) == expected


def test_breadth_grows_with_diversify() -> None:
    plans = [plan_splits(256, 48, 3, step / 10) for step in range(11)]
    assert [plan[0] for plan in plans] == sorted(plan[0] for plan in plans)
    assert [plan[-1] for plan in plans] == sorted((plan[-1] for plan in plans), reverse=True)
    assert plans[0][0] < plans[10][0] and plans[0][-1] > plans[10][-1]


def test_select_takes_the_best() -> None:
    chosen = select(scores_of([0.1, 3.0, -1.0, 2.0]), 2, TENSIONS)
    assert chosen.tolist() == [1, 3]


@pytest.mark.parametrize("num_splits", [0, 1, 5, 40])
@pytest.mark.parametrize("explore", [0.0, 0.3, 1.0])
def test_select_takes_exactly_as_many_as_asked(num_splits: int, explore: float) -> None:
    tensions = replace(TENSIONS, exploit_explore=explore)
    for generator in (None, torch.Generator().manual_seed(1)):
        assert len(select(random_scores(40), num_splits, tensions, generator).unique()) == num_splits


def test_ties_go_to_the_first_in_raster_order() -> None:
    assert select(scores_of([0.0] * 6), 3, TENSIONS).tolist() == [0, 1, 2]
    assert select(scores_of([0.0, 1.0, 0.0, 1.0, 1.0, 0.0]), 4, TENSIONS).tolist() == [1, 3, 4, 0]


def test_explore_gives_its_share_to_question_blind_scores() -> None:
    scores = scores_of([9.0, 8.0, 7.0, 6.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    picked = {
        explore: select(scores, 4, replace(TENSIONS, exploit_explore=explore)).tolist() for explore in (0.0, 0.5, 1.0)
    }
    assert picked == {0.0: [0, 1, 2, 3], 0.5: [0, 1, 7, 6], 1.0: [7, 6, 5, 4]}


def test_full_explore_is_blind_to_the_question() -> None:
    tensions = replace(TENSIONS, exploit_explore=1.0)
    scores = random_scores(30)
    other = replace(scores, participatory=-scores.participatory)
    assert torch.equal(select(scores, 9, tensions), select(other, 9, tensions))
    purely_asked = replace(tensions, weights=(0.0, 0.0, 1.0))
    assert torch.equal(select(scores, 9, purely_asked), select(other, 9, purely_asked))


def test_weights_of_one_map_leave_the_others_out() -> None:
    tensions = replace(TENSIONS, weights=(0.0, 0.0, 1.0))
    scores = random_scores(30)
    assert torch.equal(select(scores, 9, tensions), select(scores_of(scores.participatory.tolist()), 9, tensions))


def gumbel(seed: int, temperature: float = 1.0) -> Tensor:
    return select(random_scores(50), 10, TENSIONS, torch.Generator().manual_seed(seed), temperature)


def test_draws_differ_between_seeds_and_repeat_within_one() -> None:
    assert torch.equal(gumbel(3), gumbel(3))
    assert len({tuple(gumbel(seed).tolist()) for seed in range(8)}) > 6


def test_cold_draws_are_the_best_cells() -> None:
    assert torch.equal(gumbel(0, temperature=1e-4), select(random_scores(50), 10, TENSIONS))


def test_draws_follow_the_softmax() -> None:
    scores = scores_of([0.0, 1.0, 2.0])
    tensions = replace(TENSIONS, weights=(0.0, 0.0, 1.0))
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([select(scores, 1, tensions, generator) for _ in range(4000)])
    share = drawn.bincount(minlength=3) / len(drawn)
    torch.testing.assert_close(share, scores.participatory.softmax(0), atol=0.03, rtol=0)


def test_children_tile_their_parent() -> None:
    assert children(torch.tensor([[2, 1, 3]])).tolist() == [[1, 2, 6], [1, 2, 7], [1, 3, 6], [1, 3, 7]]
    with pytest.raises(AssertionError, match="level 0"):
        children(torch.tensor([[0, 1, 3]]))


def test_raster_order_sorts_by_top_left_corner() -> None:
    cells = torch.tensor([[0, 1, 3], [1, 0, 0], [0, 0, 3], [0, 1, 2], [0, 0, 2], [1, 1, 0]])
    assert cells[raster_order(cells)].tolist() == [[1, 0, 0], [0, 0, 2], [0, 0, 3], [0, 1, 2], [0, 1, 3], [1, 1, 0]]
    assert raster_order(cells[:0]).tolist() == []


def test_random_quadtrees_tile() -> None:
    draw = random.Random(0)
    for _ in range(30):
        rows, cols = draw.randint(1, 6), draw.randint(1, 6)
        leaves = torch.tensor([[3, r, c] for r in range(rows) for c in range(cols)])
        for _ in range(draw.randint(0, 12)):
            pick = draw.choice([i for i, leaf in enumerate(leaves.tolist()) if leaf[0] > 0])
            rest = torch.arange(len(leaves)) != pick
            leaves = torch.cat([leaves[rest], children(leaves[~rest])])
        check_tiling(leaves, (rows * 8, cols * 8))
        for damaged in (leaves[1:], torch.cat([leaves, leaves[:1]]), leaves + torch.tensor([0, 1, 0])):
            with pytest.raises(AssertionError):
                check_tiling(damaged, (rows * 8, cols * 8))
