"""Models and processors by name, and what is said when there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import QUESTION, draw
from transformers import Qwen3Config

from arr_coc.hosts.checkpoints import load_model
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.names import resolve
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import plain_inputs, question_messages


@pytest.fixture(scope="module")
def tiny_checkpoint(tiny_model, tiny_tokenizer, tiny_image_processor, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny_model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    tiny_image_processor.save_pretrained(folder)
    return folder


def test_load_host_from_a_folder(tiny_checkpoint: Path, tiny_host: TransformersHost) -> None:
    model, processor = load_host(tiny_checkpoint, device="cpu")
    assert model.dtype == torch.float32 and not model.training
    messages = question_messages(draw(200, 150), QUESTION)
    expected = tiny_host.model(**plain_inputs(tiny_host, messages)).logits
    assert torch.equal(model(**plain_inputs(processor.host, messages)).logits, expected)
    assert load_model(str(tiny_checkpoint), dtype="bfloat16", device="cpu").dtype == torch.bfloat16


def test_chat_template_in_a_file_of_its_own(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "preprocessor_config.json",
    ):
        (tmp_path / name).write_bytes((tiny_checkpoint / name).read_bytes())
    with pytest.raises(ValueError, match="cannot load a tokenizer with a chat template"):
        load_host(tmp_path, device="cpu")
    template = (tiny_checkpoint / "chat_template.jinja").read_text()
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    assert load_host(tmp_path, device="cpu")[1].tokenizer.chat_template == template


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nobody/no-such-model", "cannot load a model, neither from a folder nor from the Hugging Face hub"),
        ("no-such-model", "no such folder"),
        ("./no/such/folder", "no such folder"),
        (__file__, "it is a file"),
    ],
)
def test_unknown_model(name: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ValueError, match=f"{re.escape(repr(name))}: {what}.*; use 'nano', a folder.*or a hub id"
    ) as caught:
        load_host(name, device="cpu")
    assert "\n" not in str(caught.value)


def test_model_without_vision(tmp_path: Path) -> None:
    Qwen3Config(num_hidden_layers=1, hidden_size=8, intermediate_size=8).save_pretrained(tmp_path)
    words = "a 'qwen3' model can't be a host: it sees no pictures; use one of GLM-4.6V"
    with pytest.raises(ValueError, match=words):
        load_host(tmp_path, device="cpu")


def test_nano_is_a_folder_of_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("arr_coc.hosts.names.NANO_FOLDER", tmp_path)
    with pytest.raises(ValueError, match="'nano': its weights are not installed; make them with `arr-coc nano train`"):
        resolve("nano")
    (tmp_path / "config.json").write_text("{}")
    assert resolve("nano") == str(tmp_path)
    assert resolve("Qwen/Qwen3-VL-2B-Instruct") == "Qwen/Qwen3-VL-2B-Instruct"


@pytest.mark.parametrize(("option", "value"), [("dtype", "int3"), ("device", "abacus"), ("device", "cuda:99")])
def test_unknown_dtype_or_device(tiny_checkpoint: Path, option: str, value: str) -> None:
    if value.startswith("cuda") and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match=f"{option}: .*{value}"):
        load_host(tiny_checkpoint, **{option: value})


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, arr_coc; assert not {'torch', 'transformers', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
