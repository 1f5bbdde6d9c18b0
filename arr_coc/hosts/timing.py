"""Where time and memory go: a stopwatch of named stages and the peak of memory over a block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import psutil
import torch

MEGABYTE = 2**20


def synchronise(device: torch.device) -> None:
    """Waits for the kernels queued on a GPU, so that a timestamp means what it says."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Stopwatch:
    """Self time per stage in seconds: what a nested stage takes is not counted again in the outer one.

    Every thread has stages of its own, so that threads which share a host do not disturb each other's times.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._threads = threading.local()

    @property
    def seconds(self) -> dict[str, float]:
        """Per stage, of this thread since its last `reset`."""
        found: dict[str, float] = self._threads.__dict__.setdefault("seconds", {})
        return found

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Adds the time of the block to `seconds[stage]`."""
        nested: list[float] = self._threads.__dict__.setdefault("nested", [])
        start = self.now()
        nested.append(0.0)
        try:
            yield
        finally:
            elapsed = self.now() - start
            self.add(stage, elapsed - nested.pop())
            if nested:
                nested[-1] += elapsed

    def now(self) -> float:
        """Seconds on a monotonic clock, after everything queued on the device is done."""
        synchronise(self.device)
        return time.perf_counter()

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def reset(self) -> None:
        self._threads.__dict__["seconds"] = {}

    def __getstate__(self) -> torch.device:
        """Times stay with their threads; a copy in another process starts with none."""
        return self.device

    def __setstate__(self, device: torch.device) -> None:
        self.__init__(device)  # type: ignore[misc]


class PeakMemory:
    """Peak memory of this process over a `with` block, in MB (2^20 bytes).

    On CPU the resident set is sampled by a thread, so a peak shorter than `interval` can be missed; on
    CUDA it is the allocator's own record.

    Attributes:
        peak_mb: the peak, model and interpreter included.
        growth_mb: the peak less what was in use when the block began.
    """

    def __init__(self, device: torch.device | str = "cpu", interval: float = 0.005) -> None:
        self.device = torch.device(device)
        self.interval = interval
        self.peak_mb = 0.0
        self.growth_mb = 0.0
        self._start_mb = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> PeakMemory:
        if self.device.type == "cuda":
            synchronise(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self._start_mb = torch.cuda.memory_allocated(self.device) / MEGABYTE
        else:
            self._start_mb = self.peak_mb = resident_mb()
            self._stop.clear()
            self._thread = threading.Thread(target=self._sample, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            synchronise(self.device)
            self.peak_mb = torch.cuda.max_memory_allocated(self.device) / MEGABYTE
        else:
            self._stop.set()
            self._thread.join()
            self.peak_mb = max(self.peak_mb, resident_mb())
        self.growth_mb = self.peak_mb - self._start_mb

    def _sample(self) -> None:
        while not self._stop.wait(self.interval):
            self.peak_mb = max(self.peak_mb, resident_mb())


def resident_mb() -> float:
    """Resident set of this process in MB."""
    return psutil.Process().memory_info().rss / MEGABYTE
