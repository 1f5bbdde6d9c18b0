"""Policies: what of a picture the host is given for a question and a budget.

Every policy ends in the same record, a block of visual tokens with their positions, so all are
answered by the same code and differ in nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from arr_coc.allocator import Allocator
from arr_coc.baselines.scorers import OracleScorer, RandomScorer
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.controls import CONTROLS
from arr_coc.evaluation.policies.full_picture import whole_picture
from arr_coc.evaluation.policies.policy import Given, Leaves, Policy
from arr_coc.evaluation.policies.pruning import PEERS, block_of
from arr_coc.evaluation.policies.resizing import give_whole
from arr_coc.evaluation.recall import levels_of_resize
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.trained_parts import trained_parts
from arr_coc.records import MAX_BUDGET, MIN_BUDGET, Pyramid

SHORT_QUESTION_WORDS = 7
OTHER_QUESTIONS = (
    "What is written at the top?",
    "What is the value in the last row?",
    "Which colour does the object on the left have?",
    "What does the small print at the bottom say?",
    "How many things are there?",
    "What is the name in the middle?",
)


def full(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Remembered where other policies start from it too."""
    whole = whole_picture(host, sample.image)
    block = block_of(torch.arange(whole.num_cells), whole.grid)
    return Given(block, whole.features, (whole.num_cells,), levels_of_resize(whole.grid, whole.grid))


def resize(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    return give_whole(host, sample, budget)


def two_mode(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    is_short = len(sample.question.split()) < SHORT_QUESTION_WORDS
    return give_whole(host, sample, MIN_BUDGET if is_short else MAX_BUDGET)


def random_splits(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    balancer = replace(standing.heuristic, exploit_explore=0, weights=(0, 0, 1))
    return replace(standing.training_free(), scorer=RandomScorer(), balancer=balancer)


def saliency(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    balancer = replace(standing.heuristic, exploit_explore=1, weights=(0.6, 0.4, 0))
    return replace(standing.training_free(), scorer=RandomScorer(), balancer=balancer)


def arr_coc(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    return standing.training_free()


def arr_coc_trained(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    """All that was learnt for this host.

    Raises:
        ValueError: nothing was.
    """
    if not trained_parts(standing):
        raise ValueError("policies: arr-coc-trained needs trained parts; name them with --relevance FOLDER")
    return standing


def other_question(sample: Sample) -> str:
    """A question to look with that is not the one to be answered, drawn by the words of that."""
    others = [question for question in OTHER_QUESTIONS if question != sample.question]
    return others[sum(sample.question.encode()) % len(others)]


def oracle(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    """What the evidence leaves over follows information; without boxes, information alone."""
    width, height = sample.image.size
    boxes = tuple((x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in sample.boxes or ())
    weights = (0.05, 0.0, 0.95) if boxes else (0.6, 0.4, 0.0)
    balancer = replace(standing.heuristic, focus_diversify=0.3, exploit_explore=0, weights=weights)
    scorer = OracleScorer({(pyramid, sample.question): boxes})
    return replace(standing.training_free(), scorer=scorer, balancer=balancer)


REGISTERED: tuple[Policy, ...] = (
    Policy("full", full, "the host at its own processor's maximum", has_budget=False),
    Policy("resize", resize, "the host's own resize rule, the most tokens not above the budget"),
    Policy(
        "two-mode",
        two_mode,
        "64 tokens for a short question, 400 for a longer one, by resize",
        needs=frozenset({"pixels", "question"}),
        has_budget=False,
    ),
    Policy(
        "random",
        Leaves(random_splits),
        "quadtree with random splits, drawn by the question's words",
        needs=frozenset({"pixels", "question"}),
        uses_pyramid=True,
    ),
    Policy(
        "saliency",
        Leaves(saliency),
        "quadtree that follows information and salience, not the question",
        uses_pyramid=True,
    ),
    *CONTROLS,
    *PEERS,
    Policy(
        "arr-coc",
        Leaves(arr_coc),
        "training-free ARR-COC with its standing constants",
        needs=frozenset({"pixels", "question", "encoder features", "language attention"}),
        chooses_budget=True,
        uses_pyramid=True,
    ),
    Policy(
        "arr-coc-shuffled",
        Leaves(arr_coc, other_question),
        "ARR-COC that looks with another question than the one that is answered",
        needs=frozenset({"pixels", "question", "encoder features", "language attention"}),
        chooses_budget=True,
        uses_pyramid=True,
    ),
    Policy(
        "arr-coc-trained",
        Leaves(arr_coc_trained),
        "ARR-COC with the parts that were trained for this host",
        needs=frozenset({"pixels", "question", "encoder features", "language attention"}),
        chooses_budget=True,
        uses_pyramid=True,
        needs_training=True,
    ),
    Policy(
        "arr-coc-trained-shuffled",
        Leaves(arr_coc_trained, other_question),
        "trained ARR-COC that looks with another question than the one that is answered",
        needs=frozenset({"pixels", "question", "encoder features", "language attention"}),
        chooses_budget=True,
        uses_pyramid=True,
        needs_training=True,
    ),
    Policy(
        "oracle",
        Leaves(oracle),
        "quadtree that follows the evidence boxes",
        needs=frozenset({"pixels", "evidence"}),
        uses_pyramid=True,
    ),
)
POLICIES: dict[str, Policy] = {policy.name: policy for policy in REGISTERED}
