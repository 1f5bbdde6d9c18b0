"""What people bring to a page: in one private folder, and gone on time and at exit."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil

KEPT_S, SWEEP_S = 900.0, 30.0
PREFIX = "arr-coc-page-"
GRADIO_FOLDER = "GRADIO_TEMP_DIR"


class Keeper:
    """A folder that nobody else can read, whose files are deleted once they are old, and with it at exit.

    Whoever keeps in memory what was made from a file here is told when to look which files are gone, see `on_sweep`.

    Args:
        parent: of the folder; what killed processes left there is removed.
        kept_s: seconds that a file is kept.
        clock: seconds since 1970.
    """

    def __init__(self, parent: Path, *, kept_s: float = KEPT_S, clock: Callable[[], float] = time.time) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        remove_orphans(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        self.kept_s, self._clock = kept_s, clock
        self._forget: list[Callable[[], None]] = []
        self._stop = threading.Event()

    def on_sweep(self, forget: Callable[[], None]) -> None:
        """`forget` is called at every sweep, after the old files were deleted."""
        self._forget.append(forget)

    def sweep(self) -> None:
        """Deletes what is older than `kept_s`, whatever it is and whoever wrote it."""
        before = self._clock() - self.kept_s
        for path in sorted(self.folder.rglob("*"), reverse=True):
            remove_if_old(path, before)
        for forget in self._forget:
            forget()

    def watch(self) -> None:
        """Sweeps from now on in the background, and closes when the interpreter ends."""
        atexit.register(self.close)
        threading.Thread(target=self._watch, daemon=True, name="keeper").start()

    def close(self) -> None:
        """Deletes everything."""
        self._stop.set()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _watch(self) -> None:
        while not self._stop.wait(SWEEP_S):
            self.sweep()


def remove_if_old(path: Path, before: float) -> None:
    """A file by the time it was last written or moved, a folder once it is empty; others may delete meanwhile."""
    try:
        if path.is_dir() and not path.is_symlink():
            if path.lstat().st_ctime < before and not any(path.iterdir()):
                path.rmdir()
        elif path.lstat().st_ctime < before:
            path.unlink()
    except FileNotFoundError:
        return


def remove_orphans(parent: Path) -> None:
    """Removes folders whose process was killed before it could."""
    for path in parent.glob(f"{PREFIX}*"):
        number = path.name.removeprefix(PREFIX).partition("-")[0]
        if path.is_dir() and not path.is_symlink() and number.isdigit() and not is_alive(int(number), path):
            shutil.rmtree(path, ignore_errors=True)


def is_alive(number: int, folder: Path) -> bool:
    """Whether the process that made a folder still runs; a later one with the same number does not count."""
    try:
        return psutil.Process(number).create_time() <= folder.stat().st_ctime + 1
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


@cache
def page_keeper() -> Keeper:
    """The one of this process, under the folder that gradio was told to use; gradio is told to use its folder."""
    keeper = Keeper(Path(os.environ.get(GRADIO_FOLDER) or tempfile.gettempdir()))
    os.environ[GRADIO_FOLDER] = str(keeper.folder)
    keeper.watch()
    return keeper
