"""VQA accuracy: how many of ten people gave the answer.

Source: Antol et al. 2015, "VQA: Visual Question Answering" (arXiv 1505.00468), and the rules of
https://visualqa.org/evaluation.html.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from arr_coc.data.scoring.numbers import ONES

AGREEING = 3
MIN_ANSWERS = AGREEING + 1

ARTICLES = ("a", "an", "the")
DIGITS = {word: str(value) for value, word in enumerate([*ONES, "ten"])} | {"none": "0"}

THOUSANDS_COMMA = re.compile(r"(?<=\d),(?=\d)")
NO_DECIMAL_POINT = re.compile(r"\.(?!\d)")
PUNCTUATION = re.compile(r"[;/\[\]\"{}()=+\\_\-><@`,?!]")

AUXILIARIES = ["are", "could", "did", "do", "does", "had", "has", "have", "is", "was", "were", "would"]
MODALS = ["ai", "ca", "might", "must", "need", "ought", "sha", "should", "wo"]
CONTRACTED = {
    "'ve": ["could", "i", "might", "must", "not", "should", "they", "we", "what", "where", "who", "would", "you"],
    "'re": ["there", "they", "what", "why", "you"],
    "'ll": ["how", "it", "somebody", "someone", "something", "they", "what", "who", "why", "you"],
    "'d": ["he", "how", "it", "somebody", "someone", "something", "there", "they", "where", "who", "you"],
    "'s": ["he", "how", "somebody", "someone", "that", "there", "what", "when", "where", "who", "why"],
}
"""Endings and the words they follow; forms that are words without the apostrophe (its, well, shed) are left out."""


def contractions() -> dict[str, str]:
    """Contractions by their letters alone: "dont" -> "don't", "couldntve" -> "couldn't've"."""
    forms = [f"{stem}{ending}" for stem in AUXILIARIES + MODALS for ending in ("n't", "n't've")]
    forms += [f"{stem}{ending}" for ending, stems in CONTRACTED.items() for stem in stems]
    forms += [f"{stem}'d've" for stem in ["he", "i", "it", "she", "there", "they", "we", "who", "you"]]
    forms += ["i'm", "ma'am", "o'clock", "y'all", "'twas"]
    return {form.replace("'", ""): form for form in forms}


CONTRACTIONS = contractions()


def normalise_vqa(text: str) -> str:
    """An answer as the VQA evaluation compares it, in this order.

    Lower case; commas between digits removed, other punctuation but apostrophe and colon made a space; periods
    removed unless a digit follows; number words up to ten, and none, made digits; articles removed; missing
    apostrophes of contractions added.
    """
    text = THOUSANDS_COMMA.sub("", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    text = NO_DECIMAL_POINT.sub("", PUNCTUATION.sub(" ", text))
    words = [DIGITS.get(word, word) for word in text.split()]
    return " ".join(CONTRACTIONS.get(word.replace("'", ""), word) for word in words if word not in ARTICLES)


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """Mean over the people left out one at a time of min(1, matches among the others / 3).

    With ten people 0, 1, 2, 3 and 4 or more matches score 0, 0.3, 0.6, 0.9 and 1.

    Args:
        answers: one per person, repeated where people agree; usually 10.
    Raises:
        ValueError: fewer than 4 answers, with which no answer could reach 1.
    """
    if len(answers) < MIN_ANSWERS:
        raise ValueError(f"answers: vqa_accuracy needs at least {MIN_ANSWERS} people's, got {list(answers)}")
    given = normalise_vqa(answer)
    matches = [normalise_vqa(accepted) == given for accepted in answers]
    others = [sum(matches) - match for match in matches]
    return sum(min(1.0, count / AGREEING) for count in others) / len(answers)
