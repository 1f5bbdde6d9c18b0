"""Weights of the three score maps that follow what the question's map looks like, and a fourth map, coverage.

Shapes: N cells of one level.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.knowing import Scorer, know, standardise
from arr_coc.quoting import quoted
from arr_coc.records import Gaze, Host, ScoreMaps, View

SIGNS = ("constant", "peak", "flatness", "like salience", "like information")
NUM_MAPS = 3


@dataclass(frozen=True)
class WeightRule:
    """A softmax over the maps of a linear function of five signs.

    Attributes:
        coefficients: per sign of `SIGNS` one number a map: propositional, perspectival, participatory.

    Raises:
        ValueError: not as many numbers as signs times maps.
    """

    coefficients: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if [len(row) for row in self.coefficients] != [NUM_MAPS] * len(SIGNS):
            raise ValueError(f"coefficients: must be {len(SIGNS)} rows of {NUM_MAPS}, got {quoted(self.coefficients)}")

    def weigh(self, scores: ScoreMaps) -> Tensor:
        """(3,) shares of 1."""
        return (signs_of(scores) @ torch.tensor(self.coefficients)).softmax(0)


def signs_of(scores: ScoreMaps) -> Tensor:
    """(5,) what the question's map looks like, each about 0..1, see `SIGNS`.

    peak: mean of its highest tenth in standard deviations, over 3. flatness: entropy of its softmax over that of a
    flat one. like salience, like information: correlation with those maps.
    """
    asked, num_cells = scores.participatory, len(scores.cells)
    share = asked.softmax(0)
    top = asked.topk(max(1, num_cells // 10)).values.mean()
    flatness = -(share * share.log()).sum() / max(log(num_cells), 1e-6)
    alike = [(asked * other).mean() for other in (scores.perspectival, scores.propositional)]
    return torch.stack([torch.ones(()), top / 3, flatness, *alike])


@dataclass(frozen=True, eq=False)
class WeighingScorer:
    """A scorer whose map is already the sum of all three, by a rule, level by level: the tensions leave it all to it.

    Attributes:
        scorer: of the question's own map.
        used: the weights of the level that was split, a row for every view that was scored.
    """

    scorer: Scorer
    rule: WeightRule
    used: list[list[float]] = field(default_factory=list)

    @property
    def reads_attention(self) -> bool:
        return bool(getattr(self.scorer, "reads_attention", False))

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [self.mix(view, asked) for view, asked in zip(views, self.scorer(host, views, gaze), strict=True)]

    def mix(self, view: View, asked: Tensor) -> Tensor:
        """(N,) for leaves of any levels; those of level 0 are never split and get 0."""
        mixed = torch.zeros(len(asked))
        for member in levels_to_split(view.cells):
            scores = know(view.pyramid, view.cells[member], asked[member])
            weights = self.rule.weigh(scores)
            mixed[member] = weights @ torch.stack([scores.propositional, scores.perspectival, scores.participatory])
        self.used.append(weights.tolist())  # of the finest level there is, which this round splits
        return mixed


@dataclass(frozen=True)
class CoveringScorer:
    """A share of the question's map goes to coverage: cells that no other cell of their level resembles."""

    scorer: Scorer
    share: float

    @property
    def reads_attention(self) -> bool:
        return bool(getattr(self.scorer, "reads_attention", False))

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [self.mix(view, asked) for view, asked in zip(views, self.scorer(host, views, gaze), strict=True)]

    def mix(self, view: View, asked: Tensor) -> Tensor:
        mixed = torch.zeros(len(asked))
        for member in levels_to_split(view.cells):
            alone = standardise(coverage(view.features.merged[member].float().cpu()))
            mixed[member] = self.share * alone + (1 - self.share) * standardise(asked[member].cpu())
        return mixed


def coverage(features: Tensor) -> Tensor:
    """(N,) how little a cell says that others say: less its mean cosine to all of them, features (N, D) centred."""
    unit = F.normalize(features - features.mean(0), dim=1)
    return -(unit @ unit.T).mean(1)


def levels_to_split(cells: Tensor) -> list[Tensor]:
    """Of each level above 0, coarsest first, which cells (N, 3) are of it: (N,) bool."""
    levels = cells[:, 0]
    return [levels == level for level in sorted(set(levels.tolist()) - {0}, reverse=True)]
