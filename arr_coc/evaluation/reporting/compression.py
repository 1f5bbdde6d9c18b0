"""How many times fewer tokens, by kind of picture, beside what ARR-COC aims at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arr_coc.data.drawing.kinds import every_kind
from arr_coc.evaluation.statistics.intervals import ALIKE, cluster_sums, clustered_error

TARGETS = {"dense text": (15.0, 18.0), "charts": (8.0, 12.0), "natural": (3.0, 6.0), "mixed": (7.0, 10.0)}
"""Full-resolution tokens / tokens spent that training aims at, least and most."""


@dataclass(frozen=True)
class Compression:
    """Compression of one kind of content.

    Attributes:
        content: one of `TARGETS`, or the kind of picture where it belongs to none of them.
        ratio: tokens of all pictures at full resolution / tokens spent on them.
        error: its standard error, clustered by picture; NaN where the pictures tell nothing of it: one, or all alike.
        target: least and most that is aimed at; None for other kinds.
    """

    content: str
    num_questions: int
    ratio: float
    error: float
    target: tuple[float, float] | None


def compression_by_content(
    full_tokens: Sequence[int], tokens: Sequence[int], picture_kinds: Sequence[str], clusters: Sequence[str]
) -> list[Compression]:
    """Compression by kind of content, those with a target first.

    Args:
        full_tokens, tokens: visual tokens of each question at full resolution and under the policy.
        picture_kinds: of each question, such as `data.kinds`.
    Raises:
        ValueError: the lengths differ, or a question was given no tokens.
    """
    if not len(full_tokens) == len(tokens) == len(picture_kinds) == len(clusters):
        raise ValueError(
            "full_tokens, tokens, picture_kinds, clusters: "
            f"{len(full_tokens)}, {len(tokens)}, {len(picture_kinds)}, {len(clusters)} long"
        )
    if len(tokens) and min(tokens) < 1:
        raise ValueError(f"tokens must be at least 1, got {min(tokens)}")
    contents = np.array([every_kind()[kind].content if kind in every_kind() else kind for kind in picture_kinds])
    whole, spent, pictures = np.asarray(full_tokens), np.asarray(tokens), np.asarray(clusters)
    order = [*TARGETS, *sorted(set(contents.tolist()) - set(TARGETS))]
    return [
        compression(content, whole[contents == content], spent[contents == content], pictures[contents == content])
        for content in order
        if (contents == content).any()
    ]


def compression(content: str, full_tokens: np.ndarray, tokens: np.ndarray, clusters: np.ndarray) -> Compression:
    """Ratio of the totals; its error by the delta method, from the residuals full - ratio * tokens."""
    ratio = float(full_tokens.sum() / tokens.sum())
    _, error = clustered_error(*cluster_sums(full_tokens - ratio * tokens, clusters.tolist()))
    relative = error / float(tokens.mean())
    return Compression(content, len(tokens), ratio, relative if relative > ALIKE else np.nan, TARGETS.get(content))
