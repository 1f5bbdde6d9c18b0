"""Exact match after case and spaces are evened out."""

from __future__ import annotations

from collections.abc import Sequence


def normalise(text: str) -> str:
    """Lower case, spaces collapsed."""
    return " ".join(text.split()).casefold()


def exact_match(answer: str, answers: Sequence[str]) -> float:
    """1.0 where the normalised answer is one of the accepted ones, else 0.0 (GQA, Hudson & Manning 2019)."""
    return float(normalise(answer) in {normalise(accepted) for accepted in answers})
