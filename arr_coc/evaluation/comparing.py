"""One picture, one question, four policies: full resolution, plain resize, ARR-COC, and ARR-COC until it is sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from transformers import PreTrainedModel

from arr_coc.allocator import Budget
from arr_coc.evaluation.flops import encode_flops, prefill_flops
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import MEGABYTE, PeakMemory, Stopwatch
from arr_coc.pictures.opening import image_size
from arr_coc.pictures.sources import ImageSource
from arr_coc.processor.answer import Look, answer
from arr_coc.processor.asking import (
    STAGES,
    Run,
    check_question,
    look_to_json,
    prompt_of,
    run_relevance,
    run_to_json,
    run_until_sure,
    to_run,
)
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits, plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Realization

POLICIES = ("full", "resize", "arr-coc", "until-sure")
PATIENCE_S = 60.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in the order of `POLICIES`, and how the two of ARR-COC came about.

    Attributes:
        image_size: (width, height) of the upright picture in pixels.
        host: name the model was asked for by.
        realization: of the run that looked once.
        looks: of the run that looked until it was sure.
    """

    image_size: tuple[int, int]
    question: str
    host: str
    realization: Realization
    runs: tuple[Run, ...]
    looks: tuple[Look, ...] = ()

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
            "looks": [look_to_json(look) for look in self.looks],
        }


def compare(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    image: ImageSource,
    question: str,
    *,
    host: str = "nano",
    budget: Budget = None,
    max_new_tokens: int = 64,
    is_full_forced: bool = False,
    on_start: Callable[[str], None] = lambda policy: None,
) -> Comparison:
    """Asks one question four ways; every policy opens the file itself, so its time counts everything.

    `full` is the host at its own processor's maximum, `resize` the host's own resize with the pixel cap set
    so that the token count is the largest not above ARR-COC's. ARR-COC runs first, since it says how many
    tokens `resize` may have; `until-sure` is ARR-COC again, looking closer until the answer holds. `full`
    runs last, so that memory the allocator keeps from it counts for no one else; where it would take over a
    minute it is estimated, unless forced. Before the clock starts, a small picture goes through the processor
    and the model, so that first-call costs (kernels, caches, lazy imports) are in no policy's time.

    Args:
        host: the model's name, for the record.
        budget: see `allocator.Budget`.
        on_start: called with the policy that is about to run.

    Raises:
        ValueError: `check_question`; `open_image` for a picture that cannot be opened.
    """
    check_question(processor.host, question, budget)
    messages = question_messages(image, question)
    warm_up(model, processor)
    on_start("arr-coc")
    realization, ours = run_relevance(model, processor, messages, budget, max_new_tokens)
    on_start("until-sure")
    found, sure = run_until_sure(model, processor, messages, max_new_tokens, size_mb(realization))
    on_start("resize")
    held_mb = size_mb(realization, *(seen for look in found.looks for seen in look.realizations))
    resize = run_plain(model, processor.host, messages, ours.visual_tokens, max_new_tokens, held_mb)
    full = estimate_full(model, processor.host, image_size(image), question, resize)
    if is_full_forced or full.seconds["total"] <= PATIENCE_S:
        on_start("full")
        full = run_plain(model, processor.host, messages, None, max_new_tokens, held_mb)
    return Comparison(image_size(image), question, host, realization, (full, resize, ours, sure), found.looks)


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
    run_until_sure(model, processor, messages, 2)
    run_plain(model, processor.host, messages, 64, 2)


def size_mb(*realizations: Realization) -> float:
    """Memory of the features of realizations in 2^20 bytes; of their pictures nothing is kept."""
    tensors = [part for each in realizations for part in (each.features.merged, each.features.deepstack)]
    return sum(tensor.element_size() * tensor.nelement() for tensor in tensors) / MEGABYTE
