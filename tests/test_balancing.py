"""Budgets and tensions from picture and question."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from arr_coc.balancing import HeuristicBalancer, budget_of, check_budget, demand, density, particularize_of
from arr_coc.records import Host, Pyramid
from arr_coc.texture import build_pyramid

CELL_PX = 16
NO_HOST = cast(Host, None)  # the heuristic asks nothing of it
GIST_QUESTIONS = (
    "What kind of picture is this?",
    "What does the picture show?",
    "Is there a red circle?",
    "What colour is the paper?",
    "Describe the scene.",
)
READING_QUESTIONS = (
    "What is the total?",
    "Transcribe the first line.",
    "Which number is in the small print at the foot?",
    "What is the value of the blue bar?",
    "Read the label in the red triangle.",
    "What does the cell in row 3 and column 2 say?",
)


def page(share_inked: float) -> Pyramid:
    """A blank page whose first rows hold stripes."""
    image = torch.ones(3, 12 * CELL_PX, 12 * CELL_PX)
    inked: Tensor = image[:, : round(share_inked * 12) * CELL_PX]
    inked[:, :, ::4] = 0
    return build_pyramid(image, CELL_PX)


def test_budget_of_spans_64_to_400_geometrically() -> None:
    assert [budget_of(t) for t in (0.0, 0.5, 1.0)] == [64, 160, 400]


def test_budget_and_tension_are_inverse() -> None:
    assert all(budget_of(particularize_of(budget)) == budget for budget in range(64, 401))
    assert particularize_of(64) == 0 and particularize_of(400) == 1


@pytest.mark.parametrize("budget", [63, 401, 0, -5, 100.0, "100", True])
def test_budget_out_of_range_names_the_value(budget: object) -> None:
    with pytest.raises(ValueError, match=rf"budget must be .*64\.\.400, got {budget!r}"):
        HeuristicBalancer()(NO_HOST, page(0.5), "What is the total?", budget)  # type: ignore[arg-type]


def test_explicit_budget_is_kept() -> None:
    for budget in (64, 137, 400):
        tensions = HeuristicBalancer()(NO_HOST, page(0.5), "What kind of picture is this?", budget)
        assert tensions.budget == check_budget(budget)
        assert tensions.compress_particularize == particularize_of(budget)


@pytest.mark.parametrize("question", GIST_QUESTIONS)
def test_gist_costs_the_least(question: str) -> None:
    assert demand(question) == 0
    assert HeuristicBalancer()(NO_HOST, page(1.0), question, None).budget == 64


@pytest.mark.parametrize("question", READING_QUESTIONS)
def test_reading_costs_more_the_more_there_is_to_read(question: str) -> None:
    assert demand(question) == 1
    budgets = [
        HeuristicBalancer()(NO_HOST, page(share), question, None).budget for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert budgets == sorted(set(budgets)) and budgets[-1] == 400 and budgets[0] > 64


def test_other_questions_lie_between() -> None:
    balance, full = HeuristicBalancer(), page(1.0)
    question = "Which of the two is larger?"
    assert (
        64 < balance(NO_HOST, full, question, None).budget < balance(NO_HOST, full, READING_QUESTIONS[0], None).budget
    )


def test_reading_wins_over_gist() -> None:
    assert demand("What colour is the printed text?") == 1
    assert demand("What is the number of red circles? Are there any?") == 0


@pytest.mark.parametrize("question", ["What colour is the bar Kano?", "Is there a 'STOP' sign, or Exit 4?"])
def test_what_is_called_by_name_has_to_be_found(question: str) -> None:
    assert demand(question) == 0.5


@pytest.mark.parametrize("question", ["Is there a red circle? Yes or no.", "What colour is the paper? Answer briefly."])
def test_a_capital_that_begins_a_sentence_is_no_name(question: str) -> None:
    assert demand(question) == 0


def test_density_is_the_share_of_inked_cells() -> None:
    assert density(page(0.0)) == 0
    assert density(page(0.5)) == pytest.approx(0.5, abs=1 / 12)
    assert density(page(1.0)) == 1


def test_everything_lies_in_0_to_1() -> None:
    for question in (*GIST_QUESTIONS, *READING_QUESTIONS, ""):
        tensions = HeuristicBalancer()(NO_HOST, page(0.25), question, None)
        shares = (tensions.compress_particularize, tensions.focus_diversify, tensions.exploit_explore)
        assert all(0 <= share <= 1 for share in (*shares, *tensions.weights))
        assert sum(tensions.weights) == pytest.approx(1)
        assert 64 <= tensions.budget <= 400


@pytest.mark.parametrize(
    ("field", "value"),
    [("focus_diversify", 1.2), ("exploit_explore", -0.1), ("weights", (0.5, 0.6, 0.1)), ("weights", (-0.5, 1.0, 0.5))],
)
def test_constants_out_of_range_name_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        HeuristicBalancer(**{field: value})  # type: ignore[arg-type]
