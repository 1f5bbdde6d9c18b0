"""From trails to a rule: what is fitted, where it stops, what it spends, and the opponent that chooses beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.evaluation.sure.fitting import (
    calibration_error,
    fit,
    reliability,
    restricted,
    signs_of,
    spent,
    stop_at,
    threshold_table,
)
from arr_coc.evaluation.sure.parts import first_agreeing, parts_rows, parts_text
from arr_coc.evaluation.sure.predicting import learn, smallest_place
from arr_coc.evaluation.sure.report import comparisons, report, row_of, tabulate
from arr_coc.evaluation.sure.trails import FULL, TRAILS, Seen, Trail, read_trails
from arr_coc.processor.sureness import LADDER, Sureness


def seen(budget: int, answer: str, score: float, chance: float) -> Seen:
    size = budget or 600
    return Seen(budget, size, size, float(size), float(size), 0.1, answer, score, chance, None)


def trail(number: int, right_from: int, way: str = "anew") -> Trail:
    """Wrong, unsure and restless before a place, right and sure from it on."""
    budgets = (*LADDER, FULL) if way == "sizes" else (FULL,) if way == "full" else LADDER
    looks = []
    for place, budget in enumerate(budgets):
        right = place >= right_from or way == "full"
        looks.append(seen(budget, "right" if right else f"wrong {place}", float(right), 0.98 if right else 0.3))
    traits = (float(right_from), float(number % 3)) if way == "sizes" else ()
    return Trail("t", number, way, f"p{number // 2}", 1024, "field", "level 1", tuple(looks), traits)


def many(way: str = "anew", count: int = 80) -> list[Trail]:
    return [trail(number, Random(number).choice((0, 0, 1, 2, 5)), way) for number in range(count)]


def test_a_rule_stops_where_the_answer_becomes_right() -> None:
    rule = fit(many(), LADDER)
    assert rule.is_calibrated and rule.settled_weights[1] > 0
    for each in many():
        place = stop_at(each, rule, rule.thresholds["1"])
        assert each.looks[place].score == each.looks[-1].score
    first = next(each for each in many() if each.looks[0].score == 1)
    assert stop_at(first, rule, rule.thresholds["3"]) <= 1


def test_thresholds_rise_as_the_wished_loss_falls() -> None:
    thresholds = fit(many(), LADDER).thresholds
    values = [thresholds[loss] for loss in sorted(thresholds, key=float)]
    assert values == sorted(values, reverse=True) and set(thresholds) == {"0", "0.5", "1", "2", "3"}


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="limit: 3 pictures are too few"):
        fit(many(count=6), LADDER)


def test_signs_count_agreement_and_full_is_the_largest_budget() -> None:
    signs = signs_of(trail(0, 2, "sizes"))
    assert [sign.num_agreeing for sign in signs] == [0, 0, 0, 1, 2, 3]
    assert signs[-1].budget == 400


def test_fewer_rungs_keep_their_looks() -> None:
    kept = restricted(trail(0, 1), (64, 256))
    assert [look.budget for look in kept.looks] == [64, 256]
    assert [look.budget for look in restricted(trail(0, 1, "sizes"), (64,)).looks] == [64, FULL]


def test_what_is_spent_adds_up() -> None:
    assert spent(trail(0, 2), 2) == (160, 64 + 100 + 160, 64.0 + 100 + 160, pytest.approx(0.3))


def test_calibration_error_of_known_answers() -> None:
    bins = reliability([0.1] * 50 + [0.9] * 50, [0.0] * 40 + [1.0] * 10 + [1.0] * 45 + [0.0] * 5, num_bins=2)
    assert [(each.count, round(each.said, 3), round(each.right, 3)) for each in bins] == [
        (50, 0.1, 0.2),
        (50, 0.9, 0.9),
    ]
    assert calibration_error(bins) == pytest.approx(0.05)


def test_the_smallest_size_that_suffices() -> None:
    assert [smallest_place(trail(0, place, "sizes")) for place in (0, 2, 5)] == [0, 2, 5]
    never = Trail("t", 0, "sizes", "p", 1, "", "", tuple(seen(b, "", 0.0, 0.5) for b in (64, FULL)), (0.0,))
    assert smallest_place(never) == 0


def test_the_predictor_learns_what_traits_tell() -> None:
    trails = [trail(number, (0, 2, 5)[number % 3], "sizes") for number in range(120)]
    predictor = learn(trails)
    chosen = [predictor.choose(each, 0.5) for each in trails]
    assert np.mean([place == smallest_place(each) for place, each in zip(chosen, trails, strict=True)]) > 0.95
    assert all(predictor.choose(each, 0.999) >= place for each, place in zip(trails, chosen, strict=True))


def test_the_report_holds_every_rule_and_pairs_the_questions() -> None:
    trails = [each for way in ("anew", "sizes", "full") for each in many(way)]
    table = tabulate(trails, trails, fit(many(), LADDER))
    text = report(table)
    for name in ("full resolution", "resize", "fixed", "until sure", "adaptive resize", "CARES-like"):
        assert f"| {name} |" in text
    named = dict(comparisons(table))
    assert named["full resolution"].mean_b == 1.0
    assert named["full resolution"].mean_a == pytest.approx(
        np.mean([each.looks[-1].score for each in many()]), abs=0.02
    )
    assert "| 3 |" in threshold_table(many(), Sureness(thresholds={"1": 0.9, "3": 0.5}))


def test_parts_are_held_against_looking_as_it_ships() -> None:
    ways = ("anew", "sizes", "full", "unchecked", "nested")
    trails = [each for way in ways for each in many("anew" if way in ("unchecked", "nested") else way)]
    named = [replace(each, way=ways[number // 80]) for number, each in enumerate(trails)]
    worse = [
        replace(each, looks=tuple(replace(look, score=0.0) for look in each.looks)) if each.way == "nested" else each
        for each in named
    ]
    table = tabulate(worse, worse, fit(many(), LADDER))
    text = parts_text(table)
    assert "| as it ships |" in text and "| drafts are not checked" in text and "points at where" not in text
    nested = next(row for row in parts_rows(table) if row.name.startswith("nested"))
    assert not sum(nested.scores) and f"{-100 * np.mean(parts_rows(table)[0].scores):+.1f} (" in text
    short = next(row for row in parts_rows(table) if "160" in row.name)
    assert set(short.budgets) <= {64, 160} and max(short.tokens) == 160
    few = [each for each in named if each.way in ways[:3]]
    assert parts_text(tabulate(few, few, fit(many(), LADDER))) == ""


def test_two_answers_agree_where_they_do_and_else_the_last_counts() -> None:
    assert first_agreeing(trail(0, 2)) == 3
    assert first_agreeing(trail(0, 5)) == 4


def test_a_look_that_is_the_only_one_encodes_what_it_needs() -> None:
    known = [
        replace(each, looks=tuple(replace(look, num_known=7 if place else 0) for place, look in enumerate(each.looks)))
        for each in many()
    ]
    row = row_of("fixed", "160", known, [2] * len(known), alone=True)
    assert set(row.encoded) == {160 + 7}
    assert set(row_of("until sure", "", known, [2] * len(known)).encoded) == {64 + 100 + 160}


def test_a_broken_trail_is_named(tmp_path: Path) -> None:
    (tmp_path / TRAILS).write_text('{"task": "t"}\n')
    with pytest.raises(ValueError, match=r"trails.jsonl:1: not a trail"):
        read_trails(tmp_path / TRAILS)
    assert read_trails(tmp_path / "none") == []


def test_calibrate_refuses_a_ladder_that_does_not_ascend_and_sure_a_missing_calibration(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["eval", "calibrate", "--ladder", "160,64", "--out", str(tmp_path / "a")])
    assert run.exit_code != 0 and "ladder: must be two or more" in run.output
    run = CliRunner().invoke(app, ["eval", "sure", "--calibration", str(tmp_path), "--out", str(tmp_path / "b")])
    assert run.exit_code != 0 and "holds none; make it with" in run.output
