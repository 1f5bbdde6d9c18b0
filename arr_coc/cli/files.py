"""Files a command writes: checked before any work is done, complete or absent afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIGURE_FORMATS = (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp")


def check_figure_path(path: Path, formats: tuple[str, ...] = FIGURE_FORMATS) -> None:
    """Raises ValueError where a figure can't be written later."""
    if path.suffix.lower() not in formats:
        raise ValueError(f"--out {path}: unknown kind of figure; end the name in one of {', '.join(formats)}")
    if path.is_dir():
        raise ValueError(f"--out {path}: it is a directory; give a file name in it")
    if not path.parent.is_dir():
        raise ValueError(f"--out {path}: the directory {path.parent} does not exist; create it first")
    if not is_writable(path.parent) or (path.exists() and not os.access(path, os.W_OK)):
        raise ValueError(f"--out {path}: no permission to write there; choose another place")


def check_folder_path(path: Path) -> None:
    """Raises ValueError where a new or empty folder can't be made."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"--out {path}: it is a file; give the name of a folder")
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"--out {path}: the folder is not empty; give a new one")
    parent = next(folder for folder in [path.absolute(), *path.absolute().parents] if folder.exists())
    if not parent.is_dir() or not is_writable(parent):
        raise ValueError(f"--out {path}: no permission to write in {parent}; choose another place")


def is_writable(folder: Path) -> bool:
    """Whether a file can be made in the folder, found out by making one: rights alone do not tell on every system."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place once the block is done, and goes if the block fails."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    """The process's mask for new files; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
