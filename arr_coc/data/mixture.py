"""The training mixture: which pictures, and which of their questions.

`Kind.shares` is the joint share of picture kind and question group in percent. Its columns add up to the
mixture of the training philosophy: reading 35, charts 20, tables 15, scenes 15, description 10,
arithmetic 5. A picture kind is drawn by its row, each question's group by the row's shares.
"""

from __future__ import annotations

import dataclasses
from random import Random

from arr_coc.data.drawing.generator import generate, rank
from arr_coc.data.drawing.kinds import every_kind, kinds
from arr_coc.data.records import GROUPS, Picture, Question

MAX_QUESTIONS = 10  # every picture has as many
MOST_QUESTIONS = 20
GOLDEN, MODULUS = 2_654_435_769, 1 << 32


def group_shares() -> dict[str, float]:
    """Share of each question group, 0..1, that the kinds add up to."""
    total = sum(sum(kind.shares.values()) for kind in kinds().values())
    return {group: sum(kind.shares.get(group, 0.0) for kind in kinds().values()) / total for group in GROUPS}


def choose_kind(seed: int) -> str:
    """A picture kind by the mixture; any run of neighbouring seeds holds the kinds in nearly their shares.

    The seed's multiples of the golden ratio are spread evenly over 0..1 (a Kronecker sequence), where each kind
    has an interval as long as its share.
    """
    place = seed * GOLDEN % MODULUS / MODULUS * sum(sum(kind.shares.values()) for kind in kinds().values())
    for name, kind in kinds().items():
        place -= sum(kind.shares.values())
        if place < 0:
            return name
    return tuple(kinds())[-1]


def choose_questions(rng: Random, kind: str, questions: tuple[Question, ...], num: int) -> tuple[Question, ...]:
    """`num` of the questions, groups by the kind's row, question kinds within a group evenly."""
    shares = every_kind()[kind].shares
    pools = {group: rank(rng, [q for q in questions if q.group == group]) for group in shares}
    chosen: list[Question] = []
    while len(chosen) < num and any(pools.values()):
        groups = [group for group in shares if pools[group]]
        group = rng.choices(groups, [shares[group] for group in groups])[0]
        chosen.append(pools[group].pop(0))
    return tuple(chosen)


def mixture(
    seed: int,
    num_questions: int = 8,
    *,
    kind: str | None = None,
    size: tuple[int, int] | None = None,
    max_side: int = 4096,
    plain: float = 0.25,
) -> Picture:
    """The picture of a seed by the mixture, with `num_questions` of its questions, or as many as it has.

    Raises:
        ValueError: as `generate` does, or `num_questions` is not 1..`MOST_QUESTIONS`.
    """
    if not 1 <= num_questions <= MOST_QUESTIONS:
        raise ValueError(f"num_questions must be 1..{MOST_QUESTIONS}, got {num_questions}")
    rng = Random(f"arr-coc mixture {seed}")
    picture = generate(
        seed, kind=kind or choose_kind(seed), size=size, max_side=max_side, plain=plain, num_questions=None
    )
    questions = choose_questions(rng, picture.kind, picture.questions, num_questions)
    return dataclasses.replace(picture, questions=questions)
