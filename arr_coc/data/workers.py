"""Processes that prepare data: they end with their parent, and a fault of the user's data reaches it as one line."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from typing import Any, Generic, TypeVar

from torch.utils.data import DataLoader, Dataset

Item = TypeVar("Item")


class WorkerTraceback(Exception):
    """Where in a worker an error was raised; the cause of the error that the parent raises."""


@dataclass(frozen=True)
class Fault:
    """An error in a worker, in a form that crosses to the parent: exceptions with arguments of their own do not."""

    message: str
    system: tuple[int, str, str | None] | None
    place: str

    @classmethod
    def of(cls, error: ValueError | OSError) -> Fault:
        system = None
        if isinstance(error, OSError) and error.errno is not None:
            name = None if error.filename is None else os.fsdecode(error.filename)
            system = error.errno, error.strerror or "", name
        return cls(str(error), system, traceback.format_exc())

    def error(self) -> ValueError | OSError:
        """To be raised by the parent."""
        error = ValueError(self.message) if self.system is None else OSError(*self.system)
        error.__cause__ = WorkerTraceback(self.place)
        return error


class Guarded(Dataset[Any]):
    """Items of a dataset; in place of one that can't be made, the `Fault`."""

    def __init__(self, data: Dataset[Any]) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except (ValueError, OSError) as error:
            return Fault.of(error)


class Loader(Generic[Item]):
    """A pass over a dataset in order, made by worker processes.

    Args:
        num_workers: 0 makes the items in this process.
        options: of `DataLoader`.
    Raises:
        ValueError: what an item raised, as it was raised; `OSError` likewise.
    """

    def __init__(self, data: Dataset[Item], num_workers: int, **options: Any) -> None:
        self._data, self._num_workers, self._options = data, num_workers, options

    def __len__(self) -> int:
        return len(self._data)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Item]:
        if self._num_workers == 0:
            yield from (self._data[index] for index in range(len(self)))
            return
        loader: DataLoader[Any] = DataLoader(
            Guarded(self._data),
            batch_size=None,
            num_workers=self._num_workers,
            worker_init_fn=begin_work,
            **self._options,
        )
        for item in loader:
            if isinstance(item, Fault):
                raise item.error()
            yield item


def begin_work(number: int) -> None:
    """Of a worker: Ctrl-C is the parent's to answer, and no work is left to do once the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """A killed parent can't tell its workers, and one that waits to hand over its work would wait for ever."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
