"""Whether a question, its picture and the answer fit into what the host can read at once."""

from __future__ import annotations

from arr_coc.data.tasks import Sample
from arr_coc.evaluation.flops import num_text_tokens
from arr_coc.evaluation.policies.policy import Given
from arr_coc.evaluation.running.batches import MAX_NEW_TOKENS
from arr_coc.hosts.host import TransformersHost


def check_context(host: TransformersHost, sample: Sample, given: Given) -> None:
    """Raises ValueError where question, picture and answer are more than the host can read at once."""
    num_text = num_text_tokens(host, sample.prompt, len(given.pictures))
    if num_text + given.num_tokens + MAX_NEW_TOKENS > host.max_tokens:
        raise ValueError(
            f"question of {num_text} tokens, picture of {given.num_tokens} and an answer of up to {MAX_NEW_TOKENS} are "
            f"more than the host's context of {host.max_tokens}"
        )
