"""Hosts of experts, hybrid and quantised ones, adapters: answers are the library's, on small ones of the embedded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import EXAMPLES, Server, picture, questions, serving, text
from safetensors.torch import save_file
from small_hosts import host_of_experts, hybrid_host, hybrid_host_of_experts, quantised_host
from torch import Tensor

from arr_coc.processor.loading import load_host
from arr_coc.serving.load import Ask
from arr_coc.serving.same import Answer, Compared, answer_of

BUDGETS, AT_ONCE = (64, 160, "auto"), 8
RANK, NUDGE = 8, 0.3
Asked = tuple[str, Path, str, object]
"""Model, picture, question and budget."""
ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ROUGH_TIE, LEAST_SHARED, LEAST_ALIKE = 0.25, 0.97, 0.6
"""Of bfloat16: logits nearer than this are a tie, so many leaves are the library's, and so many requests have its
very leaves and its answer. Seen were 0.99 and 0.90; a gaze that leaves what is remembered out shares 0.86."""


def adapter(folder: Path) -> dict[str, Tensor]:
    """A random adapter of every matrix of the language layers, in PEFT's format; what it adds, by parameter."""
    torch.manual_seed(1)
    model, _ = load_host("nano", dtype="float32")
    factors, added = {}, {}
    for name, weight in model.named_parameters():
        if "language_model.layers" in name and name.split(".")[-2] in ADAPTED:
            down, up = torch.randn(RANK, weight.shape[1]), torch.randn(weight.shape[0], RANK)
            down, up = down / weight.shape[1] ** 0.5, NUDGE * weight.norm() / weight.shape[0] ** 0.5 * up / RANK**0.5
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            factors |= {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
            added[name] = up @ down
    folder.mkdir()
    facts = {"peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": list(ADAPTED), "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(facts), encoding="utf-8")
    save_file(factors, folder / "adapter_model.safetensors")
    return added


def expected(processor: Any, model: Any, path: Path, question: str, budget: object) -> Answer:
    """What the library looks at, and what a model says to it."""
    return answer_of(model, processor, prepared(processor, path, question, budget), max_tokens=16)


def prepared(processor: Any, path: Path, question: str, budget: object) -> Any:
    """The library's inputs of a request."""
    content = [{"type": "image", "image": path}, text(question)]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, budget=budget
    )


def served(server: Server, asked: list[Asked]) -> list[Answer]:
    def over_http(each: Asked) -> Answer:
        name, path, question, budget = each
        reply = server.ask([picture(path), text(question)], budget, model=name)
        return Answer(reply.choices[0].message.content.strip(), reply.usage.prompt_tokens)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(over_http, asked))


def differences(asked: list[Asked], found: list[Answer], wanted: list[Answer]) -> list[Compared]:
    """Other answers that are no tie; prompts must be equally long."""
    compared = [
        Compared(Ask(path, question), str(budget), one, other)
        for (_, path, question, budget), one, other in zip(asked, found, wanted, strict=True)
    ]
    assert all(each.is_as_long for each in compared)
    return [each for each in compared if not each.is_same and not each.is_tie]


def shipped() -> list[tuple[Path, str]]:
    return [(EXAMPLES / one["image"], one["question"]) for one in questions()]


@pytest.mark.parametrize("made", [host_of_experts, quantised_host])
def test_another_host_answers_as_in_the_library(made: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = made(tmp_path / "host")
    model, processor = load_host(folder, dtype="float32")
    asked = [(str(folder), path, question, budget) for (path, question), budget in product(shipped(), BUDGETS)]
    with serving(tmp_path / "log", "--model", str(folder)) as server:
        found = served(server, asked)
    wanted = [expected(processor, model, *each[1:]) for each in asked]
    assert not differences(asked, found, wanted)
    assert len({answer.text for answer in wanted}) > len(wanted) / 10  # it still tells questions apart


@pytest.mark.parametrize("made", [hybrid_host, hybrid_host_of_experts])
def test_a_hybrid_host_looks_and_answers_as_in_the_library(made: Callable[[Path], Path], tmp_path: Path) -> None:
    """In bfloat16, the only format in which vLLM has its layers of memory on a CPU: leaves first, then answers."""
    folder = made(tmp_path / "host")
    model, processor = load_host(folder, dtype="bfloat16")
    asked = [(path, question, budget) for (path, question), budget in product(shipped()[::2], (160, "auto"))]
    with (
        serving(tmp_path / "log", "--model", str(folder), of_vllm=["--dtype", "bfloat16"]) as server,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        contents = [[picture(path), text(question)] for path, question, _ in asked]
        replies = list(pool.map(partial(server.ask, leaves=True), contents, [budget for *_, budget in asked]))
    shares, alike, gaps = [], [], []
    for (path, question, budget), reply in zip(asked, replies, strict=True):
        inputs = prepared(processor, path, question, budget)
        wanted = answer_of(model, processor, inputs, max_tokens=16)
        found = Answer(reply.choices[0].message.content.strip(), reply.usage.prompt_tokens)
        assert found.num_tokens == wanted.num_tokens
        ours = {tuple(leaf) for leaf in inputs.realizations[0][0].allocation.leaves.tolist()}
        theirs = {tuple(leaf) for leaf in reply.pictures[0]["leaves"]}
        shares.append(len(ours & theirs) / len(ours | theirs))
        if ours == theirs:
            alike.append(found.text == wanted.text)
            goes_on = found.text.startswith(wanted.text)  # perhaps by another token of the same beginning
            gaps += [] if goes_on else [wanted.gap_before(found.text)]
    assert sum(shares) / len(shares) > LEAST_SHARED
    assert sum(alike) / len(asked) > LEAST_ALIKE and all(gap < ROUGH_TIE for gap in gaps)
    assert len({reply.choices[0].message.content for reply in replies}) > len(asked) / 10


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("adapted")
    added = adapter(folder / "adapter")
    # A place more than adapters: beside one, vLLM on a CPU gives a request without any what lies in the last place
    options = [
        "--enable-lora",
        "--max-loras",
        "2",
        "--max-lora-rank",
        str(RANK),
        "--lora-modules",
        f"other={folder / 'adapter'}",
    ]
    with serving(folder / "log", of_vllm=options) as server:
        yield server, added


def test_an_adapter_answers_and_the_host_itself_looks(adapted: tuple[Server, dict[str, Tensor]]) -> None:
    """Requests with and without it are under way together, about the same pictures: one encoder's cache serves both."""
    server, added = adapted
    asked = [
        (name, path, question, budget)
        for (path, question), budget, name in product(shipped(), BUDGETS, ("nano", "other"))
    ]
    found = served(server, asked)
    models = {name: load_host("nano", dtype="float32")[0] for name in ("nano", "other")}
    _, processor = load_host("nano", dtype="float32")
    with torch.no_grad():
        for name, weight in models["other"].named_parameters():
            weight += added.get(name, 0)
    wanted = [expected(processor, models[each[0]], *each[1:]) for each in asked]
    assert not differences(asked, found, wanted)
    changed = sum(one.text != other.text for one, other in zip(found[::2], found[1::2], strict=True))
    assert changed > len(asked) / 20, "the adapter changed hardly an answer: nothing was shown"
