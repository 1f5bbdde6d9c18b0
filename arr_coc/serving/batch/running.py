"""The loop of a batch: rows go to workers, lines come back in any order and are written down by this process alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

from arr_coc.serving.batch.inputs import Row, Source
from arr_coc.serving.batch.journal import Journal, Line, Output, from_parquet, to_parquet
from arr_coc.serving.batch.workers import Worker, WorkerDiedError

DEATHS = 2  # of workers, with one row alone, after which the row has failed
HOPELESS = 8  # deaths a worker without an answer between them: it is not the rows
KILLED = "the process that answered it was killed twice; it may need more memory than there is"


@dataclass(frozen=True)
class Chunk:
    """Rows that one worker answers together; of a row alone, how often one died of it."""

    rows: list[Row]
    num_deaths: int = 0

    def again(self) -> list[Chunk]:
        """One by one: the row that is at fault takes no other one with it."""
        return [Chunk([row], self.num_deaths + (len(self.rows) == 1)) for row in self.rows]

    @property
    def is_lost(self) -> bool:
        return len(self.rows) == 1 and self.num_deaths + 1 >= DEATHS


def run(
    source: Source,
    output: Output,
    settings: dict[str, Any],
    start: Callable[[], Worker],
    num_workers: int,
    batch: int,
    retry_failed: bool = False,
) -> Iterator[Journal]:
    """Answers all rows that `output` does not hold; yields the journal at the start and after each write.

    Args:
        settings: what may not change from one session to the next.
        batch: rows that a worker answers together.
    Raises:
        ValueError: `output` holds another run or is in use, the host can't be loaded, or every worker dies.
    """
    with output.locked():
        output.claim({**settings, "input": source.mark})
        if output.is_parquet:
            from_parquet(output)
        journal = Journal(output.lines, len(source), keeps_failed=not retry_failed)
        yield journal
        chunks = in_chunks(source.rows(journal.is_done), batch)
        num_left = len(source) - journal.num_done
        for lines in answered(chunks, start, min(num_workers, -(-num_left // batch))):
            journal.append(lines)
            yield journal
        if output.is_parquet:
            to_parquet(output)


def in_chunks(rows: Iterator[Row], size: int) -> Iterator[Chunk]:
    while chunk := list(islice(rows, size)):
        yield Chunk(chunk)


def answered(chunks: Iterator[Chunk], start: Callable[[], Worker], num_workers: int) -> Iterator[list[Line]]:
    """Lines as they come; rows whose worker died are asked again alone, by a new worker.

    Raises:
        ValueError: workers die without a single answer.
    """
    again: deque[Chunk] = deque()
    busy: dict[Future[Any], tuple[Worker, Chunk]] = {}
    num_deaths = 0
    with ExitStack() as stack:
        free = [start() for _ in range(num_workers)]
        stack.callback(lambda: close_all([*free, *(worker for worker, _ in busy.values())]))
        while True:
            while free and (chunk := again.popleft() if again else next(chunks, None)) is not None:
                worker = free.pop()
                busy[worker.submit(chunk.rows)] = worker, chunk
            if not busy:
                return
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                worker, chunk = busy.pop(future)
                free.append(worker)
                try:
                    lines, num_deaths = worker.result(future), 0
                except WorkerDiedError:
                    num_deaths += 1
                    replace_worker(free, start)
                    if num_deaths > HOPELESS * num_workers:
                        raise ValueError(f"{num_deaths} workers in a row died; is there enough memory?") from None
                    lines = [Line.failed(row, KILLED) for row in chunk.rows] if chunk.is_lost else []
                    again.extend([] if chunk.is_lost else chunk.again())
                if lines:
                    yield lines


def close_all(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.close()


def replace_worker(free: list[Worker], start: Callable[[], Worker]) -> None:
    free.pop().close()
    free.append(start())


def summary(journal: Journal, num_before: int, seconds: float) -> Sequence[str]:
    """What was done in this session and what it saved, in two lines."""
    num_new = journal.num_done - num_before
    full = journal.spent + journal.saved
    share = f" ({100 * journal.saved / full:.0f}%)" if full else ""
    return (
        f"{journal.num_done:,} of {journal.total:,} rows, {journal.num_failed:,} failed; {num_new:,} now in "
        f"{seconds:.1f} s, {num_new / max(seconds, 1e-9):.2f} a second",
        f"visual tokens: {journal.spent:,} spent, {journal.saved:,} saved of {full:,}{share}",
    )
