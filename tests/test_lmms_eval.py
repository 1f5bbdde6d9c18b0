"""The adapter for lmms-eval against a stand-in of the few names it takes from there."""

from __future__ import annotations

import importlib
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import draw

from arr_coc.evaluation.lmms_eval import manifest
from arr_coc.processor.answer import answer
from arr_coc.processor.loading import load_host

MODEL = "arr_coc.evaluation.lmms_eval.model"
SETTINGS = {"max_new_tokens": 8, "temperature": 0.0, "do_sample": False, "until": ["\n\n"]}


class Harness:
    """The base class of a model."""

    is_simple = True

    def __init__(self) -> None:
        self._rank, self._world_size, self.task_dict = 0, 1, {}

    def clean(self) -> None:
        self.is_clean = True


@dataclass
class TokenCounts:
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass
class GenerationResult:
    text: str
    token_counts: TokenCounts | None = None


@dataclass
class Instance:
    args: tuple


@dataclass(frozen=True)
class ModelManifest:
    model_id: str
    simple_class_path: str | None = None
    chat_class_path: str | None = None


class Accelerator:
    process_index, num_processes, device = 0, 1, torch.device("cpu")


STAND_IN: dict[str, dict[str, Any]] = {
    "lmms_eval": {},
    "lmms_eval.api": {},
    "lmms_eval.api.model": {"lmms": Harness},
    "lmms_eval.api.instance": {
        "GenerationResult": GenerationResult,
        "Instance": Instance,
        "TokenCounts": TokenCounts,
    },
    "lmms_eval.models": {},
    "lmms_eval.models.registry_v2": {"ModelManifest": ModelManifest},
    "accelerate": {"Accelerator": Accelerator},
}


@pytest.fixture(scope="module")
def adapter():
    """The module of the model class, imported beside the stand-in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, members in STAND_IN.items():
            module = ModuleType(name)
            module.__dict__.update(members)
            patch.setitem(sys.modules, name, module)
        yield importlib.import_module(MODEL)
        sys.modules.pop(MODEL, None)


@pytest.fixture(scope="module")
def model(adapter):
    return adapter.ArrCoc(pretrained="nano", budget=64, batch_size="2")


DOCS = [
    {"image": draw(500, 400, seed), "question": question}
    for seed, question in enumerate(["What is the total?", "Who signed?", "Which bar is the highest?"])
]


def to_messages(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """As lmms-eval makes them of a task that has pictures and a text."""
    content = [{"type": "image", "url": doc["image"]}, {"type": "text", "text": doc["question"]}]
    return [{"role": "user", "content": content}]


def ask(model: Any, docs: list[dict[str, Any]], settings: list[dict[str, Any]] | None = None) -> list[GenerationResult]:
    model.task_dict = {"tiny": {"test": docs}}
    each = settings or [SETTINGS] * len(docs)
    requests = [
        Instance((doc["question"], to_messages, each[number], number, "tiny", "test"))
        for number, doc in enumerate(docs)
    ]
    return model.generate_until(requests)


def test_answers_are_those_of_the_library_in_order(model):
    network, processor = load_host("nano")
    expected = []
    for doc in DOCS:
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image", "image": doc["image"]}, {"text": doc["question"]}]}],
            add_generation_prompt=True,
            budget=64,
        )
        result = answer(network, processor.tokenizer, inputs, max_new_tokens=8)
        expected.append((result.text, inputs["input_ids"].shape[1], inputs.realizations[0][0].allocation.num_tokens))
    given = ask(model, DOCS)
    assert [(one.text, one.token_counts.input_tokens) for one in given] == [pair[:2] for pair in expected]
    assert all(61 < num_visual <= 64 < read for _, read, num_visual in expected)
    assert all(1 <= one.token_counts.output_tokens <= 8 for one in given)


def test_requests_with_other_settings_are_batched_apart(model):
    short = {**SETTINGS, "max_new_tokens": 1}
    given = ask(model, DOCS, [SETTINGS, short, short])
    alone = ask(model, DOCS)
    assert given[0].text == alone[0].text
    assert [one.token_counts.output_tokens for one in given[1:]] == [1, 1]


def test_text_alone_is_answered(model):
    model.task_dict = {"tiny": {"test": [DOCS[0]]}}
    words = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}]}]
    [given] = model.generate_until([Instance(("", lambda doc: words, SETTINGS, 0, "tiny", "test"))])
    assert given.token_counts.input_tokens < 64


def test_a_system_prompt_goes_before_every_conversation(model, monkeypatch):
    before = ask(model, DOCS[:1])[0].token_counts.input_tokens
    monkeypatch.setattr(model, "system_prompt", "What is it?")
    assert ask(model, DOCS[:1])[0].token_counts.input_tokens > before


def test_videos_and_other_kinds_of_tasks_are_refused(model):
    film = [{"role": "user", "content": [{"type": "video", "url": "a.mp4"}, {"type": "text", "text": "What?"}]}]
    model.task_dict = {"tiny": {"test": [None]}}
    with pytest.raises(ValueError, match="task tiny: .* not video"):
        model.generate_until([Instance(("", lambda doc: film, SETTINGS, 0, "tiny", "test"))])
    with pytest.raises(ValueError, match="score given answers"):
        model.loglikelihood([])
    with pytest.raises(ValueError, match="several rounds"):
        model.generate_until_multi_round([])


def test_a_bad_argument_is_named(adapter):
    with pytest.raises(ValueError, match="batch_size: .*'auto'"):
        adapter.ArrCoc(batch_size="auto")
    with pytest.raises(ValueError, match="budget"):
        adapter.ArrCoc(budget=7)


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        ({}, {"max_new_tokens": 128}),
        ({"max_new_tokens": 16, "temperature": 0.0, "top_p": 1.0}, {"max_new_tokens": 16}),
        ({"temperature": 0.7, "do_sample": False, "num_beams": 3}, {"max_new_tokens": 128, "num_beams": 3}),
        (
            {"temperature": 0.7, "top_p": 0.9},
            {"max_new_tokens": 128, "do_sample": True, "temperature": 0.7, "top_p": 0.9},
        ),
    ],
)
def test_without_a_temperature_an_answer_is_greedy(adapter, wanted, settings):
    assert adapter.generation_settings(wanted) == settings


def test_stops_cut_an_answer(adapter):
    assert adapter.cut("a\n\nb ASSISTANT: c", ["\n\n", "ASSISTANT:"]) == "a\n\nb"
    assert adapter.cut("yes. no", ".") == "yes" and adapter.cut(" yes ", None) == "yes"


def test_the_harness_finds_the_class(adapter):
    found = manifest()
    module, _, name = found.chat_class_path.rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    assert found.model_id == "arr_coc" and issubclass(cls, Harness) and cls.is_simple is False
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = project["entry-points"]["lmms_eval.models"]["arr_coc"]
    assert entry == f"{manifest.__module__}:{manifest.__name__}"


def test_clean_lets_go_of_the_model(adapter):
    own = adapter.ArrCoc(pretrained="nano")
    own.clean()
    assert own.is_clean and not hasattr(own, "processor")
