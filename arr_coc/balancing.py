"""Texture and question to the three opponent tensions; the first one is the budget.

Everything here is known before the encoder runs, so an engine can reserve the tokens first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import log
from typing import Protocol

import torch
from torch import Tensor, nn

from arr_coc.quoting import quoted
from arr_coc.records import MAX_BUDGET, MIN_BUDGET, OPPONENTS, Host, Pyramid, Tensions, check_budget
from arr_coc.texture import CHANNEL_SCALES, CHANNELS, NUM_LOOKS

INKED = 0.03  # mean gradient of a cell, luma per pixel, from which there is something to read
BLANK_PAGE = 0.25  # share of the demand that is met even where the picture looks empty
ORDINARY_DEMAND = 0.5  # demand of a question that is neither about the gist nor about reading
NUM_STATISTICS = 3 * NUM_LOOKS + 4
LEAST_SHARE = 1e-3  # tensions and weights nearer to 0 or 1 count as this, so that their logits are finite
LOGITS = (*OPPONENTS, "propositional", "perspectival", "participatory")
GIST = re.compile(
    r"\b(kind|type|sort) of\b|\bdescribe\b|\bcaption\b|\bscene\b|\b(picture|image|photo) show\b|"
    r"\b(is|are) there\b|\bcolou?rs?\b|\bbackground\b",
    re.IGNORECASE,
)
NAMED = re.compile(r"(?<=[a-z,] )[\"'“A-Z0-9]")
READING = re.compile(
    r"\b(read|transcribe|spell|written|print|printed|text|says?|title|heading|label|names?|address|phone|"
    r"digits?|numbers?(?! of)|codes?|serial|values?|percent(age)?|date|time|how much|total|amount|price|costs?|"
    r"cell|row|column|footnote)\b",
    re.IGNORECASE,
)


class Balancer(Protocol):
    """Decides the tensions of one picture and one question.

    A budget that is asked for is kept as it is; None ("auto") leaves it to the balancer. Any object that can be
    called like this will do.
    """

    def __call__(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Tensions: ...


def budget_of(compress_particularize: float) -> int:
    """Tokens of a tension in 0..1: 64 * (400 / 64)^t, rounded."""
    tokens: float = MIN_BUDGET * (MAX_BUDGET / MIN_BUDGET) ** compress_particularize
    return round(tokens)


def particularize_of(budget: int) -> float:
    """The tension that a budget stands for, inverse of `budget_of`."""
    return log(budget / MIN_BUDGET) / log(MAX_BUDGET / MIN_BUDGET)


@dataclass(frozen=True)
class HeuristicBalancer:
    """Tensions without training: the budget from picture and question, the rest as constants.

    compress_particularize = demand(question) * (1/4 + 3/4 * density(picture)): what there is to read
    costs only as far as the question asks to read. It never falls as either of the two rises.

    Raises:
        ValueError: a constant outside 0..1, or weights that do not sum to 1.
    """

    focus_diversify: float = 0.4
    exploit_explore: float = 0.2
    weights: tuple[float, float, float] = (0.25, 0.15, 0.6)

    def __post_init__(self) -> None:
        Tensions(0.0, self.focus_diversify, self.exploit_explore, self.weights, MIN_BUDGET)  # which checks them

    def __call__(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Tensions:
        if budget is None:
            budget = budget_of(demand(question) * (BLANK_PAGE + (1 - BLANK_PAGE) * density(pyramid)))
        particularize = particularize_of(check_budget(budget))
        return Tensions(particularize, self.focus_diversify, self.exploit_explore, self.weights, budget)


@dataclass(frozen=True)
class BalancerConfig:
    """What a LearnedBalancer is made of.

    Attributes:
        dim: of the host's embedding table.
        width: inside.
        tensions: focus, exploration and the three weights that it corrects, instead of the heuristic's; None
            keeps those.

    Raises:
        ValueError: a size under 1, not five tensions, one outside 0..1, weights that do not sum to 1.
    """

    dim: int
    width: int = 96
    tensions: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("dim", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {quoted(getattr(self, name))}")
        if self.tensions is not None:
            if len(self.tensions) != 5:
                raise ValueError(f"tensions must be focus, exploration and three weights, got {quoted(self.tensions)}")
            self.apply(HeuristicBalancer())

    def apply(self, heuristic: HeuristicBalancer) -> HeuristicBalancer:
        """The heuristic with these tensions in place of its own, which checks them."""
        if self.tensions is None:
            return heuristic
        focus, explore, *weights = self.tensions
        shares = (weights[0], weights[1], weights[2])
        return replace(heuristic, focus_diversify=focus, exploit_explore=explore, weights=shares)


class LearnedBalancer(nn.Module):
    """Tensions by a small perceptron on the question's embeddings and the picture's texture statistics.

    It corrects the heuristic balancer in logits and its last layer starts at zero, so an untrained one
    decides exactly as the heuristic does.
    """

    def __init__(self, config: BalancerConfig, heuristic: HeuristicBalancer | None = None) -> None:
        super().__init__()
        self.config = config
        self.heuristic = heuristic or HeuristicBalancer()
        self.enter = nn.Sequential(nn.LayerNorm(config.dim), nn.Linear(config.dim, config.width))
        self.notice = nn.Linear(config.width, 1)
        self.sight = nn.Linear(NUM_STATISTICS, config.width)
        self.mix = nn.Sequential(nn.GELU(), nn.Linear(config.width, config.width), nn.GELU())
        self.leave = nn.Linear(config.width, len(LOGITS))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Tensions:
        """Tensions with an explicit budget kept; in training mode the weights carry gradient."""
        if self.training:
            return self.decide(self.logits(host, pyramid, question), budget)
        if not self.has_learnt:
            return self.decide(self.prior(host, pyramid, question, budget), budget)
        return self.decide(self.logits(host, pyramid, question).detach(), budget)

    @property
    def has_learnt(self) -> bool:
        """Whether it corrects anything; else, under a budget that is asked for, the picture need not be measured."""
        return bool(self.leave.weight.any() or self.leave.bias.any())

    def logits(self, host: Host, pyramid: Pyramid, question: str) -> Tensor:
        """(6,) see `LOGITS`: the heuristic's own, corrected."""
        return self.corrected(
            host.embed(question), statistics(pyramid).to(self.leave.weight), self.prior(host, pyramid, question)
        )

    def corrected(self, words: Tensor, looks: Tensor, prior: Tensor, is_padding: Tensor | None = None) -> Tensor:
        """(..., 6) logits from what is known of a question, embeddings (..., T, D), and of a picture, `statistics`.

        Args:
            is_padding: (..., T), for questions of different lengths.
        """
        weight = self.leave.weight
        entered = self.enter(words.to(weight))
        noticed = self.notice(entered)
        if is_padding is not None:
            noticed = noticed.masked_fill(is_padding[..., None], -torch.inf)
        asked = (noticed.softmax(-2) * entered).sum(-2)
        correction: Tensor = self.leave(self.mix(asked + self.sight(looks)))
        return prior.to(weight) + correction

    def prior(self, host: Host, pyramid: Pyramid, question: str, budget: int | None = None) -> Tensor:
        """(6,) logits of the heuristic's tensions, those of the configuration where it has any."""
        tensions = self.config.apply(self.heuristic)(host, pyramid, question, budget)
        opponents = [tensions.compress_particularize, tensions.focus_diversify, tensions.exploit_explore]
        shares = torch.tensor(tensions.weights, dtype=torch.float32).clamp(min=LEAST_SHARE).log()
        return torch.cat([torch.tensor(opponents, dtype=torch.float32).logit(LEAST_SHARE), shares])

    def decide(self, logits: Tensor, budget: int | None) -> Tensions:
        """Tensions of logits (6,); an explicit budget overrules the first, and weights keep the graph there is."""
        particularize, diversify, explore = logits[:3].detach().sigmoid().tolist()
        shares = logits[3:].softmax(0)
        if budget is None:
            budget = budget_of(particularize)
        particularize = particularize_of(check_budget(budget))
        weights = tuple(shares if logits.requires_grad else shares.tolist())
        return Tensions(particularize, diversify, explore, weights, budget)


def statistics(pyramid: Pyramid) -> Tensor:
    """(34,): how a picture looks before anything is encoded.

    Mean and deviation of the ten looks over the cells of level 0, their deviation at the coarsest level;
    logarithms of size and aspect, number of levels, density.
    """
    finest, coarsest = (pyramid.textures[level][:NUM_LOOKS].flatten(1) for level in (0, pyramid.coarsest))
    rows, cols = pyramid.grid()
    shape = [log(rows * cols / MIN_BUDGET), log(rows / cols), pyramid.coarsest, density(pyramid)]
    scales = finest.new_tensor(CHANNEL_SCALES[:NUM_LOOKS])
    looks = [finest.mean(1), finest.std(1, correction=0), coarsest.std(1, correction=0)]
    return torch.cat([*(each / scales for each in looks), finest.new_tensor(shape)])


def density(pyramid: Pyramid) -> float:
    """How much there is to read, 0..1: share of the native cells that hold edges."""
    magnitude = pyramid.textures[0][CHANNELS.index("sobel_magnitude")]
    return float((magnitude > INKED).float().mean())


def demand(question: str) -> float:
    """How much reading a question asks for, 0..1, from its English wording.

    0 for the gist (kind of picture, colours, existence), 1 for reading (text, numbers, table cells,
    small print), which wins where both occur, 0.5 for everything else. "The colour of the bar Kano" is no
    gist: a name inside a sentence stands in the picture and has to be found there.
    """
    if READING.search(question):
        return 1.0
    return 0.0 if GIST.search(question) and not NAMED.search(question) else ORDINARY_DEMAND
