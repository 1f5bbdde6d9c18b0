"""How a RelevanceProcessor allocates tokens, besides what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from arr_coc.balancing import HeuristicBalancer, check_budget
from arr_coc.hosts.attention import Gaze

AUTO = "auto"


@dataclass(frozen=True)
class Settings:
    """Everything that decides an allocation besides model, picture and question.

    Attributes:
        budget: visual tokens a picture may cost, 64..400, or "auto" for what picture and question ask for.
        balancer: the constants of the heuristic balancer.
        gaze: how attention is read off the host.
    """

    budget: int | str = AUTO
    balancer: HeuristicBalancer = field(default_factory=HeuristicBalancer)
    gaze: Gaze = field(default_factory=Gaze)

    def __post_init__(self) -> None:
        read_budget(self.budget)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Settings:
        balancer = dict(values["balancer"])
        balancer["weights"] = tuple(balancer["weights"])
        return cls(values["budget"], HeuristicBalancer(**balancer), Gaze(**values["gaze"]))


def read_budget(budget: int | str | None) -> int | None:
    """The budget as a number, None for "auto".

    Raises:
        ValueError: neither "auto" nor a whole number in 64..400.
    """
    return None if budget is None or budget == AUTO else check_budget(budget)
