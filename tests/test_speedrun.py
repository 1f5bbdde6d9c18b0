"""The whole path in one script: its stages are commands, and together they are one training."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image
from test_report import line
from typer.main import get_command
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.data.suites import open_task
from arr_coc.data.tasks import TEST_SEEDS
from arr_coc.evaluation.reporting.speedrun import speedrun_line
from arr_coc.nano import train as training
from arr_coc.nano.config import nano_config
from arr_coc.nano.curriculum import Stage
from arr_coc.nano.recipes import RECIPES, Recipe
from arr_coc.nano.tokenizer import train_tokenizer

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "runs" / "speedrun.sh"
SMALL = (
    Stage("print", 3, 2, lines=2, max_cells=8, language=False),
    Stage("lines", 3, 2, lines=2, max_cells=8),
)
STUB = """\
#!/usr/bin/env python3
import json, os, sys
run = os.environ["RUN"]
arguments = sys.argv[1:]
if "arr-coc" in sys.argv[0]:
    os.makedirs(run + "/host", exist_ok=True)
    if "tok" in arguments:
        os.makedirs(arguments[arguments.index("--out") + 1], exist_ok=True)
    if "calibrate" in arguments:
        os.makedirs(run + "/calibration/relevance", exist_ok=True)
    with open(run + "/commands.jsonl", "a") as file:
        file.write(json.dumps(arguments) + "\\n")
    sys.exit(7 if os.environ.get("DIES") in arguments else 0)
os.execv(arguments[arguments.index("--") + 1], arguments[arguments.index("--") + 1 :])
"""


def run_script(folder: Path, script: Path = SCRIPT, **environment: str) -> tuple[int, list[list[str]]]:
    """Runs a script with commands that only note how they were called; (exit status, the calls)."""
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    for name in ("arr-coc", "torchrun"):
        (commands / name).write_text(STUB)
        (commands / name).chmod(0o755)
    given = {**os.environ, "BIN": str(commands), "RUN": str(folder / "run"), "PROCESSES": "2", **environment}
    done = subprocess.run(["bash", script], env=given, capture_output=True, text=True, cwd=ROOT, check=False)
    noted = folder / "run" / "commands.jsonl"
    calls = [json.loads(text) for text in noted.read_text().splitlines()] if noted.exists() else []
    return done.returncode, calls


def check_call(arguments: list[str]) -> None:
    """Raises where a command or an option of the call does not exist, or a value is refused."""
    command, context, rest = get_command(app), None, list(arguments)
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        context = command.make_context(command.name, [rest[0]], parent=context, resilient_parsing=True)
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("recipe", ["receipts", "nano"])
def test_every_stage_of_the_script_is_a_command_with_such_options(tmp_path: Path, recipe: str) -> None:
    status, calls = run_script(tmp_path, RECIPE=recipe)
    assert status == 0
    assert [" ".join(call[:2]) for call in calls] == [
        "nano tok", "nano pre", "nano sft", "train scout", "eval calibrate", "eval --out", "data generate",
        "nano summary",
    ]  # fmt: skip
    for call in calls:
        check_call(call)
    named = {option: value for call in calls for option, value in zip(call, call[1:], strict=False)}
    assert open_task(named["--task"]).name != "" and open_task(named["--tasks"]).name != ""


def test_a_script_that_died_goes_on_where_it_was(tmp_path: Path) -> None:
    status, calls = run_script(tmp_path, DIES="scout")
    assert status == 7 and [call[1] for call in calls] == ["tok", "pre", "sft", "scout"]
    status, calls = run_script(tmp_path)
    assert status == 0 and [call[1] for call in calls[4:]] == ["scout", "calibrate", "--out", "generate", "summary"]


def test_another_recipe_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    assert run_script(tmp_path, RECIPE="lifelike") == (2, [])
    assert not (tmp_path / "run").exists()


def test_its_pictures_are_receipts_of_256_cells_that_nothing_else_tests_on() -> None:
    tasks = [open_task(name) for name in ("speedrun", "speedrun/calibration")]
    for task in tasks:
        for index in range(0, 80, 8):
            assert task[index].picture_kind == "till_receipt" and max(task[index].image.size) <= 512
    seeds = {task.seed_start for task in tasks}
    assert len(seeds) == 2 and all(seed in TEST_SEEDS for seed in seeds)


@pytest.fixture
def small_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "receipts", Recipe("receipts", "small", SMALL))
    monkeypatch.setattr(training, "nano_config", lambda tokenizer: nano_config(tokenizer, 32, 64))
    monkeypatch.setattr(training, "make_tokenizer", lambda kind: train_tokenizer(["user\n", "What is the"] * 3, 280))


def arr_coc(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=False)["learner"]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.usefixtures("small_recipe")
def test_the_parts_of_a_run_are_the_run(tmp_path: Path) -> None:
    for part in ("tok", "pre", "pre", "sft", "sft", "pre", "tok"):  # each again: nothing happens
        arr_coc("nano", part, "--out", tmp_path / "parts", *([] if part == "tok" else ["--workers", 0]))
    arr_coc("nano", "train", "--out", tmp_path / "whole", "--recipe", "receipts", "--workers", 0)
    assert same(weights_of(tmp_path / "parts"), weights_of(tmp_path / "whole"))
    assert (tmp_path / "parts" / "host" / "model.safetensors").exists()
    refused = CliRunner().invoke(app, ["nano", "tok", "--out", str(tmp_path / "parts"), "--seed", "1"])
    assert refused.exit_code == 2 and "seed: the run in" in refused.output
    none = CliRunner().invoke(app, ["nano", "pre", "--out", str(tmp_path / "none")])
    assert none.exit_code == 2 and "nano tok" in none.output


@pytest.mark.usefixtures("small_recipe")
def test_a_twin_learns_nothing_from_boxes(tmp_path: Path) -> None:
    arr_coc("nano", "tok", "--out", tmp_path)
    arr_coc("nano", "pre", "--out", tmp_path, "--workers", 0)
    before = weights_of(tmp_path)
    arr_coc("nano", "sft", "--out", tmp_path, "--workers", 0, "--no-boxes")
    after = weights_of(tmp_path)
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert not [name for name in moved if name.startswith("pointing.") and after[name].ndim < 2]
    assert any("language_model" in name for name in moved)
    facts = json.loads((tmp_path / "host" / "training.json").read_text())
    assert "no evidence box" in facts["recipe"] and "pointing head" not in facts["recipe"]


def test_the_line_counts_what_ran() -> None:
    facts = {"num_parameters": 5, "device": "cpu", "processes": 2}
    lines = [line("full", 0, 0, 1.0), line("full", 0, 1, 0.0), line("resize", 100, 0, 0.0), line("resize", 100, 1, 0.0)]
    summary = speedrun_line(facts, {"tok": 3, "pre": 4}, lines, commit="abc")
    assert list(summary)[0] == "commit" and summary["total_seconds"] == 7 and summary["questions"] == 2
    assert summary["percent_right"]["full"][0] == 50.0 and summary["percent_right"]["resize@100"][0] == 0.0
    assert set(summary["visual_tokens"]) == {"full", "resize@100"}


def test_the_documented_lines_are_lines(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "speedrun.md").read_text(encoding="utf-8")
    lines = [json.loads(each) for each in text.splitlines() if each.startswith("{")]
    assert lines
    for each in lines:
        assert each["total_seconds"] == sum(each["seconds"].values())
        assert {"full", "resize@100", "arr-coc-trained@100", "oracle@100"} <= set(each["percent_right"])


def test_chat_answers_one_question_after_the_other_and_survives_bad_ones(tmp_path: Path) -> None:
    receipt, other = ROOT / "arr_coc" / "examples" / "receipt.jpg", tmp_path / "other.png"
    Image.new("RGB", (96, 64), "white").save(other)
    typed = f"\nWhat is the total?\n/picture {tmp_path / 'none.png'}\n/picture {other}\nWhat is the total?\n/quit\nno"
    result = CliRunner().invoke(app, ["chat", str(receipt), "--budget", "64"], input=typed)
    assert result.exit_code == 0, result.output
    costs = [each for each in result.output.splitlines() if "visual tokens" in each]
    assert len(costs) == 2 and "64 visual tokens" in costs[0] and "96x64 pixels" in result.output
    assert result.output.count("arr-coc: ") == 1
