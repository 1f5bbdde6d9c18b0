"""Scores against the worked examples of the papers and pages that define them."""

from __future__ import annotations

import math

import pytest

from arr_coc.data.scoring import (
    METRICS,
    anls,
    counting,
    counting_error,
    exact_match,
    normalise_vqa,
    relaxed_accuracy,
    relaxed_accuracy_exact_years,
    vqa_accuracy,
)
from arr_coc.data.scoring.anls import levenshtein
from arr_coc.data.scoring.numbers import read_count, read_quantity


def test_unknown_metric_lists_what_there_is():
    with pytest.raises(ValueError, match=r"bleu.*exact_match.*anls.*counting"):
        METRICS["bleu"]
    assert "bleu" not in METRICS and METRICS.get("bleu") is None


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_tells_right_from_wrong(name):
    answers = ["4"] * 10
    assert METRICS[name]("4", answers) == 1.0
    assert METRICS[name]("19", answers) == METRICS[name]("", answers) == 0.0


def test_exact_match_ignores_case_and_runs_of_spaces_only():
    assert exact_match(" The  Total ", ["the total"]) == 1.0
    assert exact_match("total", ["the total"]) == exact_match("the total.", ["the total"]) == 0.0
    assert exact_match("b", ["a", "B"]) == 1.0


@pytest.mark.parametrize(("agreeing", "score"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_vqa_accuracy_leaves_each_of_ten_people_out(agreeing, score):
    answers = ["red"] * agreeing + [f"colour {i}" for i in range(10 - agreeing)]
    assert vqa_accuracy("Red.", answers) == pytest.approx(score)


def test_vqa_accuracy_needs_several_people():
    with pytest.raises(ValueError, match="answers: .*at least 4"):
        vqa_accuracy("red", ["red"])


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("A dog", "dog"),
        ("an apple and the pear", "apple and pear"),
        ("Two", "2"),
        ("none", "0"),
        ("eleven", "eleven"),
        ("dont", "don't"),
        ("couldn'tve", "couldn't've"),
        ("theyre", "they're"),
        ("it\u2019s", "it's"),
        ("its", "its"),
        ("girl's", "girl's"),
        ("100,978", "100978"),
        ("red, white", "red white"),
        ("2:50 pm", "2:50 pm"),
        ("x-ray", "x ray"),
        ("yes!", "yes"),
        ("3.5", "3.5"),
        ("U.S.", "us"),
        ("  on \n the\ttable ", "on table"),
    ],
)
def test_vqa_normalisation_follows_its_page(text, normalised):
    assert normalise_vqa(text) == normalised


@pytest.mark.parametrize(
    ("answer", "score"),
    [("The Coca", 0.0), ("CocaCola", 1 - 1 / 9), ("Coca cola", 1.0), ("Cola", 0.0), ("Cat", 0.0)],
)
def test_anls_examples_of_the_st_vqa_challenge(answer, score):
    """Table of the task page (rrc.cvc.uab.es, channel 11): what soft drink company name is on the red disk?"""
    assert anls(answer, ["Coca Cola", "Coca Cola Company"]) == pytest.approx(score)


def test_anls_threshold_is_exclusive_and_spaces_collapse():
    assert anls("ab", ["abcd"]) == 0.0
    assert anls("abc", ["abcde"]) == pytest.approx(0.6) and anls("abcdef", ["abcd"]) == pytest.approx(2 / 3)
    assert anls("a   b", ["A b"]) == anls("", [""]) == 1.0


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("kitten", "sitting", 3), ("saturday", "sunday", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)],
)
def test_levenshtein_textbook_examples(first, second, distance):
    assert levenshtein(first, second) == levenshtein(second, first) == distance


@pytest.mark.parametrize(
    ("answer", "accepted", "score"),
    [
        ("95", "100", 1),
        ("105.0", "100", 1),
        ("94.9", "100", 0),
        ("105.1", "100", 0),
        ("-100", "100", 0),
        ("-$1,050", "$-1000", 1),
        ("1,234", "1234", 1),
        ("$20", "20.5", 1),
        ("20 €", "20", 1),
        ("45%", "45", 1),
        ("45%", "0.45", 1),
        ("0.45", "45 percent", 1),
        ("0.45%", "45%", 0),
        ("\u22125", "-5", 1),
        ("0", "0.0", 1),
        ("0.01", "0", 0),
        ("1990", "2010", 1),
        ("Yes", "yes", 1),
        ("45 km", "45.1 km", 0),
        ("2010-2012", "2010-2013", 0),
        ("Blues", "Blue", 0),
        ("forty", "40", 0),
    ],
)
def test_relaxed_accuracy(answer, accepted, score):
    assert relaxed_accuracy(answer, [accepted]) == score
    assert relaxed_accuracy(answer, ["unrelated", accepted]) == score


def test_exact_years_are_exact_and_other_numbers_relaxed():
    assert relaxed_accuracy_exact_years("1990", ["2010"]) == relaxed_accuracy_exact_years("2011", ["2010"]) == 0.0
    assert relaxed_accuracy_exact_years("2010", ["2010"]) == relaxed_accuracy_exact_years("104", ["100"]) == 1.0
    assert relaxed_accuracy_exact_years("2,100", ["2150"]) == 1.0


def test_quantities_are_whole_texts():
    assert read_quantity("1,23") is None and read_quantity("+-5") is None and read_quantity("5 or 6") is None
    assert read_quantity(".5").value == 0.5 and read_quantity("3.").value == 3.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3", 3),
        ("There are 12.", 12),
        ("three cats and 2 dogs", 3),
        ("twenty-one", 21),
        ("Nineteen", 19),
        ("no cats", 0),
        ("None", 0),
        ("no, 4", 4),
        ("1,200 people", 1200),
        ("someone", None),
        ("B2", None),
        ("often", None),
    ],
)
def test_counts_are_read_from_digits_and_words(text, count):
    assert read_count(text) == count


def test_counting_error_and_score():
    off_by_one = counting_error("four", ["5"])
    assert off_by_one.is_off_by_one and not off_by_one.is_exact and off_by_one.score == pytest.approx(0.8)
    assert counting_error("There are 5", ["5"]).is_exact
    assert counting("8", ["5"]) == pytest.approx(0.4) and counting("11", ["5"]) == 0.0
    assert counting("1", ["0"]) == 0.0 and counting("none", ["0"]) == 1.0
    assert counting("7", ["2", "6"]) == pytest.approx(1 - 1 / 6)
    unread = counting_error("many", ["5"])
    assert math.isinf(unread.absolute) and unread.score == 0.0 and not unread.is_off_by_one


@pytest.mark.parametrize("answers", [["some"], ["3", "some"], []])
def test_counting_needs_counts(answers):
    with pytest.raises(ValueError, match="answers: counting"):
        counting("3", answers)
