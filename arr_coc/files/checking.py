"""Paths for output are checked before the work, by trying: rights alone do not tell on every system."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from arr_coc.files.faults import told
from arr_coc.files.writing import folder_made
from arr_coc.quoting import quoted


def check_file(path: Path, option: str = "--out", formats: tuple[str, ...] = (), makes_folder: bool = False) -> None:
    """Nothing is left behind where there was nothing; what is there is not touched.

    Args:
        formats: endings of the name, of which it must have one.
        makes_folder: whether the folder it lies in is made later where it is not there.

    Raises:
        ValueError: the file can't be written later, with the option and the reason.
    """
    where = f"{option} {quoted(path)}"
    check_name(path, where)
    if formats and path.suffix.lower() not in formats:
        raise ValueError(f"{where}: unknown kind of figure; end the name in one of {', '.join(formats)}")
    with told(where):
        if path.is_dir():
            raise ValueError(f"{where}: it is a directory; give a file name in it")
        if not path.parent.exists() and not makes_folder:
            raise ValueError(f"{where}: the directory {quoted(path.parent)} does not exist; create it first")
        if path.exists() and not path.is_file():
            raise ValueError(f"{where}: it is not an ordinary file; give the name of one")
        with folder_made(path.parent):
            try_to_write(path)


def try_to_write(path: Path) -> None:
    """Raises OSError where it can't be made, or replaced."""
    with tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent):
        is_new = not os.path.lexists(path)
        with open(path, "ab"):
            pass
        if is_new:
            path.unlink()


def check_folder(path: Path, option: str = "--out", is_new: bool = False) -> None:
    """Nothing is left behind where there was nothing.

    Args:
        is_new: whether it must not be there, or be empty.

    Raises:
        ValueError: the folder can't be made or written into, with the option and the reason.
    """
    where = f"{option} {quoted(path)}"
    check_name(path, where)
    with told(where):
        if os.path.lexists(path) and not path.is_dir():
            raise ValueError(f"{where}: it is a file; give the name of a folder")
        if is_new and path.is_dir() and any(path.iterdir()):
            raise ValueError(f"{where}: the folder is not empty; give a new one")
        with folder_made(path), tempfile.TemporaryFile(dir=path):
            pass


def check_name(path: Path, where: str) -> None:
    """Raises ValueError for what no file can be called."""
    if "\0" in str(path):
        raise ValueError(f"{where}: a name can't hold a zero byte")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError(f"{where}: the system can't write this name; use other letters") from None
