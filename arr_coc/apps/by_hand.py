"""What a researcher sets by hand in place of the balancer or the scorer: tensions, weights, a region to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.baselines.scorers import Box, OracleScorer
from arr_coc.records import Gaze, Host, View

REGION_FOCUS, REGION_WEIGHTS = 0.3, (0.05, 0.0, 0.95)
"""As the policy "oracle" has them: the region leads, and information decides within it."""


@dataclass(frozen=True)
class RegionScorer:
    """Share of each cell that the drawn boxes (fractions of the picture) cover."""

    boxes: tuple[Box, ...]

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [
            OracleScorer({(view.pyramid, view.question): self.boxes}).scores(view.pyramid, view.cells, view.question)
            for view in views
        ]


@dataclass(frozen=True)
class ByHand:
    """A change to the allocator that a checkpoint came with.

    Attributes:
        balancer: tensions and weights; None leaves those of the checkpoint, or of the region where there is one.
        region: boxes in fractions of the picture that are looked at instead of what the question asks for.

    Raises:
        ValueError: nothing is changed.
    """

    balancer: HeuristicBalancer | None = None
    region: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if self.balancer is None and not self.region:
            raise ValueError("by hand: set tensions, or draw a region")

    @property
    def label(self) -> str:
        """In few words, for titles and tables."""
        parts = ["region drawn"] * bool(self.region)
        if self.balancer is not None:
            shares = "/".join(f"{share:.2f}" for share in self.balancer.weights)
            opponents = f"{self.balancer.focus_diversify:.2f}/{self.balancer.exploit_explore:.2f}"
            parts.append(f"tensions {opponents}, weights {shares}")
        return "by hand: " + ", ".join(parts)

    def allocator(self, standing: Allocator) -> Allocator:
        """The standing one with what was set; a region takes the place of everything that was learnt."""
        if not self.region:
            assert self.balancer is not None
            return replace(standing, balancer=self.balancer)
        led = replace(standing.heuristic, focus_diversify=REGION_FOCUS, exploit_explore=0, weights=REGION_WEIGHTS)
        return replace(standing.training_free(), scorer=RegionScorer(self.region), balancer=self.balancer or led)


def balancer_of(focus_diversify: float, exploit_explore: float, *weights: float) -> HeuristicBalancer:
    """The balancer of five sliders; the three weights, each 0..1, become shares of their sum.

    Raises:
        ValueError: all weights are zero, or a slider outside of 0..1.
    """
    total = sum(weights)
    if min(weights) < 0 or total <= 0:
        raise ValueError("weights: at least one of the three must be above 0, and none below")
    first, second, third = (weight / total for weight in weights)
    return HeuristicBalancer(float(focus_diversify), float(exploit_explore), (first, second, third))
