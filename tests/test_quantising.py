"""Hosts in fewer bits: by torchao, by transformers' own configuration, and from a folder that was saved so."""

from __future__ import annotations

import builtins
import functools
import shutil
from pathlib import Path

import pytest
import torch
from conftest import draw
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torchao.quantization import Int8WeightOnlyConfig
from transformers import Qwen3VLForConditionalGeneration, TorchAoConfig
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.hosts.checkpoints import load_model
from arr_coc.hosts.names import resolve
from arr_coc.hosts.quantising import QUANTISATIONS, quantise
from arr_coc.processor.answer import answer
from arr_coc.processor.loading import load_host
from arr_coc.processor.processor import RelevanceProcessor

PICTURE = draw(640, 480)
MESSAGES = [
    {"role": "user", "content": [{"type": "image", "image": PICTURE}, {"type": "text", "text": "What is the title?"}]}
]


def ask(model, processor):
    inputs = processor.apply_chat_template(MESSAGES, add_generation_prompt=True, budget=100)
    [[realization]] = inputs.realizations
    return answer(model, processor.tokenizer, inputs, 8).text, realization.allocation.leaves


def saved(model, folder: Path) -> Path:
    """The host as a folder, with what lies beside its weights."""
    model.save_pretrained(folder)
    for path in Path(resolve("nano")).iterdir():
        if path.is_file() and path.name not in ("config.json", "model.safetensors"):
            shutil.copy(path, folder)
    return folder


def spoil(folder: Path) -> None:
    """One scale of one quantised matrix becomes no number."""
    path = folder / "model.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    name = next(name for name in tensors if "language_model.layers.0.mlp" in name and name.endswith("scale"))
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    save_file(tensors, path, metadata)


@pytest.mark.parametrize("kind", QUANTISATIONS)
def test_a_quantised_host_answers_and_looks(kind):
    model, processor = load_host("nano", quantize=kind)
    weights = [layer.self_attn.q_proj.weight for layer in model.model.language_model.layers]
    assert all(type(weight) is not torch.nn.Parameter for weight in weights)
    assert type(model.lm_head.weight) is torch.nn.Parameter
    text, leaves = ask(model, processor)
    assert isinstance(text, str) and 0 < len(leaves) <= 100


def test_8_bit_weights_are_near_those_they_stand_for():
    model, plain = load_model("nano"), load_model("nano")
    quantise(model, "int8")
    ids = torch.arange(40)[None] + 20
    with torch.inference_mode():
        found, expected = (each(input_ids=ids).logits for each in (model, plain))
    assert 0 < (found - expected).norm() < 0.05 * expected.norm()


def test_what_transformers_quantises_is_a_host(tmp_path):
    config = TorchAoConfig(Int8WeightOnlyConfig())
    model = Qwen3VLForConditionalGeneration.from_pretrained(
        resolve("nano"), dtype=torch.float32, quantization_config=config
    )
    processor = RelevanceProcessor.from_pretrained("nano", model=model.eval())
    text = ask(model, processor)[0]
    assert text == ask(*load_host("nano", quantize="int8"))[0]
    folder = saved(model, tmp_path / "host")
    assert ask(*load_host(folder))[0] == text
    spoil(folder)
    with pytest.raises(ValueError, match=r"NaN or infinity, such as 'model\.language_model.*scale'"):
        load_host(folder)


def test_the_bench_says_how_the_host_was_held(monkeypatch):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    command = ["bench", "--sizes", "256x256", "--rounds", "1", "--budget", "64"]
    options = ["--quantize", "int8", "--compile", "--attention", "eager"]
    told = CliRunner().invoke(app, command + options)
    assert told.exit_code == 0, told.output
    assert " ".join(options) in told.stdout and "| arr-coc |" in told.stdout


def test_faults_are_one_line(monkeypatch):
    command = ["bench", "--sizes", "64x64", "--rounds", "1"]
    for wrong, word in (("--quantize", "int8, int8-dynamic, fp8"), ("--attention", "can't be used here")):
        told = CliRunner().invoke(app, [*command, wrong, "int3"])
        assert told.exit_code == 2 and word in told.stderr and "Traceback" not in told.stderr
    normally = builtins.__import__

    def without(name, *rest, **named):
        if name.startswith("torchao"):
            raise ImportError(name)
        return normally(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"arr-coc\[quantized\]"):
        quantise(torch.nn.Linear(2, 2), "int8")
