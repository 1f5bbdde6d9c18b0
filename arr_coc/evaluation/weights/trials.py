"""Every question looked at under every way to weigh the maps: how much of its evidence is shown legibly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer, LearnedBalancer
from arr_coc.baselines.scorers import RandomScorer
from arr_coc.data.tasks import Sample, Task, by_picture
from arr_coc.evaluation.running.runner import evidence_in_leaves
from arr_coc.evaluation.weights.leaves_only import LeavesOnly
from arr_coc.evaluation.weights.rules import CoveringScorer, WeighingScorer, WeightRule
from arr_coc.files.jsonl import JsonlLog
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import Pyramid, View

STANDING, ADAPTIVE, SALIENCE, COVERING = "standing", "adaptive", "salience", "question and coverage"
FIXED: Mapping[str, tuple[float, float, float]] = {
    SALIENCE: (0.0, 1.0, 0.0),
    "information": (1.0, 0.0, 0.0),
    "information and salience": (0.6, 0.4, 0.0),
    "a third of each": (0.3, 0.3, 0.4),
    "question and information": (0.3, 0.0, 0.7),
}
DEEPER: Mapping[str, str] = {
    "standing, deeper": STANDING,
    "question and information, deeper": "question and information",
}
"""The same with focus at `DEEP`: more splits go down to the finest level."""
DEEP = 0.3
QUESTION_ALONE = (0.0, 0.0, 1.0)
COVERED = 0.3
"""Share of coverage where it has one."""
WAYS = (STANDING, *FIXED, COVERING, ADAPTIVE, *DEEPER)


@dataclass(frozen=True)
class Trial:
    """What one question was shown under one way.

    Attributes:
        sample: its number within the task.
        weights: of the maps in the last round, propositional, perspectival, participatory; None where all was seen.
    """

    task: str
    picture: str
    sample: int
    way: str
    budget: int
    recall: float
    weights: tuple[float, ...] | None


def constants(standing: Allocator) -> HeuristicBalancer:
    """The tensions that an allocator decides splits by, without what it would say of the budget."""
    balancer = standing.balancer
    if isinstance(balancer, LearnedBalancer):
        return balancer.config.apply(balancer.heuristic)
    return standing.heuristic


def allocator_of(way: str, standing: Allocator, rule: WeightRule) -> Allocator:
    """The standing allocator under another way, without its adapter: nothing is answered."""
    plain = replace(standing, adapter=None)
    if way == STANDING:
        return plain
    balancer = constants(standing)
    if way in DEEPER:
        balancer, way = replace(balancer, focus_diversify=DEEP), DEEPER[way]
    if way == STANDING:
        return replace(plain, balancer=balancer)
    balancer = replace(balancer, exploit_explore=0.0, weights=FIXED.get(way, QUESTION_ALONE))
    if way == ADAPTIVE:
        return replace(plain, balancer=balancer, scorer=WeighingScorer(standing.scorer, rule))
    if way == COVERING:
        return replace(plain, balancer=balancer, scorer=CoveringScorer(standing.scorer, COVERED))
    is_blind = balancer.weights[2] == 0
    return replace(plain, balancer=balancer, scorer=RandomScorer() if is_blind else standing.scorer)  # nobody hears it


def try_ways(
    host: TransformersHost,
    standing: Allocator,
    rule: WeightRule,
    name: str,
    task: Task,
    budgets: Sequence[int],
    folder: Path,
) -> Iterator[tuple[int, int]]:
    """Appends the trials of a task to `folder`, picture by picture; a killed run goes on.

    Yields:
        (questions done, questions there are).
    """
    kept = {each.picture for each in read_trials(folder, name)}
    log, number = JsonlLog(trials_file(folder, name), lambda line: True), 0
    for samples in by_picture(task, []):
        if samples[0].picture_id not in kept:
            for each in trials_of(host, standing, rule, name, samples, number, budgets):
                log.append(asdict(each))
        number += len(samples)
        yield number, len(task)
    log.close()


@torch.no_grad()
def trials_of(
    host: TransformersHost,
    standing: Allocator,
    rule: WeightRule,
    name: str,
    samples: Sequence[Sample],
    first: int,
    budgets: Sequence[int],
) -> list[Trial]:
    """All questions about one picture that have marked evidence."""
    knowing = LeavesOnly(host)
    pyramid = knowing.pyramid(samples[0].image)
    found = []
    for number, sample in enumerate(samples, first):
        for way in WAYS if sample.boxes else ():
            allocator = allocator_of(way, standing, rule)
            found += [try_once(knowing, allocator, pyramid, name, number, sample, way, each) for each in budgets]
    return [each for each in found if each is not None]


def try_once(
    host: TransformersHost,
    allocator: Allocator,
    pyramid: Pyramid,
    name: str,
    number: int,
    sample: Sample,
    way: str,
    budget: int,
) -> Trial | None:
    (realized,) = allocator.realize(host, [View.of(pyramid, sample.question)], [budget])
    recall = evidence_in_leaves(host, sample, realized.allocation).recall
    if recall is None:
        return None
    weights: tuple[float, ...] | None = tuple(float(weight) for weight in realized.tensions.weights)
    if isinstance(allocator.scorer, WeighingScorer):
        weights = tuple(allocator.scorer.used[-1]) if realized.scores else None
    return Trial(name, sample.picture_id, number, way, budget, recall, weights)


def trials_file(folder: Path, name: str) -> Path:
    """One a task, so that several processes may work for one folder."""
    return folder / f"trials-{name.replace('/', '-')}.jsonl"


def read_trials(folder: Path, name: str) -> list[Trial]:
    """Those of a task, none if there are none; a line that a kill cut short is left out."""
    path = trials_file(folder, name)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [Trial(**json.loads(line)) for line in lines if line.endswith("\n")]
