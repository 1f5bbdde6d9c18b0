"""One picture, one question, three policies: full resolution, plain resize, ARR-COC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from transformers import PreTrainedModel

from arr_coc.evaluation.flops import encode_flops, prefill_flops
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import MEGABYTE, PeakMemory, Stopwatch
from arr_coc.pictures.opening import image_size
from arr_coc.pictures.sources import ImageSource
from arr_coc.processor.answer import Answer, answer
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits, plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import MAX_BUDGET, Realization

POLICIES = ("full", "resize", "arr-coc")
STAGES = ("prepare", "encode", "prefill", "decode")
PATIENCE_S = 60.0


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


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in the order of `POLICIES`, and the realization behind the last one.

    Attributes:
        image_size: (width, height) of the upright picture in pixels.
        host: name the model was asked for by.
    """

    image_size: tuple[int, int]
    question: str
    host: str
    realization: Realization
    runs: tuple[Run, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values: what `arr-coc compare --json` prints."""
        tensions, leaves = self.realization.tensions, self.realization.allocation.leaves
        return {
            "image": {"width": self.image_size[0], "height": self.image_size[1]},
            "question": self.question,
            "host": self.host,
            "tensions": {
                "compress_particularize": tensions.compress_particularize,
                "focus_diversify": tensions.focus_diversify,
                "exploit_explore": tensions.exploit_explore,
            },
            "leaves": leaves.tolist(),
            "levels": len(self.realization.pyramid.levels),
            "runs": [run_to_json(run) for run in self.runs],
        }


def compare(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    image: ImageSource,
    question: str,
    *,
    host: str = "nano",
    budget: int | None = None,
    max_new_tokens: int = 64,
    is_full_forced: bool = False,
    on_start: Callable[[str], None] = lambda policy: None,
) -> Comparison:
    """Asks one question three ways; every policy opens the file itself, so its time counts everything.

    `full` is the host at its own processor's maximum, `resize` the host's own resize with the pixel cap set
    so that the token count is the largest not above ARR-COC's. ARR-COC runs first, since it says how many
    tokens `resize` may have. `full` runs last, so that memory the allocator keeps from it counts for no one
    else; where it would take over a minute it is estimated, unless forced. Before the clock starts, a small
    picture goes through the processor and the model once, so that first-call costs (kernels, caches, lazy
    imports) are in no policy's time.

    Args:
        host: the model's name, for the record.
        budget: 64..400, None for what picture and question ask for.
        on_start: called with the policy that is about to run.

    Raises:
        ValueError: `check_question`; `open_image` for a picture that cannot be opened.
    """
    check_question(processor.host, question, budget)
    messages = question_messages(image, question)
    warm_up(model, processor)
    on_start("arr-coc")
    realization, ours = run_relevance(model, processor, messages, budget, max_new_tokens)
    on_start("resize")
    held_mb = size_mb(realization)
    resize = run_plain(model, processor.host, messages, ours.visual_tokens, max_new_tokens, held_mb)
    full = estimate_full(model, processor.host, image_size(image), question, resize)
    if is_full_forced or full.seconds["total"] <= PATIENCE_S:
        on_start("full")
        full = run_plain(model, processor.host, messages, None, max_new_tokens, held_mb)
    return Comparison(image_size(image), question, host, realization, (full, resize, ours))


def check_question(host: TransformersHost, question: str, budget: int | None = None) -> None:
    """Raises ValueError for an empty question, and for one that leaves too little of the context for a picture."""
    if not question.strip():
        raise ValueError("question: it is empty; say what you want to know about the picture")
    num_text, num_visual = len(host.tokenize(prompt_of(question))), budget or MAX_BUDGET
    if num_text + num_visual > host.max_tokens:
        raise ValueError(
            f"question: its {num_text} tokens and up to {num_visual} for the picture are more than the model's context "
            f"of {host.max_tokens}; shorten the question"
        )


def run_relevance(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    messages: list[dict[str, object]],
    budget: int | None,
    max_new_tokens: int,
) -> tuple[Realization, Run]:
    """ARR-COC on one question about one picture."""
    with PeakMemory(model.device) as memory:
        inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget)
        result = answer(model, processor.tokenizer, inputs, max_new_tokens, processor.host.clock)
    realization = inputs.realizations[0][0]
    num_tokens = realization.allocation.num_tokens
    return realization, to_run("arr-coc", result, num_tokens, realization.num_encoded, memory.peak_mb)


def run_plain(
    model: PreTrainedModel,
    host: TransformersHost,
    messages: list[dict[str, object]],
    max_tokens: int | None,
    max_new_tokens: int,
    held_mb: float = 0.0,
) -> Run:
    """The untouched host: "full" at its processor's maximum (`max_tokens` None), else "resize".

    `held_mb` is memory that is in use for another reason and is left out of the peak.
    """
    clock = Stopwatch(model.device)
    with PeakMemory(model.device) as memory:
        with clock.measure("prepare"):
            inputs = plain_inputs(host, messages, max_tokens)
        result = answer(model, host.tokenizer, inputs, max_new_tokens, clock)
    num_tokens = int((inputs["input_ids"] == host.image_token_id).sum())
    return to_run("full" if max_tokens is None else "resize", result, num_tokens, num_tokens, memory.peak_mb - held_mb)


def estimate_full(
    model: PreTrainedModel, host: TransformersHost, size: tuple[int, int], question: str, resize: Run
) -> Run:
    """What `full` would take for a picture of `size` (width, height): the `resize` run, scaled by operations.

    Encoding and prefill are scaled, opening and decoding taken as they were; short runs leave cores idle, so
    the estimate is on the high side for small hosts.
    """
    width, height = size
    num_full = count_tokens(host, width, height, *pixel_limits(host, width, height, None))
    num_text = len(host.tokenize(prompt_of(question), add_generation_prompt=True)) - 1
    encode = encode_flops(host, num_full) / encode_flops(host, resize.visual_tokens)
    prefill = prefill_flops(host, num_full + num_text) / prefill_flops(host, resize.visual_tokens + num_text)
    seconds = {stage: resize.seconds[stage] for stage in STAGES}
    seconds["encode"] *= encode
    seconds["prefill"] *= prefill
    total = sum(seconds.values())
    ttft = total - seconds["decode"]
    return Run("full", None, num_full, num_full, {**seconds, "total": total}, ttft, None, is_estimate=True)


def warm_up(model: PreTrainedModel, processor: RelevanceProcessor) -> None:
    """Sends a small picture through everything that is timed later."""
    side = 12 * processor.host.geometry.cell_px
    messages = question_messages(Image.radial_gradient("L").resize((side, side)).convert("RGB"), "What is it?")
    run_relevance(model, processor, messages, None, 2)
    run_plain(model, processor.host, messages, 64, 2)


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


def size_mb(realization: Realization) -> float:
    """Memory of a realization's features in 2^20 bytes; of its picture nothing is kept."""
    tensors = [realization.features.merged, realization.features.deepstack]
    return sum(tensor.element_size() * tensor.nelement() for tensor in tensors) / MEGABYTE
