"""What a sweep teaches the balancer: its budget, by the exact gradient of the expected reward.

A run of `arr-coc eval` on training questions holds the outcome of every budget, so none has to be drawn: a policy
spread around the balancer's tension is rewarded, score - price * tokens / 400, in expectation over all of them.
The other tensions stay the heuristic's.

Shapes: N questions, B budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor

from arr_coc.balancing import BalancerConfig, LearnedBalancer, budget_of, particularize_of, statistics
from arr_coc.data.tasks import Recent
from arr_coc.evaluation.answers import Line
from arr_coc.evaluation.calibration import smallest_sufficient
from arr_coc.evaluation.runner import Plan, read_run
from arr_coc.hosts.processor import RelevanceProcessor
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.hosts.relevance import host_facts, save_relevance
from arr_coc.records import MAX_BUDGET

POLICY = "arr-coc-trained"
VALIDATION_PART = 5  # every fifth picture
BATCH = 64


@dataclass(frozen=True)
class BudgetSettings:
    """How the budget is learnt.

    Attributes:
        price: reward = score - price * tokens / 400.
        spread: standard deviation of the policy around the balancer's tension (0..1).
        num_epochs: over the sweep; the one that validates best is kept.
        tensions: see `BalancerConfig`; `arr-coc eval tune` finds them.

    Raises:
        ValueError: a value out of range.
    """

    price: float = 0.2
    spread: float = 0.15
    num_epochs: int = 30
    rate: float = 1e-3
    weight_decay: float = 0.1
    seed: int = 0
    tensions: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError(f"price must not be negative, got {self.price}")
        if self.spread <= 0 or self.num_epochs < 1:
            raise ValueError("spread must be positive and num_epochs at least 1")


@dataclass(frozen=True, eq=False)
class Sweep:
    """Questions and what became of them at every budget.

    Attributes:
        budgets: (B,), ascending.
        scores: (N, B).
        pictures: of the N questions.
        words, looks, priors: what the balancer knows of each, see `LearnedBalancer.corrected`.
    """

    budgets: tuple[int, ...]
    scores: Tensor
    pictures: list[str]
    words: list[Tensor]
    looks: list[Tensor]
    priors: list[Tensor]

    def __len__(self) -> int:
        return len(self.pictures)

    def rewards(self, price: float) -> Tensor:
        """(N, B)"""
        return self.scores - price * torch.tensor(self.budgets) / MAX_BUDGET

    def parts(self) -> tuple[list[int], list[int]]:
        """Numbers of the questions to learn from, and of those about other pictures, to validate on."""
        order = {picture: number for number, picture in enumerate(dict.fromkeys(self.pictures))}
        held_out = [order[picture] % VALIDATION_PART == 0 for picture in self.pictures]
        return [n for n, out in enumerate(held_out) if not out], [n for n, out in enumerate(held_out) if out]


@dataclass(frozen=True)
class Verdict:
    """What a choice of budgets is worth on questions about pictures that nothing was learnt from.

    Attributes:
        score, tokens, reward: means, the score interpolated between the sweep's budgets.
        rank_correlation: Spearman's, with the smallest sufficient budget.
    """

    score: float
    tokens: float
    reward: float
    rank_correlation: float

    def __str__(self) -> str:
        return (
            f"score {100 * self.score:.1f}% at {self.tokens:.0f} tokens, reward {self.reward:.4f}, "
            f"rank correlation {self.rank_correlation:.2f}"
        )


def run_budget(
    processor: RelevanceProcessor,
    folder: Path | None,
    settings: BudgetSettings,
    out: Path,
    say: Callable[[str], None],
) -> None:
    """Learns from a run of `arr-coc eval`, says what it is worth, and writes all trained parts to `out/relevance`.

    Without a run the balancer gets its tensions, and decides the budget as the heuristic does.

    Raises:
        ValueError: see `read_sweep` and `learn_budget`.
    """
    host = processor.host
    config = BalancerConfig(host.model.config.text_config.hidden_size, tensions=settings.tensions)
    balancer = LearnedBalancer(config, processor.settings.balancer)
    if folder is not None:
        teach_budget(balancer, read_sweep(folder, host, balancer), settings, say)
    learned = replace(processor.learned, balancer=balancer.eval())
    save_relevance(out / "relevance", processor.settings, learned, host_facts(host.model))


def teach_budget(
    balancer: LearnedBalancer, sweep: Sweep, settings: BudgetSettings, say: Callable[[str], None]
) -> Verdict:
    """`learn_budget`, with what the others are worth on the same pictures."""
    _, held_out = sweep.parts()
    say(f"{len(sweep)} questions, budgets {', '.join(map(str, sweep.budgets))}; {len(held_out)} of them held out")
    say(f"heuristic       {judge(balancer, sweep, held_out, settings.price)}")
    say(f"one for all     {best_fixed(sweep, settings.price)}")
    verdict = learn_budget(balancer, sweep, settings)
    say(f"learnt          {verdict}")
    return verdict


def read_sweep(folder: Path, host: Qwen3VLHost, balancer: LearnedBalancer) -> Sweep:
    """The sweep in a folder of `arr-coc eval`, with what the balancer is to know of each question.

    Raises:
        ValueError: no run there, or not every question at every budget by the trained policy.
    """
    plan, lines = read_run(folder)
    table: dict[tuple[str, int], dict[int, Line]] = {}
    for line in lines:
        if line.policy == POLICY and line.budget:
            table.setdefault(line.question_key, {})[line.budget] = line
    budgets = tuple(sorted({budget for row in table.values() for budget in row}))
    if len(budgets) < 2 or any(len(row) < len(budgets) for row in table.values()):
        raise ValueError(
            f"sweep: {folder} must hold {POLICY} at two budgets or more, every question at each; "
            f"finish it with arr-coc eval --policies {POLICY} --out {folder}"
        )
    scores = torch.tensor([[row[budget].score for budget in budgets] for row in table.values()])
    pictures = [row[budgets[0]].cluster for row in table.values()]
    return Sweep(budgets, scores, pictures, *known(plan, list(table), host, balancer))


def known(
    plan: Plan, keys: Sequence[tuple[str, int]], host: Qwen3VLHost, balancer: LearnedBalancer
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Words, looks and priors of questions by task and number."""
    tasks = Recent(plan.open, capacity=len(plan.tasks))
    words, looks, priors = [], [], []
    last, pyramid, seen = None, None, None
    for name, number in keys:
        sample = tasks(name)[number]
        if pyramid is None or (name, sample.picture_id) != last:
            last, pyramid = (name, sample.picture_id), host.pyramid(sample.image)
            seen = statistics(pyramid)
        assert seen is not None
        words.append(host.embed(sample.question).float())
        looks.append(seen)
        priors.append(balancer.prior(host, pyramid, sample.question))
    return words, looks, priors


def learn_budget(
    balancer: LearnedBalancer,
    sweep: Sweep,
    settings: BudgetSettings,
    show: Callable[[int, Verdict], None] = lambda epoch, verdict: None,
) -> Verdict:
    """Teaches the balancer in place; returns what the kept epoch is worth on the pictures held out.

    Raises:
        ValueError: too few pictures to hold some out.
    """
    learnt_from, held_out = sweep.parts()
    if not learnt_from or not held_out:
        raise ValueError("sweep: needs questions about at least two pictures")
    torch.manual_seed(settings.seed)
    rewards = sweep.rewards(settings.price)
    optimizer = torch.optim.AdamW(balancer.parameters(), settings.rate, weight_decay=settings.weight_decay)
    best, kept = judge(balancer, sweep, held_out, settings.price), deepcopy(balancer.state_dict())
    for epoch in range(settings.num_epochs):
        for rows in torch.tensor(learnt_from)[torch.randperm(len(learnt_from))].split(BATCH):
            chosen = particularize(balancer, sweep, rows.tolist())
            expected = (chances(chosen, sweep.budgets, settings.spread) * rewards[rows]).sum(1).mean()
            optimizer.zero_grad()
            (-expected).backward()
            optimizer.step()
        verdict = judge(balancer, sweep, held_out, settings.price)
        show(epoch, verdict)
        if verdict.reward > best.reward:
            best, kept = verdict, deepcopy(balancer.state_dict())
    balancer.load_state_dict(kept)
    return best


def particularize(balancer: LearnedBalancer, sweep: Sweep, rows: Sequence[int]) -> Tensor:
    """(len(rows),) the first tension, with gradient."""
    logits = [balancer.corrected(sweep.words[row], sweep.looks[row], sweep.priors[row])[0] for row in rows]
    return torch.stack(logits).sigmoid()


def chances(tensions: Tensor, budgets: Sequence[int], spread: float) -> Tensor:
    """(N, B) of each budget under a normal distribution around tensions (N,), on the scale of tensions."""
    places = torch.tensor([particularize_of(budget) for budget in budgets])
    return (-0.5 * ((tensions[:, None] - places) / spread).square()).softmax(1)


@torch.no_grad()
def judge(balancer: LearnedBalancer, sweep: Sweep, rows: Sequence[int], price: float) -> Verdict:
    """Of the budgets that the balancer chooses for these questions."""
    tensions = particularize(balancer, sweep, rows)
    return judge_budgets(torch.tensor([budget_of(float(tension)) for tension in tensions]), sweep, rows, price)


def judge_budgets(chosen: Tensor, sweep: Sweep, rows: Sequence[int], price: float) -> Verdict:
    """Of budgets (N,) for these questions."""
    scores = sweep.scores[torch.as_tensor(rows)]
    score = float(interpolated(scores, chosen, sweep.budgets).mean())
    tokens = float(chosen.float().mean())
    sufficient = torch.tensor(smallest_sufficient(sweep.budgets, scores.numpy()))
    there = sufficient < inf
    varies = there.sum() > 1 and chosen[there].unique().numel() > 1 and sufficient[there].unique().numel() > 1
    correlation = float(spearmanr(chosen[there], sufficient[there]).statistic) if varies else float("nan")
    return Verdict(score, tokens, score - price * tokens / MAX_BUDGET, correlation)


def interpolated(scores: Tensor, chosen: Tensor, budgets: Sequence[int]) -> Tensor:
    """(N,) scores (N, B) at budgets in between, linear in tokens; beyond the ends those of the ends."""
    known_at = torch.tensor(budgets, dtype=torch.float)
    right = torch.searchsorted(known_at, chosen.float()).clamp(1, len(budgets) - 1)
    low, high = known_at[right - 1], known_at[right]
    share = ((chosen - low) / (high - low)).clamp(0, 1)
    rows = torch.arange(len(scores))
    return scores[rows, right - 1] * (1 - share) + scores[rows, right] * share


def best_fixed(sweep: Sweep, price: float) -> Verdict:
    """One budget for all, the best on the questions to learn from, judged on the others."""
    learnt_from, held_out = sweep.parts()
    best = sweep.budgets[int(sweep.rewards(price)[torch.tensor(learnt_from)].mean(0).argmax())]
    return judge_budgets(torch.full((len(held_out),), best), sweep, held_out, price)
