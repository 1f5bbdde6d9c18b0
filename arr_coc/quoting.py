"""Quoting what a user gave in an error: enough to recognise it, never more than 80 characters."""

from __future__ import annotations

from pathlib import PurePath
from reprlib import Repr

MOST = 80

_brief = Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = MOST


def quoted(value: object) -> str:
    """`repr` on one line and in at most 80 characters; of a long text, name or path both ends stay."""
    value = str(value) if isinstance(value, PurePath) else value
    if not isinstance(value, str):
        return shortened(_brief.repr(value))
    text = repr(value if len(value) <= 4 * MOST else value[: 2 * MOST] + value[-2 * MOST :])
    return text if len(text) <= MOST else f"{text[: MOST // 2 - 1]}…{text[-MOST // 2 :]}"


def shortened(value: object) -> str:
    """`str` on one line and in at most 80 characters, for what is quoted without quotation marks."""
    words = " ".join(str(value)[: 4 * MOST].split())
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in words)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
