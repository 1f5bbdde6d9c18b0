"""Training runs under another allocator where one is installed; everything else is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arr_coc.cli import heaps
from arr_coc.cli.heaps import PRELOAD, find_library, pays, restart_where_it_pays


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        (["nano", "train", "--out", "x"], {}, True),
        (["train", "scout"], {}, True),
        (["nano", "sft", "--out", "x"], {}, True),
        (["nano", "eval"], {}, False),
        (["nano"], {}, False),
        (["ask", "picture.jpg", "nano"], {}, False),
        ([], {}, False),
        (["nano", "train"], {PRELOAD: "libjemalloc.so.2"}, False),
        (["nano", "train"], {PRELOAD: ""}, False),
    ],
)
def test_only_training_is_started_again_and_never_against_a_choice(
    command: list[str], environment: dict[str, str], expected: bool
) -> None:
    assert pays(command, environment) == expected


def test_a_command_keeps_its_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library, started = tmp_path / "libtcmalloc.so.4", []
    monkeypatch.setattr(heaps, "find_library", lambda: library)
    monkeypatch.setattr(heaps.os, "execve", lambda *started_with: started.append(started_with))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "/bin/arr-coc", "nano", "train", "--out", "my run"])
    monkeypatch.delenv(PRELOAD, raising=False)
    restart_where_it_pays(["nano", "train", "--out", "my run"])
    [(program, words, environment)] = started
    assert program == sys.executable
    assert words == [sys.executable, "-P", "/bin/arr-coc", "nano", "train", "--out", "my run"]
    assert environment == {**os.environ, PRELOAD: str(library)}


def test_where_there_is_none_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heaps, "find_library", lambda: None)
    monkeypatch.setattr(heaps.os, "execve", lambda *_: pytest.fail("started again"))
    monkeypatch.delenv(PRELOAD, raising=False)
    restart_where_it_pays(["nano", "train"])


@pytest.mark.skipif(find_library() is None, reason="tcmalloc is not installed")
def test_the_process_is_replaced_once_and_has_it_loaded() -> None:
    code = """
from arr_coc.cli.heaps import restart_where_it_pays
print("begins")
restart_where_it_pays(["train"])
print("tcmalloc" in open("/proc/self/maps").read())
"""
    environment = {name: value for name, value in os.environ.items() if name != PRELOAD}
    run = subprocess.run(
        [sys.executable, "-u", "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.split() == ["begins", "begins", "True"]
