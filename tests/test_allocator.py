"""One door for whoever allocates: a scorer, balancer or adapter of one's own, checked, saved or refused by name."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw, leaves, random_parts
from test_realizing import DIM, FakeHost, picture
from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.knowing import AttentionScorer
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Gaze, Host, Pyramid, Realization, Tensions, View

PYRAMID = picture(30, 31, 3)


class Corner:
    """A scorer of a user's own: no module, no `.to`, nothing inherited."""

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [-view.cells[:, 1:].sum(1).double() for view in views]


class Frugal:
    """A balancer of a user's own."""

    def __call__(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Tensions:
        return Tensions(0.1, 0.5, 0.0, (0.0, 0.0, 1.0), budget or 70)


class Doubling:
    """An adapter of a user's own."""

    def __call__(self, features: Tensor, level: Tensor, budget: int) -> Tensor:
        return 2 * features


def spend(allocator: Allocator, budget: Any = None) -> Realization:
    return allocator.realize(FakeHost(), [View.of(PYRAMID, QUESTION)], [budget])[0]


def test_parts_of_ones_own() -> None:
    plain, own = spend(Allocator(budget=100)), spend(Allocator(balancer=Frugal(), scorer=Corner(), adapter=Doubling()))
    assert 97 < plain.allocation.num_tokens <= 100 and 67 < own.allocation.num_tokens <= 70
    fine = own.allocation.leaves[own.allocation.leaves[:, 0] == 0]
    assert len(fine) and int(fine[:, 1:].sum(1).max()) < 30, "what is looked at closely is the corner"
    bare = spend(Allocator(balancer=Frugal(), scorer=Corner()))
    assert torch.equal(own.features.merged, 2 * bare.features.merged)


def test_a_budget_means_one_thing() -> None:
    fixed, auto = Allocator(budget=120), Allocator()
    assert fixed.tokens(None) == 120 and fixed.tokens("auto") is None and fixed.tokens(np.int64(90)) == 90
    assert auto.tokens(None) is None and replace(auto, budget=np.int32(80)).budget == 80
    heard = spend(auto).tensions.budget
    assert spend(fixed).tensions.budget == 120 and spend(fixed, "auto").tensions.budget == heard != 120
    assert spend(fixed, 64).tensions.budget == spend(auto, 64).tensions.budget == 64


@pytest.mark.parametrize("budget", [63, 401, 100.0, "100", "Auto", "", True, [100], float("nan"), np.array([64, 70])])
def test_a_budget_that_cannot_be(budget: Any) -> None:
    for spoil in (lambda: Allocator(budget=budget), lambda: spend(Allocator(), budget)):
        with pytest.raises(ValueError, match=r"^budget must be auto or a whole number in 64\.\.400, got ") as caught:
            spoil()
        assert len(str(caught.value)) < 150


def scorer(answer: Callable[[list[View]], Any]) -> Allocator:
    class Mine:
        def __call__(self, host: Host, views: list[View], gaze: Gaze) -> Any:
            return answer(views)

    return Allocator(budget=100, scorer=Mine())


def balancer(tensions: Callable[[], Any]) -> Allocator:
    class Mine:
        def __call__(self, host: Host, pyramid: Pyramid, question: str, budget: int | None) -> Any:
            return tensions()

    return Allocator(budget=100, balancer=Mine())


def adapter(change: Callable[[Tensor], Any]) -> Allocator:
    class Mine:
        def __call__(self, features: Tensor, level: Tensor, budget: int) -> Any:
            return change(features)

    return Allocator(budget=100, adapter=Mine())


NAN = float("nan")
WEIGHTS = (0.2, 0.2, 0.6)


@pytest.mark.parametrize(
    ("allocator", "message"),
    [
        (scorer(lambda views: None), "scorer Mine: must return a list of 1 tensors, one per view, got NoneType"),
        (scorer(lambda views: []), "scorer Mine: must return a list of 1 tensors, one per view, got list of 0"),
        (scorer(lambda views: torch.zeros(1, 64)), "scorer Mine: must return a list .* got Tensor of shape"),
        (scorer(lambda views: [np.zeros(64)]), "scorer Mine: .* one real score per cell, .* got ndarray"),
        (
            scorer(lambda views: [torch.zeros(3)]),
            r"scorer Mine: .* per cell, \(\d+,\) here, got Tensor of shape \(3,\)",
        ),
        (scorer(lambda views: [torch.full((len(views[0].cells),), NAN)]), "scorer Mine: must return finite scores"),
        (scorer(lambda views: [torch.full((len(views[0].cells),), torch.inf)]), "scorer Mine: must return finite"),
        (balancer(lambda: 100), "balancer Mine: must return Tensions, got 100"),
        (balancer(lambda: None), "balancer Mine: must return Tensions, got NoneType"),
        (balancer(lambda: Tensions(0.1, 0.5, 0.0, WEIGHTS, 64)), "balancer Mine: must keep the budget 100, got 64"),
        (balancer(lambda: Tensions(0.1, NAN, 0.0, WEIGHTS, 100)), "balancer Mine: focus_diversify .* got nan"),
        (balancer(lambda: Tensions(0.1, 0.5, 2.0, WEIGHTS, 100)), "balancer Mine: exploit_explore .* got 2.0"),
        (balancer(lambda: Tensions(0.1, 0.5, 0.0, (0.6, 0, 0), 100)), "balancer Mine: weights must be three shares"),
        (balancer(lambda: Tensions(0.1, 0.5, 0.0, (0.6, NAN, 0.4), 100)), "balancer Mine: weights must be three"),
        (balancer(lambda: Tensions(0.1, 0.5, 0.0, WEIGHTS, 1000)), "balancer Mine: budget must be .* got 1000"),
        (adapter(lambda features: features[:2]), "adapter Mine: must return a tensor of shape .* got Tensor of shape"),
        (adapter(lambda features: None), "adapter Mine: must return a tensor of shape .* got NoneType"),
    ],
)
def test_a_part_that_returns_what_it_must_not_is_named_in_one_line(allocator: Allocator, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        spend(allocator)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["balancer", "scorer", "adapter"])
def test_a_part_must_be_an_object_that_can_be_called(name: str) -> None:
    for part, got in ((Corner, "the class Corner"), (3, "int")):
        with pytest.raises(ValueError, match=f"{name}: must be an object that can be called, got {got}"):
            Allocator(**{name: part})  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        Allocator().budget = 100  # type: ignore[misc]


def test_training_free_keeps_the_constants() -> None:
    constants = HeuristicBalancer(0.1, 0.3, (0.1, 0.1, 0.8))
    trained = random_parts(DIM)
    trained.balancer.heuristic = constants  # type: ignore[union-attr]
    for allocator in (trained, Allocator(balancer=constants, scorer=Corner(), adapter=Doubling())):
        free = replace(allocator, budget=77).training_free()
        assert free == Allocator(77, balancer=constants, scorer=AttentionScorer())
    assert Allocator(balancer=Frugal()).training_free() == Allocator()


def test_two_processors_on_one_host_each_give_their_own_answer(tiny_processor: RelevanceProcessor) -> None:
    """The second one's gaze and trained parts once broke the first."""
    messages = question_messages(draw(640, 480), QUESTION)
    host = tiny_processor.host
    before = leaves(tiny_processor.apply_chat_template(messages, budget=100).realizations)
    gaze = Gaze(first=0.0, last=0.4, heads_from=0.0)
    others = [RelevanceProcessor(host, each) for each in (random_parts(48), Allocator(80, gaze, Frugal(), Corner()))]
    found = [leaves(other.apply_chat_template(messages, budget=100).realizations) for other in others]
    assert leaves(tiny_processor.apply_chat_template(messages, budget=100).realizations) == before
    assert before not in found and found[0] != found[1]
    assert [leaves(other.apply_chat_template(messages, budget=100).realizations) for other in others] == found
    assert not {"gaze", "balancer", "learned", "allocator"} & set(vars(host)), "a host holds facts of its model alone"


def test_threads_share_a_host_and_keep_their_answers_and_times(tiny_processor: RelevanceProcessor) -> None:
    """Two processors, four threads, and a fifth that truncates with the very same tokenizer all the while."""
    host, messages = tiny_processor.host, question_messages(draw(500, 400), QUESTION)
    others = [RelevanceProcessor(host, each) for each in (Allocator(90, scorer=Corner()), Allocator(150), Allocator())]
    processors, done = [*others, RelevanceProcessor(host, random_parts(48))], threading.Event()
    alone = [
        (leaves(i.realizations), i["input_ids"].tolist()) for i in (each(messages) for each in map(asking, others))
    ]

    def work(processor: RelevanceProcessor) -> list[tuple[Any, Any, dict[str, float]]]:
        found = []
        for _ in range(4):
            inputs = asking(processor)(messages)
            found.append((leaves(inputs.realizations), inputs["input_ids"].tolist(), dict(host.clock.seconds)))
        return found

    def disturb() -> None:
        while not done.is_set():
            host.tokenizer(QUESTION, truncation=True, max_length=2)

    host.clock.reset()
    with ThreadPoolExecutor(5) as pool:
        pool.submit(disturb)
        try:
            found = [future.result() for future in [pool.submit(work, processor) for processor in processors]]
        finally:
            done.set()
    for rows, (chosen, ids) in zip(found, alone, strict=False):
        assert all(row[:2] == (chosen, ids) for row in rows)
    for *_, seconds in (row for rows in found for row in rows):
        assert seconds["encode"] > 0 and min(seconds.values()) >= 0
    assert host.clock.seconds == {}, "this thread has measured nothing"
    assert pickle.loads(pickle.dumps(host.clock)).device == host.clock.device


def asking(processor: RelevanceProcessor) -> Callable[[list[dict[str, object]]], RelevanceInputs]:
    return lambda messages: processor.apply_chat_template(messages, add_generation_prompt=True)


def test_an_allocator_of_ones_own_by_the_front_door(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    model, messages = tiny_processor.host.model, question_messages(draw(640, 480), QUESTION)
    tiny_processor.save_pretrained(tmp_path)
    own = Allocator(budget=90, scorer=Corner())
    processor = RelevanceProcessor.from_pretrained(tmp_path, model=model, allocator=own)
    assert 87 < processor.apply_chat_template(messages).realizations[0][0].allocation.num_tokens <= 90
    changed = RelevanceProcessor.from_pretrained(tmp_path, model=model, allocator=own, budget="auto")
    assert changed.allocator == replace(own, budget="auto")
    with pytest.raises(ValueError, match="allocator: give either it or relevance"):
        RelevanceProcessor.from_pretrained(tmp_path, model=model, allocator=own, relevance=tmp_path)


def test_parts_of_ones_own_are_not_saved_in_silence(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    for name, part in (("scorer", Corner()), ("balancer", Frugal()), ("adapter", Doubling())):
        processor = RelevanceProcessor(tiny_processor.host, replace(Allocator(), **{name: part}))
        with pytest.raises(ValueError, match=f"allocator: the {name} {type(part).__name__} is no part of ARR-COC"):
            processor.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
