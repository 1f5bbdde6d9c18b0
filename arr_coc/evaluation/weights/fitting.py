"""Fits a rule for the weights on rounds of looking whose evidence is marked.

Shapes: R rounds, N cells of the largest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.data.tasks import Sample, Task, by_picture
from arr_coc.evaluation.recall import evidence_share, level_of_grid
from arr_coc.evaluation.running.runner import fractions, full_grid, needed_level
from arr_coc.evaluation.weights.leaves_only import LeavesOnly
from arr_coc.evaluation.weights.rules import NUM_MAPS, SIGNS, WeightRule, signs_of
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import Pyramid, Realization, ScoreMaps, View

MATERIAL = ("weights/drawn", "weights/lifelike")
"""Suites to fit on: the host's attention is good on the first, bad on the second."""
FIT_BUDGET = 160
MIXED = (0.3, 0.3, 0.4)
"""Weights under which rounds are gathered, so that cells of every map come up."""
STEPS, RATE, PULL = 200, 0.05, 0.02
LEAST_SPREAD = 0.01


@dataclass(frozen=True, eq=False)
class Round:
    """The maps of one round, and the share of each cell (N,) that evidence covers which is not legible yet."""

    scores: ScoreMaps
    evidence: Tensor


def gather(host: TransformersHost, allocator: Allocator, task: Task) -> Iterator[list[Round]]:
    """Picture by picture: the rounds in which some evidence is still to be found."""
    balancer = replace(allocator.heuristic, exploit_explore=0.0, weights=MIXED)
    mixing = replace(allocator, balancer=balancer, adapter=None)
    for samples in by_picture(task):
        knowing = LeavesOnly(host)
        pyramid = knowing.pyramid(samples[0].image)
        views = [View.of(pyramid, sample.question) for sample in samples]
        with torch.no_grad():
            realizations = mixing.realize(knowing, views, [FIT_BUDGET] * len(views))
        pairs = zip(samples, realizations, strict=True)
        yield [each for sample, realization in pairs for each in rounds_of(host, sample, pyramid, realization)]


def rounds_of(host: TransformersHost, sample: Sample, pyramid: Pyramid, realization: Realization) -> Iterator[Round]:
    share = torch.from_numpy(evidence_share(fractions(sample), pyramid.grid())).float()
    needed = needed_level(host, sample)
    rounding = level_of_grid(pyramid.grid(), full_grid(host, sample.image.size))
    for scores in realization.scores:
        level = int(scores.cells[0, 0])
        is_legible = needed is None or level + rounding <= needed
        evidence = F.avg_pool2d(share[None], 1 << level)[0][scores.cells[:, 1], scores.cells[:, 2]]
        if not is_legible and evidence.sum() > 0:
            yield Round(scores, evidence)


def fit(rounds: Sequence[Round]) -> WeightRule:
    """The rule under which the summed map is likest to choose the evidence: cross entropy, as `training` aligns maps.

    Each sum is sharpened by one number that is fitted too. Signs are standardised while fitting, so that one that
    varies little can count as much; their coefficients are pulled to 0, the constant's is not.
    """
    signs = torch.stack([signs_of(each.scores) for each in rounds])
    centre, spread = signs.mean(0), signs.std(0, correction=min(1, len(rounds) - 1)).clamp(min=LEAST_SPREAD)
    centre[0], spread[0] = 0.0, 1.0
    maps, evidence = padded(rounds)
    is_padding = maps.isnan().any(1)
    coefficients = torch.zeros(len(SIGNS), NUM_MAPS, requires_grad=True)
    sharpness = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([coefficients, sharpness], RATE)
    for _ in range(STEPS):
        weights = ((signs - centre) / spread @ coefficients).softmax(1) * sharpness.exp()
        mixed = (maps.nan_to_num() * weights[..., None]).sum(1).masked_fill(is_padding, -1e9)
        loss = -(evidence * mixed.log_softmax(1)).sum(1).mean() + PULL * coefficients[1:].square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return unstandardised(coefficients.detach(), centre, spread)


def unstandardised(coefficients: Tensor, centre: Tensor, spread: Tensor) -> WeightRule:
    """The rule on signs as they are, of coefficients (5, 3) of standardised ones."""
    plain = coefficients / spread[:, None]
    plain[0] -= centre @ plain
    return WeightRule(tuple(tuple(row) for row in plain.tolist()))


def padded(rounds: Sequence[Round]) -> tuple[Tensor, Tensor]:
    """Maps (R, 3, N), NaN behind the last cell of a round, and evidence (R, N) that sums to 1."""
    most = max(len(each.evidence) for each in rounds)
    maps = torch.full((len(rounds), NUM_MAPS, most), torch.nan)
    evidence = torch.zeros(len(rounds), most)
    for row, (scores, shown) in enumerate((each.scores, each.evidence) for each in rounds):
        stacked = torch.stack([scores.propositional, scores.perspectival, scores.participatory])
        maps[row, :, : len(shown)], evidence[row, : len(shown)] = stacked, shown / shown.sum()
    return maps, evidence
