"""Same picture, two questions: what each is shown, held against its own evidence and its neighbour's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_policies import OTHER_QUESTION, SAMPLE
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.evaluation.neighbours import Pair, compare_neighbours, neighbours_table, shared_closely


def test_the_oracle_sees_its_own_evidence_and_salience_sees_the_same(tiny_processor):
    far = replace(SAMPLE, question=OTHER_QUESTION, boxes=((420.0, 380.0, 470.0, 400.0),))
    task = [SAMPLE, far, replace(SAMPLE, picture_id="1", question="Alone?")]
    found = dict(compare_neighbours(tiny_processor, task, [("saliency", 64), ("oracle", 64)]))
    assert list(found) == [2, 3] and found[3] == []
    by_policy = {name: [pair for pair in found[2] if pair.policy == name] for name in ("saliency", "oracle")}
    for pair in by_policy["oracle"]:
        assert pair.own == 1 > pair.other and pair.shared < 1
    one, two = by_policy["saliency"]
    assert one.shared == two.shared == 1 and (one.own, one.other) == (two.other, two.own)


def test_a_table_of_pairs():
    pairs = [Pair("oracle", 100, str(n), 1.0, 0.5 * (n % 2), 0.25) for n in range(8)]
    pairs += [Pair("resize", 100, str(n), 0.5, 0.5, 1.0) for n in range(8)]
    resize, oracle = neighbours_table(pairs).splitlines()[2:]
    assert resize == "| resize | 100 | 8 | 50.0 ± 11.1 | 50.0 ± 11.1 | +0.0 ± 11.1 | 100% | 100% |"
    assert oracle.startswith("| oracle | 100 | 8 | 100.0 ± 11.1 | 25.0 ± 11.1 | +75.0 ± 11.1 | 25% | 0% |")


def test_what_is_shared():
    first, second = np.full((2, 4), 1.0), np.full((2, 4), 1.0)
    assert shared_closely(first, second) == 1
    first[0, :2], second[0, 1:3] = 0, 0
    assert shared_closely(first, second) == pytest.approx(1 / 3)


def test_the_command_writes_what_it_says(tmp_path):
    out = tmp_path / "new" / "pairs.md"
    options = ["eval", "neighbours", "--policies", "oracle", "--budgets", "100", "--limit", "3", "--out", str(out)]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    assert "| oracle | 100 |" in result.output and "| oracle | 100 |" in out.read_text()
    assert "arr-coc eval neighbours" in out.read_text() and "--tasks same-picture" in out.read_text()
    alone = CliRunner().invoke(app, [*options[:-4], "--limit", "1"])
    assert alone.exit_code == 2 and "no two questions about one picture" in alone.output
