"""Files and folders that are whole or not there, whatever ends the process or fills the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"


def write_atomically(path: Path, content: bytes | memoryview | str) -> None:
    """Write beside, fsync, rename, fsync the folder: a kill or a full disk leaves the old file or the new one."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        with open(partial, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place once the block is done, and goes if the block fails.

    A symbolic link stays, its target is replaced.
    """
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` that takes its place once the block is done, and goes if the block fails."""
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft, old = (Path(tempfile.mkdtemp(prefix=".", dir=path.parent)) for _ in range(2))
    try:
        yield draft
        draft.chmod(0o777 & ~umask())
        if path.exists():
            path.replace(old / "old")
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def folder_made(path: Path) -> Iterator[None]:
    """The folder and those above it are there in the block; what was made for it goes again if the block leaves it
    empty.
    """
    above = [folder for folder in [path.absolute(), *path.absolute().parents] if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in above:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def umask() -> int:
    """The process's mask for new files; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
