"""Same picture, two questions: do the leaves follow the question?

Each question about a picture is looked with; what is seen is held against its own evidence and against that of
its neighbours, the other questions about the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import mean

import numpy as np

from arr_coc.data.tasks import Sample, Task, by_picture
from arr_coc.evaluation.policies.full_picture import WholePictures
from arr_coc.evaluation.policies.policy import Given
from arr_coc.evaluation.reporting.tables import markdown_table, points, with_error
from arr_coc.evaluation.running.runner import REGISTRY, Row, evidence_shown, give_all
from arr_coc.evaluation.statistics.intervals import clustered_mean
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.processor import RelevanceProcessor


@dataclass(frozen=True)
class Pair:
    """A question looked with, and a neighbour.

    Attributes:
        own, other: recall of the question's own evidence, and of the neighbour's, in what the question is shown.
        shared: of the cells that either question looks at closely, the share at which both do; 1 where neither does.
    """

    policy: str
    budget: int
    picture: str
    own: float
    other: float
    shared: float


def compare_neighbours(
    processor: RelevanceProcessor,
    task: Task,
    conditions: Sequence[tuple[str, int]],
    unreadable: list[str] | None = None,
) -> Iterator[tuple[int, list[Pair]]]:
    """Picture by picture: questions done so far, and the pairs of that picture under every (policy, budget).

    `unreadable` takes what can't be read, see `by_picture`.
    """
    done = 0
    for samples in by_picture(task, unreadable):
        remembering = WholePictures(processor.host)
        pyramid = remembering.pyramid(samples[0].image)
        pairs: list[Pair] = []
        for policy, budget in conditions:
            rows = [Row(number, sample, policy, budget) for number, sample in enumerate(samples)]
            given = give_all(remembering, processor.allocator, pyramid, rows)
            pairs += pairs_of(processor.host, policy, budget, samples, given)
        done += len(samples)
        yield done, pairs


def pairs_of(
    host: TransformersHost, policy: str, budget: int, samples: Sequence[Sample], given: Sequence[Given]
) -> list[Pair]:
    """All ordered pairs of questions with marked evidence."""
    pairs = []
    for (sample, shown), (neighbour, shown_it) in permutations(zip(samples, given, strict=True), 2):
        own, other = (evidence_shown(host, each, shown.shown).recall for each in (sample, neighbour))
        if own is not None and other is not None:
            shared = shared_closely(shown.shown, shown_it.shown)
            pairs.append(Pair(policy, budget, sample.picture_id, own, other, shared))
    return pairs


def shared_closely(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of the cells that are shown finer than the coarsest level of either."""
    glimpse = max(first.max(), second.max())
    a, b = first < glimpse, second < glimpse
    either = int((a | b).sum())
    return int((a & b).sum()) / either if either else 1.0


def neighbours_table(pairs: Sequence[Pair]) -> str:
    """A row a condition, recalls in percent ± standard error, clustered by picture."""
    conditions = sorted({(pair.policy, pair.budget) for pair in pairs}, key=lambda c: ([*REGISTRY].index(c[0]), c[1]))
    rows = []
    for policy, budget in conditions:
        here = [pair for pair in pairs if (pair.policy, pair.budget) == (policy, budget)]
        clusters = [pair.picture for pair in here]
        own, other = (clustered_mean([getattr(pair, name) for pair in here], clusters) for name in ("own", "other"))
        gap = clustered_mean([pair.own - pair.other for pair in here], clusters)
        same = mean(pair.shared == 1 for pair in here)
        shared = mean(pair.shared for pair in here)
        rows.append(
            [
                policy,
                str(budget or "own"),
                str(len(here)),
                with_error(*own),
                with_error(*other),
                points(*gap),
                f"{100 * shared:.0f}%",
                f"{100 * same:.0f}%",
            ]
        )
    recalls, leaves = ["own evidence", "neighbour's", "difference"], ["looked at by both", "same leaves"]
    return markdown_table(["policy", "tokens", "pairs", *recalls, *leaves], rows)
