"""The humor sense: a file of jokes that only grows, a blank line after each."""

from __future__ import annotations

import fcntl
import os
import random
from pathlib import Path

from arr_coc.oracle.pages import HUMOR, read_text

JOKES = f"{HUMOR}/jokes.txt"
MOST_CHARACTERS = 2_000


def read_jokes(folder: Path) -> list[str]:
    """Raises ValueError where there are none."""
    path = folder / JOKES
    found = [joke.strip() for joke in read_text(path).split("\n\n")] if path.is_file() else []
    jokes = [joke for joke in found if joke]
    if not jokes:
        raise ValueError("no jokes yet; save one with --save")
    return jokes


def tell_joke(folder: Path, seed: int | None = None) -> str:
    """One of them by chance, always the same one for a seed."""
    return random.Random(seed).choice(read_jokes(folder))


def as_saved(joke: str) -> str:
    """The joke as it is written: no blank line within, one after it.

    Raises:
        ValueError: nothing to laugh about, too long, or characters that no terminal should print.
    """
    lines = [line.rstrip() for line in joke.strip().splitlines() if line.strip()]
    if not lines:
        raise ValueError("--save: an empty joke; write one")
    if len(joke) > MOST_CHARACTERS:
        raise ValueError(f"--save: at most {MOST_CHARACTERS:,} characters, got {len(joke):,}")
    if not all(letter.isprintable() for line in lines for letter in line.replace("\t", " ")):
        raise ValueError("--save: a joke must be printable text")
    return "\n".join(lines) + "\n\n"


def save_joke(folder: Path, joke: str) -> None:
    """Appends; what is there is never touched. Several writers wait for each other; a full disk leaves no half joke.

    Raises:
        ValueError: see `as_saved`.
    """
    content = as_saved(joke).encode()
    (folder / HUMOR).mkdir(exist_ok=True)
    handle = os.open(folder / JOKES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        try:
            written = os.write(handle, content)
            while written < len(content):
                written += os.write(handle, content[written:])
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)
