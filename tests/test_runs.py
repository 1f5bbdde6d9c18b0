"""Runs that go wrong: samples that can't be read, questions too long, a second run, Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import draw
from typer.testing import CliRunner, Result

from arr_coc.cli.main import app
from arr_coc.evaluation.running import runner
from arr_coc.files.locking import locked

NUM_PICTURES = 4


@pytest.fixture()
def task(tmp_path: Path) -> Path:
    """Four pictures with one question each; the last picture is cut short."""
    folder = tmp_path / "task"
    folder.mkdir()
    lines = []
    for number in range(NUM_PICTURES):
        draw(96, 64 + number).save(folder / f"{number}.png")
        lines.append(json.dumps({"image": f"{number}.png", "question": f"What is {number}?", "answers": ["x"]}) + "\n")
    (folder / "qa.jsonl").write_text("".join(lines), encoding="utf-8")
    cut(folder / "3.png")
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def evaluate(model: str, task: Path, out: Path, *options: str) -> Result:
    fixed = ["--policies", "full", "--budgets", "64", "--timed-every", "0", "--workers", "0"]
    return CliRunner().invoke(
        app, ["eval", "--model", model, "--tasks", str(task), "--out", str(out), *fixed, *options]
    )


def num_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0


def test_what_failed_is_counted_named_and_asked_again_when_told(model_folder: str, task: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = evaluate(model_folder, task, out, "--max-failures", "0.5")
    assert first.exit_code == 0, first.output
    assert (num_lines(out / "answers.jsonl"), num_lines(out / "failures.jsonl")) == (3, 1)
    report = (out / "report.md").read_text(encoding="utf-8")
    assert "## Not answered" in report and "1 questions could not be answered" in report
    assert evaluate(model_folder, task, out, "--max-failures", "0.5").exit_code == 0
    assert (num_lines(out / "answers.jsonl"), num_lines(out / "failures.jsonl")) == (3, 1)
    draw(96, 67).save(task / "3.png")
    assert evaluate(model_folder, task, out, "--max-failures", "0.5", "--retry-failed").exit_code == 0
    assert (num_lines(out / "answers.jsonl"), num_lines(out / "failures.jsonl")) == (4, 0)


def test_too_many_failures_end_the_run_and_keep_what_was_answered(
    model_folder: str, task: Path, tmp_path: Path
) -> None:
    for number in (1, 2):
        cut(task / f"{number}.png")
    ended = evaluate(model_folder, task, tmp_path / "out", "--max-failures", "0")
    assert ended.exit_code == 2 and "--retry-failed" in ended.stderr and ended.stderr.count("arr-coc: ") == 1
    assert num_lines(tmp_path / "out" / "answers.jsonl") == 1


@pytest.mark.parametrize("command", ["neighbours", "tune"])
def test_a_broken_picture_does_not_end_what_answers_nothing(command: str, model_folder: str, task: Path) -> None:
    boxed = [
        json.dumps({"image": f"{n % 4}.png", "question": f"What {n}?", "answers": ["x"], "boxes": [[n, n, 40, 40]]})
        for n in (0, 4, 1, 5, 3, 7)
    ]
    (task / "qa.jsonl").write_text("\n".join(boxed) + "\n", encoding="utf-8")
    result = CliRunner().invoke(
        app, ["eval", command, "--model", model_folder, "--tasks", str(task), "--budgets", "64"]
    )
    assert result.exit_code == 0, result.output
    assert "2 questions could not be read" in result.stderr and "|" in result.stdout


def test_a_report_says_that_its_run_is_not_finished(model_folder: str, task: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert evaluate(model_folder, task, out, "--max-failures", "0.5").exit_code == 0
    assert "not finished" not in (out / "report.md").read_text(encoding="utf-8")
    lines = (out / "answers.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "answers.jsonl").write_text("".join(lines[1:]), encoding="utf-8")
    assert CliRunner().invoke(app, ["eval", "report", str(out)]).exit_code == 0
    assert "not finished: 2 of 4 answers" in (out / "report.md").read_text(encoding="utf-8")
    note = json.loads((out / "run.json").read_text(encoding="utf-8"))
    note["plan"]["for_final_report"] = True
    (out / "run.json").write_text(json.dumps(note), encoding="utf-8")
    assert CliRunner().invoke(app, ["eval", "report", str(out)]).exit_code == 0
    assert "Made by `arr-coc eval final " in (out / "report.md").read_text(encoding="utf-8")


def test_a_question_beyond_the_context_is_a_failure_of_its_own(model_folder: str, task: Path, tmp_path: Path) -> None:
    draw(96, 67).save(task / "3.png")
    long = {"image": "3.png", "question": "word " * 20_000, "answers": ["x"]}
    with (task / "qa.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(long) + "\n")
    assert evaluate(model_folder, task, tmp_path / "out", "--max-failures", "0.5").exit_code == 0
    assert num_lines(tmp_path / "out" / "answers.jsonl") == NUM_PICTURES
    [failure] = (tmp_path / "out" / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert "context" in json.loads(failure)["reason"]


@pytest.mark.parametrize(
    "command",
    [
        ["eval", "--tasks", "TASK"],
        ["train", "scout", "--data", "TASK", "--steps", "1"],
        ["nano", "train"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_second_run_in_a_folder_is_refused(command: list[str], model_folder: str, task: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [str(task) if word == "TASK" else word for word in command]
    model = [] if command[0] == "nano" else ["--model", model_folder]
    with locked(out):
        result = CliRunner().invoke(app, [*words, *model, "--out", str(out), "--workers", "0"])
    assert result.exit_code == 2 and "in use by another run" in result.stderr, (result.output, result.exception)


def test_ctrl_c_says_how_to_go_on(
    model_folder: str, task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "answer_chunk", interrupted)
    result = evaluate(model_folder, task, tmp_path / "out")
    assert result.exit_code == 130 and "stopped; " in result.stderr and "Traceback" not in result.output


@pytest.mark.parametrize("command", [[], ["eval", "--help"], ["nano"], ["data"], ["train", "--help"]])
def test_help_is_no_mistake(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0 and "Usage" in result.stdout and "<bool>" not in result.stdout


def test_shells_complete_commands() -> None:
    asked = {"_ARR_COC_COMPLETE": "complete_bash", "COMP_WORDS": "arr-coc da", "COMP_CWORD": "1"}
    result = CliRunner(env=asked).invoke(app, [], prog_name="arr-coc")
    assert "data" in result.stdout
