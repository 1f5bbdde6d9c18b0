"""Resize at equal time and at equal operations: the right point of its curve, and paired with it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from arr_coc.evaluation.reporting.matched import match, matched_text, neighbours, operations, seconds_to_first_token


def line(policy, budget, question, score, flops, seconds=None):
    return SimpleNamespace(
        policy=policy,
        budget=budget,
        question_key=("t", question),
        cluster=f"p{question // 2}",
        score=score,
        flops=flops,
        seconds=None if seconds is None else {"give": seconds / 2, "prefill": seconds / 2},
    )


def run(policy, budget, scores, flops, seconds=None):
    return [line(policy, budget, number, score, flops, seconds) for number, score in enumerate(scores)]


LINES = [
    *run("resize", 64, [0, 0, 0, 1], 10.0, 1.0),
    *run("resize", 100, [1, 0, 0, 1], 20.0, 2.0),
    *run("full", 0, [1, 1, 1, 1], 100.0, 8.0),
    *run("arr-coc", 64, [1, 1, 0, 1], 20.0, 5.0),
]


def test_the_point_of_equal_operations():
    [found] = match(LINES, operations, ["arr-coc"])
    assert (found.policy, found.budget, found.cost) == ("arr-coc", 64, 20.0)
    assert (found.comparison.mean_a, found.comparison.mean_b) == (0.75, 0.5)


def test_between_two_points_a_mixture_of_both():
    [found] = match(LINES, seconds_to_first_token, ["arr-coc"])
    assert found.comparison.mean_b == pytest.approx(0.5 * 0.5 + 0.5 * 1.0)
    assert found.comparison.difference == pytest.approx(0.0)


def test_beyond_the_ends_the_last_point_is_taken():
    curve = [SimpleNamespace(cost=1.0), SimpleNamespace(cost=2.0)]
    assert neighbours(curve, 0.5) == (curve[0], curve[1], 0.0)
    assert neighbours(curve, 3.0) == (curve[1], curve[1], 0.0)
    assert neighbours(curve, 1.25) == (curve[0], curve[1], 0.25)


def test_without_a_curve_or_times_a_table_is_left_out():
    assert matched_text(run("arr-coc", 64, [1, 0], 5.0), ["arr-coc"]) == ""
    untimed = [line(each.policy, each.budget, each.question_key[1], each.score, each.flops) for each in LINES]
    assert "equal time" not in matched_text(untimed, ["arr-coc"])
    assert "equal time" in matched_text(LINES, ["arr-coc"])
