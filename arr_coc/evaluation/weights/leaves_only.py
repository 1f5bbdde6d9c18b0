"""A host for questions about leaves alone: nothing is answered, so what no scorer will see is not encoded."""

from __future__ import annotations

import torch
from torch import Tensor

from arr_coc.hosts.caching import RememberingHost
from arr_coc.records import CellFeatures, Pyramid


class LeavesOnly(RememberingHost):
    """Cells of level 0 are leaves for good: no scorer is asked after they were made, so any features
    will do: those of the first glimpse cell stand in.

    The leaves are those of the whole host (test); a look that goes on from them needs another.
    """

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        return [self.encode_scored(*each) for each in zip(pyramids, cells, strict=True)]

    def encode_scored(self, pyramid: Pyramid, cells: Tensor) -> CellFeatures:
        glimpse = self._glimpses.get(pyramid)
        if glimpse is None or cells[:, 0].any():
            return super().encode([pyramid], [cells])[0]
        return glimpse[torch.zeros(len(cells), dtype=torch.int64)]
