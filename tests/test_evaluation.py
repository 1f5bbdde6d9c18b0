"""Policies at equal tokens, batched answers, resuming, and errors that respect pictures."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import draw, random_parts

from arr_coc.baselines.scorers import OracleScorer, RandomScorer, overlap
from arr_coc.data.tasks import TEST_SEEDS, GeneratedTask
from arr_coc.evaluation.policies.ablations import ABLATIONS
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.running import runner
from arr_coc.evaluation.running.answers import Line, read_lines
from arr_coc.evaluation.running.batches import answer_all
from arr_coc.evaluation.running.notes import command_of
from arr_coc.evaluation.running.runner import Plan
from arr_coc.evaluation.statistics.intervals import clustered_mean
from arr_coc.processor.answer import answer
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor

TASK = GeneratedTask(TEST_SEEDS.start, 2, 2, size=(640, 512))


ALLOCATOR = random_parts(48)
"""One with trained parts, as far as a policy can tell."""


@pytest.fixture(scope="module")
def sample():
    return TASK[0]


@pytest.mark.parametrize("policy", [name for name in POLICIES if POLICIES[name].has_budget])
@pytest.mark.parametrize("budget", [64, 100, 160])
def test_every_policy_keeps_to_the_budget(policy, budget, tiny_host, sample):
    given = POLICIES[policy].give(tiny_host, ALLOCATOR, sample, tiny_host.pyramid(sample.image), budget)
    least = 0.8 * budget if policy in ("resize", "glimpse-crop") else budget - 3  # whole sizes come in steps
    assert least < given.num_tokens <= budget
    assert given.num_encoded >= given.num_tokens == sum(len(features.merged) for _, features in given.pictures)


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
            positions = POLICIES[policy].give(tiny_host, ALLOCATOR, sample, pyramid, 100).block.positions
            finer[policy] += [row, col] in positions.tolist()
    assert finer["oracle"] > finer["random"] + 3


def test_full_in_a_batch_answers_like_the_untouched_model(tiny_host):
    samples = [TASK[index] for index in range(4)]
    given = [POLICIES["full"].give(tiny_host, ALLOCATOR, s, tiny_host.pyramid(s.image), 0) for s in samples]
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


PLAN = Plan("tiny", ("development",), ("full", "resize", "arr-coc"), (64, 100, 0), limit=4)


@pytest.fixture
def small(monkeypatch, tiny_host):
    """Runs on the tiny host and on small pictures."""
    monkeypatch.setattr(runner, "load_host", lambda name, **options: (None, RelevanceProcessor(tiny_host, ALLOCATOR)))
    monkeypatch.setattr(
        runner, "open_task", lambda name, **options: GeneratedTask(TEST_SEEDS.start, 2, 2, size=(512, 448))
    )


def finish(plan: Plan, folder: Path) -> list[Line]:
    *_, (done, total) = runner.run(plan, folder)
    assert done == total
    return read_lines(folder / "answers.jsonl")


def test_every_condition_of_every_question_is_answered_once(tmp_path, small):
    lines = finish(PLAN, tmp_path)
    keys = [line.key for line in lines]
    assert len(keys) == len(set(keys)) == 4 * 6
    assert {line.key[2:] for line in lines} == set(PLAN.conditions())
    full = [line for line in lines if line.policy == "full"]
    assert all(line.num_tokens == line.num_encoded and line.recall in (None, 1.0) for line in full)
    assert all(line.flops > 0 and line.seconds is None for line in lines)


@pytest.mark.parametrize("share", [0.0, 0.31, 0.7, 0.99])
def test_a_run_killed_anywhere_goes_on_without_lost_or_doubled_lines(tmp_path, small, share):
    whole = finish(PLAN, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    path = tmp_path / "killed" / "answers.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    again = finish(PLAN, tmp_path / "killed")
    assert sorted(again, key=lambda line: line.key) == sorted(whole, key=lambda line: line.key)


def test_policies_may_be_added_to_a_run_but_not_another_model(tmp_path, small):
    before = finish(replace(PLAN, policies=("full",)), tmp_path)
    assert finish(PLAN, tmp_path)[: len(before)] == before
    with pytest.raises(ValueError, match="another run"):
        next(runner.run(replace(PLAN, model="other"), tmp_path))
    with pytest.raises(ValueError, match="another run .max_pixels differ"):
        next(runner.run(replace(PLAN, max_pixels=2**21), tmp_path))


def test_a_larger_full_resolution_holds_for_every_way_of_looking():
    plan = replace(PLAN, model="nano", max_pixels=64 * 64 * 32**2)
    host = plan.load().host
    pyramid = host.pyramid(draw(2048, 2048))
    assert host.stock_size(2048, 2048) == (2048, 2048) and pyramid.grid() == (64, 64)
    assert len(pyramid.cells(pyramid.coarsest)) == 64
    assert "--max-pixels 4194304" in command_of(plan, Path("out"))
    with pytest.raises(ValueError, match="max_pixels: must be at least 16384"):
        replace(plan, max_pixels=100).load()


def test_timed_questions_carry_their_seconds(tmp_path, small):
    lines = finish(replace(PLAN, policies=("resize", "arr-coc"), budgets=(64,), timed_every=2), tmp_path)
    assert {line.sample for line in lines if line.seconds} == {0, 2}
    assert all(min(line.seconds.values()) > 0 for line in lines if line.seconds)


def test_a_plan_is_read_back_from_its_folder(tmp_path, small):
    finish(PLAN, tmp_path)
    plan, lines = runner.read_run(tmp_path)
    assert plan == PLAN and len(lines) == 24
    with pytest.raises(ValueError, match="holds no run"):
        runner.read_run(tmp_path / "elsewhere")


def test_unknown_policy_lists_what_there_is():
    with pytest.raises(ValueError, match="unknown 'best'; there are full, resize"):
        replace(PLAN, policies=("best",)).conditions()


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_an_ablation_keeps_to_the_budget(name, tiny_host, sample):
    pyramid = tiny_host.pyramid(sample.image)
    given = ABLATIONS[name].give(tiny_host, ALLOCATOR, sample, pyramid, 100)
    assert given.num_tokens <= 100 and len(given.features.merged) == given.num_tokens
    assert given.features.merged.isfinite().all()


def test_the_shuffled_question_looks_elsewhere(tiny_host, sample):
    pyramid = tiny_host.pyramid(sample.image)
    own, other = (
        POLICIES[name].give(tiny_host, ALLOCATOR, sample, pyramid, 100).leaves
        for name in ("arr-coc", "arr-coc-shuffled")
    )
    assert own.tolist() != other.tolist()


def test_where_the_data_does_not_tell_the_smallest_box_counts_as_a_line_of_print(sample):
    boxes = ((10.0, 10.0, 90.0, 30.0), (0.0, 0.0, 50.0, 50.0))
    assert runner.glyph_px(replace(sample, glyph_px=None, boxes=boxes)) == pytest.approx(14)
    assert runner.glyph_px(replace(sample, glyph_px=9.0, boxes=boxes)) == 9
    assert runner.glyph_px(replace(sample, glyph_px=None, boxes=None)) is None


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK"])
def test_a_picture_of_any_mode_is_answered(mode, tiny_host, sample):
    other = replace(sample, image=sample.image.convert(mode))
    task = GeneratedTask(TEST_SEEDS.start, 1, 1)
    rows = [runner.Row(0, other, policy, budget) for policy, budget in (("full", 0), ("resize", 64), ("arr-coc", 64))]
    assert len(runner.answer_picture(RelevanceProcessor(tiny_host, ALLOCATOR), task, "t", rows, timed_every=1)) == 3
