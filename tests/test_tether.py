"""A tethered command ends with whoever started it, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import arr_coc

SLEEPER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""
STARTS = """
import subprocess, sys, time
running = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
time.sleep(600)
"""
SOON_S = 30
TETHER = Path(arr_coc.__file__).parent / "serving" / "tether.py"


def waited_for(path: Path) -> int:
    until = time.monotonic() + SOON_S
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(path.read_text())


def tether(*command: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, str(TETHER), *command]
    return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)


def is_gone(pid: int) -> bool:
    """A zombie is: whoever adopted it has not looked yet."""
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_the_command_and_its_children_end_with_the_starter(tmp_path: Path, how: str) -> None:
    place = tmp_path / "pid"
    if how == "closed":
        running = tether(sys.executable, "-c", SLEEPER, str(place))
        grandchild = waited_for(place)
        assert running.stdin is not None
        running.stdin.close()
        assert running.wait(SOON_S) != 0
    else:
        words = [sys.executable, str(TETHER), sys.executable, "-c", SLEEPER, str(place)]
        starter = subprocess.Popen([sys.executable, "-c", STARTS, *words])
        grandchild = waited_for(place)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
    assert is_gone(grandchild)


def test_the_status_is_the_commands() -> None:
    assert tether(sys.executable, "-c", "raise SystemExit(7)").wait(SOON_S) == 7
