"""The learned scorer and balancer: neutral before training, able to learn, gradients where they belong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_realizing import BATCH, DIM, QUESTION, FakeHost, picture, run, seeded
from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.balancing import (
    LOGITS,
    NUM_STATISTICS,
    BalancerConfig,
    HeuristicBalancer,
    LearnedBalancer,
    budget_of,
    statistics,
)
from arr_coc.knowing import AttentionScorer, LearnedScorer, ScorerConfig, textures_of
from arr_coc.records import Gaze, Looks, Pyramid, View
from arr_coc.texture import Textures

PYRAMID = BATCH[0][0]
OTHER_QUESTION = "Which year was it?"
GAZE = Gaze()


def scorer(**sizes: int) -> LearnedScorer:
    """One that has learnt something: its last layer is no longer zero."""
    torch.manual_seed(0)
    score = LearnedScorer(ScorerConfig(DIM, **({"width": 16, "num_layers": 1} | sizes)))
    torch.nn.init.normal_(score.leave[1].weight)
    return score


def balancer() -> LearnedBalancer:
    torch.manual_seed(0)
    return LearnedBalancer(BalancerConfig(DIM, width=8)).eval()


def glimpse(pyramid: Pyramid, question: str = QUESTION) -> View:
    cells = pyramid.cells(pyramid.coarsest)
    return View(pyramid, cells, FakeHost().encode([pyramid], [cells])[0], question)


def test_scores_depend_on_question_content_and_place() -> None:
    view, score = glimpse(PYRAMID), scorer().eval()
    (plain,) = score(FakeHost(), [view], GAZE)
    (asked,) = score(FakeHost(), [replace(view, question=OTHER_QUESTION)], GAZE)
    swapped = torch.arange(len(view.cells)).roll(1)
    (seen,) = score(FakeHost(), [replace(view, features=view.features[swapped])], GAZE)
    assert plain.shape == (len(view.cells),)
    assert not torch.allclose(plain, asked) and not torch.allclose(plain, seen)


def test_untrained_scorer_says_what_attention_says() -> None:
    fresh = LearnedScorer(ScorerConfig(DIM, width=16, num_layers=1)).eval()
    for budget in (80, 100):
        learned, plain = (run(PYRAMID, budget, scorer=each) for each in (fresh, AttentionScorer()))
        assert torch.equal(learned.allocation.leaves, plain.allocation.leaves)


def test_a_scorer_tells_heads_apart() -> None:
    view, host = glimpse(PYRAMID), FakeHost(num_heads=3)
    (seen,) = host.attend([view], GAZE)
    (mean,) = FakeHost().attend([view], GAZE)
    score = scorer(num_looks=3)
    (scores,) = score(host, [view], GAZE)
    rows = score.score_view(host, view, Looks(seen.mean, seen.heads.flip(0)))
    assert torch.equal(seen.mean, mean.mean) and not torch.allclose(scores, rows)
    with pytest.raises(RuntimeError):
        score(FakeHost(num_heads=2), [view], GAZE)


def test_a_scorer_that_reads_no_attention_never_asks_the_language_model() -> None:
    class Speechless(FakeHost):
        def attend(self, *arguments: object) -> list[Tensor]:
            raise AssertionError("asked")

    view = glimpse(PYRAMID)
    assert scorer(reads_attention=False)(Speechless(), [view], GAZE)[0].std() > 0
    with pytest.raises(AssertionError, match="asked"):
        scorer()(Speechless(), [view], GAZE)


def test_scores_of_a_picture_do_not_depend_on_its_neighbours() -> None:
    view, other = glimpse(PYRAMID), glimpse(BATCH[1][0], OTHER_QUESTION)
    score = scorer().eval()
    alone = score(FakeHost(), [view], GAZE)[0]
    together = score(FakeHost(), [view, other], GAZE)[0]
    assert torch.equal(alone, together)


def test_textures_of_mixed_levels() -> None:
    cells = torch.tensor([[PYRAMID.coarsest, 0, 1], [0, 3, 2]])
    textures = textures_of(PYRAMID, cells)
    assert textures.shape == (2, 13) and float(textures.abs().max()) < 3
    assert textures[0, 0] == PYRAMID.textures[PYRAMID.coarsest][0, 0, 1]
    assert textures[1, 3] == PYRAMID.textures[0][3, 3, 2] / 100


def test_scorer_learns_which_cell_a_question_is_about() -> None:
    view, score = glimpse(PYRAMID), scorer()
    optimizer = torch.optim.Adam(score.parameters(), 3e-3)
    targets = {QUESTION: 3, OTHER_QUESTION: len(view.cells) - 2}
    for _ in range(60):
        losses = []
        for question, target in targets.items():
            (scores,) = score(FakeHost(), [replace(view, question=question)], GAZE)
            losses.append(-scores.log_softmax(0)[target])
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
    for question, target in targets.items():
        result = run(PYRAMID, 100, question, scorer=score.eval(), balancer=HeuristicBalancer(0.4, 0.0, (0, 0, 1)))
        assert target in result.splits[0].tolist()


def test_gate_brings_gradient_to_scorer_and_weights_and_leaves_features_alone() -> None:
    score, balance = scorer(), LearnedBalancer(BalancerConfig(DIM, width=8))
    torch.nn.init.normal_(balance.leave.weight)
    plain = run(PYRAMID, 100, scorer=score.eval(), balancer=HeuristicBalancer())
    allocator = Allocator(100, balancer=balance, scorer=score.train())
    (result,) = allocator.realize(FakeHost(), [View.of(PYRAMID, QUESTION)])
    again = run(PYRAMID, 100, scorer=score.train(), balancer=HeuristicBalancer())
    torch.testing.assert_close(again.features.merged.detach(), plain.features.merged)
    (result.features.merged.sum() + result.features.deepstack.sum()).backward()
    for part in (score.leave[1], score.word[1], balance.leave):
        assert part.weight.grad is not None and part.weight.grad.abs().sum() > 0


def test_untrained_balancer_decides_as_the_heuristic() -> None:
    for question in (QUESTION, "What kind of picture is this?"):
        for budget in (None, 100):
            learned = balancer()(FakeHost(), PYRAMID, question, budget)
            expected = HeuristicBalancer()(FakeHost(), PYRAMID, question, budget)
            assert abs(learned.budget - expected.budget) <= 1
            assert learned.focus_diversify == pytest.approx(expected.focus_diversify, abs=1e-5)
            assert learned.exploit_explore == pytest.approx(expected.exploit_explore, abs=1e-5)
            assert learned.weights == pytest.approx(expected.weights, abs=1e-3)
            assert all(isinstance(weight, float) for weight in learned.weights)


def test_an_untrained_balancer_under_a_budget_never_measures_level_0() -> None:
    pyramid, balance = picture(16, 16), balancer()
    assert isinstance(pyramid.textures, Textures) and pyramid.coarsest
    asked = balance(FakeHost(), pyramid, QUESTION, 100)
    assert not balance.has_learnt and 0 not in pyramid.textures.known
    assert asked == balance.decide(balance.logits(FakeHost(), pyramid, QUESTION).detach(), 100)
    assert 0 in pyramid.textures.known
    torch.nn.init.normal_(balance.leave.weight)
    assert balance.has_learnt and balance(FakeHost(), pyramid, QUESTION, 100) != asked


def test_trained_balancer_follows_question_and_picture() -> None:
    balance = balancer()
    torch.nn.init.normal_(balance.leave.weight)
    logits = [balance.logits(FakeHost(), *each) for each in ((PYRAMID, QUESTION), (PYRAMID, OTHER_QUESTION))]
    logits.append(balance.logits(FakeHost(), BATCH[1][0], QUESTION))
    assert logits[0].shape == (len(LOGITS),)
    assert not torch.allclose(logits[0], logits[1]) and not torch.allclose(logits[0], logits[2])
    decided = balance.decide(torch.tensor([40.0, -40.0, 0.0, 5.0, 5.0, 5.0]), None)
    assert decided.budget == 400
    assert (decided.focus_diversify, decided.exploit_explore) == pytest.approx((0, 0.5))
    assert balance.decide(torch.full((6,), -40.0), None).budget == budget_of(0)


def test_statistics_are_finite_and_bounded() -> None:
    for pyramid, *_ in BATCH:
        numbers = statistics(pyramid)
        assert numbers.shape == (NUM_STATISTICS,)
        assert bool(numbers.isfinite().all()) and float(numbers.abs().max()) < 10


@pytest.mark.parametrize("field", ["dim", "width", "num_heads"])
def test_sizes_out_of_range_name_the_field(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(ScorerConfig(DIM), **{field: 0})
    if field != "num_heads":
        with pytest.raises(ValueError, match=field):
            replace(BalancerConfig(DIM), **{field: 0})


def test_splits_name_the_cells_that_were_split() -> None:
    result = run(PYRAMID, 160, generator=seeded(3))
    leaves = {tuple(cell) for cell in result.allocation.leaves.tolist()}
    for scores, splits in zip(result.scores, result.splits, strict=True):
        split = set(splits.tolist())
        assert len(split) == len(splits)
        for place, cell in enumerate(scores.cells.tolist()):
            assert (place in split) != (tuple(cell) in leaves)
