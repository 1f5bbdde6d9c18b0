"""What a batch holds: bands by share, budgets in buckets, difficulty estimated on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from PIL import Image
from torch.utils.data import DataLoader, Subset

from arr_coc.data.tasks import TRAIN_SEEDS, GeneratedTask, Sample, Task
from arr_coc.training.bucketing import BucketedFeed, Buckets
from arr_coc.training.objective import SampleFacts
from arr_coc.training.sampling import (
    SHARES,
    Curriculum,
    DifficultyMeter,
    Drawn,
    Estimate,
    GeneratedSource,
    MixedSource,
    TaskSource,
    choose_bands,
    difficulty_key,
)


class Words(Task):
    """Forty samples that cost nothing."""

    name = "words"

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Sample:
        image = Image.new("RGB", (8, 8), (index, 0, 0))
        return Sample(image, f"q{index}", ("a",), None, "k", "reading", None, str(index), "words")


class Levels:
    """A source whose sample says which band was asked for."""

    def draw(self, rng: Random, bands: Sequence[int], estimate: Estimate) -> list[Drawn]:
        return [Drawn(Words()[band], estimate.difficulty("x", 0.25 * band), "x") for band in bands]


def collate(drawn: Sequence[Drawn], budget: int, number: int) -> dict[str, Any]:
    questions = [item.sample.question for item in drawn]
    return {"questions": questions, "budget": budget, "number": number, "keys": [item.key for item in drawn]}


def facts(key: str, is_correct: float, difficulty: float = 0.5, num: int = 1) -> list[SampleFacts]:
    return [SampleFacts("k", difficulty, 64, 64, is_correct, key)] * num


@pytest.fixture(scope="module")
def pictures() -> GeneratedTask:
    return GeneratedTask(TRAIN_SEEDS.start, 60, 10, max_side=256)


@pytest.mark.parametrize("num", [1, 5, 10, 37])
def test_bands_keep_their_shares(num: int) -> None:
    for seed in range(20):
        counts = Counter(choose_bands(Random(seed), SHARES, num))
        assert all(abs(counts[band] - num * share) < 1 for band, share in enumerate(SHARES))


def test_bands_come_in_no_order() -> None:
    first = Counter(choose_bands(Random(seed), SHARES, 10)[0] for seed in range(200))
    assert all(first[band] == pytest.approx(200 * share, abs=25) for band, share in enumerate(SHARES))


def test_curriculum_goes_from_easy_to_the_full_mix() -> None:
    curriculum = Curriculum(num_batches=100, start=(8.0, 2.0, 0.0, 0.0))
    assert curriculum.shares(0) == pytest.approx((0.8, 0.2, 0.0, 0.0))
    assert curriculum.shares(50) == pytest.approx((0.5, 0.3, 0.15, 0.05))
    assert curriculum.shares(100) == curriculum.shares(10_000) == pytest.approx(SHARES)
    assert Curriculum().shares(0) == pytest.approx(SHARES)
    with pytest.raises(ValueError, match="end: must be 4 shares"):
        Curriculum(end=(1.0, 2.0))


def test_difficulty_is_learnt_from_answers() -> None:
    """Stated difficulty counts as four samples; later answers outweigh it, and recent rounds the older ones."""
    meter = DifficultyMeter()
    meter.add(facts("stated hard", 1.0, difficulty=0.9, num=6) + facts("stated easy", 0.0, difficulty=0.1, num=6))
    estimate = meter.end_round()
    assert estimate.difficulty("stated hard", 0.9) == pytest.approx(0.9 * 4 / 10)
    assert estimate.difficulty("stated easy", 0.1) == pytest.approx((6 + 0.1 * 4) / 10)
    assert estimate.difficulty("never seen", 0.3) == 0.3
    meter.add(facts("stated easy", 1.0, difficulty=0.1, num=6))
    assert meter.end_round().difficulty("stated easy", 0.1) == pytest.approx((3 + 0.1 * 4) / 13)


def test_keys_are_kind_and_quarter_where_none_is_given() -> None:
    meter = DifficultyMeter()
    meter.add([SampleFacts("read", 0.6, 64, 64, 0.0)])
    assert set(meter.end_round().errors) == {difficulty_key("read", 0.6)} == {"read/2"}


def test_bands_are_quartiles_even_when_everything_is_wrong() -> None:
    meter = DifficultyMeter()
    for number in range(12):
        meter.add(facts(str(number), 0.0, difficulty=number / 12))
    estimate = meter.end_round()
    assert min(estimate.errors.values()) > 0.1
    assert Counter(estimate.band(key, 0.5) for key in estimate.errors) == {0: 3, 1: 3, 2: 3, 3: 3}


def test_generated_pictures_give_the_bands_asked_for(pictures: GeneratedTask) -> None:
    drawn = GeneratedSource(pictures, 2).draw(Random(1), [0, 1] * 12, Estimate(thresholds=(0.3, 0.55, 0.65)))
    bands = [Estimate(thresholds=(0.3, 0.55, 0.65)).band(item.key, item.difficulty) for item in drawn]
    assert len(drawn) == 24 and sum(a == b for a, b in zip(bands, [0, 1] * 12, strict=True)) >= 16
    pairs = [(drawn[i].sample, drawn[i + 1].sample) for i in range(0, 24, 2)]
    assert all(a.picture_id == b.picture_id and a.question != b.question for a, b in pairs)
    assert len({a.picture_id for a, _ in pairs}) == 12


def test_generated_questions_follow_the_estimate(pictures: GeneratedTask) -> None:
    """A kind that turns out hard is drawn for the hardest band, whatever the data states."""
    source = GeneratedSource(pictures)
    before = source.draw(Random(2), [3] * 20, Estimate())
    keys = {difficulty_key(q.kind, q.difficulty) for n in range(60) for q in pictures.picture(n).questions}
    easy = {key for key in keys if key.endswith("/0")}
    turned = Estimate({key: 0.95 if key in easy else 0.05 for key in keys})
    after = source.draw(Random(2), [3] * 20, turned)
    assert sum(item.difficulty for item in after) < 0.5 * sum(item.difficulty for item in before)


def test_a_folder_gives_each_sample_its_own_estimate() -> None:
    source, meter = TaskSource(Words()), DifficultyMeter()
    first = source.draw(Random(0), [0, 1, 2, 3] * 5, Estimate())
    assert len({item.sample.question for item in first}) > 10
    for number in range(40):
        meter.add(facts(f"words#{number}", float(number < 30), num=4))
    estimate = meter.end_round()
    hard = source.draw(Random(0), [3] * 30, estimate)
    assert {int(item.sample.question[1:]) >= 30 for item in hard} == {True}
    easy = source.draw(Random(0), [0] * 30, estimate)
    assert {int(item.sample.question[1:]) < 30 for item in easy} == {True}


def test_sources_are_mixed_by_weight() -> None:
    mixed = MixedSource([TaskSource(Words()), Levels()], [3.0, 1.0])
    drawn = mixed.draw(Random(5), [0] * 400, Estimate())
    assert sum(item.key == "x" for item in drawn) == pytest.approx(100, abs=30)
    with pytest.raises(ValueError, match="weights"):
        MixedSource([Levels()], [1.0, 2.0])


def test_budgets_are_mixed_and_batches_inverse_to_them() -> None:
    buckets = Buckets(tokens_per_batch=1600, max_batch_size=20)
    assert [buckets.batch_size(budget) for budget in buckets.budgets] == [20, 16, 10, 6, 4]
    for start in (0, 1234):
        counts = Counter(buckets.budget_of(number) for number in range(start, start + 100))
        assert all(abs(counts[budget] - 20) <= 2 for budget in buckets.budgets)
    skewed = Buckets(800, budgets=(64, 400), shares=(3.0, 1.0))
    assert Counter(skewed.budget_of(number) for number in range(400))[64] == pytest.approx(300, abs=4)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tokens_per_batch": 399}, "tokens_per_batch"),
        ({"shares": (1.0,)}, "shares"),
        ({"budgets": ()}, "budgets"),
        ({"max_batch_size": 0}, "max_batch_size"),
    ],
)
def test_buckets_are_checked(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Buckets(**{"tokens_per_batch": 800, **changes})


def test_a_batch_is_a_function_of_number_and_estimate(pictures: GeneratedTask) -> None:
    """Whatever was drawn before, and in whichever process."""
    sources = MixedSource([GeneratedSource(pictures), TaskSource(Words())])
    feed = BucketedFeed(sources, collate, Buckets(400), Curriculum(20), seed=3)
    estimate = Estimate({f"words#{number}": number / 40 for number in range(40)})
    numbers = [5, 0, 17, 3]
    workers = DataLoader(Subset(feed.batches(estimate), numbers), batch_size=None, num_workers=1)
    again = BucketedFeed(sources, collate, Buckets(400), Curriculum(20), seed=3).batches(estimate)
    assert list(workers) == [again[number] for number in numbers]
    assert again[17]["number"] == 17 and len(again[17]["questions"]) == 400 // again[17]["budget"]
    other = BucketedFeed(sources, collate, Buckets(400), Curriculum(20), seed=4).batches(estimate)
    assert [other[number] for number in numbers] != [again[number] for number in numbers]


def test_a_run_starts_easy() -> None:
    feed = BucketedFeed(Levels(), collate, Buckets(6400, max_batch_size=100), Curriculum(10))
    asked = [Counter(feed.batches(Estimate())[number]["questions"]) for number in (0, 10)]
    assert asked[0]["q2"] == asked[0]["q3"] == 0 and asked[1]["q2"] > 0 and asked[1]["q3"] > 0
