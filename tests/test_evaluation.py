"""Policies at equal tokens, batched answers, resuming, and errors that respect pictures."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from arr_coc.baselines.scorers import OracleScorer, RandomScorer, overlap
from arr_coc.data.tasks import TEST_SEEDS, GeneratedTask
from arr_coc.evaluation import headroom
from arr_coc.evaluation.batches import answer_all
from arr_coc.evaluation.headroom import Line, conditions, measure, read_lines, write_lines
from arr_coc.evaluation.headroom_report import paired_gap, report
from arr_coc.evaluation.policies import POLICIES, WITHOUT_BUDGET
from arr_coc.evaluation.statistics import clustered_mean
from arr_coc.hosts.answering import answer
from arr_coc.hosts.plain import plain_inputs, question_messages
from arr_coc.views.headroom import draw_headroom

TASK = GeneratedTask(TEST_SEEDS.start, 2, 2, size=(640, 512))


@pytest.fixture(scope="module")
def sample():
    return TASK[0]


@pytest.mark.parametrize("policy", [name for name in POLICIES if name not in WITHOUT_BUDGET])
@pytest.mark.parametrize("budget", [64, 100, 160])
def test_every_policy_keeps_to_the_budget(policy, budget, tiny_host, sample):
    given = POLICIES[policy](tiny_host, sample, tiny_host.pyramid(sample.image), budget)
    least = budget - 3 if policy != "resize" else 0.8 * budget
    assert least < given.num_tokens <= budget
    assert given.num_encoded >= given.num_tokens == len(given.features.merged)


def test_the_oracle_sees_the_evidence_finer_than_chance(tiny_host):
    task = GeneratedTask(TEST_SEEDS.start, 6, 3, size=(768, 768))
    finer = {"oracle": 0, "random": 0}
    for index in range(len(task)):
        sample = task[index]
        if not sample.boxes:
            continue
        x0, y0, x1, y1 = sample.boxes[0]
        pyramid = tiny_host.pyramid(sample.image)
        rows, cols = pyramid.grid()
        row, col = int((y0 + y1) / 2 / 768 * rows), int((x0 + x1) / 2 / 768 * cols)
        for policy in finer:
            positions = POLICIES[policy](tiny_host, sample, pyramid, 100).block.positions
            finer[policy] += [row, col] in positions.tolist()
    assert finer["oracle"] > finer["random"] + 3


def test_full_in_a_batch_answers_like_the_untouched_model(tiny_host):
    samples = [TASK[index] for index in range(4)]
    given = [POLICIES["full"](tiny_host, s, tiny_host.pyramid(s.image), 0) for s in samples]
    batched = answer_all(tiny_host, [s.question for s in samples], given)
    alone = [
        answer(
            tiny_host.model,
            tiny_host.tokenizer,
            plain_inputs(tiny_host, question_messages(s.image, s.question)),
            max_new_tokens=32,
        ).text
        for s in samples
    ]
    assert batched == alone


def test_overlap_of_a_leaf_with_an_interval():
    leaves = torch.tensor([[0, 0, 3], [1, 0, 1], [2, 0, 0]])
    assert overlap(leaves, 2, 2.5, 3.5).tolist() == [0.5, 1.0, 1.0]


def test_oracle_scores_by_covered_share(tiny_host, sample):
    pyramid = tiny_host.pyramid(sample.image)
    rows, cols = pyramid.grid()
    scorer = OracleScorer({(pyramid, "?"): ((0.0, 0.0, 1 / cols, 1 / rows),)})
    scores = scorer.scores(pyramid, pyramid.cells(pyramid.coarsest), "?")
    assert scores[0] == pytest.approx(1 / 4**pyramid.coarsest) and scores[1:].sum() == 0


def test_random_scores_differ_by_question_and_repeat():
    leaves = torch.zeros(9, 3, dtype=torch.long)
    scorer = RandomScorer()
    assert torch.equal(scorer.scores(leaves, "a?"), scorer.scores(leaves, "a?"))
    assert not torch.equal(scorer.scores(leaves, "a?"), scorer.scores(leaves, "b?"))


def test_clustered_error_of_independent_and_of_copied_answers():
    values = [0.0, 1.0] * 50
    mean, error = clustered_mean(values, [str(i) for i in range(100)])
    assert mean == 0.5 and error == pytest.approx(math.sqrt(0.25 / 99))
    _, copied = clustered_mean(values * 4, [str(i) for i in range(100)] * 4)
    assert copied == pytest.approx(error)
    assert math.isnan(clustered_mean([1.0, 0.0], ["a", "a"])[1])


def line(policy: str, budget: int, picture: str, correct: float) -> Line:
    return Line(policy, budget, picture, "form", "k", "reading", "level 0", "q?", ("a",), "a", correct, budget, budget)


def test_paired_gap_compares_the_same_questions():
    lines = [line("oracle", 64, str(i), 1.0) for i in range(4)]
    lines += [line("resize", 64, str(i), float(i % 2)) for i in range(4)]
    gap, error = paired_gap(lines, "oracle", "resize", 64)
    assert gap == 0.5 and error == pytest.approx(math.sqrt(0.25 / 3))


def test_a_killed_measurement_goes_on_without_lost_or_doubled_lines(tmp_path, tiny_host, monkeypatch):
    monkeypatch.setattr(headroom.Answers, "host", tiny_host, raising=False)
    monkeypatch.setattr(headroom, "load_host", lambda name: (None, type("P", (), {"host": tiny_host})))
    pairs = conditions(["full", "resize"], [64])
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    assert list(measure("tiny", TASK, pairs, whole)) == [1, 2]
    text = whole.read_text()
    killed.write_text(text[: int(len(text) * 0.7)])
    list(measure("tiny", TASK, pairs, killed))
    key = lambda line: (line.picture, line.question, line.policy)  # noqa: E731
    assert sorted(read_lines(killed), key=key) == sorted(read_lines(whole), key=key)
    with pytest.raises(ValueError, match="another run"):
        list(measure("other", TASK, pairs, whole))


def test_unknown_policy_lists_what_there_is():
    with pytest.raises(ValueError, match="oracle"):
        conditions(["best"], [64])


def test_report_and_plot_name_every_policy(tmp_path):
    lines = [
        line(p, b, str(i), float(i % 2)) for p in ("resize", "oracle", "arr-coc") for b in (64, 100) for i in range(4)
    ]
    lines += [replace(line("full", 0, str(i), 1.0), num_tokens=900) for i in range(4)]
    write_lines(tmp_path / "lines.jsonl", lines)
    assert read_lines(tmp_path / "lines.jsonl") == lines
    text = report(lines, "the command", "tiny")
    assert all(policy in text for policy in ("full", "resize", "oracle", "arr-coc")) and "100.0 ± 0.0 at 900" in text
    figure = draw_headroom(lines, "tiny")
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"full", "resize", "oracle", "arr-coc"}
    json.loads((tmp_path / "lines.jsonl").read_text().splitlines()[0])
