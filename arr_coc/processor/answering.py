"""Answers instead of inputs: looking closer until the answer holds, or once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

from arr_coc.allocator import Budget
from arr_coc.processor.answer import Answer, Look
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.messages import Message, read_conversations
from arr_coc.processor.options import Options
from arr_coc.processor.sample import Sample
from arr_coc.processor.until_sure import (
    answer_once,
    answer_until_sure,
    check_max_budget,
    collapsed,
    sharing,
    sure_looks,
)
from arr_coc.records import MAX_BUDGET

if TYPE_CHECKING:
    from arr_coc.processor.processor import RelevanceProcessor


class Answering:
    """The part of a RelevanceProcessor that looks more than once."""

    def answer(
        self: RelevanceProcessor,
        messages: Sequence[Message] | Sequence[Sequence[Message]],
        *,
        model: PreTrainedModel | None = None,
        until_sure: bool | float = True,
        budget: Budget = None,
        max_budget: int = MAX_BUDGET,
        max_new_tokens: int = 64,
        template: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Answer | list[Answer]:
        """Answers one conversation or a list of them, looking closer until it is sure.

        Conversations about the same picture share what was encoded of it.

        Args:
            model: that answers; the host's own by default.
            until_sure: True stops at most 1 point of accuracy below the largest budget, as far as was calibrated
                (`arr-coc eval calibrate`); a number in 0..1 is how settled an answer must be; False looks once.
            budget: with `until_sure=False`, of the one look.
            max_budget: tokens per picture of the last look.
            template: options of `apply_chat_template`.
            options: of `generate`. Looks are decided on greedy drafts; the answer is then written under them.

        Raises:
            ValueError: a threshold outside 0..1, a budget beside `until_sure`, and all that `apply_chat_template` says.
        """
        conversations, is_batch = read_conversations(messages)
        given = list(messages) if is_batch else [messages]
        largest = check_max_budget(max_budget)
        if until_sure is not False and budget is not None:
            raise ValueError("budget: one look at a fixed budget needs until_sure=False; else give max_budget")
        asked = partial(
            answer_once if until_sure is False else answer_until_sure,
            sharing(self) if len(conversations) > 1 else self,
            max_new_tokens=max_new_tokens,
            model=model,
            template=template,
            options=options,
            **({"budget": budget} if until_sure is False else {"until_sure": until_sure, "max_budget": largest}),
        )
        answers = [asked(one) for one in given]
        return answers if is_batch else answers[0]

    def looks(
        self: RelevanceProcessor,
        messages: Sequence[Message],
        *,
        model: PreTrainedModel | None = None,
        until_sure: bool | float = True,
        max_budget: int = MAX_BUDGET,
        max_new_tokens: int = 64,
        template: Mapping[str, Any] | None = None,
    ) -> Iterator[Look]:
        """The looks of `answer` at one conversation as they come; the text of the last is the answer.

        Whoever stops asking for the next look ends the looking.

        Args:
            until_sure: True, or a number in 0..1; the others as in `answer`.

        Raises:
            ValueError: as `answer`, at the first look.
        """
        largest, options = check_max_budget(max_budget), {"max_new_tokens": max_new_tokens, "template": template}
        steps = sure_looks(self, messages, until_sure=until_sure, max_budget=largest, model=model, **options)
        for _, look in steps:
            yield look

    def look_closer(
        self: RelevanceProcessor,
        inputs: RelevanceInputs,
        draft: str | Sequence[str] = "",
        budget: Budget | list[Budget] = None,
    ) -> RelevanceInputs:
        """Inputs that go on from the leaves of others: nothing is encoded twice.

        Args:
            inputs: of this processor.
            draft: what the model answered to them, one or one a conversation: where it looked while writing that
                joins where the question looks. "" looks with the question alone.
            budget: tokens per picture in all; a picture keeps the leaves that it has where it is below them.

        Raises:
            ValueError: inputs without realizations, or not one draft a conversation.
        """
        drafts = [draft] * len(inputs.realizations) if isinstance(draft, str) else list(draft)
        if not inputs.realizations or len(drafts) != len(inputs.realizations):
            raise ValueError(
                f"draft: {len(drafts)} for {len(inputs.realizations)} conversations of a processor's inputs"
            )
        self.host.clock.reset()
        with self.host.clock.measure("prepare"):
            budgets = self._budgets(budget, len(drafts))
            samples = [
                Sample(ids, [one.view(text) for one in pictures], [one.picture for one in pictures], each)
                for ids, pictures, text, each in zip(
                    collapsed(inputs, self.host.image_token_id), inputs.realizations, drafts, budgets, strict=True
                )
            ]
            is_right = bool((inputs["attention_mask"][:, -1] == 0).any())
            return self._realize(samples, Options(padding_side="right" if is_right else "left"))
