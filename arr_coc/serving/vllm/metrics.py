"""Visual tokens spent and saved, beside vLLM's own figures at `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

BUCKETS = (64, 100, 130, 160, 200, 256, 320, 400, 1024, 4096, 16_384)

SPENT = Histogram("arr_coc_visual_tokens", "Visual tokens of a picture in a prompt.", ["budget"], buckets=BUCKETS)
SAVED = Counter("arr_coc_visual_tokens_saved", "Visual tokens that the full resolution would have taken beyond those.")


def count(budget: object, spent: int, full: int) -> None:
    """Notes one picture of a request; `budget` as it was asked for: a number, "auto" or "off"."""
    SPENT.labels("fixed" if isinstance(budget, int) else str(budget)).observe(spent)
    SAVED.inc(max(0, full - spent))
