"""The whole loop on a fake host: what it must spend, keep apart and leave alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from zlib import crc32

import pytest
import torch
from torch import Tensor

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.allocator import Allocator
from arr_coc.attending import check_tiling, raster_order
from arr_coc.balancing import HeuristicBalancer
from arr_coc.knowing import AttentionScorer, Scorer
from arr_coc.records import Allocation, CellFeatures, Gaze, Host, Looks, Pyramid, Realization, View
from arr_coc.texture import build_pyramid, round_grid

CELL_PX = 8
DIM, PLANES = 24, 2
QUESTION = "What is the total?"


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def view_cell(pyramid: Pyramid, cell: list[int]) -> Tensor:
    """(DIM,) a linear function of the pixels of one cell."""
    level, row, col = cell
    size = pyramid.cell_px
    pixels = pyramid.levels[level][:, row * size : (row + 1) * size, col * size : (col + 1) * size]
    return torch.randn(DIM, pixels.numel(), generator=seeded(7)) @ (pixels.flatten() - 0.5)


@dataclass
class FakeHost:
    """Features and attention that depend on nothing but the cell and the question; keeps a record of its calls."""

    calls: list[list[Tensor]] = field(default_factory=list)
    seen: Counter[tuple[int, tuple[int, ...]]] = field(default_factory=Counter)
    num_attended: int = 0
    num_heads: int = 0

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        self.calls.append(cells)
        features = []
        for pyramid, chosen in zip(pyramids, cells, strict=True):
            assert len(chosen) and len(set(chosen[:, 0].tolist())) == 1
            assert torch.equal(raster_order(chosen), torch.arange(len(chosen)))
            self.seen.update((id(pyramid), tuple(cell)) for cell in chosen.tolist())
            merged = torch.stack([view_cell(pyramid, cell) for cell in chosen.tolist()])
            features.append(CellFeatures(merged, torch.stack([merged + 1, merged - 1])))
        return features

    def attend(self, views: list[View], gaze: Gaze) -> list[Looks]:
        self.num_attended += len(views)
        for view in views:
            count, given = len(view.cells), view.features
            assert torch.equal(raster_order(view.cells), torch.arange(count))
            assert given.merged.shape == (count, DIM) and given.deepstack.shape == (PLANES, count, DIM)
        asked = [torch.randn(DIM, generator=seeded(crc32(view.question.encode()))) for view in views]
        scores = [view.features.merged * query for view, query in zip(views, asked, strict=True)]
        return [Looks(each.sum(1), each[:, : self.num_heads]) for each in scores]

    def embed(self, question: str) -> Tensor:
        return torch.stack([torch.randn(DIM, generator=seeded(crc32(word.encode()))) for word in question.split()])


def picture(rows: int, cols: int, seed: int = 0) -> Pyramid:
    """Noise of varying strength, on the nearest grid that halves evenly."""
    rows, cols, _ = round_grid(rows, cols)
    image = torch.rand(3, rows * CELL_PX, cols * CELL_PX, generator=seeded(seed))
    fade = torch.linspace(0, 1, cols * CELL_PX)
    return build_pyramid(0.5 + (image - 0.5) * fade, CELL_PX)


def run(
    pyramid: Pyramid,
    budget: int | None = 160,
    question: str = QUESTION,
    *,
    host: Host | None = None,
    scorer: Scorer | None = None,
    balancer: HeuristicBalancer | None = None,
    adapter: QualityAdapter | None = None,
    generator: torch.Generator | None = None,
) -> Realization:
    allocator = Allocator(balancer=balancer or HeuristicBalancer(), scorer=scorer or AttentionScorer(), adapter=adapter)
    views = [View.of(pyramid, question)]
    (result,) = allocator.realize(host or FakeHost(), views, [budget], generator=generator)
    return result


def assert_equal(one: Realization, other: Realization) -> None:
    assert torch.equal(one.allocation.leaves, other.allocation.leaves)
    assert torch.equal(one.features.merged, other.features.merged)
    assert torch.equal(one.features.deepstack, other.features.deepstack)
    assert one.tensions == other.tensions and one.num_encoded == other.num_encoded
    assert len(one.scores) == len(other.scores)
    for mine, theirs in zip(one.scores, other.scores, strict=True):
        for name in ("cells", "propositional", "perspectival", "participatory"):
            assert torch.equal(getattr(mine, name), getattr(theirs, name))


def check(result: Realization, host: FakeHost) -> None:
    """Everything that holds for every picture, question and budget."""
    rows, cols = result.pyramid.grid()
    leaves, budget = result.allocation.leaves, result.tensions.budget
    check_tiling(leaves, (rows, cols))
    assert torch.equal(raster_order(leaves), torch.arange(len(leaves)))
    assert min(budget, rows * cols) - 3 < result.allocation.num_tokens <= budget
    assert max(host.seen.values()) == 1 and host.seen.total() == result.num_encoded
    expected = torch.stack([view_cell(result.pyramid, leaf) for leaf in leaves.tolist()])
    assert torch.equal(result.features.merged, expected)
    assert torch.equal(result.features.deepstack, torch.stack([expected + 1, expected - 1]))
    if result.scores:
        num_splits = (len(leaves) - len(result.scores[0].cells)) // 3
        considered = [int(maps.cells[0, 0]) for maps in result.scores]
        assert result.num_encoded == len(leaves) + num_splits
        assert considered == list(range(result.pyramid.coarsest, result.pyramid.coarsest - len(considered), -1))
        assert torch.equal(result.scores[0].cells, result.pyramid.cells(result.pyramid.coarsest))


def test_every_picture_and_budget() -> None:
    draw = random.Random(0)
    for seed in range(40):
        pyramid = picture(int(2 ** draw.uniform(0, 5.5)), int(2 ** draw.uniform(0, 5.5)), seed)
        weights = torch.rand(3, generator=seeded(seed), dtype=torch.float64)
        balancer = HeuristicBalancer(draw.random(), draw.random(), tuple((weights / weights.sum()).tolist()))
        host = FakeHost()
        check(run(pyramid, draw.choice([None, 64, draw.randint(64, 400)]), host=host, balancer=balancer), host)


@pytest.mark.parametrize("grid", [(5, 100), (100, 5), (3, 60), (1, 1), (1, 200), (64, 64)])
@pytest.mark.parametrize("budget", [64, 101, 400])
def test_extreme_grids(grid: tuple[int, int], budget: int) -> None:
    host = FakeHost()
    check(run(picture(*grid), budget, host=host), host)


@pytest.mark.parametrize(("grid", "budget"), [((1, 1), 64), ((8, 8), 64), ((10, 10), 100), ((20, 20), 400)])
def test_a_small_picture_gets_all_of_level_0(grid: tuple[int, int], budget: int) -> None:
    host = FakeHost()
    pyramid = picture(*grid)
    result = run(pyramid, budget, host=host)
    assert torch.equal(result.allocation.leaves, pyramid.cells(0))
    assert len(host.calls) == 1 and host.num_attended == 0 and result.scores == ()
    assert result.num_encoded == result.allocation.num_tokens == grid[0] * grid[1]


BATCH = [(picture(64, 48, 1), QUESTION, 400), (picture(6, 7, 2), "Is there a cup?", 64)]
BATCH += [(picture(30, 31, 3), "Read the label.", 129), (picture(5, 100, 4), "What kind of picture is this?", None)]


def run_batch(host: FakeHost, generator: torch.Generator | None = None) -> list[Realization]:
    views = [View.of(pyramid, question) for pyramid, question, _ in BATCH]
    return Allocator().realize(host, views, [budget for *_, budget in BATCH], generator=generator)


def test_neighbours_change_nothing() -> None:
    for together, (pyramid, question, budget) in zip(run_batch(FakeHost()), BATCH, strict=True):
        assert_equal(together, run(pyramid, budget, question))


def test_neighbours_do_not_change_draws() -> None:
    together = run_batch(FakeHost(), seeded(5))[0]
    assert_equal(together, run(*(BATCH[0][0], 400, QUESTION), generator=seeded(5)))


def test_one_encoder_call_a_round_for_all_pictures() -> None:
    host = FakeHost()
    results = run_batch(host)
    assert len(host.calls) == 1 + max(len(result.scores) for result in results)
    assert [len(call) for call in host.calls] == [
        sum(len(result.scores) >= rounds for result in results) for rounds in range(len(host.calls))
    ]
    assert max(host.seen.values()) == 1 and host.seen.total() == sum(result.num_encoded for result in results)


def test_same_picture_with_two_questions() -> None:
    pyramid = BATCH[0][0]
    views = [View.of(pyramid, question) for question in (QUESTION, "Which year?")]
    first, second = Allocator(budget=160).realize(FakeHost(), views)
    assert_equal(first, run(pyramid))
    assert not torch.equal(first.allocation.leaves, second.allocation.leaves)


def test_no_pictures_no_work() -> None:
    host = FakeHost()
    assert Allocator().realize(host, []) == []
    assert host.calls == []


def test_runs_repeat() -> None:
    assert_equal(run(BATCH[0][0]), run(BATCH[0][0]))


def test_draws_differ_between_seeds_and_repeat_within_one() -> None:
    pyramid = BATCH[0][0]
    assert_equal(run(pyramid, generator=seeded(1)), run(pyramid, generator=seeded(1)))
    drawn = {tuple(run(pyramid, generator=seeded(seed)).allocation.leaves.flatten().tolist()) for seed in range(4)}
    assert len(drawn) == 4


def test_untrained_adapter_changes_nothing() -> None:
    assert_equal(run(BATCH[0][0]), run(BATCH[0][0], adapter=QualityAdapter(AdapterConfig(dim=DIM, width=16))))


def test_trained_adapter_changes_merged_features_alone() -> None:
    adapter = QualityAdapter(AdapterConfig(dim=DIM, width=16))
    torch.nn.init.ones_(adapter.gain.bias)
    plain, adapted = run(BATCH[0][0]), run(BATCH[0][0], adapter=adapter)
    torch.testing.assert_close(adapted.features.merged, plain.features.merged * torch.e)
    assert torch.equal(adapted.features.deepstack, plain.features.deepstack)


def leaf_counts(result: Realization) -> list[int]:
    levels = result.allocation.leaves[:, 0]
    return [int((levels == level).sum()) for level in range(result.pyramid.coarsest + 1)]


def test_focus_reaches_level_0_and_diversify_splits_more_glimpse_cells() -> None:
    focused = leaf_counts(run(BATCH[0][0], 100, balancer=HeuristicBalancer(focus_diversify=0.0)))
    diverse = leaf_counts(run(BATCH[0][0], 100, balancer=HeuristicBalancer(focus_diversify=1.0)))
    assert focused[0] > 0 == diverse[0]
    assert focused[-1] > diverse[-1]


def test_explore_decides_whether_the_question_matters() -> None:
    def leaves(question: str, explore: float) -> Tensor:
        balancer = HeuristicBalancer(exploit_explore=explore)
        return run(BATCH[0][0], 160, question, balancer=balancer).allocation.leaves

    assert torch.equal(leaves("Which year?", 1.0), leaves(QUESTION, 1.0))
    assert not torch.equal(leaves("Which year?", 0.0), leaves(QUESTION, 0.0))


ASKED_ONLY = HeuristicBalancer(exploit_explore=0.0, weights=(0.0, 0.0, 1.0))


@dataclass
class RandomScorer:
    generator: torch.Generator

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [torch.rand(len(view.cells), generator=self.generator) for view in views]


@dataclass(frozen=True)
class OracleScorer:
    """Share of each cell that the evidence of this picture and question covers."""

    evidence: dict[tuple[Pyramid, str], tuple[float, float, float, float]]

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [
            overlap(Allocation(view.cells, view.pyramid.grid()), self.evidence[view.pyramid, view.question])
            for view in views
        ]


@dataclass(frozen=True)
class ShuffledScorer:
    inner: Scorer
    other: dict[str, str]

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return self.inner(host, [replace(view, question=self.other[view.question]) for view in views], gaze)


def overlap(allocation: Allocation, box: tuple[float, float, float, float]) -> Tensor:
    boxes = allocation.boxes()
    x0, y0, x1, y1 = box
    width = (boxes[:, 2].clamp(max=x1) - boxes[:, 0].clamp(min=x0)).clamp(min=0)
    height = (boxes[:, 3].clamp(max=y1) - boxes[:, 1].clamp(min=y0)).clamp(min=0)
    return width * height


def evidence_at_level_0(result: Realization, box: tuple[float, float, float, float]) -> float:
    covered = overlap(result.allocation, box)
    return float(covered[result.allocation.leaves[:, 0] == 0].sum() / covered.sum())


def test_policies_by_scorer_and_balancer_alone() -> None:
    pyramid, box = BATCH[0][0], (0.30, 0.41, 0.36, 0.44)
    focused = HeuristicBalancer(focus_diversify=0.3, exploit_explore=0.0, weights=(0.0, 0.0, 1.0))
    oracle = run(pyramid, 128, scorer=OracleScorer({(pyramid, QUESTION): box}), balancer=focused)
    guesses = [run(pyramid, 128, scorer=RandomScorer(seeded(seed)), balancer=focused) for seed in range(5)]
    assert evidence_at_level_0(oracle, box) == pytest.approx(1)
    assert sum(evidence_at_level_0(guess, box) for guess in guesses) / 5 < 0.5
    assert len({tuple(guess.allocation.leaves.flatten().tolist()) for guess in guesses}) == 5


def test_shuffled_question_is_the_other_question() -> None:
    pyramid = BATCH[0][0]
    shuffled = run(pyramid, scorer=ShuffledScorer(AttentionScorer(), {QUESTION: "Which year?"}), balancer=ASKED_ONLY)
    other = run(pyramid, question="Which year?", balancer=ASKED_ONLY)
    assert torch.equal(shuffled.allocation.leaves, other.allocation.leaves)
    assert shuffled.question == QUESTION


def test_scores_keep_the_graph_of_a_learned_scorer() -> None:
    class LinearScorer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(DIM))

        def forward(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
            return [view.features.merged @ self.weight for view in views]

    scorer = LinearScorer()
    result = run(BATCH[0][0], scorer=scorer, generator=seeded(0))
    result.scores[0].participatory[:3].sum().backward()
    assert scorer.weight.grad is not None and scorer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("budget", [63, 401])
def test_budget_out_of_range(budget: int) -> None:
    host = FakeHost()
    with pytest.raises(ValueError, match=f"budget .*{budget}"):
        run(BATCH[0][0], budget, host=host)
    assert host.calls == []


def test_lists_of_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"budgets .*\(1\), got 0"):
        Allocator().realize(FakeHost(), [View.of(BATCH[0][0], "a")], [])
