"""Everything that decides an allocation besides model, picture and question, under one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from arr_coc.adapter import Adapter
from arr_coc.balancing import Balancer, HeuristicBalancer, LearnedBalancer
from arr_coc.knowing import AttentionScorer, Scorer
from arr_coc.realizing import realize
from arr_coc.records import AUTO, Gaze, Host, Realization, View, check_budget

Budget = int | str | None
"""What may be asked for, the same everywhere: a whole number in 64..400 is the most tokens a picture may cost, "auto"
is what picture and question ask for, None is the allocator's own (one of the other two)."""


@dataclass(frozen=True)
class Allocator:
    """Where visual tokens go; training-free as it stands, and every part may be exchanged.

    Attributes:
        budget: visual tokens a picture may cost where nothing else is asked for, 64..400 or "auto".
        gaze: how attention is read off the host.
        balancer: picture and question to tensions.
        scorer: how much the question has to do with what each cell shows.
        adapter: features of mixed levels to what the language model is used to; None leaves them as they are.

    Raises:
        ValueError: a budget out of range, a part that can't be called.
    """

    budget: int | str = AUTO
    gaze: Gaze = Gaze()
    balancer: Balancer = HeuristicBalancer()
    scorer: Scorer = AttentionScorer()
    adapter: Adapter | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", self.tokens(self.budget) or AUTO)
        for name in ("balancer", "scorer", "adapter"):
            check_part(name, getattr(self, name))

    def realize(
        self,
        host: Host,
        views: Sequence[View],
        budgets: Sequence[Budget] | None = None,
        *,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> list[Realization]:
        """`realizing.realize` with these parts; `budgets` are one a view, see `Budget`, or None for the own.

        Raises:
            ValueError: budgets out of range or not one a view; a part that returns what it must not, by its name.
        """
        return realize(
            host,
            list(views),
            gaze=self.gaze,
            balancer=self.balancer,
            scorer=self.scorer,
            adapter=self.adapter,
            budgets=[self.tokens(budget) for budget in ([None] * len(views) if budgets is None else budgets)],
            generator=generator,
            temperature=temperature,
        )

    def tokens(self, budget: Budget) -> int | None:
        """The number that a budget stands for; None leaves it to the balancer."""
        chosen = self.budget if budget is None else budget
        return None if isinstance(chosen, str) and chosen == AUTO else check_budget(chosen)

    @property
    def heuristic(self) -> HeuristicBalancer:
        """The constants that the balancer is, or starts from."""
        balancer = self.balancer.heuristic if isinstance(self.balancer, LearnedBalancer) else self.balancer
        return balancer if isinstance(balancer, HeuristicBalancer) else HeuristicBalancer()

    def training_free(self) -> Allocator:
        """The same with nothing that was learnt."""
        return replace(self, balancer=self.heuristic, scorer=AttentionScorer(), adapter=None)

    def to(self, device: torch.device) -> Allocator:
        """Moves the parts that hold weights; the others stay as they are."""
        for part in (self.balancer, self.scorer, self.adapter):
            if isinstance(part, nn.Module):
                part.to(device)
        return self


def check_part(name: str, part: object) -> None:
    """Raises ValueError for a class where an object of it is due, and for what can't be called."""
    is_none = name == "adapter" and part is None
    if isinstance(part, type) or not (callable(part) or is_none):
        got = f"the class {part.__name__}" if isinstance(part, type) else type(part).__name__
        raise ValueError(f"{name}: must be an object that can be called, got {got}")
