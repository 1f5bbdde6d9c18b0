"""Runs the code blocks and commands of documents as a reader does: top to bottom, in one folder, names kept.

The words after a fence's language say what a block is:
  python test      run; a following `text output` block is what it prints
  console test     lines that begin with "$ " are commands, the lines under one are what it prints
  ... slow         the same in `make test-docs` only
  ... fails        the last command ends with an error
In expected output `...` stands for anything, and runs of blanks count as one.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GRAINS = ("core", "education", "production")
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
RUN = ("python", "console")
SHELL = re.compile(r"[|&;<>$`]")
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TIMEOUT_S = 900


@dataclass(frozen=True)
class Block:
    """A fenced block: the words of its info string, its text, and where it begins."""

    words: tuple[str, ...]
    code: str
    place: str

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    def has(self, word: str) -> bool:
        return word in self.words[1:]


def documents() -> list[Path]:
    """Documents of all grains, and the index."""
    return [DOCS / "index.md", *(path for grain in GRAINS for path in sorted((DOCS / grain).glob("*.md")))]


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            tuple(match["info"].split()),
            re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE),
            f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}",
        )
        for match in FENCE.finditer(text)
    ]


def prose(path: Path) -> str:
    """The document without its blocks."""
    return FENCE.sub("\n", path.read_text(encoding="utf-8"))


def steps(block: Block) -> list[tuple[str, str]]:
    """(command, expected output) of a console block; a backslash at the end of a line goes on with the next."""
    found: list[tuple[str, str]] = []
    for line in block.code.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            assert found, f"{block.place}: output before the first command"
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def run_document(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, with_slow: bool) -> int:
    """Runs the blocks in a folder that looks like the repository; returns how many ran."""
    furnish(folder, monkeypatch)
    names: dict[str, object] = {"__name__": "document"}
    printed, num_run = "", 0
    for block in blocks(path):
        if block.has("test") and (with_slow or not block.has("slow")):
            printed = run_python(block, names) if block.language == "python" else run_console(block)
            num_run += 1
        elif block.has("output"):
            expect(block.code, printed, block.place)
        elif block.has("test"):
            printed = "..."
    return num_run


def furnish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links to what a reader finds in a fresh copy of the repository, commands on the path."""
    for name in ("arr_coc", "docs", "constraints.txt", "pyproject.toml", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    commands = folder / "bin"
    commands.mkdir()
    run = "from arr_coc.cli.main import main; main()"
    for name, line in {"python": "", "arr-coc": f'-c "{run}"', "torchrun": "-m torch.distributed.run"}.items():
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {line} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.chdir(folder)


def run_python(block: Block, names: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * int(block.place.rpartition(":")[2]) + block.code, block.place, "exec"), names)
    return out.getvalue()


def run_console(block: Block) -> str:
    """Runs all commands; the output of the last."""
    printed, listed = "", steps(block)
    for number, (command, wanted) in enumerate(listed, 1):
        code, printed = run_command(command)
        is_right = (code != 0) == (block.has("fails") and number == len(listed))
        assert is_right, f"{block.place}: {command}: exit code {code}\n{printed[-3000:]}"
        if wanted.strip():
            expect(wanted, printed, f"{block.place}: {command}")
    return printed


def run_command(command: str) -> tuple[int, str]:
    """(exit code, output). Ours run in this process, unless a shell is needed; `make` shows what it would do."""
    words = [] if SHELL.search(command) else shlex.split(command)
    if words[:1] == ["arr-coc"]:
        return run_ours(words[1:])
    if words[:1] == ["python"] and words[1:2] and words[1].endswith(".py"):
        return run_script(words[1:])
    if words[:1] == ["make"]:
        return run_shell(f"make --dry-run -C {ROOT} {shlex.join(words[1:])}")
    if words[:2] == ["pip", "install"]:
        return check_extras(words)
    return run_shell(command)


def run_ours(arguments: list[str]) -> tuple[int, str]:
    from arr_coc.cli.main import app

    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output if result.exit_code else result.stdout


def run_script(arguments: list[str]) -> tuple[int, str]:
    out, before = io.StringIO(), sys.argv
    sys.argv = arguments
    try:
        with contextlib.redirect_stdout(out):
            runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return code, out.getvalue()


def run_shell(command: str) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=TIMEOUT_S)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def check_extras(words: list[str]) -> tuple[int, str]:
    """`pip install` is not run: the files and the extras that it names are there."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [extra for word in words for extra in re.findall(r"\[(.*)\]", word)]
    missing = {name for group in named for name in group.split(",")} - set(extras)
    files = [word for word in words if word.endswith(".txt") and not (ROOT / word).is_file()]
    return int(bool(missing or files)), f"missing: {missing or ''} {files or ''}"


def expect(wanted: str, printed: str, place: str) -> None:
    if not doctest.OutputChecker().check_output(wanted, printed, SAME):
        raise AssertionError(f"{place} prints something else\n--- expected\n{wanted}\n--- printed\n{printed}")


def passages(path: Path) -> list[str]:
    """The words of a document's prose, paragraph by paragraph, without markup, links and pictures."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", prose(path))
    text = re.sub(r"<[^>]+>|[`*_|#>\"“”]", " ", text)
    return [" ".join(part.lower().split()) for part in re.split(r"\n\s*\n|\n(?=\s*[-|\d])", text) if part.strip()]


def shared(first: Path, second: Path, num_words: int) -> set[str]:
    """Runs of so many words that stand in both documents."""
    return runs_of(first, num_words) & runs_of(second, num_words)


@cache
def runs_of(path: Path, num_words: int) -> frozenset[str]:
    parts = [part.split() for part in passages(path)]
    return frozenset(
        " ".join(words[at : at + num_words]) for words in parts for at in range(len(words) - num_words + 1)
    )
