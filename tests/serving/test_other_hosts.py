"""Hosts of experts, quantised hosts, adapters: answers are the library's, on small ones made of the embedded host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import EXAMPLES, Server, picture, questions, serving, text
from safetensors.torch import save_file
from torch import Tensor
from torchao.quantization import Int8WeightOnlyConfig
from transformers import (
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
    TorchAoConfig,
)

from arr_coc.hosts.names import resolve
from arr_coc.processor.loading import load_host
from arr_coc.serving.load import Ask
from arr_coc.serving.same import Answer, Compared, answer_of

BUDGETS, AT_ONCE = (64, 160, "auto"), 8
NUM_EXPERTS, RANK, NUDGE = 4, 8, 0.3
Asked = tuple[str, Path, str, object]
"""Model, picture, question and budget."""
ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PARTS = (
    "chat_template.jinja",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
)


def host_of_experts(folder: Path) -> Path:
    """The embedded host with experts in place of its MLPs, each a noisy copy: it still answers, and no two agree."""
    torch.manual_seed(0)
    dense, _ = load_host("nano", dtype="float32")
    facts = dense.config.to_dict()
    text_config = facts["text_config"]
    text_config |= {"model_type": "qwen3_vl_moe_text", "num_experts": NUM_EXPERTS, "num_experts_per_tok": 2}
    text_config |= {
        "moe_intermediate_size": text_config["intermediate_size"],
        "decoder_sparse_step": 1,
        "norm_topk_prob": True,
    }
    facts["vision_config"]["model_type"] = facts["model_type"] = "qwen3_vl_moe"
    config = Qwen3VLMoeConfig(**{name: value for name, value in facts.items() if name != "architectures"})
    config.architectures = ["Qwen3VLMoeForConditionalGeneration"]
    weights, known = {}, dense.state_dict()
    for name, value in Qwen3VLMoeForConditionalGeneration(config).state_dict().items():
        place = name.split(".mlp.")[0] + ".mlp."
        if name.endswith("gate_up_proj"):
            both = torch.cat([known[f"{place}gate_proj.weight"], known[f"{place}up_proj.weight"]])
            weights[name] = experts_like(both)
        elif name.endswith("down_proj"):
            weights[name] = experts_like(known[f"{place}down_proj.weight"])
        else:
            weights[name] = known.get(name, 0.1 * torch.randn_like(value)).contiguous()
    del weights["lm_head.weight"]  # tied
    config.save_pretrained(folder)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    for part in PARTS:
        shutil.copy(Path(resolve("nano")) / part, folder)
    return folder


def experts_like(matrix: Tensor) -> Tensor:
    """(experts, in, out), as the published checkpoints keep them."""
    noise = 1 + 0.05 * torch.randn(NUM_EXPERTS, *matrix.shape)
    return (matrix * noise).transpose(1, 2).contiguous()


def quantised_host(folder: Path) -> Path:
    """The embedded host with its matrices in 8 bits, as transformers saves it."""
    model = Qwen3VLForConditionalGeneration.from_pretrained(
        resolve("nano"), dtype=torch.float32, quantization_config=TorchAoConfig(Int8WeightOnlyConfig())
    )
    model.save_pretrained(folder)
    for part in PARTS:
        shutil.copy(Path(resolve("nano")) / part, folder)
    return folder


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
    content = [{"type": "image", "image": path}, text(question)]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, budget=budget
    )
    return answer_of(model, processor, inputs, max_tokens=16)


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
