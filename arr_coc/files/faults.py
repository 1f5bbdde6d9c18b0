"""What the operating system and the user's own files can do wrong, each said in one line."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from arr_coc.quoting import quoted

REASONS = {
    errno.ENOSPC: "no space is left on the disk; free some or choose another place",
    errno.EDQUOT: "the quota of the disk is used up; free some space or choose another place",
    errno.EFBIG: "the file system takes no file of this size; choose another place",
    errno.EACCES: "no permission; choose another place or change its rights",
    errno.EPERM: "the system does not permit it; choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.EISDIR: "it is a folder; give the name of a file",
    errno.EEXIST: "it is there already; choose another name",
    errno.ENOENT: "no such file or folder; check the path",
    errno.ELOOP: "its symbolic links go in a circle; check the path",
    errno.EIO: "the disk reports a fault; choose another place",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) or use fewer workers",
    errno.ENOMEM: "no memory is left; use fewer workers or smaller pictures",
}
SYSTEM_ERROR = re.compile(r"os error (\d+)")
TORCH_WRITER = ("PytorchStreamWriter", "iostream error", "unexpected pos")


def reason_of(error: OSError) -> str | None:
    """One line about a fault of files or disk; None for any other error, which may be a defect of ours.

    Copying a tree gathers what went wrong in one error without a number; the words of the first that is known count.
    """
    if isinstance(error, shutil.Error):
        said = str(error)
        return next((reason for number, reason in REASONS.items() if os.strerror(number) in said), None)
    if error.errno not in REASONS:
        return None
    place = f"{quoted(os.fsdecode(error.filename))}: " if error.filename is not None else ""
    return place + REASONS[error.errno]


@contextmanager
def told(option: str) -> Iterator[None]:
    """A fault of files in the block becomes a ValueError that begins with the option's name."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        if reason is None:
            raise
        raise ValueError(f"{option}: {reason}") from error


@contextmanager
def weights_written(path: str | os.PathLike[str]) -> Iterator[None]:
    """The libraries that write tensors hide a full disk in errors of their own; here it is an OSError again."""
    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        code = SYSTEM_ERROR.search(str(error))
        if code is None and not any(word in str(error) for word in TORCH_WRITER):
            raise
        number = int(code[1]) if code else errno.ENOSPC
        raise OSError(number, os.strerror(number), os.fspath(path)) from error
