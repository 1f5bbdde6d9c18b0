"""Keeps what Pillow and libtiff print about damaged files off the terminal: their errors are raised as well."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from PIL import Image


class _Hush:
    """Shared by all threads: the first to enter silences, the last to leave restores what was there.

    Both settings belong to the process; were each thread to save and restore them, the last might restore another's.
    """

    def __init__(self) -> None:
        self._lock, self._depth, self._settings = threading.Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._settings.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._settings.enter_context(_silent_loggers())
                self._settings.enter_context(_silent_libtiff())
            self._depth += 1

    def leave(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._settings.close()


_HUSH = _Hush()


@contextmanager
def hushed() -> Iterator[None]:
    """No warning and no log of Pillow and no line of libtiff within."""
    _HUSH.enter()
    try:
        yield
    finally:
        _HUSH.leave()


@contextmanager
def _silent_loggers() -> Iterator[None]:
    logger = logging.getLogger("PIL")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _silent_libtiff() -> Iterator[None]:
    """libtiff without its handler of errors, where Pillow's copy of it lets itself be asked."""
    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError):
        yield
        return
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    before = set_handler(None)
    try:
        yield
    finally:
        set_handler(before)
