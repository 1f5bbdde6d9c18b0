"""What is asked of an allocation, one function a term; each returns one number a sample.

Shapes: B samples, A answer tokens, V vocabulary, (R, C) grid of level 0, N cells of one level.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.balancing import particularize_of
from arr_coc.records import MAX_BUDGET, Realization, ScoreMaps
from arr_coc.training.batches import IGNORED

BUDGET_SPREAD = 0.2  # standard deviation, in tension, of the budgets that a balancer stands for while it learns


def answer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """(B,) cross entropy of the answers, summed over their tokens."""
    return F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none").sum(1)


def answer_divergence(logits: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    """(B,) KL(teacher || student) of the answer tokens' distributions, summed over tokens."""
    divergence = F.kl_div(logits.log_softmax(-1), teacher.log_softmax(-1), log_target=True, reduction="none").sum(-1)
    return (divergence * (labels != IGNORED)).sum(1)


def is_right(logits: Tensor, labels: Tensor) -> Tensor:
    """(B,) bool: every answer token is the likeliest one, so greedy decoding writes exactly this answer."""
    return ((logits.argmax(-1) == labels) | (labels == IGNORED)).all(1)


def alignment(realization: Realization, attention: Tensor) -> Tensor:
    """Cross entropy between where the teacher looks and the participatory scores, a mean over the rounds.

    The mass that lies outside the cells of a round does not count. Zero where nothing was to be split.

    Args:
        attention: (R, C) of the teacher, which saw all of level 0.
    """
    rounds = [
        -(mass_of(attention, scores) * scores.participatory.log_softmax(0)).sum() for scores in realization.scores
    ]
    return torch.stack(rounds).mean() if rounds else attention.new_zeros(())


def mass_of(attention: Tensor, scores: ScoreMaps) -> Tensor:
    """(N,) attention within each cell of one level."""
    level = int(scores.cells[0, 0])
    pooled = F.avg_pool2d(attention[None], 1 << level)[0] * 4**level
    return pooled[scores.cells[:, 1], scores.cells[:, 2]].to(scores.participatory)


def budget_chances(tension: Tensor, budgets: tuple[int, ...]) -> Tensor:
    """(len(budgets),) how likely a balancer of this tension (a scalar in 0..1) is to choose each of a few budgets."""
    places = torch.tensor([particularize_of(budget) for budget in budgets], device=tension.device)
    return (-((places - tension) ** 2) / (2 * BUDGET_SPREAD**2)).softmax(0)


def budget_cost(answer: Tensor, num_tokens: Tensor, price: float) -> Tensor:
    """(B,) what a budget cost: nats of the answer and `price` nats for 400 tokens."""
    return answer.detach() + price * num_tokens / MAX_BUDGET
