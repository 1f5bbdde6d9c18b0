"""A folder that is changed as a whole: readers see it before or after, whatever ends the process in between."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arr_coc.files.writing import sync_folder, umask

DRAFT = ".draft-"
AT_FDCWD, EXCHANGE = -100, 2  # of renameat2 on Linux; RENAME_SWAP of macOS is 2 as well


@contextmanager
def exchanging_folder(path: Path) -> Iterator[Path]:
    """A copy to change; it takes the folder's place in one step once the block is done, and goes if the block fails.

    What a killed process left beside it is cleared first, so one process at a time may do this in `path.parent`.
    """
    path = Path(os.path.realpath(path))
    for left in path.parent.glob(f"{DRAFT}*"):
        shutil.rmtree(left)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=path.parent))
    try:
        shutil.copytree(path, draft, dirs_exist_ok=True)
        yield draft
        draft.chmod(0o777 & ~umask())
        sync_tree(draft)
        exchange(draft, path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Everything in it is on the disk before it is shown."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def exchange(first: Path, second: Path) -> None:
    """Each takes the other's name, at once where the system can; else by renames, between which a kill could fall."""
    if not exchanged_at_once(first, second):
        aside = first.with_name(f"{first.name}.old")
        second.replace(aside)
        first.replace(second)
        aside.replace(first)


def exchanged_at_once(first: Path, second: Path) -> bool:
    """Whether kernel and file system could do it."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(*names, EXCHANGE) == 0)
    if hasattr(library, "renameat2"):
        return bool(library.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0)
    return False
