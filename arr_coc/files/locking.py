"""One run at a time in a folder: a lock that the system itself opens when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from arr_coc.files.faults import told
from arr_coc.files.writing import folder_made
from arr_coc.quoting import quoted

LOCK = ".lock"


@contextmanager
def locked(folder: Path, option: str = "out") -> Iterator[None]:
    """The folder is this process' alone in the block; it is made where it is not there, and goes again if left empty.

    Raises:
        ValueError: another run is using it, or it can't be made; names the folder.
    """
    where = f"{option}: {quoted(folder)}"
    with ExitStack() as stack:
        with told(where):
            if folder.exists() and not folder.is_dir():
                raise ValueError(f"{where} is a file; give the name of a folder")
            stack.enter_context(folder_made(folder))
            handle = take(folder / LOCK, where)
        stack.callback(os.close, handle)
        stack.callback((folder / LOCK).unlink, missing_ok=True)  # while it is held: nobody locks a file that goes
        yield


def take(path: Path, where: str) -> int:
    """The descriptor that holds the lock, with this process' number written in it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise ValueError(
                f"{where} is in use by another run (process {owner}); wait for its end or choose another folder"
            ) from error
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            return handle
        os.close(handle)  # the run that had it has ended and taken the file away
