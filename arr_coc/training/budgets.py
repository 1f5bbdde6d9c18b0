"""What a sweep teaches the balancer: its budget, by the exact gradient of the expected reward.

A run of `arr-coc eval` on training questions holds the outcome of every budget, so none has to be drawn: a policy
spread around the balancer's tension is rewarded, score - price * tokens / 400, in expectation over all of them.
The other tensions stay the heuristic's.

Shapes: N questions, B budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from arr_coc.balancing import BalancerConfig, LearnedBalancer, budget_of, particularize_of, statistics
from arr_coc.data.tasks import Recent
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.running.runner import Plan, read_run
from arr_coc.evaluation.statistics.calibration import smallest_sufficient
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.trained_parts import FOLDER, host_facts, save_relevance
from arr_coc.quoting import quoted
from arr_coc.records import MAX_BUDGET

POLICY = "arr-coc-trained"
NUM_FOLDS = 5
BATCH = 64


@dataclass(frozen=True)
class BudgetSettings:
    """How the budget is learnt.

    Attributes:
        price: reward = score - price * tokens / 400.
        spread: standard deviation of the policy around the balancer's tension (0..1).
        num_epochs: over the sweep at most; as many are made as validate best.
        tensions: see `BalancerConfig`; `arr-coc eval tune` finds them.

    Raises:
        ValueError: a value out of range.
    """

    price: float = 0.2
    spread: float = 0.15
    num_epochs: int = 60
    rate: float = 1e-3
    weight_decay: float = 0.1
    seed: int = 0
    tensions: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError(f"price must not be negative, got {quoted(self.price)}")
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

    def folds(self) -> list[tuple[list[int], list[int]]]:
        """Numbers of the questions to learn from and of those to judge, no picture on both sides; each judged once.

        Raises:
            ValueError: one picture alone.
        """
        order = {picture: number for number, picture in enumerate(dict.fromkeys(self.pictures))}
        if len(order) < 2:
            raise ValueError("sweep: needs questions about at least two pictures")
        part = [order[picture] % NUM_FOLDS for picture in self.pictures]
        return [
            ([n for n, other in enumerate(part) if other != fold], [n for n, other in enumerate(part) if other == fold])
            for fold in range(min(NUM_FOLDS, len(order)))
        ]


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
    config = BalancerConfig(host.text_config.hidden_size, tensions=settings.tensions)
    balancer = LearnedBalancer(config, processor.allocator.heuristic)
    if folder is not None:
        teach_budget(balancer, read_sweep(folder, host, balancer), settings, say)
    save_relevance(out / FOLDER, replace(processor.allocator, balancer=balancer.eval()), host_facts(host.model))


def teach_budget(
    balancer: LearnedBalancer, sweep: Sweep, settings: BudgetSettings, say: Callable[[str], None]
) -> Verdict:
    """`learn_budget`, with what the others are worth on the same questions."""
    everything = list(range(len(sweep)))
    say(f"{len(sweep)} questions, budgets {', '.join(map(str, sweep.budgets))}; judged by picture, {NUM_FOLDS} folds")
    say(f"heuristic       {judge(choose(balancer, sweep, everything), sweep, settings.price)}")
    say(f"one for all     {judge(best_fixed(sweep, settings.price), sweep, settings.price)}")
    verdict = learn_budget(balancer, sweep, settings)
    say(f"learnt          {verdict}")
    return verdict


def read_sweep(folder: Path, host: TransformersHost, balancer: LearnedBalancer) -> Sweep:
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
    plan: Plan, keys: Sequence[tuple[str, int]], host: TransformersHost, balancer: LearnedBalancer
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


def learn_budget(balancer: LearnedBalancer, sweep: Sweep, settings: BudgetSettings) -> Verdict:
    """Teaches the balancer in place; returns what so many epochs are worth on pictures that nothing was learnt from.

    How many, possibly none, is chosen by cross-validation; then all questions are learnt from.

    Raises:
        ValueError: one picture alone.
    """
    chosen = torch.zeros(settings.num_epochs + 1, len(sweep), dtype=torch.long)
    for learnt_from, judged in sweep.folds():
        student = deepcopy(balancer)
        chosen[0, judged] = choose(student, sweep, judged)
        for epoch in epochs(student, sweep, learnt_from, settings):
            chosen[epoch, judged] = choose(student, sweep, judged)
    verdicts = [judge(each, sweep, settings.price) for each in chosen]
    best = max(range(len(verdicts)), key=lambda epoch: verdicts[epoch].reward)
    for epoch in epochs(balancer, sweep, list(range(len(sweep))), settings):
        if epoch == best:
            break
    return verdicts[best]


def epochs(
    balancer: LearnedBalancer, sweep: Sweep, learnt_from: Sequence[int], settings: BudgetSettings
) -> Iterator[int]:
    """Learns, epoch by epoch; yields the number of epochs learnt, 0 before the first."""
    generator = torch.Generator().manual_seed(settings.seed)
    rewards, rows = sweep.rewards(settings.price), torch.tensor(learnt_from)
    optimizer = torch.optim.AdamW(balancer.parameters(), settings.rate, weight_decay=settings.weight_decay)
    yield 0
    for epoch in range(1, settings.num_epochs + 1):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(BATCH):
            tensions = particularize(balancer, sweep, batch.tolist())
            expected = (chances(tensions, sweep.budgets, settings.spread) * rewards[batch]).sum(1).mean()
            optimizer.zero_grad()
            (-expected).backward()
            optimizer.step()
        yield epoch


def particularize(balancer: LearnedBalancer, sweep: Sweep, rows: Sequence[int]) -> Tensor:
    """(len(rows),) the first tension, with gradient."""
    words = [sweep.words[row] for row in rows]
    lengths = torch.tensor([len(each) for each in words])
    is_padding = torch.arange(int(lengths.max())) >= lengths[:, None]
    looks, priors = (torch.stack([known[row] for row in rows]) for known in (sweep.looks, sweep.priors))
    logits = balancer.corrected(pad_sequence(words, batch_first=True), looks, priors, is_padding)
    return logits[:, 0].sigmoid()


def chances(tensions: Tensor, budgets: Sequence[int], spread: float) -> Tensor:
    """(N, B) of each budget under a normal distribution around tensions (N,), on the scale of tensions."""
    places = torch.tensor([particularize_of(budget) for budget in budgets])
    return (-0.5 * ((tensions[:, None] - places) / spread).square()).softmax(1)


@torch.no_grad()
def choose(balancer: LearnedBalancer, sweep: Sweep, rows: Sequence[int]) -> Tensor:
    """(len(rows),) budgets."""
    return torch.tensor([budget_of(float(tension)) for tension in particularize(balancer, sweep, rows)])


def judge(chosen: Tensor, sweep: Sweep, price: float) -> Verdict:
    """Of budgets (N,) for all questions."""
    score = float(interpolated(sweep.scores, chosen, sweep.budgets).mean())
    tokens = float(chosen.float().mean())
    sufficient = torch.tensor(smallest_sufficient(sweep.budgets, sweep.scores.numpy()))
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


def best_fixed(sweep: Sweep, price: float) -> Tensor:
    """(N,) one budget for all questions, the best for those about other pictures."""
    rewards, chosen = sweep.rewards(price), torch.zeros(len(sweep), dtype=torch.long)
    for learnt_from, judged in sweep.folds():
        chosen[judged] = sweep.budgets[int(rewards[torch.tensor(learnt_from)].mean(0).argmax())]
    return chosen
