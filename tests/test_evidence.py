"""Reports that a reviewer asks for: seen against unseen, which tension wins, a trained scorer without its texture."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import random_parts

from arr_coc.baselines.scorers import GlimpseScorer, inherited
from arr_coc.data.tasks import TEST_SEEDS, GeneratedTask
from arr_coc.evaluation.audit import decided, held_out_present
from arr_coc.evaluation.policies.ablations import PARTS, TRAINED_ABLATIONS, WithoutTexture, ablation_sections, vacuous
from arr_coc.evaluation.policies.pruning import DEPTHS
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.reporting.deciding import MADE_FOR, deciding_text
from arr_coc.evaluation.reporting.held_out import SEEN, held_out_text
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.running.notes import command_of
from arr_coc.evaluation.running.runner import Plan
from arr_coc.knowing import AttentionScorer
from arr_coc.records import View
from arr_coc.texture import CHANNELS

ROOT = Path(__file__).parents[1]

ALLOCATOR = random_parts(48)
SAMPLE = GeneratedTask(TEST_SEEDS.start, 1, 1, size=(640, 512))[0]


def line(task: str, policy: str, sample: int, score: float, recall: float = 1.0, budget: int = 100) -> Line:
    texts = dict.fromkeys(("picture_kind", "kind", "group", "evidence", "question", "answer", "metric"), "x")
    numbers = dict.fromkeys(("native_side", "num_tokens", "num_encoded", "flops"), 100)
    return Line(
        **texts,  # type: ignore[arg-type]
        **numbers,  # type: ignore[arg-type]
        **{"task": task, "policy": policy, "sample": sample, "budget": budget, "picture": f"p{sample // 2}"},
        **{"answers": ("x",), "score": score, "recall": recall, "precision": 0.5, "seconds": None},
    )


def test_seen_and_unseen_are_paired_by_question_and_the_gain_is_over_resize() -> None:
    lines = [
        *(line("robust/as-trained", "resize", k, 0.0) for k in range(8)),
        *(line("robust/as-trained", "arr-coc", k, 1.0) for k in range(8)),
        *(line("robust/words", "resize", k, 0.0) for k in range(8)),
        *(line("robust/words", "arr-coc", k, float(k < 4)) for k in range(8)),
    ]
    text = held_out_text(lines)
    [row] = [row for row in text.splitlines() if row.startswith("| words | arr-coc |")]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[2:4] == ["100", "8"]
    assert [cell.split(" ")[0] for cell in cells[4:]] == ["100.0", "50.0", "-50.0", "+100.0", "+50.0"]
    assert held_out_text([each for each in lines if each.task == "robust/words"]) == "", "no twin, no table"


def test_the_way_that_shows_most_evidence_is_named_with_its_lead() -> None:
    shown = {"only propositional": 0.9, "only perspectival": 0.2, "only participatory": 0.4, "arr-coc": 0.8}
    lines = [line("deciding/hidden", way, k, 0.0, recall) for way, recall in shown.items() for k in range(12)]
    text = deciding_text(lines)
    assert "Most is found by information: +50.0 points of evidence over the question" in text
    assert "+70.0 points of evidence over salience" in text
    assert deciding_text([line("development", "arr-coc", 0, 1.0)]) == ""


def test_trained_ablations_are_compared_with_the_trained_allocator() -> None:
    lines = [
        *(line("development", "arr-coc", k, 0.0) for k in range(6)),
        *(line("development", "no position", k, 0.0) for k in range(6)),
        *(line("development", "arr-coc-trained", k, 1.0) for k in range(6)),
        *(line("development", "trained without rgb", k, 1.0) for k in range(6)),
        *(line("development", "trained without edges", k, 0.0, 0.2) for k in range(6)),
    ]
    assert vacuous(lines) == ["no position", "trained without rgb"]
    worth = next(each.body for each in ablation_sections(lines) if each.title == "What each part is worth")
    assert "| trained without edges - arr-coc-trained at 100 | 6 | 0.0 | 100.0 | -100.0 |" in worth
    assert "trained without edges - arr-coc at" not in worth and "arr-coc-trained - arr-coc" not in worth


@pytest.mark.parametrize("name", TRAINED_ABLATIONS)
def test_a_trained_ablation_keeps_to_the_budget(name, tiny_host) -> None:
    given = TRAINED_ABLATIONS[name].give(tiny_host, ALLOCATOR, SAMPLE, tiny_host.pyramid(SAMPLE.image), 100)
    assert given.num_tokens <= 100 and given.features.merged.isfinite().all()


def test_finer_cells_inherit_the_score_of_the_one_they_lie_in() -> None:
    known = torch.tensor([[2, 0, 0], [1, 0, 2], [1, 0, 3], [2, 1, 0]])
    cells = torch.tensor([[2, 1, 0], [1, 0, 2], [0, 1, 4], [0, 0, 7], [0, 3, 3]])
    assert inherited(cells, known, torch.tensor([0.1, 0.2, 0.3, 0.4])).tolist() == pytest.approx(
        [0.4, 0.2, 0.2, 0.3, 0.1]
    )
    assert inherited(torch.tensor([[2, 0, 1]]), known, torch.ones(4)) is None, "finer cells were known, not this one"


def test_attention_that_is_read_once_is_read_at_the_glimpse(tiny_host) -> None:
    shown = []

    class Counted(AttentionScorer):
        def __call__(self, host, views, gaze):
            shown.extend(len(view.cells) for view in views)
            return super().__call__(host, views, gaze)

    pyramid = tiny_host.pyramid(SAMPLE.image)
    allocator = replace(ALLOCATOR, scorer=GlimpseScorer(Counted()))
    views = [View.of(pyramid, "What is the total?"), View.of(pyramid, "Who sold it?")]
    first, second = allocator.realize(tiny_host, views, budgets=[160, 160])
    assert shown == [len(pyramid.cells(pyramid.coarsest))] * 2 and len(first.scores) > 1
    for realization in (first, second):
        finer, parents = realization.scores[1], realization.scores[1].cells[:, 1:] // 2
        alike = (parents[:, None] == parents).all(dim=2)
        assert torch.equal(
            finer.participatory.expand(len(parents), -1)[alike], finer.participatory.repeat_interleave(4)
        )
        assert len(finer.participatory.unique()) > 1
    assert not torch.equal(first.scores[0].participatory, second.scores[0].participatory)


def test_levelled_channels_are_the_same_everywhere_and_the_others_stay(tiny_host) -> None:
    pyramid = tiny_host.pyramid(SAMPLE.image)
    silent = (CHANNELS.index("red"), CHANNELS.index("entropy"))
    levelled = WithoutTexture(ALLOCATOR.scorer, silent).levelled(pyramid)
    for before, after in zip(pyramid.textures, levelled.textures, strict=True):
        for channel in range(len(CHANNELS)):
            if channel in silent:
                assert torch.allclose(after[channel], before[channel].mean().expand_as(after[channel]))
            else:
                assert torch.equal(after[channel], before[channel])


def test_fastv_drops_behind_the_layer_that_the_gaze_reads(tiny_host) -> None:
    """The tiny host has three layers, and a gaze that ends in the last one leaves one to drop from."""
    pyramid = tiny_host.pyramid(SAMPLE.image)
    kept = {
        name: policy.give(tiny_host, ALLOCATOR, SAMPLE, pyramid, 64).block.positions.tolist()
        for name, policy in {"fastv": POLICIES["fastv"], **DEPTHS}.items()
        if name in ("fastv", "fastv after 1", "fastv after 2")
    }
    assert kept["fastv"] == kept["fastv after 2"] != kept["fastv after 1"]


def test_a_report_of_some_parts_says_which() -> None:
    plan = Plan("nano", ("deciding/odd",), PARTS["tensions"], (100,), 40)
    assert "--parts tensions" in command_of(plan, Path("out"), "eval ablate")
    assert "--parts" not in command_of(Plan("nano", ("development",), PARTS["all"], (100,)), Path("out"), "eval ablate")


def write_report(folder: Path, tasks: list[str], policies: tuple[str, ...], body: str) -> None:
    folder.mkdir(parents=True)
    note = {"tasks": {task: {"questions": 8} for task in tasks}, "plan": {"policies": policies}}
    (folder / "run.json").write_text(json.dumps(note))
    (folder / "report.md").write_text(body)


def test_the_audit_asks_for_held_out_suites_beside_their_twins(tmp_path) -> None:
    write_report(tmp_path / "robust", ["robust/as-trained", "robust/words"], (), "robust/as-trained robust/words")
    found = {check.question: check.holds for check in held_out_present([tmp_path / "robust", tmp_path / "typefaces"])}
    assert found == {f"{unseen} beside {seen}": unseen == "robust/words" for unseen, seen in SEEN.items()}


def test_the_audit_asks_for_the_deciding_suites_and_the_trained_parts(tmp_path) -> None:
    assert not any(check.holds for check in decided(tmp_path))
    write_report(tmp_path / "tensions", list(MADE_FOR), PARTS["tensions"], "")
    write_report(tmp_path / "trained", ["development"], PARTS["trained"][:-1], "")
    assert [check.holds for check in decided(tmp_path)] == [True, False]


def test_a_report_tells_no_place_of_one_machine_alone(tmp_path: Path) -> None:
    told = command_of(Plan(str(tmp_path / "host"), (str(tmp_path / "own"),), ("full",)), Path.cwd() / "out" / "run")
    assert "--model host" in told and "--tasks own" in told and told.endswith(f"--out {Path('out', 'run')}")
    assert "--out out/run" in command_of(Plan("nano", ("development",), ("full",)), Path("out/run"))


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_the_documents_name_no_absolute_place(path: Path) -> None:
    assert not re.findall(r"--(?:out|model|relevance|tasks|calibration)[ =]/", path.read_text(encoding="utf-8"))
