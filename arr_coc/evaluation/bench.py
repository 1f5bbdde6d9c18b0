"""What an answer costs: seconds and memory per stage, full against resize against ARR-COC, interleaved in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from PIL import Image
from transformers import PreTrainedModel

from arr_coc.data.mixture import mixture
from arr_coc.data.tasks import TEST_SEEDS
from arr_coc.evaluation.comparing import estimate_full, run_plain, warm_up
from arr_coc.evaluation.flops import encode_flops, encoded_segments, prefill_flops
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.asking import Run, run_relevance
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Realization

QUESTION = "What is the value in the last row?"
OWN_STAGES = ("pyramid", "attend", "select")
STAGES = ("prepare", "encode", "prefill")


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds of one policy.

    Attributes:
        seconds: per stage, "ttft" is their sum.
        own: seconds that relevance realization itself takes, per stage of `OWN_STAGES`; empty for the others.
        gflops: of encoder and prefill, from shapes.
        peak_mb: peak memory of the process (on a GPU: of torch), model included; None of an estimate.
        is_estimate: not run, but scaled from the resize run by floating point operations.
    """

    policy: str
    visual_tokens: int
    encoded_tokens: int
    seconds: dict[str, float]
    own: dict[str, float]
    gflops: dict[str, float]
    peak_mb: float | None
    is_estimate: bool = False


@dataclass(frozen=True)
class Bench:
    """Costs of the three policies for one host and one size of picture."""

    host: str
    size: tuple[int, int]
    budget: int
    rounds: int
    costs: tuple[Cost, ...]

    def ratio(self, policy: str, stage: str = "ttft") -> float:
        """Seconds of full over seconds of a policy."""
        times = {cost.policy: cost.seconds[stage] for cost in self.costs}
        return times["full"] / times[policy]

    def own_share(self) -> float:
        """What relevance realization itself takes, over the encoding and prefill of full that it replaces."""
        costs = {cost.policy: cost for cost in self.costs}
        replaced = costs["full"].seconds["encode"] + costs["full"].seconds["prefill"]
        return sum(costs["arr-coc"].own.values()) / replaced


def measure(
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    *,
    host: str,
    size: tuple[int, int],
    budget: int,
    rounds: int,
    is_full_estimated: bool = False,
    on_run: Callable[[str], None] = lambda policy: None,
) -> Bench:
    """Rounds of ARR-COC, resize, full, one after the other, on a drawn picture that is in memory already.

    One token is generated, so every time ends at the first token. Full may be estimated where it takes too long; long
    sequences leave less idle, attention more of it, so an estimate says no more than the order.
    """
    image = bench_picture(size)
    messages = question_messages(image, QUESTION)
    warm_up(model, processor)
    runs: dict[str, list[Run]] = {"full": [], "resize": [], "arr-coc": []}
    own: list[dict[str, float]] = []
    for _ in range(rounds):
        on_run("arr-coc")
        realization, ours = run_relevance(model, processor, messages, budget, 1)
        own.append(own_seconds(processor))
        runs["arr-coc"].append(ours)
        on_run("resize")
        runs["resize"].append(run_plain(model, processor.host, messages, ours.visual_tokens, 1))
        if is_full_estimated:
            runs["full"].append(estimate_full(model, processor.host, image.size, QUESTION, runs["resize"][-1]))
        else:
            on_run("full")
            runs["full"].append(run_plain(model, processor.host, messages, None, 1))
    costs = [summarise(processor.host, name, group, realization, image) for name, group in runs.items()]
    costs[-1] = with_own(costs[-1], own)
    return Bench(host, size, budget, rounds, tuple(costs))


def bench_picture(size: tuple[int, int]) -> Image.Image:
    """A drawn table of (width, height) pixels."""
    return mixture(TEST_SEEDS.start, 1, kind="table", size=size).image


def own_seconds(processor: RelevanceProcessor) -> dict[str, float]:
    """Of the last `run_relevance`: textures, attention of the question, and scores with splits."""
    clock = processor.host.clock.seconds
    return {stage: clock.get(stage, 0.0) for stage in OWN_STAGES}


def with_own(cost: Cost, own: list[dict[str, float]]) -> Cost:
    medians = {stage: median(each[stage] for each in own) for stage in OWN_STAGES}
    return Cost(**{**cost.__dict__, "own": medians})


def summarise(
    host: TransformersHost, policy: str, runs: list[Run], realization: Realization, image: Image.Image
) -> Cost:
    seconds = {stage: median(run.seconds[stage] for run in runs) for stage in STAGES}
    seconds["ttft"] = median(run.ttft_s for run in runs)
    first = runs[0]
    segments = encoded_segments(realization) if policy == "arr-coc" else [first.encoded_tokens]
    gflops = {
        "encode": sum(encode_flops(host, count) for count in segments) / 1e9,
        "prefill": prefill_flops(host, first.visual_tokens) / 1e9,
    }
    peaks = [run.peak_memory_mb for run in runs if run.peak_memory_mb is not None]
    peak = median(peaks) if peaks else None
    return Cost(policy, first.visual_tokens, first.encoded_tokens, seconds, {}, gflops, peak, first.is_estimate)
