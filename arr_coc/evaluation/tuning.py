"""Which tensions show most evidence: a search over constants, without answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import torch

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.data.tasks import Sample, Task, by_picture
from arr_coc.evaluation.recall import WHOLE
from arr_coc.evaluation.reporting.tables import markdown_table, with_error
from arr_coc.evaluation.running.runner import evidence_in_leaves
from arr_coc.evaluation.statistics.intervals import clustered_mean
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import Pyramid, View

Choice = tuple[float, float, tuple[float, float, float]]
"""Focus, exploration, weights."""


@dataclass(frozen=True)
class Tried:
    """Recall of one question's evidence under one choice and budget."""

    choice: Choice
    budget: int
    picture: str
    recall: float


def tensions_to_try(*values: tuple[float, float, float]) -> list[Choice]:
    """Choices of (focus, exploration, weight of information); what is left of the weight goes to the question."""
    return [(focus, explore, (information, 0.0, round(1 - information, 6))) for focus, explore, information in values]


def try_tensions(
    host: TransformersHost,
    allocator: Allocator,
    task: Task,
    choices: Sequence[Choice],
    budgets: Sequence[int],
    unreadable: list[str] | None = None,
) -> Iterator[tuple[int, list[Tried]]]:
    """Picture by picture: questions done so far, and what became of those with marked evidence.

    `unreadable` takes what can't be read, see `by_picture`.
    """
    done = 0
    for samples in by_picture(task, unreadable):
        remembering = RememberingHost(host)
        pyramid = remembering.pyramid(samples[0].image)
        done += len(samples)
        yield (
            done,
            [
                Tried(choice, budget, sample.picture_id, recall)
                for sample in samples
                for choice in choices
                for budget in budgets
                if (recall := recall_under(remembering, allocator, pyramid, sample, choice, budget)) is not None
            ],
        )


@torch.no_grad()
def recall_under(
    host: TransformersHost, allocator: Allocator, pyramid: Pyramid, sample: Sample, choice: Choice, budget: int
) -> float | None:
    focus, explore, weights = choice
    balancer = replace(HeuristicBalancer(), focus_diversify=focus, exploit_explore=explore, weights=weights)
    tried = replace(allocator, balancer=balancer, adapter=None)
    (realized,) = tried.realize(host, [View.of(pyramid, sample.question)], [budget])
    return evidence_in_leaves(host, sample, realized.allocation).recall


def worth(tried: Sequence[Tried]) -> float:
    """Mean of the share of questions with all evidence shown and of recall: answers gain from either (dev/LOG.md)."""
    return mean(((each.recall >= WHOLE) + each.recall) / 2 for each in tried)


def by_choice(tried: Sequence[Tried]) -> dict[Choice, list[Tried]]:
    groups: dict[Choice, list[Tried]] = {}
    for each in tried:
        groups.setdefault(each.choice, []).append(each)
    return groups


def best_choice(tried: Sequence[Tried]) -> Choice:
    """The one of most worth, budgets taken together."""
    groups = by_choice(tried)
    return max(groups, key=lambda choice: worth(groups[choice]))


def as_option(choice: Choice) -> str:
    focus, explore, weights = choice
    return ",".join(f"{value:g}" for value in (focus, explore, *weights))


def tuning_table(tried: Sequence[Tried]) -> str:
    """A row a choice, best first: share of questions with all evidence shown, at each budget, and recall."""
    groups, budgets = by_choice(tried), sorted({each.budget for each in tried})
    rows = []
    for choice in sorted(groups, key=lambda choice: -worth(groups[choice])):
        cells = []
        for budget in budgets:
            here = [each for each in groups[choice] if each.budget == budget]
            clusters = [each.picture for each in here]
            cells.append(with_error(*clustered_mean([float(each.recall >= WHOLE) for each in here], clusters)))
            cells.append(f"{100 * mean(each.recall for each in here):.1f}")
        rows.append([*(f"{value:g}" for value in (choice[0], choice[1], choice[2][0])), *cells])
    titles = [title for budget in budgets for title in (f"all shown at {budget}", "recall")]
    return markdown_table(["focus", "exploration", "information", *titles], rows)
