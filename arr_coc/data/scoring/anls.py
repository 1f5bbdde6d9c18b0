"""ANLS: a reading slip costs little, a wrong answer all.

Source: Biten et al. 2019, "Scene Text Visual Question Answering" (arXiv 1905.13648), equation 1; used by ST-VQA,
DocVQA and InfographicVQA.
"""

from __future__ import annotations

from collections.abc import Sequence

from arr_coc.data.scoring.exact import normalise

TAU = 0.5


def levenshtein(first: str, second: str) -> int:
    """Fewest insertions, deletions and substitutions of a character that turn one text into the other."""
    distances = list(range(len(second) + 1))
    for row, mine in enumerate(first, 1):
        diagonal, distances[0] = distances[0], row
        for column, theirs in enumerate(second, 1):
            substituted = diagonal + (mine != theirs)
            diagonal = distances[column]
            distances[column] = min(substituted, diagonal + 1, distances[column - 1] + 1)
    return distances[-1]


def similarity(answer: str, accepted: str) -> float:
    """1 - NL where NL < 0.5, else 0; NL = edit distance / length of the longer text."""
    longer = max(len(answer), len(accepted), 1)
    distance = levenshtein(answer, accepted) / longer
    return 1.0 - distance if distance < TAU else 0.0


def anls(answer: str, answers: Sequence[str]) -> float:
    """Similarity to the closest accepted answer, 0..1; case is ignored, runs of spaces count as one.

    The mean over questions is the ANLS of a data set.
    """
    given = normalise(answer)
    return max((similarity(given, normalise(accepted)) for accepted in answers), default=0.0)
