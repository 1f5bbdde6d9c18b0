"""Tensions tried out on evidence alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_policies import SAMPLE
from typer.testing import CliRunner

from arr_coc.allocator import Allocator
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.cli.main import app
from arr_coc.evaluation.policies.registry import OracleScorer
from arr_coc.evaluation.tuning import Tried, as_option, best_choice, tensions_to_try, try_tensions, tuning_table

CHOICES = tensions_to_try((0.5, 0.0, 0.0), (0.5, 1.0, 0.5))


def test_an_exploring_oracle_finds_less(tiny_host):
    boxes = [(x0 / 512, y0 / 512, x1 / 512, y1 / 512) for x0, y0, x1, y1 in SAMPLE.boxes]
    task = [SAMPLE, replace(SAMPLE, boxes=None), replace(SAMPLE, picture_id="1")]

    class Oracle:
        reads_attention = False

        def __call__(self, host, views, gaze):
            return OracleScorer({(views[0].pyramid, views[0].question): boxes})(host, views, gaze)

    steps = list(try_tensions(tiny_host, Allocator(scorer=Oracle()), task, CHOICES, [100]))
    assert [done for done, _ in steps] == [2, 3]
    tried = [each for _, found in steps for each in found]
    assert len(tried) == 4 and best_choice(tried) == CHOICES[0]
    assert all(each.recall == 1 for each in tried if each.choice == CHOICES[0])
    assert len([*try_tensions(tiny_host, Allocator(), task[1:2], CHOICES, [100])][0][1]) == 0


def test_a_table_best_first():
    tried = [Tried(CHOICES[1], 100, str(n), 1.0) for n in range(4)]
    tried += [Tried(CHOICES[0], 100, str(n), 0.5 + 0.5 * (n % 2)) for n in range(4)]
    first, second = tuning_table(tried).splitlines()[2:]
    assert first == "| 0.5 | 1 | 0.5 | 100.0 ± 20.0 | 100.0 |" and second.startswith("| 0.5 | 0 | 0 | 50.0 ±")
    assert as_option(CHOICES[1]) == "0.5,1,0.5,0,0.5"


def test_a_balancer_corrects_the_tensions_it_is_given(tiny_host):
    pyramid = tiny_host.pyramid(SAMPLE.image)
    plain = LearnedBalancer(BalancerConfig(48)).eval()
    given = LearnedBalancer(BalancerConfig(48, tensions=(0.8, 0.0, 0.2, 0.0, 0.8))).eval()
    before, after = (each(tiny_host, pyramid, "What is written here?", None) for each in (plain, given))
    assert after.budget == before.budget and after.focus_diversify == pytest.approx(0.8, abs=1e-3)
    assert after.exploit_explore < 2e-3 and after.weights == pytest.approx((0.2, 0.0, 0.8), abs=2e-3)
    with pytest.raises(ValueError, match="tensions"):
        BalancerConfig(48, tensions=(0.8,))


def test_by_command(tmp_path: Path):
    folder = tmp_path / "data"
    command = ["data", "generate", "--out", str(folder), "--num", "1", "--questions", "3", "--max-side", "512"]
    assert CliRunner().invoke(app, command).exit_code == 0
    told = CliRunner().invoke(
        app, ["eval", "tune", "--tasks", str(folder), "--budgets", "80", "--focus", "0.5,0.8", "--training-free"]
    )
    assert told.exit_code == 0, told.output
    assert "all shown at 80" in told.output and "best: --tensions 0." in told.output
    wrong = CliRunner().invoke(app, ["eval", "tune", "--tasks", str(folder), "--focus", "2"])
    assert wrong.exit_code == 2 and "0..1" in wrong.output
