"""Looks until it is sure: glimpse, draft, a closer look, until the answer holds.

The draft of one look is checked in the pass that reads the next (`drafting`). An answer that is not finished after
`MOST_DRAFTED` tokens is long: it is given at once by one look at the largest budget, which goes on from its beginning.

A closer look may be chosen in two ways (`Closer`). Anew: from the glimpse, which is encoded and asked once; the cells
between are encoded again, in the company that a single look at that budget gives them. Or nested: from the leaves of
the look before, so that nothing is encoded twice; then the draft may point at where to look, too. Which one is the
default was measured (docs/results/until-sure): hosts that never saw a level in pieces read nested leaves worse.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

from arr_coc.allocator import Budget
from arr_coc.hosts.caching import RememberingHost
from arr_coc.processor.answer import Answer, Look, answer, greedy
from arr_coc.processor.drafting import Draft, write
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.sureness import Sign, Sureness
from arr_coc.records import MAX_BUDGET, Realization, check_budget

if TYPE_CHECKING:
    from arr_coc.processor.processor import RelevanceProcessor

logger = logging.getLogger(__name__)

MOST_DRAFTED = 24


class Closer(Enum):
    """How a closer look is chosen."""

    ANEW = "anew"
    NESTED = "nested"
    POINTED = "pointed"
    """Nested, with where the model looked while it wrote the draft."""


@dataclass(frozen=True, eq=False)
class Step:
    """One look and what the model wrote.

    Attributes:
        inputs: of this look, one conversation.
        budget: tokens each picture might cost.
        draft: what was written, checked against the draft before.
        num_drafted: tokens that were checked.
        num_known: cells of it that an earlier look had encoded, those of the glimpse.
        text: of the draft.
        seconds: of each stage, see `answer.Answer`.
    """

    inputs: RelevanceInputs
    budget: int
    draft: Draft
    num_drafted: int
    num_known: int
    text: str
    seconds: dict[str, float]

    @property
    def realizations(self) -> list[Realization]:
        return self.inputs.realizations[0]

    @property
    def num_tokens(self) -> int:
        return sum(each.allocation.num_tokens for each in self.realizations)

    @property
    def num_encoded(self) -> int:
        """Cells that this look encoded, without those that were known."""
        return sum(each.num_encoded for each in self.realizations) - self.num_known

    @property
    def has_seen_all(self) -> bool:
        """Whether no look could show more."""
        return all(not bool(each.allocation.leaves[:, 0].any()) for each in self.realizations)


def looks_of(
    processor: RelevanceProcessor,
    messages: Sequence[Mapping[str, Any]],
    budgets: Sequence[int],
    max_new_tokens: int,
    *,
    model: PreTrainedModel | None = None,
    closer: Closer = Closer.ANEW,
    checks_drafts: bool = True,
    template: Mapping[str, Any] | None = None,
) -> Iterator[Step]:
    """One look after the other, as long as the caller wants the next and there is more to see.

    Args:
        budgets: ascending, per picture.
        checks_drafts: False writes every answer from its beginning; what comes out is the same.
    """
    model = processor.host.model if model is None else model
    processor = processor if isinstance(processor.host, RememberingHost) else sharing(processor)
    clock, settings = processor.host.clock, greedy(model, processor.tokenizer)
    step: Step | None = None
    draft: Draft | None = None
    remaining = list(budgets)
    while remaining:
        budget = remaining.pop(0)
        if step is None or closer is Closer.ANEW:
            asked = partial(processor.apply_chat_template, add_generation_prompt=True, **(template or {}))
            inputs = asked([messages], budget=budget)
        else:
            inputs = processor.look_closer(step.inputs, step.text if closer is Closer.POINTED else "", budget)
        spent, start = dict(clock.seconds), clock.now()
        most = min(max_new_tokens, MOST_DRAFTED) if remaining else max_new_tokens
        num_drafted = len(draft.ids) if draft is not None else 0
        draft = write(model, inputs, settings, most, draft)
        text = processor.decode(draft.ids, skip_special_tokens=True).strip()
        num_known = 0 if step is None else num_known_of(inputs.realizations[0])
        step = Step(inputs, budget, draft, num_drafted, num_known, text, stages(spent, clock.now() - start))
        if step.has_seen_all:
            remaining = []
            if not is_complete(draft, max_new_tokens):
                step = finished(model, processor, step, settings, max_new_tokens)
        elif not is_complete(draft, max_new_tokens):
            remaining = remaining[-1:]
        yield step
        draft = step.draft if checks_drafts else None


def num_known_of(realizations: Sequence[Realization]) -> int:
    """Cells of later looks that the first one encoded: the glimpses that they start from."""
    first = [each.num_encoded - sum(4 * len(splits) for splits in each.splits) for each in realizations]
    glimpses = [len(each.pyramid.cells(each.pyramid.coarsest)) for each in realizations]
    return sum(count for count, glimpse in zip(first, glimpses, strict=True) if count == glimpse)


def is_complete(draft: Draft, max_new_tokens: int) -> bool:
    return draft.has_ended or len(draft.ids) >= max_new_tokens


def finished(
    model: PreTrainedModel, processor: RelevanceProcessor, step: Step, settings: Mapping[str, Any], most: int
) -> Step:
    """The same look with its answer written to the end."""
    start = processor.host.clock.now()
    draft = write(model, step.inputs, settings, most, step.draft)
    seconds = {**step.seconds, "decode": step.seconds["decode"] + processor.host.clock.now() - start}
    text = processor.decode(draft.ids, skip_special_tokens=True).strip()
    return replace(step, draft=draft, text=text, seconds=seconds)


def stages(spent: Mapping[str, float], writing: float) -> dict[str, float]:
    """Seconds of one look: a draft's check and what is decoded behind it are one stage, "decode"."""
    prepare = sum(value for stage, value in spent.items() if stage != "encode")
    return {"prepare": prepare, "encode": spent.get("encode", 0.0), "prefill": 0.0, "decode": writing}


def sure_looks(
    processor: RelevanceProcessor,
    messages: Sequence[Mapping[str, Any]],
    *,
    until_sure: bool | float = True,
    max_budget: int = MAX_BUDGET,
    max_new_tokens: int = 64,
    model: PreTrainedModel | None = None,
    template: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Step, Look]]:
    """One look after the other, as they come, up to the first that is sure; see `RelevanceProcessor.looks`."""
    rule = processor.sureness
    threshold = rule.threshold(until_sure)
    if not rule.is_calibrated:
        tell_uncalibrated()
    texts: list[str] = []
    steps = looks_of(processor, messages, rule.rungs(max_budget), max_new_tokens, model=model, template=template)
    for step in steps:
        look = look_of(rule, step, texts)
        texts.append(look.text)
        yield step, look
        if is_complete(step.draft, max_new_tokens) and look.settled >= threshold:
            return


def answer_until_sure(
    processor: RelevanceProcessor,
    messages: Sequence[Mapping[str, Any]],
    *,
    max_new_tokens: int = 64,
    model: PreTrainedModel | None = None,
    options: Mapping[str, Any] | None = None,
    **looking: Any,
) -> Answer:
    """One conversation answered; see `RelevanceProcessor.answer`.

    Args:
        looking: `until_sure`, `max_budget` and `template` of `sure_looks`.
    """
    looks: list[Look] = []
    for last, look in sure_looks(processor, messages, max_new_tokens=max_new_tokens, model=model, **looking):
        step = last
        looks.append(look)
    found = concluded(step, looks)
    if not options:
        return found
    network = processor.host.model if model is None else model
    written = answer(network, processor.tokenizer, step.inputs, max_new_tokens, options=options)
    seconds = {stage: spent + written.seconds[stage] for stage, spent in found.seconds.items()}
    return replace(found, text=written.text, num_new_tokens=written.num_new_tokens, seconds=seconds)


def answer_once(
    processor: RelevanceProcessor,
    messages: Sequence[Mapping[str, Any]],
    *,
    budget: Budget,
    max_new_tokens: int,
    model: PreTrainedModel | None = None,
    template: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Answer:
    """One conversation answered by one look at one budget."""
    model = processor.host.model if model is None else model
    inputs = processor.apply_chat_template([messages], add_generation_prompt=True, budget=budget, **(template or {}))
    given = answer(model, processor.tokenizer, inputs, max_new_tokens, processor.host.clock, options)
    pictures = inputs.realizations[0]
    num_tokens = sum(each.allocation.num_tokens for each in pictures)
    num_encoded = sum(each.num_encoded for each in pictures)
    return replace(given, num_tokens=num_tokens, num_encoded=num_encoded)


def look_of(rule: Sureness, step: Step, before: Sequence[str]) -> Look:
    """What the rule makes of a step; `before` are the drafts that came before it."""
    sign = Sign(step.budget, step.draft.least_chance, num_agreeing(step.text, before))
    return Look(
        step.text,
        step.budget,
        step.num_tokens,
        step.num_encoded,
        rule.confidence(sign),
        1.0 if step.has_seen_all else rule.settled(sign),
        step.draft.num_kept,
        tuple(step.realizations),
        step.seconds,
    )


def num_agreeing(text: str, before: Sequence[str]) -> int:
    """How many of the answers right before say the same, case and spaces aside."""
    count = 0
    for other in reversed(before):
        if plain(other) != plain(text):
            break
        count += 1
    return count


def plain(text: str) -> str:
    return "".join(text.split()).casefold()


def collapsed(inputs: RelevanceInputs, image_token_id: int) -> list[list[int]]:
    """Ids of each conversation without padding, one placeholder per picture."""
    rows = []
    for ids, mask, pictures in zip(inputs["input_ids"], inputs["attention_mask"], inputs.realizations, strict=True):
        lengths = iter([each.allocation.num_tokens for each in pictures])
        row, remaining = [], ids[mask.bool()].tolist()
        while remaining:
            token = remaining.pop(0)
            row.append(token)
            if token == image_token_id:
                del remaining[: next(lengths) - 1]
        rows.append(row)
    return rows


def concluded(step: Step, looks: Sequence[Look]) -> Answer:
    seconds = {stage: sum(look.seconds[stage] for look in looks) for stage in looks[-1].seconds}
    return Answer(
        step.text,
        len(step.draft.ids),
        seconds,
        confidence=looks[-1].confidence,
        looks=tuple(looks),
        num_tokens=step.num_tokens,
        num_encoded=sum(look.num_encoded for look in looks),
    )


def sharing(processor: RelevanceProcessor) -> RelevanceProcessor:
    """A twin for several questions: it opens every picture once and encodes its glimpse once."""
    twin = copy(processor)
    twin.host = RememberingHost(processor.host, num_pictures=64)
    twin.opened = {}
    return twin


def check_max_budget(max_budget: object) -> int:
    """Raises ValueError for a largest budget under the glimpse or above what there is."""
    try:
        return check_budget(max_budget)
    except ValueError as error:
        raise ValueError(f"max_{error}") from error


@lru_cache(maxsize=1)
def tell_uncalibrated() -> None:
    """Said once a process."""
    logger.warning(
        "until_sure: this host was never calibrated, so how sure an answer is remains a guess; "
        "arr-coc eval calibrate measures it"
    )
