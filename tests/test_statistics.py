"""Statistics against worked examples from the literature and independent computations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from arr_coc.data import kinds
from arr_coc.evaluation.reporting.compression import TARGETS, compression_by_content
from arr_coc.evaluation.reporting.tables import interval, points, with_error
from arr_coc.evaluation.reporting.vtc import loyalty, score_by_group, vtc_groups
from arr_coc.evaluation.statistics.calibration import rank_correlation
from arr_coc.evaluation.statistics.intervals import (
    SCORES,
    bootstrap_interval,
    cluster_sums,
    clustered_error,
    clustered_mean,
    least_error,
    ratio_interval,
)
from arr_coc.evaluation.statistics.paired import compare, holm, mcnemar_exact, sign_flip_test, with_holm
from arr_coc.evaluation.statistics.power import (
    design_effect,
    intraclass_correlation,
    mcnemar_questions,
    questions_needed,
)


def answers(seed: int, num_pictures: int = 120, num_questions: int = 4) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Right and wrong of two runs; pictures differ in difficulty, the first run is better."""
    rng = np.random.default_rng(seed)
    ease = rng.beta(2, 2, num_pictures).repeat(num_questions)
    a, b = ((rng.random(len(ease)) < np.clip(ease + gain, 0, 1)).astype(float) for gain in (0.1, 0.0))
    return a, b, [f"p{index // num_questions}" for index in range(len(ease))]


def test_clustered_error_worked_by_hand():
    """Pictures (1, 1, 0), (0), (1): residual sums 0.2, -0.6, 0.4; error sqrt(0.56 * 3 / 2) / 5."""
    values, clusters = [1, 1, 0, 0, 1], ["x", "x", "x", "y", "z"]
    assert clustered_error(*cluster_sums(values, clusters)) == pytest.approx((0.6, math.sqrt(0.84) / 5))
    assert clustered_mean(values, clusters) == pytest.approx((0.6, 1 / 4))


@pytest.mark.parametrize("count", [2, 10, 250])
@pytest.mark.parametrize("confidence", [0.6827, 0.95])
def test_ten_of_ten_has_the_interval_of_wilson(count, confidence):
    """scipy's own Wilson interval of count right out of count; one standard error is its 68% interval."""
    expected = stats.binomtest(count, count).proportion_ci(confidence, method="wilson")
    names = [str(i) for i in range(count)]
    for method in ("percentile", "bca"):
        got = bootstrap_interval([1.0] * count, names, confidence=confidence, method=method, bounds=SCORES)
        assert got == pytest.approx((expected.low, 1.0))
    none = bootstrap_interval([0.0] * count, names, confidence=confidence, bounds=SCORES)
    assert none == pytest.approx((0.0, 1 - expected.low))
    if confidence < 0.7:
        assert clustered_mean([1.0] * count, names) == pytest.approx((1.0, 1 - expected.low), rel=1e-3)


def test_an_error_is_never_nought():
    """Ten of ten and none of ten, one question a picture or several; two runs that never differ; headroom all won."""
    several = [str(i // 4) for i in range(40)]
    assert clustered_mean([0.0] * 40, several)[1] == clustered_mean([1.0] * 40, several)[1] == 1 / 11
    low, high = bootstrap_interval([0.0] * 10, [str(i) for i in range(10)])
    assert -low == high == pytest.approx(0.2775, abs=1e-4)
    comparison = compare("alike", [1, 0, 1], [1, 0, 1], ["a", "b", "c"])
    assert comparison.low < -0.5 and comparison.high > 0.5 and comparison.p == 1
    assert ratio_interval([0.5] * 10, [0.5] * 10, list("abcdefghij"))[0] == pytest.approx(1 - 0.2775 / 0.5, abs=1e-3)
    assert with_error(1.0, least_error(10)) == "100.0 ± 9.1" and with_error(1.0, 1e-5) == "100.0 ± <0.1"
    assert points(0.0, float("nan")) == "+0.0"


def test_the_floor_changes_nothing_where_pictures_differ():
    a, _, clusters = answers(0)
    residuals = [a[4 * i : 4 * i + 4].sum() - 4 * a.mean() for i in range(120)]
    assert clustered_mean(a, clusters)[1] == pytest.approx(math.sqrt(np.square(residuals).sum() * 120 / 119) / 480)
    assert clustered_mean([1.0] * 9 + [0.0], list("abcdefghij"))[1] == pytest.approx(0.1)


@pytest.mark.parametrize("chance", [0.9, 0.97])
def test_intervals_near_the_edge_hold_the_truth(chance):
    """Of 20 pictures most are all right: a bare bootstrap holds 0.97 in less than half of all trials."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        values = (rng.random(20) < chance).astype(float)
        names = [str(i) for i in range(20)]
        low, high = bootstrap_interval(values, names, num_resamples=400, bounds=SCORES)
        held += low <= chance <= high
    assert held / 200 >= 0.93


def test_a_correlation_whose_draws_are_all_alike_has_no_interval():
    found = rank_correlation([64, 64, 100, 100], [64, 64, 100, 100], list("aabb"), num_resamples=50)
    assert found.spearman.value == pytest.approx(1) and math.isnan(found.spearman.low)
    assert interval(found.spearman) == "1.00" and interval(rank_correlation([1, 1], [1, 1], ["a", "b"]).kendall) == "-"


def test_as_many_clusters_as_values():
    with pytest.raises(ValueError, match="clusters"):
        clustered_mean([1.0, 0.0], ["a"])
    with pytest.raises(ValueError, match="clusters"):
        clustered_mean([], [])


@pytest.mark.parametrize("graded", [False, True])
def test_bootstrap_interval_agrees_with_drawing_questions_picture_by_picture(graded):
    a, b, clusters = answers(0)
    gaps = (a - b) * (np.random.default_rng(1).random(len(a)) if graded else 1)
    keep = np.random.default_rng(2).random(len(a)) < 0.7
    gaps, clusters = gaps[keep], [name for name, kept in zip(clusters, keep, strict=True) if kept]
    rng, names = np.random.default_rng(3), sorted(set(clusters))
    members = {name: gaps[[cluster == name for cluster in clusters]] for name in names}
    draws = [np.concatenate([members[name] for name in rng.choice(names, len(names))]).mean() for _ in range(4000)]
    expected = np.percentile(draws, [2.5, 97.5])
    assert bootstrap_interval(gaps, clusters) == pytest.approx(expected, abs=0.006)
    assert bootstrap_interval(gaps, clusters) == bootstrap_interval(gaps, clusters)
    assert bootstrap_interval(gaps, clusters, seed=1) != bootstrap_interval(gaps, clusters)


def test_bootstrap_interval_is_wider_where_answers_go_by_picture():
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 50), 8).astype(float)
    by_picture = np.ptp(bootstrap_interval(values, [str(i // 8) for i in range(400)]))
    alone = np.ptp(bootstrap_interval(values, [str(i) for i in range(400)]))
    assert by_picture == pytest.approx(alone * math.sqrt(8), rel=0.1)


def test_bca_differs_from_percentile_only_where_values_are_skewed():
    a, b, clusters = answers(4)
    percentile, bca = (bootstrap_interval(a - b, clusters, method=method) for method in ("percentile", "bca"))
    assert bca == pytest.approx(percentile, abs=0.01)
    skewed = np.random.default_rng(0).exponential(size=40) ** 2
    names = [str(i) for i in range(40)]
    assert bootstrap_interval(skewed, names, method="bca")[1] > bootstrap_interval(skewed, names)[1] + 0.1


def test_bootstrap_needs_two_pictures_and_a_known_method():
    assert all(math.isnan(end) for end in bootstrap_interval([1.0, 0.0], ["a", "a"]))
    with pytest.raises(ValueError, match="method: unknown 'exact'; there are percentile, bca"):
        bootstrap_interval([1.0], ["a"], method="exact")


def test_mcnemar_on_the_culture_media_of_armitage_and_berry():
    """20 both, 12 only A, 2 only B, 16 neither (Armitage & Berry 1994, p. 127): exact p 0.0129."""
    a, b = [1] * 20 + [1] * 12 + [0] * 18, [1] * 20 + [0] * 12 + [1] * 2 + [0] * 16
    assert mcnemar_exact(a, b) == mcnemar_exact(b, a) == pytest.approx(0.0129, abs=5e-5)
    assert mcnemar_exact([1, 0], [1, 0]) == 1.0


def test_sign_flips_of_single_questions_are_mcnemars_test():
    a, b, _ = answers(5, num_questions=1)
    assert sign_flip_test(a - b) == pytest.approx(mcnemar_exact(a, b), rel=1e-9)


@pytest.mark.parametrize("sums", [[2, -1, 3, 0, 1, 1, -2, 4], [0.5, -0.25, 1.75, 0.8, 0.3, -0.1, 0.9, 0.45]])
def test_sign_flips_agree_with_scipys_permutation_test(sums):
    exact = stats.permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip_test(np.array(sums, dtype=float)) == pytest.approx(exact, abs=0.012)
    if all(isinstance(value, int) for value in sums):
        assert sign_flip_test(np.array(sums, dtype=float)) == pytest.approx(exact, rel=1e-12)


def test_sign_flips_of_runs_alike():
    assert sign_flip_test(np.zeros(5)) == 1.0
    assert sign_flip_test(np.array([1.0, -1.0])) == 1.0


def test_holm_worked_example():
    """0.005 * 4, 0.01 * 3, 0.03 * 2, then 0.04 * 1 may not fall below it; statsmodels' multipletests agrees."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6, 0.9]) == [1.0, 1.0, 1.0] and holm([0.2]) == [0.2] and holm([]) == []


def test_comparison_of_two_runs():
    a, b, clusters = answers(6)
    comparison = compare("ours - resize", a, b, clusters)
    assert (comparison.mean_a, comparison.mean_b) == (a.mean(), b.mean())
    assert comparison.difference == pytest.approx(a.mean() - b.mean())
    assert comparison.low < comparison.difference < comparison.high
    assert (comparison.num_questions, comparison.num_clusters) == (480, 120)
    sums, _ = cluster_sums(a - b, clusters)
    assert comparison.p == comparison.p_holm == sign_flip_test(sums)
    assert comparison.p_mcnemar == mcnemar_exact(a, b)
    swapped = compare("resize - ours", b, a, clusters)
    assert swapped.low == pytest.approx(-comparison.high, abs=0.01) and swapped.p == pytest.approx(comparison.p)


def test_graded_scores_have_no_mcnemar_and_lengths_must_agree():
    assert compare("anls", [0.5, 1.0, 0.7], [0.2, 1.0, 0.1], ["a", "b", "c"]).p_mcnemar is None
    with pytest.raises(ValueError, match="b: 1 scores for the 2 of a"):
        compare("short", [1, 0], [1], ["a", "b"])


def test_family_is_corrected_together():
    a, b, clusters = answers(7)
    family = with_holm([compare(name, a, b, clusters) for name in "xyz"])
    assert [member.p_holm for member in family] == pytest.approx([min(1, 3 * family[0].p)] * 3)
    assert [member.name for member in family] == ["x", "y", "z"]


def test_false_alarms_are_as_rare_as_promised():
    """Two equal runs whose gaps go by picture: at 5% about 5% of tests and intervals err, McNemar many more."""
    rng, wrong = np.random.default_rng(0), np.zeros(3)
    for _ in range(300):
        gaps = rng.choice([-1.0, 0.0, 1.0], 40, p=[0.2, 0.6, 0.2]).repeat(5)
        comparison = compare("null", (gaps > 0), (gaps < 0), [str(i // 5) for i in range(200)], num_resamples=1000)
        wrong += [
            comparison.p < 0.05,
            not comparison.low <= 0 <= comparison.high,
            comparison.p_mcnemar < 0.05,
        ]
    assert wrong[0] / 300 < 0.08 and wrong[1] / 300 < 0.10 and wrong[2] / 300 > 0.2


@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.1, 0.9)])
def test_connors_example(alpha, power):
    """p10 0.45, p01 0.05: 23 pairs (powerandsamplesize.com after Connor 1987, p. 209; 0.1 is 0.05 one-sided)."""
    assert mcnemar_questions(0.4, 0.5, alpha=alpha, power=power) == 23


def test_questions_needed_reach_the_power():
    count = mcnemar_questions(0.05, 0.2)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(count, [0.125, 0.075, 0.8], size=20_000)
    z = (drawn[:, 0] - drawn[:, 1]) / np.sqrt(drawn[:, 0] + drawn[:, 1])
    assert (np.abs(z) > stats.norm.isf(0.025)).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("difference", "discordance"), [(0, 0.1), (0.2, 0.1), (0.1, 1.1)])
def test_impossible_power_is_refused(difference, discordance):
    with pytest.raises(ValueError, match="difference|discordance"):
        mcnemar_questions(difference, discordance)


JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_intraclass_correlation_of_shrout_and_fleiss():
    """Six targets, four judges (Shrout & Fleiss 1979, table 2): ICC(1,1) 0.17."""
    values, clusters = np.ravel(JUDGES), [str(i // 4) for i in range(24)]
    assert intraclass_correlation(values, clusters) == pytest.approx(0.166, abs=5e-4)
    assert design_effect(values, clusters) == pytest.approx(1 + 3 * 0.1657, abs=1e-3)


def test_intraclass_correlation_of_unequal_pictures_from_scipys_f():
    groups = [[1, 1, 0], [0, 0], [1, 0, 1, 1, 1], [0]]
    n, f = np.array([3, 2, 5, 1]), stats.f_oneway(*groups).statistic
    usual = (n.sum() - (n**2).sum() / n.sum()) / 3
    values, clusters = np.concatenate(groups), np.arange(4).repeat(n).astype(str).tolist()
    assert intraclass_correlation(values, clusters) == pytest.approx((f - 1) / (f + usual - 1))


def test_design_effect_ends():
    same, names = np.repeat([0.0, 1.0, 1.0], 4), [str(i // 4) for i in range(12)]
    assert design_effect(same, names) == pytest.approx(4.0)
    assert design_effect([0, 1] * 6, names) == 1.0
    assert design_effect(same, [str(i) for i in range(12)]) == 1.0 == design_effect([1.0] * 12, names)


def test_questions_needed_for_1_2_and_5_points():
    a, b, clusters = answers(8)
    needed = questions_needed(a, b, clusters)
    discordance = float((a != b).mean())
    effect = design_effect(a - b, clusters)
    assert [row.difference for row in needed] == [0.01, 0.02, 0.05]
    assert [row.num_independent for row in needed] == [mcnemar_questions(d, discordance) for d in (0.01, 0.02, 0.05)]
    assert [row.num_questions for row in needed] == [math.ceil(row.num_independent * effect) for row in needed]
    alike = questions_needed([1, 1, 1], [1, 1, 1], ["a", "b", "c"], differences=[0.05])
    assert alike[0].num_independent == mcnemar_questions(0.05, 0.05)


def test_vtc_groups_as_the_benchmark_defines_them():
    """Group A: right at full resolution, wrong downsampled; group B: right in both; the rest is left out."""
    groups = vtc_groups([1, 1, 0, 0, 0.5], [0, 1, 1, 0, 0.49])
    assert groups == ["A", "B", "", "", "A"]
    rows = score_by_group(groups, [1, 1, 1, 1, 0], ["p", "p", "q", "q", "r"])
    assert [(row.group, row.num_questions, row.mean) for row in rows] == [("A", 2, 0.5), ("B", 1, 1.0)]
    assert rows[0].error == pytest.approx(0.5) and math.isnan(rows[1].error)
    assert math.isnan(score_by_group(["A"], [1.0], ["p"])[1].mean)
    with pytest.raises(ValueError, match="resized: 1 scores for 2"):
        vtc_groups([1, 1], [0])


def test_loyalty_counts_agreement_not_truth():
    share, error = loyalty(["12", "Red  car", "no", "x"], ["12", "red car", "yes", "y"], ["a", "b", "c", "d"])
    assert share == 0.5 and error == pytest.approx(math.sqrt(0.25 / 3))
    with pytest.raises(ValueError, match="full_answers: 2 for 1 answers"):
        loyalty(["a"], ["a", "b"], ["p"])


def test_compression_by_content_beside_its_target():
    kinds = ["receipt", "document", "bar_chart", "photos"]
    rows = compression_by_content([1600, 1200, 800, 900], [100, 100, 100, 300], kinds, list("abcd"))
    assert [(row.content, row.num_questions, row.ratio) for row in rows] == [
        ("dense text", 2, 14.0),
        ("charts", 1, 8.0),
        ("photos", 1, 3.0),
    ]
    assert [row.target for row in rows] == [(15, 18), (8, 12), None]
    assert rows[0].error == pytest.approx(2.0) and math.isnan(rows[1].error)
    alike = compression_by_content([900, 900], [100, 100], ["form", "form"], ["a", "b"])[0]
    assert alike.ratio == 9 and math.isnan(alike.error)
    with pytest.raises(ValueError, match="tokens must be at least 1, got 0"):
        compression_by_content([10], [0], ["form"], ["a"])


def test_compression_error_agrees_with_resampling_pictures():
    rng = np.random.default_rng(0)
    full, spent = rng.integers(500, 1500, 60).repeat(3), rng.integers(64, 400, 180)
    [row] = compression_by_content(full, spent, ["form"] * 180, [str(i // 3) for i in range(180)])
    picks = rng.integers(0, 60, (4000, 60))
    whole, tokens = full.reshape(60, 3).sum(1)[picks].sum(1), spent.reshape(60, 3).sum(1)[picks].sum(1)
    assert row.error == pytest.approx((whole / tokens).std(), rel=0.06)


def test_every_kind_of_picture_has_a_target():
    assert {kind.content for kind in kinds().values()} == set(TARGETS)
