"""Layouts that training never has: a page drawn from right to left, from the foot up, or both. Text stays readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Mirrored:
    """Which sides of a page change places.

    Attributes:
        across: left and right, so that prices stand left of what they are for, and labels right of their values.
        upwards: top and bottom, so that totals stand above the items, and bars hang.
    """

    across: bool = False
    upwards: bool = False


_drawn: ContextVar[Mirrored | None] = ContextVar("mirrored", default=None)


@contextmanager
def mirrored(how: Mirrored) -> Iterator[None]:
    """Pictures drawn in the block change sides; what their seeds choose stays."""
    before = _drawn.set(how)
    try:
        yield
    finally:
        _drawn.reset(before)


def drawn_mirrored() -> Mirrored:
    return _drawn.get() or Mirrored()
