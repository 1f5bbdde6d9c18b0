"""Leaves and tensions on their way from the engine to the answers that ask for them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from arr_coc.records import OPPONENTS, Realization

READ = "read_leaves"
MOST = 256
"""Requests that are remembered; those whose clients left are never asked for."""


class Leaves:
    """What was realized for requests that want to know, each until it is read."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, dict[str, dict[str, Any]]] = OrderedDict()

    def note(self, key: str, number: int, realization: Realization) -> None:
        """Of picture `number` of the request `key`."""
        self._found.setdefault(key, {})[str(number)] = described(realization)
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def read(self, key: str) -> dict[str, dict[str, Any]]:
        return self._found.pop(key, {})


def described(realization: Realization) -> dict[str, Any]:
    """For JSON: leaves are [level, row, column], level 0 the finest, whose grid is given."""
    tensions = realization.tensions
    return {
        "budget": tensions.budget,
        "grid": list(realization.allocation.grid),
        "leaves": realization.allocation.leaves.tolist(),
        "tensions": {name: round(float(getattr(tensions, name)), 4) for name in OPPONENTS},
        "weights": [round(float(each), 4) for each in tensions.weights],
    }


class LeavesOfWorker:
    """A worker extension of vLLM's: how a server asks the engine's processes."""

    def read_leaves(self, key: str) -> dict[str, dict[str, Any]]:
        found: Leaves = self.get_model().leaves  # type: ignore[attr-defined]
        return found.read(key)
