"""Policies: what of a picture the host is given for a question and a budget.

Every policy ends in the same record, a block of visual tokens with their positions, so all are
answered by the same code and differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from arr_coc.balancing import HeuristicBalancer
from arr_coc.baselines.scorers import OracleScorer, RandomScorer
from arr_coc.data.tasks import Sample
from arr_coc.hosts.encoding import Segment, encode_segments
from arr_coc.hosts.plain import pixel_limits
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.knowing import AttentionScorer, Scorer
from arr_coc.realizing import realize
from arr_coc.records import MAX_BUDGET, MIN_BUDGET, CellFeatures, Pyramid

SHORT_QUESTION_WORDS = 7


@dataclass(frozen=True, eq=False)
class Given:
    """What the host is given: visual tokens with positions, and how many cells were encoded for them."""

    block: ImageBlock
    features: CellFeatures
    num_encoded: int

    @property
    def num_tokens(self) -> int:
        return len(self.block.positions)


Policy = Callable[[Qwen3VLHost, Sample, Pyramid, int], Given]


def give_whole(host: Qwen3VLHost, sample: Sample, max_tokens: int | None) -> Given:
    """The whole picture at one size, by the host's own resize rule."""
    size = host.stock_size(*sample.image.size, pixel_limits(host, *sample.image.size, max_tokens))
    cols, rows = (side // host.geometry.cell_px for side in size)
    index = torch.arange(rows * cols)
    segment = Segment(host.resize(sample.image, size), index)
    with torch.no_grad():
        features = encode_segments(host.model.model.visual, [segment], host.geometry)[0]
    positions = torch.stack([index // cols, index % cols], dim=1)
    return Given(ImageBlock(positions, max(rows, cols)), features, len(index))


def give_leaves(
    host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int, scorer: Scorer, balancer: HeuristicBalancer
) -> Given:
    """Leaves of mixed levels, by a scorer and a balancer."""
    with torch.no_grad():
        [realization] = realize(host, [pyramid], [sample.question], balancer=balancer, scorer=scorer, budgets=[budget])
    return Given(ImageBlock.of(realization.allocation), realization.features, realization.num_encoded)


def full(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    return give_whole(host, sample, None)


def resize(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    return give_whole(host, sample, budget)


def two_mode(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """A short question gets 64 tokens, a longer one 400, both by plain resize; the budget is not used."""
    is_short = len(sample.question.split()) < SHORT_QUESTION_WORDS
    return give_whole(host, sample, MIN_BUDGET if is_short else MAX_BUDGET)


def random_splits(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    balancer = HeuristicBalancer(exploit_explore=0, weights=(0, 0, 1))
    return give_leaves(host, sample, pyramid, budget, RandomScorer(), balancer)


def saliency(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Question-blind: information and salience alone."""
    balancer = HeuristicBalancer(exploit_explore=1, weights=(0.6, 0.4, 0))
    return give_leaves(host, sample, pyramid, budget, RandomScorer(), balancer)


def arr_coc(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Training-free ARR-COC with its standing constants."""
    return give_leaves(host, sample, pyramid, budget, AttentionScorer(), HeuristicBalancer())


def oracle(host: Qwen3VLHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Splits follow the evidence boxes, what is left follows information; without boxes, information alone."""
    width, height = sample.image.size
    boxes = tuple((x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in sample.boxes or ())
    balancer = HeuristicBalancer(exploit_explore=0, weights=(0.05, 0, 0.95) if boxes else (0.6, 0.4, 0))
    scorer = OracleScorer({(pyramid, sample.question): boxes})
    return give_leaves(host, sample, pyramid, budget, scorer, replace(balancer, focus_diversify=0.3))


POLICIES: dict[str, Policy] = {
    "full": full,
    "resize": resize,
    "two-mode": two_mode,
    "random": random_splits,
    "saliency": saliency,
    "arr-coc": arr_coc,
    "oracle": oracle,
}
WITHOUT_BUDGET = ("full", "two-mode")
