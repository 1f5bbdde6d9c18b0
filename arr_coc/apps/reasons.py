"""Why the three score maps weigh what they weigh, and how much each of them decided."""

from __future__ import annotations

from dataclasses import dataclass

from arr_coc.allocator import Allocator
from arr_coc.apps.by_hand import ByHand
from arr_coc.attending import num_exploring
from arr_coc.balancing import LearnedBalancer
from arr_coc.records import Realization
from arr_coc.views.scores import SCORES

ZERO = 0.005  # what is shown as 0.00


@dataclass(frozen=True)
class Reasons:
    """Of one look.

    Attributes:
        source: who set tensions and weights, in one sentence.
        maps: per score map, in the order of `SCORES`, one sentence on its weight and one on what it decided.
    """

    source: str
    maps: tuple[str, ...]


def reasons_of(allocator: Allocator, hand: ByHand | None, realization: Realization) -> Reasons:
    """Reads the reasons off the allocator that looked and the realization that it led to."""
    weights = [float(weight) for weight in realization.tensions.weights]
    total, blind = split_counts(realization)
    starts = starting_weights(allocator)
    return Reasons(
        source_of(allocator, hand, total, blind),
        tuple(
            f"{weight_note(name, weight, start)} {share_note(name, weight, realization, total)}"
            for name, weight, start in zip(SCORES, weights, starts, strict=True)
        ),
    )


def source_of(allocator: Allocator, hand: ByHand | None, total: int, blind: int) -> str:
    """Who set the tensions, and how many splits went to the question-blind maps."""
    if hand is not None and hand.balancer is not None:
        who = "Set by hand with the sliders."
    elif hand is not None:
        who = "Set by the drawn region: the region leads, and information decides within it."
    elif isinstance(allocator.balancer, LearnedBalancer):
        who = "Set by the trained balancer of this checkpoint, for this picture and this question."
    else:
        who = "The constants of this checkpoint; no balancer was trained for it."
    explored = (
        f"{blind} of them explored: they were chosen without the question." if blind else "None of them explored."
    )
    return f"{who} There were {total} splits. {explored}" if total else f"{who} There was nothing to split."


def starting_weights(allocator: Allocator) -> tuple[float | None, ...]:
    """What a trained balancer corrects; None where nothing corrects."""
    balancer = allocator.balancer
    if not isinstance(balancer, LearnedBalancer):
        return (None, None, None)
    return tuple(float(weight) for weight in balancer.config.apply(balancer.heuristic).weights)


def weight_note(name: str, weight: float, start: float | None) -> str:
    """The weight, what it was corrected from, and what zero means."""
    note = f"Weight {weight:.2f}"
    if start is not None:
        note += f"; the trained balancer starts from {start:.2f}"
    if weight >= ZERO:
        return note + "."
    why = {
        "propositional": "lost detail alone draws no splits here",
        "perspectival": "standing out alone draws no splits here",
        "participatory": "the question draws no splits here",
    }
    return f"{note}. The map is shown, but it is not used: {why[name]}."


def share_note(name: str, weight: float, realization: Realization, total: int) -> str:
    """How many of the splits this map would have chosen by itself."""
    if not total:
        return ""
    agreed = sum(
        len(
            set(split.tolist())
            & set(getattr(maps, name).sort(descending=True, stable=True).indices[: len(split)].tolist())
        )
        for maps, split in zip(realization.scores, realization.splits, strict=True)
    )
    return f"Alone it would have chosen {agreed} of the {total} splits" + (
        "." if weight >= ZERO else ", by agreement and not by its weight."
    )


def split_counts(realization: Realization) -> tuple[int, int]:
    """All splits, and those of them that went to exploring."""
    sizes = [len(split) for split in realization.splits]
    return sum(sizes), sum(num_exploring(size, realization.tensions) for size in sizes)
