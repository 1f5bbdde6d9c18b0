"""Weights of the score maps that follow the question's map."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_policies import OTHER_QUESTION, SAMPLE
from typer.testing import CliRunner

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.cli.main import app
from arr_coc.evaluation.weights.fitting import Round, fit, gather
from arr_coc.evaluation.weights.leaves_only import LeavesOnly
from arr_coc.evaluation.weights.report import best_by_picture, report
from arr_coc.evaluation.weights.rules import SIGNS, CoveringScorer, WeighingScorer, WeightRule, coverage, signs_of
from arr_coc.evaluation.weights.trials import FIXED, STANDING, WAYS, Trial, allocator_of
from arr_coc.knowing import AttentionScorer, standardise
from arr_coc.records import ScoreMaps, View

NUM_CELLS = 40
INFORMATION, QUESTION = 0, 2


def always(place: int) -> WeightRule:
    """All weight on one map, whatever the signs."""
    constant = tuple(20.0 * (place == each) for each in range(3))
    return WeightRule((constant, *(((0.0,) * 3,) * (len(SIGNS) - 1))))


def maps(seed: int, is_peaked: bool) -> ScoreMaps:
    generator = torch.Generator().manual_seed(seed)
    information, salience, question = torch.randn(3, NUM_CELLS, generator=generator)
    question = question + 12 * (torch.arange(NUM_CELLS) == seed % NUM_CELLS) if is_peaked else question.sign()
    cells = torch.zeros(NUM_CELLS, 3, dtype=torch.int64)
    return ScoreMaps(cells, standardise(information), standardise(salience), standardise(question))


def at_the_top_of(scores: torch.Tensor) -> torch.Tensor:
    return (scores == scores.max()).float()


def test_signs_tell_a_peak_from_a_flat_map():
    peaked, flat = (dict(zip(SIGNS, signs_of(maps(3, each)).tolist(), strict=True)) for each in (True, False))
    assert peaked["peak"] > 1.3 * flat["peak"] and peaked["flatness"] < flat["flatness"] <= 1
    scores = maps(1, False)
    alike = signs_of(replace(scores, perspectival=scores.participatory))
    assert alike[SIGNS.index("like salience")] == pytest.approx(1, abs=1e-5)


def test_the_fit_finds_when_the_question_is_to_be_believed():
    peaked, flat = ([maps(seed, each) for seed in range(30)] for each in (True, False))
    rounds = [Round(each, at_the_top_of(each.participatory)) for each in peaked]
    rounds += [Round(each, at_the_top_of(each.propositional)) for each in flat]
    rule = fit(rounds)
    believed, doubted = rule.weigh(maps(99, True)), rule.weigh(maps(99, False))
    assert believed.sum() == pytest.approx(1, abs=1e-5)
    assert believed[QUESTION] > 0.4 and doubted[INFORMATION] > 0.8
    assert believed[QUESTION] > 3 * doubted[QUESTION]


def test_a_rule_that_never_changes_is_a_fixed_weight(tiny_host):
    views = [View.of(tiny_host.pyramid(SAMPLE.image), question) for question in (SAMPLE.question, OTHER_QUESTION)]
    leaves = []
    for weights, place in (((1.0, 0.0, 0.0), INFORMATION), ((0.0, 0.0, 1.0), QUESTION)):
        balancer = HeuristicBalancer(exploit_explore=0.0, weights=weights)
        fixed = Allocator(balancer=balancer)
        asked = replace(balancer, weights=(0.0, 0.0, 1.0))
        scorer = WeighingScorer(AttentionScorer(), always(place))
        for one, other in zip(
            fixed.realize(tiny_host, views, [100, 100]),
            replace(fixed, balancer=asked, scorer=scorer).realize(tiny_host, views, [100, 100]),
            strict=True,
        ):
            assert torch.equal(one.allocation.leaves, other.allocation.leaves)
            leaves.append(one.allocation.leaves)
        assert scorer.used[-1][place] == pytest.approx(1)
    assert not torch.equal(leaves[0], leaves[2])


def test_coverage_prefers_what_nothing_resembles(tiny_host):
    copies = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.0], [-1.0, 3.0]])
    assert coverage(copies).argmax() == 3
    view = View.of(tiny_host.pyramid(SAMPLE.image), SAMPLE.question)
    alone, covered = (
        Allocator(scorer=CoveringScorer(AttentionScorer(), share)).realize(tiny_host, [view], [100])[0]
        for share in (0.0, 1.0)
    )
    plain = Allocator().realize(tiny_host, [view], [100])[0]
    assert torch.equal(alone.allocation.leaves, plain.allocation.leaves)
    assert not torch.equal(covered.allocation.leaves, plain.allocation.leaves)


def test_leaves_that_nobody_answers_with_are_the_same(tiny_host):
    pyramid, allocator = tiny_host.pyramid(SAMPLE.image), Allocator()
    for budget in (64, 100, 400):
        whole, quick = (
            allocator.realize(host, [View.of(pyramid, SAMPLE.question)], [budget])[0].allocation.leaves
            for host in (tiny_host, LeavesOnly(tiny_host))
        )
        assert torch.equal(whole, quick)


def test_rounds_end_where_everything_is_legible(tiny_host):
    fine, coarse = (replace(SAMPLE, glyph_px=size, picture_id=str(size)) for size in (8.0, 1000.0))
    found = list(gather(tiny_host, Allocator(), [fine, coarse]))
    assert len(found) == 2 and found[0] and not found[1]
    assert all(each.evidence.sum() > 0 and each.evidence.max() <= 1 for each in found[0])


def test_ways_differ_in_what_they_say(tiny_host):
    standing = Allocator(balancer=HeuristicBalancer(weights=(0.5, 0.1, 0.4)))
    found = {way: allocator_of(way, standing, always(INFORMATION)) for way in WAYS}
    assert found[STANDING].balancer == standing.balancer
    assert all(found[way].balancer.weights == weights for way, weights in FIXED.items())
    deep, plain = found["question and information, deeper"].balancer, found["question and information"].balancer
    assert deep.focus_diversify < plain.focus_diversify and deep.weights == plain.weights


def test_the_report_compares_and_knows_the_best():
    trials = [
        Trial("task", str(picture), picture, way, 100, float((number + picture) % 2), (0.2, 0.3, 0.5))
        for picture in range(8)
        for number, way in enumerate(WAYS)
    ]
    text = report(trials, always(QUESTION), 7, "a command")
    assert "8 questions about 8 pictures. Mean weights of the rule: information 0.20" in text
    assert "| best way for each picture | 100.0 ± 11.1 | +50.0" in text and "| 2.00x |" in text
    best = best_by_picture({way: [trial for trial in trials if trial.way == way] for way in WAYS})
    assert [trial.recall for trial in best] == [1.0] * 8


def test_a_rule_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match="coefficients: must be 5 rows of 3"):
        WeightRule(((0.0, 1.0),))


def test_by_command(tmp_path: Path):
    folder, out = tmp_path / "data", tmp_path / "out"
    command = ["data", "generate", "--out", str(folder), "--num", "1", "--questions", "3", "--max-side", "512"]
    assert CliRunner().invoke(app, command).exit_code == 0
    command = ["eval", "weights", "--tasks", str(folder), "--budgets", "80", "--pictures", "1", "--out", str(out)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    text, trials = (out / "report.md").read_text(), (out / "trials-data.jsonl").read_text()
    assert "## data" in text and str(tmp_path) not in text.replace(str(out), "")
    assert {json.loads(line)["way"] for line in trials.splitlines()} == set(WAYS)
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0 and (out / "trials-data.jsonl").read_text() == trials
