"""Several checkpoints by turns in bounded memory."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel

from arr_coc.processor.loading import load_host
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.quoting import quoted

LoadedHost = tuple[PreTrainedModel, RelevanceProcessor]


class CheckpointManager:
    """Keeps at most `max_loaded` checkpoints; the least recently used one goes before another is loaded.

    Attributes:
        names: checkpoints that may be asked for.
        num_loads: loads so far.

    Raises:
        ValueError: no names, or room for none.
    """

    def __init__(self, names: list[str], max_loaded: int = 2, load: Callable[[str], LoadedHost] = load_host) -> None:
        if not names:
            raise ValueError("models: name at least one checkpoint")
        if max_loaded < 1:
            raise ValueError(f"max_loaded must be at least 1, got {max_loaded}")
        self.names, self.max_loaded, self.num_loads = list(names), max_loaded, 0
        self._load = load
        self._loaded: OrderedDict[str, LoadedHost] = OrderedDict()
        self._lock, self._next = threading.Lock(), threading.Lock()

    @property
    def loaded(self) -> list[str]:
        """Names of what is in memory, the least recently used first."""
        return list(self._loaded)

    @contextmanager
    def lend(self, name: str) -> Iterator[LoadedHost]:
        """A checkpoint for the time of the block, loaded where it is not; blocks of other threads wait.

        Who waits comes before who asks again, so that one question need not wait for a whole batch. A block must not
        lie within another one of the same thread.

        Raises:
            ValueError: a name that is not among `names`, or a checkpoint that cannot be loaded.
        """
        with self._next:  # held by the one who is next; it is free again once that one has its turn
            self._lock.acquire()
        try:
            if name not in self.names:
                raise ValueError(f"checkpoint: unknown {quoted(name)}; there are {', '.join(self.names)}")
            if name not in self._loaded:
                self._make_room()
                self._loaded[name] = self._load(name)
                self.num_loads += 1
            self._loaded.move_to_end(name)
            yield self._loaded[name]
        finally:
            self._lock.release()

    def tracked_mb(self) -> float:
        """Weights in memory in 2^20 bytes."""
        models = [model for model, _ in self._loaded.values()]
        return sum(each.numel() * each.element_size() for model in models for each in model.parameters()) / 2**20

    def _make_room(self) -> None:
        while len(self._loaded) >= self.max_loaded:
            self._loaded.popitem(last=False)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
