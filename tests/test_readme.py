"""What the README promises: its commands run, its snippet works, its paths are there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.hosts.names import NANO_FOLDER

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]


def test_readme_has_the_two_commands_and_the_snippet() -> None:
    assert COMMANDS[:2] == ["make compare", "make test"]
    assert len(blocks("python")) == 3
    assert {shlex.split(command)[0] for command in COMMANDS} == {"make", "arr-coc"}


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_make_targets_exist(command: str) -> None:
    """Shown, not run: `make test` would run this test again."""
    shown = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert shown.returncode == 0, shown.stderr
    assert "arr-coc compare" in shown.stdout or "pytest" in shown.stdout


def test_both_ends_of_the_range_of_transformers_are_tested() -> None:
    """Those that pyproject.toml allows are those that `make test-transformers` runs, and one of them is shipped."""
    first, beyond = re.search(r'"transformers>=5\.(\d+),<5\.(\d+)"', (ROOT / "pyproject.toml").read_text()).groups()
    ends = [first, str(int(beyond) - 1)]
    assert f"TRANSFORMERS := {' '.join(f'5.{end}' for end in ends)}\n" in (ROOT / "Makefile").read_text()
    assert re.search(rf"^transformers==5\.({'|'.join(ends)})\.", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("arr-coc")])
def test_commands_run(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "arr_coc" / "examples", tmp_path / "arr_coc" / "examples")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stdout.strip()
    if "--out" in command:
        assert Path(command.split("--out ")[1].split()[0]).exists()


def test_snippet_runs_with_the_embedded_host() -> None:
    assert (NANO_FOLDER / "config.json").is_file(), "no weights of nano: arr-coc nano train makes them"
    picture = next(ROOT.glob("arr_coc/examples/receipt.*"))
    content = [{"type": "image", "image": str(picture)}, {"type": "text", "text": "What is the total?"}]
    names = {"NAME": str(NANO_FOLDER), "messages": [{"role": "user", "content": content}]}
    exec(compile(blocks("python")[0], "README.md", "exec"), names)
    inputs = names["inputs"]
    tokenizer = names["processor"].tokenizer
    (answer,) = names["model"].generate(**inputs)[:, inputs["input_ids"].shape[1] :].tolist()
    assert answer[-1] == tokenizer.eos_token_id and len(answer) < 20, tokenizer.decode(answer)
    assert set(inputs) == {"input_ids", "attention_mask", "position_ids", "mm_encoder_outputs"}
    assert inputs.realizations[0][0].allocation.num_tokens <= 400
    before = inputs.realizations[0][0].allocation.leaves.tolist()
    exec(compile(blocks("python")[1], "README.md", "exec"), names)
    allocation = names["inputs"].realizations[0][0].allocation
    assert 147 < allocation.num_tokens <= 150 and allocation.leaves.tolist() != before
    exec(compile(blocks("python")[2], "README.md", "exec"), names)
    assert names["answer"].text == names["answer"].looks[-1].text and 0 <= names["answer"].confidence <= 1


def test_paths_of_the_tree_and_links_exist() -> None:
    tree = README.split("## File tree")[1].split("```")[1]
    folder = ROOT
    for line in tree.strip().splitlines():
        name = line.split()[0]
        path = folder / name if line.startswith("  ") else ROOT / name
        folder = folder if line.startswith("  ") else path
        assert path.exists(), line
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
