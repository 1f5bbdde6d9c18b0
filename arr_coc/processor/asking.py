"""One question about one picture, answered by ARR-COC, and what that cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from arr_coc.allocator import Budget
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import PeakMemory
from arr_coc.processor.answer import Answer, Look, answer
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.questions import QuestionError
from arr_coc.records import MAX_BUDGET, Realization

STAGES = ("prepare", "encode", "prefill", "decode")


@dataclass(frozen=True)
class Run:
    """What one policy answered and what it cost.

    Attributes:
        answer: None where the run was estimated instead of done.
        visual_tokens: visual tokens the language model read.
        encoded_tokens: visual tokens that went through the vision encoder.
        seconds: per stage of `STAGES`, and their sum as "total".
        ttft_s: seconds to the first token, from opening the file on.
        peak_memory_mb: most memory the process (on a GPU: torch) held during the run, model included, in
            2^20 bytes; None where the run was estimated.
    """

    policy: str
    answer: str | None
    visual_tokens: int
    encoded_tokens: int
    seconds: dict[str, float]
    ttft_s: float
    peak_memory_mb: float | None
    is_estimate: bool = False


def run_relevance(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    messages: list[dict[str, object]],
    budget: Budget,
    max_new_tokens: int,
) -> tuple[Realization, Run]:
    """ARR-COC on one question about one picture."""
    with PeakMemory(model.device) as memory:
        inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget)
        result = answer(model, processor.tokenizer, inputs, max_new_tokens, processor.host.clock)
    realization = inputs.realizations[0][0]
    num_tokens = realization.allocation.num_tokens
    return realization, to_run("arr-coc", result, num_tokens, realization.num_encoded, memory.peak_mb)


def run_until_sure(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    messages: list[dict[str, object]],
    max_new_tokens: int,
    held_mb: float = 0.0,
) -> tuple[Answer, Run]:
    """ARR-COC on one question about one picture, looking closer until it is sure.

    `held_mb` is memory that is in use for another reason and is left out of the peak.
    """
    with PeakMemory(model.device) as memory:
        result = processor.answer(messages, model=model, max_new_tokens=max_new_tokens)
    return result, to_run("until-sure", result, result.num_tokens, result.num_encoded, memory.peak_mb - held_mb)


def look_to_json(look: Look) -> dict[str, Any]:
    """One look on the way to an answer, without its pictures."""
    return {
        "answer": look.text,
        "budget": look.budget,
        "visual_tokens": look.num_tokens,
        "encoded_tokens": look.num_encoded,
        "confidence": round(look.confidence, 4),
        "settled": round(look.settled, 4),
        "seconds": round(sum(look.seconds.values()), 6),
    }


def check_question(host: TransformersHost, question: str, budget: Budget = None) -> None:
    """Raises QuestionError for an empty question, and for one that leaves too little of the context for a picture."""
    if not question.strip():
        raise QuestionError("question: it is empty; say what you want to know about the picture")
    num_text, num_visual = len(host.tokenize(prompt_of(question))), budget if isinstance(budget, int) else MAX_BUDGET
    if num_text + num_visual > host.max_tokens:
        raise QuestionError(
            f"question: its {num_text} tokens and up to {num_visual} for the picture are more than the model's context "
            f"of {host.max_tokens}; shorten the question"
        )


def prompt_of(question: str) -> list[dict[str, Any]]:
    """The conversation as the chat template is shown it, one placeholder for the picture."""
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]


def to_run(policy: str, result: Answer, visual_tokens: int, encoded_tokens: int, peak_mb: float) -> Run:
    seconds = {**{stage: result.seconds[stage] for stage in STAGES}, "total": result.total}
    return Run(policy, result.text, visual_tokens, encoded_tokens, seconds, result.ttft, peak_mb)


def run_to_json(run: Run) -> dict[str, Any]:
    """A run with times and memory rounded to what was measured; "estimated" only where it is."""
    values = {
        "policy": run.policy,
        "answer": run.answer,
        "visual_tokens": run.visual_tokens,
        "encoded_tokens": run.encoded_tokens,
        "seconds": {stage: round(value, 6) for stage, value in run.seconds.items()},
        "ttft_s": round(run.ttft_s, 6),
        "peak_memory_mb": None if run.peak_memory_mb is None else round(run.peak_memory_mb, 1),
    }
    return {**values, "estimated": True} if run.is_estimate else values
