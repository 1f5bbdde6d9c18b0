"""Participatory scorers to compare with: chance, the evidence itself, and attention that is read once.

Each swaps into `realize` where ARR-COC reads the host's attention; all else stays equal.
Shapes: N leaves of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from arr_coc.knowing import Scorer
from arr_coc.records import Gaze, Host, Pyramid, View

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class RandomScorer:
    """A random score per cell and question, the same at every call."""

    seed: int = 0

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [self.scores(view.cells, view.question) for view in views]

    def scores(self, leaves: Tensor, question: str) -> Tensor:
        salt = sum((place + 1) * byte for place, byte in enumerate(question.encode()))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + salt * 101 + len(leaves))
        return torch.rand(len(leaves), generator=generator, dtype=torch.float32)


@dataclass(frozen=True, eq=False)
class OracleScorer:
    """Share of each cell that evidence covers: where a closer look is known to pay.

    Attributes:
        evidence: boxes (x0, y0, x1, y1) as fractions of the picture, by (pyramid, question).
    """

    evidence: Mapping[tuple[Pyramid, str], tuple[Box, ...]]

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [self.scores(view.pyramid, view.cells, view.question) for view in views]

    def scores(self, pyramid: Pyramid, leaves: Tensor, question: str) -> Tensor:
        rows, cols = pyramid.grid()
        covered = torch.zeros(len(leaves), dtype=torch.float32)
        for x0, y0, x1, y1 in self.evidence[pyramid, question]:
            height = overlap(leaves, 1, y0 * rows, y1 * rows)
            width = overlap(leaves, 2, x0 * cols, x1 * cols)
            covered += height * width
        return covered / (4 ** leaves[:, 0])


@dataclass(frozen=True, eq=False)
class GlimpseScorer:
    """Asks another scorer once, about the first cells it is shown; finer ones inherit the score of theirs.

    Saves the attention of all later rounds, half of what choosing costs on a large host; what it costs in accuracy
    stands in the ablations ("read once"). Cells that lie in none of those known are asked about anew.
    """

    scorer: Scorer
    known: WeakKeyDictionary[Pyramid, dict[tuple[str, str, Gaze], tuple[Tensor, Tensor]]] = field(
        init=False, default_factory=WeakKeyDictionary
    )

    @property
    def reads_attention(self) -> bool:
        return getattr(self.scorer, "reads_attention", False)

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        found = [self.recall(view, gaze) for view in views]
        fresh = [view for view, scores in zip(views, found, strict=True) if scores is None]
        asked = iter(self.scorer(host, fresh, gaze) if fresh else [])
        return [
            self.keep(view, gaze, next(asked)) if scores is None else scores
            for view, scores in zip(views, found, strict=True)
        ]

    def recall(self, view: View, gaze: Gaze) -> Tensor | None:
        before = self.known.get(view.pyramid, {}).get((view.question, view.draft, gaze))
        return None if before is None else inherited(view.cells, *before)

    def keep(self, view: View, gaze: Gaze, scores: Tensor) -> Tensor:
        self.known.setdefault(view.pyramid, {})[view.question, view.draft, gaze] = view.cells, scores
        return scores


def inherited(cells: Tensor, known: Tensor, scores: Tensor) -> Tensor | None:
    """(N,) score of the known cell that each of the cells (N, 3) is or lies in; None where one lies in none."""
    places = {tuple(cell): place for place, cell in enumerate(known.tolist())}
    ways_up = range(int(known[:, 0].max()) + 1)
    found = [
        next((places[above] for up in ways_up if (above := (level + up, row >> up, col >> up)) in places), None)
        for level, row, col in cells.tolist()
    ]
    return None if None in found else scores[torch.tensor(found, device=scores.device)]


def overlap(leaves: Tensor, axis: int, low: float, high: float) -> Tensor:
    """(N,) length along an axis, in level-0 cells, that each leaf shares with [low, high]."""
    side = (2 ** leaves[:, 0]).float()
    start = leaves[:, axis] * side
    return (torch.minimum(start + side, torch.tensor(high, dtype=torch.float32)) - start.clamp(min=low)).clamp(min=0)
