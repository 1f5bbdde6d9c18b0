"""Files that are whole or not there, locks that die with their process, and workers that end with their parent."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch.utils.data import Dataset

from arr_coc.data.workers import Fault, Loader, WorkerTraceback
from arr_coc.files.checking import check_file, check_folder
from arr_coc.files.faults import REASONS, reason_of, told, weights_written
from arr_coc.files.locking import LOCK, locked
from arr_coc.files.tensors import load_state, save_state
from arr_coc.files.writing import folder_made, replacing, replacing_folder, write_atomically

FULL = OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path, monkeypatch, step: str) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")

    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and names(tmp_path) == ["run.json"]


def test_replacing_leaves_nothing_behind_when_the_block_fails(tmp_path: Path) -> None:
    target, link = tmp_path / "kept.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(RuntimeError), replacing(target) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and names(tmp_path) == ["kept.txt", "link.txt"]
    with replacing(link) as draft:
        draft.write_text("new")
    assert target.read_text() == "new" and link.is_symlink() and names(tmp_path) == ["kept.txt", "link.txt"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "host"
    with pytest.raises(OSError), replacing_folder(target) as draft:
        (draft / "half").touch()
        raise FULL
    assert not target.exists() and names(target.parent) == []
    for name in ("first", "second"):
        with replacing_folder(target) as draft:
            (draft / name).touch()
    assert names(target) == ["second"] and names(target.parent) == ["host"]


def test_what_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), folder_made(tmp_path / "a" / "b"):
        raise RuntimeError
    assert names(tmp_path) == []
    with folder_made(tmp_path / "a" / "b"):
        (tmp_path / "a" / "file").touch()
    assert names(tmp_path / "a") == ["file"]


BAD_PLACES = {
    "too long": ("x" * 300, "too long"),
    "below a file": ("file/below", "file"),
    "a zero byte": ("a\0b", "zero byte"),
    "half a surrogate pair": ("a\ud800", "can't write this name"),
    "a circle of links": ("circle/below", "circle|no such|does not exist"),
}


@pytest.mark.parametrize("check", [check_file, check_folder])
@pytest.mark.parametrize("name", BAD_PLACES)
def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, name: str, check) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    before = names(tmp_path)
    path, word = BAD_PLACES[name]
    with pytest.raises(ValueError, match=word) as caught:
        check(tmp_path / path, "--out")
    assert str(caught.value).startswith("--out ") and len(str(caught.value)) < 300
    assert names(tmp_path) == before


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="it is a directory"):
        check_file(tmp_path)
    with pytest.raises(ValueError, match="it is a file"):
        check_folder(tmp_path / "file")
    with pytest.raises(ValueError, match="not an ordinary file"):
        check_file(Path(os.devnull))
    with pytest.raises(ValueError, match="not empty"):
        check_folder(tmp_path, is_new=True)


def test_checking_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("kept")
    for name in ("there", "new"):
        check_file(tmp_path / name)
    check_file(tmp_path / "a" / "b.md", makes_folder=True)
    check_folder(tmp_path / "c" / "d")
    assert names(tmp_path) == ["there"] and (tmp_path / "there").read_text() == "kept"


def test_faults_of_the_system_are_told_and_defects_are_not() -> None:
    for number in REASONS:
        reason = reason_of(OSError(number, os.strerror(number), "some/file"))
        assert reason is not None and reason.startswith("'some/file': ") and "\n" not in reason
    copied = shutil.Error([("a", "b", f"[Errno 28] {os.strerror(28)}: 'a' -> 'b'")])
    assert reason_of(copied) == REASONS[errno.ENOSPC] and reason_of(shutil.Error([("a", "b", "odd")])) is None
    assert reason_of(OSError("no number")) is None
    with pytest.raises(ValueError, match="out: .*no space"), told("out"):
        raise FULL
    with pytest.raises(OSError, match="no number"), told("out"):
        raise OSError("no number")


def test_a_full_disk_below_a_tensor_library_is_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, weights_written(tmp_path):
        raise RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0: file write failed")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(RuntimeError, match="a defect"), weights_written(tmp_path):
        raise RuntimeError("a defect")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x80\x02]q\x00."])
def test_a_damaged_state_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step.pt"
    save_state(path, {"step": 3})
    assert load_state(path) == {"step": 3}
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint .*step\.pt"):
        load_state(path)


def test_a_folder_is_one_run_s_at_a_time_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "run"
    with locked(folder):
        with pytest.raises(ValueError, match=rf"in use by another run \(process {os.getpid()}\)"), locked(folder):
            pass
        assert names(folder) == [LOCK]
    assert names(tmp_path) == []
    (tmp_path / "file").touch()
    for name in ("file", "file/run", "x" * 300):
        with pytest.raises(ValueError, match="out: "), locked(tmp_path / name):
            pass
    assert names(tmp_path) == ["file"]


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that says when it is under way."""
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().strip() == "ready"
    return process


HOLD = """
import sys, time
from pathlib import Path
from arr_coc.files.locking import locked
with locked(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    process = start(HOLD, str(tmp_path / "run"))
    try:
        with pytest.raises(ValueError, match=f"process {process.pid}"), locked(tmp_path / "run"):
            pass
    finally:
        process.kill()
        process.wait()
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).read_text().strip() == str(os.getpid())


class Numbers(Dataset[int]):
    """0, 1, 2, and then what the user's data did wrong."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        if index == 3:
            raise self.error
        return index


ERRORS = [
    ValueError("a.jsonl:3: metric is wrong"),
    OSError(errno.ENOSPC, "No space left on device", "some/file"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
]


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_in_a_worker_is_the_error_itself(error: Exception, num_workers: int) -> None:
    found = []
    with pytest.raises((ValueError, OSError)) as caught:
        for number in Loader(Numbers(error), num_workers):
            found.append(number)
    assert found == [0, 1, 2] and str(caught.value) == str(error)
    assert getattr(caught.value, "errno", None) == getattr(error, "errno", None)
    assert (num_workers == 0) or isinstance(caught.value.__cause__, WorkerTraceback)


def test_a_fault_crosses_to_another_process() -> None:
    for error in ERRORS:
        again = pickle.loads(pickle.dumps(Fault.of(error))).error()
        assert str(again) == str(error) and isinstance(
            again, type(error).__mro__[0] if error is ERRORS[1] else ValueError
        )


FEED = """
import os, sys, time
import torch
from torch.utils.data import Dataset
from arr_coc.data.workers import Loader

class Heavy(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        with open(f"{sys.argv[1]}/{os.getpid()}", "w"):
            pass
        return torch.zeros(300_000), b"x" * 1_000_000

for item in Loader(Heavy(), 2):
    print("ready", flush=True)
    time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    process = start(FEED, str(tmp_path))
    workers = []
    while len(workers) < 2:
        workers = [int(name) for name in names(tmp_path)]
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in workers if is_alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
