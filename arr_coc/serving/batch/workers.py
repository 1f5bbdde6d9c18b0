"""Who answers: processes of this machine, or actors of a Ray cluster. Both take rows and give a future."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any, Protocol

from arr_coc.data.workers import Fault, begin_work
from arr_coc.files.faults import reason_of
from arr_coc.quoting import quoted, shortened
from arr_coc.serving.batch.answering import Answerer, Settings
from arr_coc.serving.batch.inputs import ADDRESSES, Row
from arr_coc.serving.batch.journal import Line
from arr_coc.serving.cluster import join_cluster


class WorkerDiedError(Exception):
    """A worker was killed, by the system (no memory) or by someone; its rows have no answers."""


class Worker(Protocol):
    """One at work on one list of rows at a time."""

    def submit(self, rows: Sequence[Row]) -> Future[Any]: ...

    def result(self, future: Future[Any]) -> list[Line]:
        """Raises WorkerDiedError, or ValueError where the host can't be loaded."""
        ...

    def close(self) -> None:
        """At once: what it is at is lost."""
        ...


_answerer: Answerer | None = None


def begin(settings: Settings, num_threads: int) -> None:
    """Of a worker's process."""
    global _answerer
    import torch
    from transformers.utils import logging

    begin_work(0)
    logging.disable_progress_bar()
    torch.set_num_threads(num_threads)
    _answerer = Answerer(settings)


def answer(rows: Sequence[Row]) -> list[Line] | Fault:
    assert _answerer is not None
    try:
        return _answerer.answer(rows)
    except (ValueError, OSError) as error:
        return Fault.of(error)


class Process:
    """A process of this machine, started anew: nothing of the parent, not even its lock, is in it."""

    def __init__(self, settings: Settings, num_threads: int) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=begin, initargs=(settings, num_threads))
        self._pid = self._pool.submit(os.getpid)

    def submit(self, rows: Sequence[Row]) -> Future[Any]:
        try:
            return self._pool.submit(answer, rows)
        except BrokenProcessPool as error:  # killed while it had nothing to do
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def result(self, future: Future[Any]) -> list[Line]:
        try:
            found: list[Line] | Fault = future.result()
        except BrokenProcessPool as error:
            raise WorkerDiedError from error
        if isinstance(found, Fault):
            raise found.error()
        return found

    def close(self) -> None:
        if self._pid.done() and self._pid.exception() is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid.result(), signal.SIGKILL)
        self._pool.shutdown(wait=False, cancel_futures=True)


def processes(settings: Settings, num_workers: int) -> Callable[[], Worker]:
    """What starts another one; they share the threads that one process would have."""
    import torch

    num_threads = max(1, torch.get_num_threads() // num_workers)
    return lambda: Process(settings, num_threads)


class Actor:
    """An actor of a Ray cluster. Pictures travel with their questions, so machines need no disk in common."""

    def __init__(self, ray: Any, settings: Settings, needs: dict[str, float]) -> None:
        self._ray = ray
        options = {**needs, "scheduling_strategy": "SPREAD"}
        self._actor = ray.remote(Answerer).options(**options).remote(settings)

    def submit(self, rows: Sequence[Row]) -> Future[Any]:
        future: Future[Any] = self._actor.answer.remote([carried(row) for row in rows]).future()
        return future

    def result(self, future: Future[Any]) -> list[Line]:
        try:
            found: list[Line] = future.result()
        except self._ray.exceptions.RayActorError as error:
            raise WorkerDiedError from error
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, ValueError) else error) from None
        return found

    def close(self) -> None:
        self._ray.kill(self._actor)


def carried(row: Row) -> Row:
    """The row with its picture's bytes in place of a path."""
    if not isinstance(row.picture, str) or row.picture.startswith(ADDRESSES):
        return row
    try:
        with open(row.picture, "rb") as file:
            return replace(row, picture=file.read())
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else None
        return replace(row, picture=None, fault=f"image {quoted(row.picture)}: {reason or shortened(error)}")


def actors(address: str, settings: Settings, num_workers: int | None) -> tuple[Callable[[], Worker], int]:
    """What starts another one, and how many: one a GPU of the cluster, else one a machine.

    Raises:
        ValueError: Ray is not installed, or nothing answers at the address.
    """
    ray = join_cluster(address)
    num_gpus = int(ray.cluster_resources().get("GPU", 0))
    needs = {"num_gpus": 1.0} if num_gpus else {"num_cpus": 1.0}
    num_machines = sum(1 for node in ray.nodes() if node["Alive"])
    return lambda: Actor(ray, settings, needs), num_workers or num_gpus or num_machines
