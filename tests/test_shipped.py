"""The long checks: what ships is as good as its card says, and the recipe makes a host from nothing."""

from __future__ import annotations

import re
from math import hypot
from pathlib import Path

import pytest
from conftest import QUESTION, draw
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.evaluation.reporting.tables import accuracy
from arr_coc.evaluation.running.answers import Line, read_lines, where
from arr_coc.evaluation.running.runner import Plan, run

pytestmark = pytest.mark.slow
CARD = Path(__file__).parents[1] / "arr_coc/nano/weights/README.md"
POLICIES = ("full", "resize", "arr-coc", "arr-coc-trained", "arr-coc-trained-shuffled")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    folder = tmp_path_factory.mktemp("shipped")
    for _ in run(Plan("nano", ("development",), POLICIES, (100,), limit=160), folder):
        pass
    return read_lines(folder / "answers.jsonl")


def test_the_card_tells_what_the_weights_reach(lines: list[Line]) -> None:
    (figures,) = re.findall(r"\*\*all\*\* \| \d+ \| ([\d.]+) ± ([\d.]+)", CARD.read_text(encoding="utf-8"))
    said, said_error = (float(figure) / 100 for figure in figures)
    reached, error = accuracy(where(lines, policy="full"))
    assert abs(reached - said) < 3 * hypot(error, said_error)


@pytest.mark.parametrize("policy", ["arr-coc", "arr-coc-trained"])
def test_looking_where_the_question_asks_pays(lines: list[Line], policy: str) -> None:
    assert accuracy(where(lines, policy=policy))[0] > accuracy(where(lines, policy="resize"))[0] + 0.05


def test_looking_with_another_question_does_not(lines: list[Line]) -> None:
    shuffled = accuracy(where(lines, policy="arr-coc-trained-shuffled"))[0]
    assert shuffled < accuracy(where(lines, policy="arr-coc-trained"))[0] - 0.05


def test_the_recipe_makes_a_host_from_nothing(tmp_path: Path) -> None:
    train = ["nano", "train", "--out", str(tmp_path / "run"), "--scale", "0.001", "--batch-scale", "0.1"]
    made = CliRunner().invoke(app, train)
    assert made.exit_code == 0, made.output
    draw(300, 200).save(tmp_path / "picture.png")
    ask = ["ask", str(tmp_path / "picture.png"), QUESTION, "--model", str(tmp_path / "run" / "host")]
    answered = CliRunner().invoke(app, ask)
    assert answered.exit_code == 0, answered.output
    assert re.search(r"\d+ .*tokens", answered.output)
