"""Evidence recall, and budgets chosen against budgets needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from arr_coc.allocator import Allocator
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.recall import (
    NOTHING,
    EvidenceSeen,
    evidence_seen,
    evidence_share,
    levels_of_leaves,
    levels_of_resize,
    levels_of_tokens,
)
from arr_coc.evaluation.running.runner import evidence_in_leaves, evidence_shown
from arr_coc.evaluation.statistics.calibration import (
    calibration_table,
    expected_calibration_error,
    kendall,
    rank_correlation,
    smallest_sufficient,
    spearman,
    tables_of,
)
from arr_coc.records import Allocation

LEAVES = Allocation(torch.tensor([[0, 0, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, 0], [1, 1, 1]]), (4, 4))
MIDDLE = [(0.25, 0.25, 0.75, 0.75)]


def test_levels_of_leaves():
    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert levels_of_leaves(LEAVES, (4, 4)).tolist() == expected


def test_levels_of_kept_tokens_and_of_a_resized_picture():
    shown = levels_of_tokens(torch.tensor([[0, 1], [2, 0]]), (3, 2))
    assert shown.tolist() == [[NOTHING, 0], [NOTHING, NOTHING], [0, NOTHING]]
    assert levels_of_resize((4, 6), (16, 24)).tolist() == np.full((16, 24), 2.0).tolist()
    assert levels_of_resize((8, 8), (4, 4)).max() == 0
    assert levels_of_resize((3, 6), (4, 6))[0, 0] == pytest.approx(math.log2(4 / 3))


@pytest.mark.parametrize(
    ("needed", "seen"),
    [(0, EvidenceSeen(0.25, 0.25)), (1, EvidenceSeen(1.0, 0.25)), (None, EvidenceSeen(1.0, 0.25))],
)
def test_recall_by_hand(needed, seen):
    """Of the four evidence cells one lies under level-0 leaves; of the four finest cells one is evidence."""
    assert evidence_seen(levels_of_leaves(LEAVES, (4, 4)), MIDDLE, needed) == seen


def test_pruned_and_missing_evidence():
    shown = levels_of_tokens(torch.tensor([[1, 1], [1, 2], [3, 3]]), (4, 4))
    assert evidence_seen(shown, MIDDLE) == EvidenceSeen(0.5, pytest.approx(2 / 3))
    assert evidence_seen(shown, MIDDLE, 16) == evidence_seen(shown, MIDDLE)
    assert evidence_seen(np.full((4, 4), NOTHING), MIDDLE) == EvidenceSeen(0.0, 0.0)
    assert evidence_seen(shown, []) == evidence_seen(shown, [(0.2, 0.2, 0.2, 0.9)]) == EvidenceSeen(None, None)


def test_levels_in_between_count_against_the_needed_level():
    shown = levels_of_resize((3, 3), (4, 4))
    assert evidence_seen(shown, MIDDLE, 0).recall == 0.0
    assert evidence_seen(shown, MIDDLE, 1) == EvidenceSeen(1.0, 0.25)
    with pytest.raises(ValueError, match="shown must have rows and columns"):
        evidence_seen(np.zeros(4), MIDDLE)


def test_share_of_a_box_inside_a_cell_and_of_overlapping_boxes():
    assert evidence_share([(0, 0, 0.25, 0.5)], (1, 2)).tolist() == [[0.25, 0.0]]
    assert evidence_share([(0, 0, 0.5, 1), (0.25, 0, 0.75, 1)], (2, 2)).tolist() == [[1, 0.5], [1, 0.5]]
    assert evidence_share([(-1, -1, 2, 2)], (3, 5)) == pytest.approx(np.ones((3, 5)))


def test_share_agrees_with_counting_points():
    rng = np.random.default_rng(0)
    corners = rng.random((6, 2, 2)) * [[[0.7, 0.7]]]
    boxes = [(x, y, x + w * 0.4, y + h * 0.4) for (x, y), (w, h) in corners]
    points = (np.arange(2100) + 0.5) / 2100
    inside = np.zeros((2100, 2100), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        inside |= ((y0 <= points) & (points < y1))[:, None] & ((x0 <= points) & (points < x1))[None, :]
    counted = inside.reshape(7, 300, 5, 420).mean(axis=(1, 3))
    assert evidence_share(boxes, (7, 5)) == pytest.approx(counted, abs=0.01)


def test_smallest_budget_from_which_on_all_is_right():
    scores = [[1, 1, 1], [0, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0], [0.5, 0.49, 0.5]]
    assert smallest_sufficient([64, 100, 160], scores).tolist() == [64, 100, 160, math.inf, math.inf, 160]
    with pytest.raises(ValueError, match="budgets must ascend"):
        smallest_sufficient([100, 64], [[1, 1]])
    with pytest.raises(ValueError, match="a column per budget"):
        smallest_sufficient([64, 100], [[1, 1, 1]])


def budgets(seed: int, num_pictures: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Chosen and sufficient budgets of four questions a picture, loosely related, with ties."""
    rng = np.random.default_rng(seed)
    need = rng.normal(size=4 * num_pictures) + rng.normal(size=num_pictures).repeat(4)
    ladder = np.array([64, 100, 160, 256, 400])
    sufficient = ladder[np.digitize(need, [-1, 0, 1, 2])].astype(float)
    chosen = np.clip(np.round(180 * 2 ** (0.5 * need + rng.normal(size=len(need)))), 64, 400)
    return chosen, sufficient, [str(i // 4) for i in range(len(need))]


@pytest.mark.parametrize("seed", range(4))
def test_correlations_of_tables_are_scipys(seed):
    chosen, sufficient, _ = budgets(seed, 20)
    table = tables_of(chosen, sufficient, np.zeros(80)).sum(axis=0, keepdims=True)
    assert spearman(table)[0] == pytest.approx(stats.spearmanr(chosen, sufficient).statistic)
    assert kendall(table)[0] == pytest.approx(stats.kendalltau(chosen, sufficient).statistic)


def test_correlation_interval_agrees_with_resampling_by_scipy():
    chosen, sufficient, clusters = budgets(0, 50)
    result = rank_correlation(chosen, sufficient, clusters)
    rng, draws = np.random.default_rng(1), []
    for _ in range(1500):
        rows = (rng.integers(0, 50, 50)[:, None] * 4 + np.arange(4)).ravel()
        draws.append([f(chosen[rows], sufficient[rows]).statistic for f in (stats.spearmanr, stats.kendalltau)])
    expected = np.percentile(draws, [2.5, 97.5], axis=0)
    assert (result.spearman.low, result.spearman.high) == pytest.approx(expected[:, 0], abs=0.025)
    assert (result.kendall.low, result.kendall.high) == pytest.approx(expected[:, 1], abs=0.025)
    assert result.spearman.value == pytest.approx(stats.spearmanr(chosen, sufficient).statistic)


def test_censored_and_constant_budgets():
    result = rank_correlation([64, 100, 400, 64], [64, 100, 160, math.inf], ["a", "b", "c", "c"], num_resamples=200)
    assert (result.num_questions, result.num_censored, result.kendall.value) == (3, 1, 1.0)
    fixed = rank_correlation([64, 64, 64], [64, 100, 160], ["a", "b", "c"], num_resamples=200)
    assert math.isnan(fixed.spearman.value) and math.isnan(fixed.kendall.low)
    alone = rank_correlation([64, 100], [64, 100], ["a", "a"])
    assert alone.spearman.value == pytest.approx(1.0) and math.isnan(alone.spearman.low)
    none = rank_correlation([64], [math.inf], ["a"])
    assert none.num_censored == 1 and math.isnan(none.spearman.value)
    with pytest.raises(ValueError, match="1, 2, 1 long"):
        rank_correlation([64], [64, 100], ["a"])


def test_calibration_table_by_hand():
    chosen, sufficient = [64, 62, 90, 400, 400, 300], [64, 128, 100, 100, 400, math.inf]
    table = calibration_table(chosen, sufficient, list("abcdef"))
    assert [(row.budget, row.num_questions, row.num_censored) for row in table] == [
        (64, 2, 0),
        (100, 1, 0),
        (160, 0, 0),
        (256, 0, 0),
        (400, 2, 1),
    ]
    assert table[0].share_sufficient == 0.5 and table[0].error == pytest.approx(0.5)
    assert table[4].chosen == pytest.approx(400) and table[4].sufficient == pytest.approx(200)
    assert table[1].share_sufficient == 0.0 and math.isnan(table[2].chosen)
    first, second = abs(math.log2(table[0].chosen / table[0].sufficient)), math.log2(100 / 90)
    assert expected_calibration_error(table) == pytest.approx((2 * first + second + 2 * 1.0) / 5)
    assert expected_calibration_error(calibration_table([64], [64], ["a"])) == 0.0
    assert math.isnan(expected_calibration_error(calibration_table([64], [math.inf], ["a"])))
    with pytest.raises(ValueError, match="chosen: 500 is above"):
        calibration_table([500], [64], ["a"])


@pytest.mark.parametrize("size", [(900, 1400), (1000, 700), (640, 640), (350, 1200), (2000, 1100)])
def test_full_sees_all_that_is_legible_there(size, tiny_host):
    """Whatever the pyramid's grid was rounded to; leaves of level 0 do where that grid is no coarser on either side."""
    image = Image.new("RGB", size, "white")
    glyph = 8.0 * max(1.0, size[0] / tiny_host.stock_size(*size)[0], size[1] / tiny_host.stock_size(*size)[1])
    sample = Sample(image, "?", ("x",), ((10, 10, 60, 30),), "read", "reading", glyph, "p", "page")
    pyramid = tiny_host.pyramid(image)
    for policy in ("full", "resize"):
        given = POLICIES[policy].give(tiny_host, Allocator(), sample, pyramid, 10_000)
        assert evidence_shown(tiny_host, sample, given.shown).recall == pytest.approx(1.0)
    whole, full = Allocation(pyramid.cells(0), pyramid.grid()), full_grid(tiny_host, size)
    is_as_fine = all(ours >= theirs for ours, theirs in zip(pyramid.grid(), full, strict=True))
    assert evidence_in_leaves(tiny_host, sample, whole).recall == pytest.approx(float(is_as_fine))
    smaller = POLICIES["resize"].give(tiny_host, Allocator(), sample, pyramid, 64)
    assert evidence_shown(tiny_host, sample, smaller.shown).recall == 0.0
