"""The folder that the public demo is published from."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from arr_coc.cli.space import space as space_command
from arr_coc.serving import space as spaces
from arr_coc.serving.space import (
    HARDWARE,
    PACKAGE,
    PYTHON,
    Space,
    dependencies,
    installed_version,
    space_files,
    write_space,
)

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "spaces"


def pins() -> dict[str, str]:
    """Versions of constraints.txt by normalised name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {normalised(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> list[str]:
    """What an installed arr-coc says it requires, by pyproject.toml; an older install of this tree says otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(f'{line}; extra == "{name}"' for name in extras for line in extras[name])]


@pytest.fixture(autouse=True)
def requirements(monkeypatch) -> None:
    monkeypatch.setattr(spaces, "requires", lambda name: {"arr-coc": declared()}[name])


def version_of(name: str) -> str:
    return pins().get(normalised(name), "0")


def header(readme: str) -> dict[str, str]:
    """The lines `key: value` of the block between dashes."""
    block = readme.split("---\n")[1]
    return dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(space_command)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture()
def versions(monkeypatch) -> None:
    """The command sees the versions of constraints.txt, whatever is installed."""
    monkeypatch.setattr(spaces.write_space, "__defaults__", (version_of,))


@pytest.mark.skipif("gradio" not in pins(), reason="constraints.txt pins no gradio")
def test_the_committed_folder_is_what_the_command_writes() -> None:
    for name, text in space_files(Space(), version_of).items():
        committed = (COMMITTED / name).read_text(encoding="utf-8")
        assert committed == text, f"spaces/{name} is old: write it again with `arr-coc space`"


def test_the_header_is_what_spaces_reads() -> None:
    readme = space_files(Space(), version_of)["README.md"]
    values = header(readme)
    assert values["sdk"] == "gradio" and values["sdk_version"] == version_of("gradio")
    assert values["app_file"] == "app.py" and values["suggested_hardware"] == "cpu-basic"
    assert values["license"] == "mit" and len(values["short_description"]) <= 60
    assert values["python_version"] == f'"{PYTHON}"'
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={PYTHON}"' in pyproject
    assert max(map(len, readme.splitlines())) <= 120


def test_every_direct_dependency_is_pinned_once() -> None:
    lines = space_files(Space(), version_of)["requirements.txt"].splitlines()
    assert lines[0].startswith("--extra-index-url")
    names = [line.split("==")[0] for line in lines[1:]]
    assert len(names) == len(set(names)) and set(names) == {*dependencies(), "gradio", "pi-heif"}
    assert {"torch", "transformers"} < set(names) and not {"ruff", "pytest"} & set(names)
    assert all(line.split("==")[1] != "0" for line in lines[1:]), "constraints.txt lacks a direct dependency"


def test_a_gpu_takes_torch_with_cuda_and_a_package_is_fetched() -> None:
    space = Space("Qwen/Qwen3-VL-2B-Instruct", "l4x1", "arr-coc @ git+https://example.com/arr-coc")
    files = space_files(space, version_of)
    assert "whl/cpu" not in files["requirements.txt"]
    assert files["requirements.txt"].splitlines()[-1] == space.package
    assert "models:\n  - Qwen/Qwen3-VL-2B-Instruct\n" in files["README.md"]
    assert 'build_demo("Qwen/Qwen3-VL-2B-Instruct"' in files["app.py"]


@pytest.mark.parametrize("hardware", HARDWARE)
def test_the_app_is_python(hardware: str) -> None:
    tree = ast.parse(space_files(Space(hardware=hardware), version_of)["app.py"])
    names = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    for name in names:
        assert (PACKAGE.parent / f"{name.replace('.', '/')}.py").is_file(), name


def test_the_folder_holds_the_package(tmp_path: Path, versions: None) -> None:
    folder = tmp_path / "space"
    result = run(str(folder))
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "app.py", "arr_coc", "requirements.txt"]
    copied = {path.relative_to(folder / "arr_coc") for path in (folder / "arr_coc").rglob("*") if path.is_file()}
    own = {
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert copied == own and Path("nano/weights/model.safetensors") in copied


def test_writing_again_replaces_and_keeps_git(tmp_path: Path, versions: None) -> None:
    (tmp_path / ".git").mkdir()
    assert run(str(tmp_path)).exit_code == 0
    (tmp_path / "arr_coc" / "old.py").write_text("")
    (tmp_path / "app.py").write_text("changed")
    assert run(str(tmp_path), "--package", "arr-coc==0.1.0").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "README.md", "app.py", "requirements.txt"]
    assert "build_demo" in (tmp_path / "app.py").read_text()


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--model", "./mine"], "model"),
        (["--model", 'x"); import os #'], "model"),
        (["--hardware", "toaster"], "cpu-basic"),
        (["--package", "a\nb"], "one line"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], word: str) -> None:
    result = run(str(tmp_path / "space"), *arguments)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert word in result.stderr and not (tmp_path / "space").exists()


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    for folder in (tmp_path, ROOT, tmp_path / "README.md"):
        result = run(str(folder))
        assert result.exit_code == 2 and "folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_versions_have_no_local_part() -> None:
    assert "+" not in installed_version("torch")
    with pytest.raises(ValueError, match="not installed"):
        installed_version("no-such-package-here")


def test_a_full_disk_leaves_no_half_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "new"
    monkeypatch.setattr(spaces.shutil, "copytree", full)
    with pytest.raises(OSError, match="No space"):
        write_space(folder, Space(), version_of)
    assert not folder.exists()
    monkeypatch.undo()
    write_space(folder, Space(), version_of)
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(spaces.shutil, "copytree", full)
    with pytest.raises(OSError, match="No space"):
        write_space(folder, Space(), version_of)
    assert sorted(path.name for path in folder.iterdir()) == before
