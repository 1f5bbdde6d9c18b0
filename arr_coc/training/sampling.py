"""Which samples a batch holds: difficulty bands by share, estimated anew on the way, from easy to the full mix.

Everything is a function of (seed, number of the batch, estimate); the estimate stands still within a round, so a
resumed run draws what the killed one would have drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import quantiles
from typing import Protocol

from arr_coc.data.records import Question
from arr_coc.data.tasks import GeneratedTask, Sample, Task
from arr_coc.quoting import quoted
from arr_coc.training.objective import SampleFacts

BANDS = ("easy", "medium", "hard", "very hard")
SHARES = (0.2, 0.4, 0.3, 0.1)
EASY_SHARES = (0.7, 0.3, 0.0, 0.0)
QUARTERS = (0.25, 0.5, 0.75)
PRIOR_SAMPLES, KEPT_PER_ROUND, MIN_KEYS = 4.0, 0.5, 8


@dataclass(frozen=True)
class Estimate:
    """How difficult samples are, for one round.

    Attributes:
        errors: expected error (1 - accuracy), 0..1, by key.
        thresholds: the errors that part the four bands; quartiles of the keys, so that no band runs empty
            while everything is still wrong, or right at last.
    """

    errors: Mapping[str, float] = field(default_factory=dict)
    thresholds: tuple[float, float, float] = QUARTERS

    def difficulty(self, key: str, stated: float) -> float:
        """The estimate of a key, or what the data states."""
        return self.errors.get(key, stated)

    def band(self, key: str, stated: float) -> int:
        """Number of the band in `BANDS`."""
        return bisect_left(self.thresholds, self.difficulty(key, stated))


def difficulty_key(kind: str, difficulty: float) -> str:
    """Samples of one kind and one quarter of the stated difficulty share an estimate."""
    return f"{kind}/{min(3, int(4 * difficulty))}"


@dataclass
class DifficultyMeter:
    """Running accuracy by key, older rounds counting half as much each; plain values throughout.

    Attributes:
        counts: [samples, errors, sum of stated difficulties] by key.
    """

    counts: dict[str, list[float]] = field(default_factory=dict)

    def add(self, facts: Iterable[SampleFacts]) -> None:
        for sample in facts:
            key = sample.key or difficulty_key(sample.kind, sample.difficulty)
            entry = self.counts.setdefault(key, [0.0, 0.0, 0.0])
            for place, value in enumerate((1.0, 1 - sample.is_correct, sample.difficulty)):
                entry[place] += value

    def end_round(self) -> Estimate:
        """The estimate for the next round: errors shrunk to the stated difficulty by `PRIOR_SAMPLES` samples."""
        errors = {}
        for key, (num, wrong, stated) in self.counts.items():
            errors[key] = (wrong + PRIOR_SAMPLES * stated / num) / (num + PRIOR_SAMPLES)
            self.counts[key] = [KEPT_PER_ROUND * value for value in (num, wrong, stated)]
        if len(errors) < MIN_KEYS:
            return Estimate(errors)
        low, middle, high = quantiles(errors.values(), n=4)
        return Estimate(errors, (low, middle, high))


@dataclass(frozen=True)
class Curriculum:
    """Shares of the bands, from `start` in the first batch linearly to `end` after `num_batches`."""

    num_batches: int = 0
    start: tuple[float, ...] = EASY_SHARES
    end: tuple[float, ...] = SHARES

    def __post_init__(self) -> None:
        if self.num_batches < 0:
            raise ValueError(f"num_batches must not be negative, got {quoted(self.num_batches)}")
        for name in ("start", "end"):
            shares = getattr(self, name)
            if len(shares) != len(BANDS) or min(shares) < 0 or sum(shares) <= 0:
                raise ValueError(
                    f"{name}: must be {len(BANDS)} shares, not negative, not all zero, got {quoted(shares)}"
                )

    def shares(self, number: int) -> tuple[float, ...]:
        """Shares at a batch, adding up to 1."""
        done = min(1.0, number / self.num_batches) if self.num_batches else 1.0
        start, end = sum(self.start), sum(self.end)
        return tuple((1 - done) * a / start + done * b / end for a, b in zip(self.start, self.end, strict=True))


def choose_bands(rng: Random, shares: Sequence[float], num: int) -> list[int]:
    """`num` bands whose counts differ from their shares by less than one (systematic sampling), shuffled."""
    offset, ends = rng.random(), [sum(shares[: band + 1]) for band in range(len(shares) - 1)]
    bands = [bisect_left(ends, (place + offset) / num) for place in range(num)]
    rng.shuffle(bands)
    return bands


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sample as it was drawn; `difficulty` and `key` go back in its `SampleFacts`."""

    sample: Sample
    difficulty: float
    key: str


class Source(Protocol):
    def draw(self, rng: Random, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        """One sample for each band asked for, or of the nearest band there is; depends on its arguments alone."""
        ...


class GeneratedSource:
    """Pictures of the generator; each is drawn with all its questions, and those of the wanted bands are taken.

    Args:
        task: seeds and sizes of the pictures.
        questions_per_picture: samples of a batch that share a picture.
    """

    def __init__(self, task: GeneratedTask, questions_per_picture: int = 1) -> None:
        if not 1 <= questions_per_picture <= task.num_questions:
            raise ValueError(
                f"questions_per_picture must be 1..{task.num_questions} (the task's), got {questions_per_picture}"
            )
        self.task, self.questions_per_picture = task, questions_per_picture

    def draw(self, rng: Random, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        """Neighbouring pictures, which hold the picture kinds in nearly their shares."""
        each = self.questions_per_picture
        groups = [bands[first : first + each] for first in range(0, len(bands), each)]
        first = rng.randrange(self.task.num_pictures)
        drawn: list[Drawn] = []
        for place, group in enumerate(groups):
            drawn += self._choose(rng, (first + place) % self.task.num_pictures, group, estimate)
        return drawn

    def _choose(self, rng: Random, picture: int, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        questions = self.task.picture(picture).questions
        left, chosen = list(range(len(questions))), []
        for band in bands:
            gaps = {index: abs(self._band(questions[index], estimate) - band) for index in left}
            least = min(gaps.values())
            index = rng.choice([index for index, gap in gaps.items() if gap == least])
            left = [other for other in left if other != index] or list(range(len(questions)))
            chosen.append((index, questions[index]))
        return [
            Drawn(
                self.task[picture * self.task.num_questions + index],
                question.difficulty,
                difficulty_key(question.kind, question.difficulty),
            )
            for index, question in chosen
        ]

    def _band(self, question: Question, estimate: Estimate) -> int:
        return estimate.band(difficulty_key(question.kind, question.difficulty), question.difficulty)


class TaskSource:
    """Any task whose samples are few enough to have a difficulty each; before they are seen all are alike."""

    def __init__(self, task: Task, stated: float = 0.5) -> None:
        self.task, self.stated = task, stated
        self._estimate: Estimate | None = None
        self._members: list[list[int]] = []

    def draw(self, rng: Random, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        members = self._bands(estimate)
        present = [band for band, indices in enumerate(members) if indices]
        indices = [rng.choice(members[min(present, key=lambda other: abs(other - band))]) for band in bands]
        return [Drawn(self.task[index], self.stated, self._key(index)) for index in indices]

    def _key(self, index: int) -> str:
        return f"{self.task.name}#{index}"

    def _bands(self, estimate: Estimate) -> list[list[int]]:
        """Numbers of the samples in each band; worked out once an estimate."""
        if estimate is not self._estimate:
            self._members = [[] for _ in BANDS]
            for index in range(len(self.task)):
                self._members[estimate.band(self._key(index), self.stated)].append(index)
            self._estimate = estimate
        return self._members


class MixedSource:
    """Several sources by weight."""

    def __init__(self, sources: Sequence[Source], weights: Sequence[float] | None = None) -> None:
        self.sources, self.weights = list(sources), list(weights or [1.0] * len(sources))
        if not self.sources or len(self.weights) != len(self.sources) or min(self.weights) <= 0:
            raise ValueError(
                f"weights: {len(self.sources)} sources need as many positive weights, got {quoted(self.weights)}"
            )

    def draw(self, rng: Random, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        which = rng.choices(range(len(self.sources)), self.weights, k=len(bands))
        drawn: list[Drawn] = []
        for number, source in enumerate(self.sources):
            wanted = [band for band, chosen in zip(bands, which, strict=True) if chosen == number]
            drawn += source.draw(rng, wanted, estimate) if wanted else []
        return drawn
