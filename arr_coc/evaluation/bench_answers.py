"""What a whole answer costs that stops at the first, second or third look, against full and against one fixed look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

from transformers import PreTrainedModel

from arr_coc.evaluation.bench import QUESTION, bench_picture
from arr_coc.evaluation.comparing import run_plain, warm_up
from arr_coc.processor.asking import run_relevance
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.until_sure import looks_of
from arr_coc.records import MAX_BUDGET

MOST_LOOKS = 3


@dataclass(frozen=True)
class AnswerCost:
    """Of one way to come to an answer.

    Attributes:
        visual_tokens: that the language model read in the last look.
        encoded_tokens: cells that all looks encoded.
        kept: tokens of the answer that were taken over from the draft of the look before.
        seconds: from the picture in memory to the answer's last token, all looks included; median of the rounds.
    """

    way: str
    visual_tokens: int
    encoded_tokens: int
    kept: int
    seconds: float


def measure_answers(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    *,
    size: tuple[int, int],
    budget: int,
    rounds: int,
    num_tokens: int,
    on_run: Callable[[str], None] = lambda way: None,
) -> list[AnswerCost]:
    """Rounds of looks, one fixed look and full, one after the other, on a drawn picture that is in memory already.

    Every answer and every draft has `num_tokens` tokens, unless the model ends it before.
    """
    messages = question_messages(bench_picture(size), QUESTION)
    warm_up(model, processor)
    found: dict[str, list[AnswerCost]] = {}
    for _ in range(rounds):
        on_run("looks")
        costs = answers_by_looks(model, processor, messages, num_tokens)
        on_run("fixed")
        realization, fixed = run_relevance(model, processor, messages, budget, num_tokens)
        name = f"one look at {budget}"
        costs.append(AnswerCost(name, fixed.visual_tokens, realization.num_encoded, 0, fixed.seconds["total"]))
        on_run("full")
        full = run_plain(model, processor.host, messages, None, num_tokens)
        costs.append(AnswerCost("full", full.visual_tokens, full.encoded_tokens, 0, full.seconds["total"]))
        for cost in costs:
            found.setdefault(cost.way, []).append(cost)
    return [with_median(costs) for costs in found.values()]


def answers_by_looks(
    model: PreTrainedModel, processor: RelevanceProcessor, messages: list[dict[str, object]], num_tokens: int
) -> list[AnswerCost]:
    """An answer that stops at the first look, at the second and so on: each holds all that came before it."""
    costs: list[AnswerCost] = []
    encoded, seconds = 0, 0.0
    steps = looks_of(processor, messages, processor.sureness.rungs(MAX_BUDGET), num_tokens, model=model)
    for number, step in enumerate(islice(steps, MOST_LOOKS), 1):
        encoded, seconds = encoded + step.num_encoded, seconds + sum(step.seconds.values())
        way = f"sure at look {number} ({step.budget} tokens)"
        costs.append(AnswerCost(way, step.num_tokens, encoded, step.draft.num_kept, seconds))
    return costs


def with_median(costs: list[AnswerCost]) -> AnswerCost:
    return replace(costs[0], seconds=median(cost.seconds for cost in costs))
