"""`arr-coc batch` as people run it, killed five times at random: `ARR_COC_ROWS=2000 pytest -m slow -s` on this file."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from arr_coc.data.preview import write_dataset

NUM_ROWS, NUM_KILLS, MAX_SIDE = int(os.environ.get("ARR_COC_ROWS", "200")), 5, 320
RUN = [sys.executable, "-c", "from arr_coc.cli.main import main; main()", "batch"]
GONE_S = 30


def num_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
def test_killed_five_times(tmp_path: Path) -> None:
    """Moments are rows of a fixed seed and some milliseconds after them; the workers of a killed run end too."""
    folder, out, chance = tmp_path / "pictures", tmp_path / "out.jsonl", random.Random(1)
    write_dataset(folder, range(NUM_ROWS), num_questions=1, kind=None, max_side=MAX_SIDE)
    words = [*RUN, str(folder), "--out", str(out), "--question", "What colour is the paper?", "--budget", "64"]
    moments = sorted(chance.sample(range(1, NUM_ROWS * 3 // 4), NUM_KILLS))
    for moment in moments:
        running = subprocess.Popen(words)
        while num_lines(out) < moment:
            assert running.poll() is None
            time.sleep(0.02)
        time.sleep(chance.random() / 4)
        workers = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        assert workers and not psutil.wait_procs(workers, GONE_S)[1]
        print(f"killed with {num_lines(out)} of {NUM_ROWS} rows")
    subprocess.run(words, check=True)
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert sorted(line["row"] for line in found) == list(range(NUM_ROWS))
    assert len({line["id"] for line in found}) == NUM_ROWS and all(line["error"] is None for line in found)
