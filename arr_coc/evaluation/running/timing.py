"""The time to the first token of one question asked alone, with nothing remembered from the ones before."""

from __future__ import annotations

from arr_coc.allocator import Allocator
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.registry import Policy
from arr_coc.evaluation.running.batches import answer_batch
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import Stopwatch


def time_answer(
    host: TransformersHost, allocator: Allocator, sample: Sample, policy: Policy, budget: int
) -> dict[str, float]:
    """Seconds of "give" (all that the policy does: resizing, pyramid, selection, encoder) and of "prefill"."""
    watch = Stopwatch(host.device)
    pyramid = host.pyramid(sample.image)
    with watch.measure("give"):
        if policy.uses_pyramid:
            pyramid = host.pyramid(sample.image)
        given = policy.give(host, allocator, sample, pyramid, budget)
    with watch.measure("prefill"):
        answer_batch(host, [sample.prompt], [given], max_new_tokens=1)
    return watch.seconds
