"""Which answer a visitor waits for: a newer question, another picture or Stop ends the one before."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from threading import Lock

MOST_VISITORS = 10_000
"""Remembered at once; who has done nothing for longest is forgotten, with the answer that is under way for them."""


@dataclass
class Wait:
    """What a visitor did last, by number: asked, or took a picture about which nothing was asked yet."""

    number: int = 0
    is_asking: bool = False
    is_stopped: bool = False
    queued: deque[int] = field(default_factory=deque)
    """Questions that were asked and whose answer has not begun."""


class Current:
    """Questions by visitor. The library's own way to cancel forgets all but the last of several questions.

    What a stale question has shown may still be on its way to the browser, so its end must say what is shown then.
    """

    def __init__(self) -> None:
        self._waits: OrderedDict[str, Wait] = OrderedDict()
        self._lock = Lock()

    def ask(self, visitor: str | None) -> None:
        """A question: ends what is under way and queues up."""
        with self._lock:
            wait = self._next(visitor, is_asking=True)
            wait.queued.append(wait.number)

    def change_picture(self, visitor: str | None) -> None:
        """Ends what is under way."""
        with self._lock:
            self._next(visitor, is_asking=False)

    def stop(self, visitor: str | None) -> None:
        """Ends what is under way; what of it is finished stays."""
        with self._lock:
            if (wait := self._waits.get(visitor or "")) is not None:
                wait.is_stopped = True

    def begin(self, visitor: str | None) -> int:
        """The number of the visitor's question whose answer begins: answers begin in the order of the questions."""
        with self._lock:
            wait = self._waits.get(visitor or "")
            return wait.queued.popleft() if wait is not None and wait.queued else 0

    def is_newest(self, visitor: str | None, number: int) -> bool:
        """Whether nothing has taken the place of a question."""
        wait = self._waits.get(visitor or "")
        return wait is not None and wait.number == number

    def is_idle(self, visitor: str | None) -> bool:
        """Whether nothing was asked about the newest picture."""
        wait = self._waits.get(visitor or "")
        return wait is not None and not wait.is_asking

    def goes_on(self, visitor: str | None, number: int) -> bool:
        """Whether a question is to be answered further."""
        return self.is_newest(visitor, number) and not self._waits[visitor or ""].is_stopped

    def _next(self, visitor: str | None, is_asking: bool) -> Wait:
        wait = self._waits.setdefault(visitor or "", Wait())
        self._waits.move_to_end(visitor or "")
        wait.number, wait.is_asking, wait.is_stopped = wait.number + 1, is_asking, False
        while len(self._waits) > MOST_VISITORS:
            self._waits.popitem(last=False)
        return wait
