"""A host that remembers the glimpses of the last pictures, for many questions or budgets about one picture.

What it returns equals what the host returns; only the time differs, so it is not for timing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from arr_coc.hosts.host import TransformersHost
from arr_coc.records import CellFeatures, Gaze, Looks, Pyramid, View

Value = TypeVar("Value")


class Memory(OrderedDict[object, Value]):
    """The last `capacity` values; the least recently used goes first."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity

    def recall(self, key: object, make: Callable[[], Value]) -> Value:
        if key not in self:
            self[key] = make()
            if len(self) > self.capacity:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


class RememberingHost(TransformersHost):
    """Encodes each picture's glimpse once, and asks once where a question looks in it.

    Two scorers that are asked about the same leaves, one after the other, share one look at them.

    Args:
        host: shares its model, tokenizer and image processor.
        num_pictures: glimpses kept.
        num_questions: gazes kept.
    """

    def __init__(self, host: TransformersHost, num_pictures: int = 2, num_questions: int = 64) -> None:
        super().__init__(host.model, host.tokenizer, host.image_processor)
        self._glimpses: Memory[CellFeatures] = Memory(num_pictures)
        self._gazes: Memory[Looks] = Memory(num_questions)
        self._newest: Memory[Looks] = Memory(1)

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        encode = super().encode
        return [
            self._glimpses.recall(pyramid, lambda: encode([pyramid], [chosen])[0])  # noqa: B023
            if is_glimpse(pyramid, chosen)
            else encode([pyramid], [chosen])[0]
            for pyramid, chosen in zip(pyramids, cells, strict=True)
        ]

    def _attend(self, view: View, gaze: Gaze) -> Looks:
        attend, asked = super()._attend, (view.question, view.draft, gaze, repr(sorted(self.chat.items())))
        if not is_glimpse(view.pyramid, view.cells):
            return self._newest.recall((view.features, *asked), lambda: attend(view, gaze))
        return self._gazes.recall((view.pyramid, *asked), lambda: attend(view, gaze))


def is_glimpse(pyramid: Pyramid, cells: Tensor) -> bool:
    """Whether the cells are all of the coarsest level, in order."""
    return torch.equal(cells, pyramid.cells(pyramid.coarsest))
