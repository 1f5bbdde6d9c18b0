"""The command line: what it prints and writes, and one line for every mistake of its user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import draw
from PIL import Image
from typer.testing import CliRunner, Result

import arr_coc
from arr_coc.cli.examples import EXAMPLES
from arr_coc.cli.main import app
from arr_coc.data.tasks import FolderTask
from arr_coc.evaluation import comparing
from arr_coc.evaluation.comparing import POLICIES
from arr_coc.processor.asking import STAGES

QUESTION = "What is the total on the receipt?"


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    draw(640, 480).save(path)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def compare(picture: str, model: str, *options: str) -> Result:
    return run("compare", picture, QUESTION, "--model", model, "--max-new-tokens", "3", *options)


def assert_one_line(result: Result, *words: str) -> None:
    """Exit code 2, nothing on stdout, one line on stderr that holds the words."""
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("arr-coc: "), result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_json_is_one_object_of_the_documented_form(picture: str, model_folder: str) -> None:
    result = compare(picture, model_folder, "--json", "--budget", "100")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert list(values) == ["image", "question", "host", "tensions", "leaves", "levels", "runs", "looks"]
    assert values["image"] == {"width": 640, "height": 480}
    assert values["question"] == QUESTION and values["host"] == model_folder
    assert set(values["tensions"]) == {"compress_particularize", "focus_diversify", "exploit_explore"}
    assert all(0 <= value <= 1 for value in values["tensions"].values())
    assert all(len(leaf) == 3 and 0 <= leaf[0] < values["levels"] for leaf in values["leaves"])
    assert [run["policy"] for run in values["runs"]] == list(POLICIES)
    full, resize, ours, sure = values["runs"]
    assert ours["visual_tokens"] == len(values["leaves"]) and 97 < ours["visual_tokens"] <= 100
    assert resize["visual_tokens"] <= ours["visual_tokens"] < full["visual_tokens"] == 300
    assert ours["encoded_tokens"] >= ours["visual_tokens"] and full["encoded_tokens"] == 300
    looks = values["looks"]
    assert (sure["answer"], sure["visual_tokens"]) == (looks[-1]["answer"], looks[-1]["visual_tokens"])
    assert sure["encoded_tokens"] == sum(look["encoded_tokens"] for look in looks)
    assert sure["seconds"]["total"] == pytest.approx(sum(look["seconds"] for look in looks), abs=1e-4)


def test_runs_account_for_their_time_and_memory(picture: str, model_folder: str) -> None:
    values = json.loads(compare(picture, model_folder, "--json").stdout)
    for one in values["runs"]:
        keys = ["policy", "answer", "visual_tokens", "encoded_tokens", "seconds", "ttft_s", "peak_memory_mb"]
        assert list(one) == keys
        assert list(one["seconds"]) == [*STAGES, "total"]
        assert isinstance(one["answer"], str)
        parts = [one["seconds"][stage] for stage in STAGES]
        is_sure = one["policy"] == "until-sure"  # its drafts are checked: prefill and decoding are one stage
        assert min(part for part, stage in zip(parts, STAGES, strict=True) if not (is_sure and stage == "prefill")) > 0
        assert sum(parts) == pytest.approx(one["seconds"]["total"], abs=1e-4)
        assert one["ttft_s"] == pytest.approx(sum(parts if is_sure else parts[:3]), abs=1e-4)
        assert 50 < one["peak_memory_mb"] < 20_000


def test_table_and_figure(picture: str, model_folder: str, tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    result = compare(picture, model_folder, "--out", str(out))
    assert result.exit_code == 0, result.output
    for word in (QUESTION, *POLICIES, "look 1", "settled", "focus–diversify", "figure:"):
        assert word in result.stdout
    with Image.open(out) as figure:
        assert min(figure.size) > 700
        assert len(figure.convert("RGB").resize((200, 200)).getcolors(40_000) or ()) > 500
    assert list(tmp_path.iterdir()) == [out]


def test_full_that_takes_too_long_is_estimated(picture: str, model_folder: str, monkeypatch) -> None:
    monkeypatch.setattr(comparing, "PATIENCE_S", 0.0)
    full = json.loads(compare(picture, model_folder, "--json").stdout)["runs"][0]
    assert full["answer"] is None and full["estimated"] is True and full["peak_memory_mb"] is None
    assert full["visual_tokens"] == 300 and full["seconds"]["total"] > 0
    assert "estimates" in " ".join(compare(picture, model_folder).stdout.split())
    forced = json.loads(compare(picture, model_folder, "--json", "--full").stdout)["runs"][0]
    assert isinstance(forced["answer"], str) and "estimated" not in forced


def test_ask_prints_the_answer_and_the_tokens(picture: str, model_folder: str) -> None:
    arguments = ("ask", picture, QUESTION, "--model", model_folder, "--budget", "64", "--max-new-tokens", "3")
    plain = run(*arguments)
    values = json.loads(run(*arguments, "--json").stdout)
    assert plain.exit_code == 0 and "64" in plain.stdout.splitlines()[-1]
    assert values["budget"] == 64 and 61 < values["visual_tokens"] <= 64
    assert (
        values["answer"]
        == json.loads(compare(picture, model_folder, "--json", "--budget", "64").stdout)["runs"][2]["answer"]
    )


def write_truncated(path: Path) -> None:
    draw(400, 300).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def write_bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


BAD_PICTURES = {
    "missing.png": (lambda path: None, "no such file"),
    "notes.txt": (lambda path: path.write_text("not a picture"), "not a picture"),
    "empty.png": (lambda path: path.touch(), "empty"),
    "folder.png": (lambda path: path.mkdir(), "directory"),
    "cut.jpg": (write_truncated, "cut short"),
    "bomb.png": (write_bomb, "decompression bombs"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
@pytest.mark.parametrize("command", ["compare", "ask"])
def test_bad_picture(name: str, command: str, model_folder: str, tmp_path: Path) -> None:
    make, word = BAD_PICTURES[name]
    path, out = tmp_path / name, tmp_path / "out.png"
    make(path)
    options = ("--out", str(out)) if command == "compare" else ()
    assert_one_line(run(command, str(path), QUESTION, "--model", model_folder, *options), name, word)
    assert not out.exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("budget", ["63", "401", "0", "-5", "64.5", "many", ""])
def test_bad_budget(budget: str, picture: str) -> None:
    assert_one_line(run("ask", picture, QUESTION, f"--budget={budget}"), "budget", "64..400", budget)


@pytest.mark.parametrize("command", ["train scout", "nano train"])
def test_compiling_without_a_compiler_is_refused_before_any_work(command: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    out = tmp_path / "run"
    assert_one_line(
        run(*command.split(), "--out", str(out), "--compile", "--device", "cpu"), "--compile", "no-such-compiler"
    )
    assert not out.exists()


def test_calibrating_on_too_few_pictures_is_refused_before_any_answer(tmp_path: Path) -> None:
    out = tmp_path / "calibration"
    assert_one_line(run("eval", "calibrate", "--limit", "16", "--out", str(out)), "limit", "2 pictures are too few")
    assert not out.exists()


@pytest.mark.parametrize("question", ["", "  \n"])
def test_empty_question(question: str, picture: str) -> None:
    assert_one_line(run("compare", picture, question), "question", "empty")


def test_question_longer_than_the_context(picture: str, model_folder: str) -> None:
    question = "What is the total? " * 400
    assert_one_line(run("compare", picture, question, "--model", model_folder), "context of 1024", "shorten")


def test_unknown_model(picture: str, tmp_path: Path) -> None:
    assert_one_line(run("ask", picture, QUESTION, "--model", str(tmp_path / "none")), "model", "no such folder")
    assert_one_line(run("ask", picture, QUESTION, "--model", str(tmp_path)), "model", str(tmp_path))


@pytest.mark.parametrize(
    ("out", "word"),
    [("none/figure.png", "does not exist"), ("", "directory"), ("figure.xyz", "unknown kind"), ("file/f.png", "")],
)
def test_figure_that_cannot_be_written_is_an_error_before_any_work(out: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = str(tmp_path / "missing.png")
    result = run("compare", missing, QUESTION, "--out", str(tmp_path / out))
    assert_one_line(result, "--out", word if out else "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_defects_keep_their_traceback(picture: str, model_folder: str, monkeypatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(comparing, "run_plain", broken)
    result = compare(picture, model_folder)
    assert isinstance(result.exception, ValueError) and result.exit_code == 1


def test_data_preview_writes_a_sheet(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    result = run("data", "preview", "--num", "2", "--seed", "5", "--kind", "receipt", "--out", str(out))
    assert result.exit_code == 0, result.output
    with Image.open(out) as sheet:
        assert sheet.width > 800 and list(tmp_path.iterdir()) == [out]


def test_data_generate_writes_a_task(tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    result = run("data", "generate", "--num", "2", "--seed", "3", "--max-side", "400", "--out", str(out))
    assert result.exit_code == 0, result.output
    task = FolderTask(out)
    assert f"2 pictures, {len(task)} questions" in result.stdout
    assert task.score(task[0].answers[0], task[0]) == 1.0
    assert_one_line(run("data", "generate", "--num", "1", "--out", str(out)), "--out", "not empty")


@pytest.mark.parametrize(("options", "word"), [(("--kind", "painting"), "painting"), (("--max-side", "9000"), "9000")])
def test_data_that_cannot_be_drawn(options: tuple[str, str], word: str, tmp_path: Path) -> None:
    result = run("data", "generate", "--num", "1", "--out", str(tmp_path / "new"), *options)
    assert_one_line(result, word)
    assert not list(tmp_path.iterdir())


def test_shipped_examples_are_what_the_generator_draws(tmp_path: Path) -> None:
    """After a change of the generator, `make examples` draws them again."""
    shipped = Path(arr_coc.__file__).parent / "examples"
    assert run("data", "examples", "--out", str(tmp_path / "new")).exit_code == 0
    assert (tmp_path / "new" / "qa.jsonl").read_text() == (shipped / "qa.jsonl").read_text()
    assert sorted(path.name for path in shipped.iterdir()) == sorted([*EXAMPLES, "qa.jsonl"])
    assert "receipt.jpg" in EXAMPLES and 6 <= len(EXAMPLES) <= 10
    assert max(path.stat().st_size for path in shipped.iterdir()) < 400_000
    task = FolderTask(shipped)
    assert len(task) >= 2 * len(EXAMPLES) and max(task[0].image.size) >= 900


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from arr_coc.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, **environment})


def test_help_and_version_do_not_load_torch() -> None:
    code = "import sys, arr_coc.cli.main; print(sorted({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert loaded.stdout.strip() == "[]", loaded.stderr
    shown = run("--help")
    assert shown.exit_code == 0 and all(name in shown.stdout for name in ("compare", "ask", "data"))
    assert run("--version").stdout.startswith("arr-coc 0.")


def test_process_keeps_stdout_for_the_object_and_stderr_clean(picture: str, model_folder: str) -> None:
    done = python("compare", picture, QUESTION, "--model", model_folder, "--max-new-tokens", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["question"] == QUESTION and done.stdout.count("\n") == 1
    assert done.stderr.startswith("until_sure: this host was never calibrated") and done.stderr.count("\n") == 1


def test_process_ends_with_one_line_for_an_unknown_hub_model(picture: str) -> None:
    done = python("ask", picture, QUESTION, "--model", "nobody/nothing", HF_HUB_OFFLINE="1")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("arr-coc: model 'nobody/nothing'") and done.stderr.count("\n") == 1
