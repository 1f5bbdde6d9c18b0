"""From a seed to a lifelike picture with its questions; training and held-out typefaces, words and layouts apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from arr_coc.data.drawing.generator import spread
from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds
from arr_coc.data.drawing.lifelike.typefaces import fonts_version
from arr_coc.data.records import Picture, Question
from arr_coc.quoting import quoted

LIFELIKE_VERSION = "3"
"""Of the mixture of kinds; each kind has a version of its own as well."""
RECEIPT = "receipt"
LEAST_QUESTIONS, LEAST_ANSWERS, MOST_TRIES = 4, 3, 30


def lifelike(
    seed: int,
    *,
    kind: str = RECEIPT,
    unseen: bool = False,
    zoom: float = 1.0,
    num_questions: int | None = None,
) -> Picture:
    """Draws a seed's lifelike picture of a kind; the same fonts (`lifelike_version`) give the same picture.

    Args:
        kind: one of `lifelike_kinds`.
        unseen: draws from the held-out typefaces, words and layouts only.
        zoom: size of the print; at 1 the capitals of running text are 8 to 17 pixels high.
        num_questions: at most so many, spread over question kinds; None gives all of them.
    Raises:
        ValueError: no such kind.
    """
    if kind not in lifelike_kinds():
        raise ValueError(f"kind must be one of {', '.join(lifelike_kinds())}, got {quoted(kind)}")
    drawn = lifelike_kinds()[kind]
    rng = Random(f"arr-coc lifelike {seed}" if kind == RECEIPT else f"arr-coc lifelike {kind} {seed}")
    for _ in range(MOST_TRIES):
        sheet = drawn.draw(rng, unseen, zoom)
        if not asks_enough(sheet.questions, drawn.least):
            continue
        shot = drawn.take(rng, sheet)
        if asks_enough(shot.questions, LEAST_QUESTIONS):
            break
    questions = list(shot.questions) if num_questions is None else spread(rng, list(shot.questions), num_questions)
    return Picture(shot.image, kind, tuple(questions), shot.glyphs, seed)


def asks_enough(questions: Sequence[Question], least: int) -> bool:
    """Whether there are so many questions, and they are not all about the same thing."""
    return len(questions) >= least and len({question.answers[0] for question in questions}) >= LEAST_ANSWERS


def lifelike_mixture(
    seed: int,
    *,
    unseen: bool = False,
    zoom: float = 1.0,
    num_questions: int | None = None,
    shares: Mapping[str, float] | None = None,
) -> Picture:
    """The lifelike picture of a seed, of a kind that the seed chooses; see `lifelike`.

    Args:
        shares: weights of kinds; None takes the kinds' own.
    """
    kind = kind_of(seed, shares)
    return lifelike(seed, kind=kind, unseen=unseen, zoom=zoom, num_questions=num_questions)


def kind_of(seed: int, shares: Mapping[str, float] | None = None) -> str:
    """The kind that the mixture draws for a seed."""
    shares = shares or {kind.name: kind.share for kind in lifelike_kinds().values()}
    return Random(f"arr-coc lifelike kind {seed}").choices(list(shares), list(shares.values()))[0]


def lifelike_version(kind: str | None = None) -> str:
    """Of one kind, or of the mixture, and of the fonts that were found."""
    version = LIFELIKE_VERSION if kind is None else lifelike_kinds()[kind].version
    return f"{version}-{fonts_version()}"
