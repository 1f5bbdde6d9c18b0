"""A broken model folder is refused with one line: what is loaded has all its weights, and its parts fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from arr_coc.processor.loading import load_host

WEIGHTS = "model.safetensors"
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(model_folder: str) -> Path:
    return Path(model_folder)


def setting(name: str, path: str, value: Any) -> Change:
    """Sets a value of a JSON file."""

    def change(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        *outer, last = path.split(".")
        inner = values
        for key in outer:
            inner = inner[key]
        inner[last] = value
        (folder / name).write_text(json.dumps(values))

    return change


def tensors(make: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    def change(folder: Path) -> None:
        found = make(load_file(folder / WEIGHTS))
        save_file({key: value.clone() for key, value in found.items()}, folder / WEIGHTS, metadata={"format": "pt"})

    return change


def poisoned(value: float) -> Change:
    """One number of one tensor."""

    def make(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name = next(name for name in found if name.endswith("q_proj.weight"))
        found[name].view(-1)[7] = value
        return found

    return tensors(make)


def text(name: str, content: str) -> Change:
    return lambda folder: (folder / name).write_text(content)


CONFIG, PREPROCESSOR, TEMPLATE = "config.json", "preprocessor_config.json", "chat_template.jinja"
BROKEN: dict[str, tuple[Change, str]] = {
    "no tensors": (tensors(lambda found: {"other": torch.zeros(1)}), "tensors are missing"),
    "a layer missing": (
        tensors(lambda found: {key: value for key, value in found.items() if "layers.1." not in key}),
        "tensors are missing, such as .*layers.1.*random",
    ),
    "a tensor too many": (tensors(lambda found: {**found, "extra": torch.zeros(2)}), "1 of its tensors are unknown"),
    "NaN": (poisoned(float("nan")), "1 of its tensors hold NaN or infinity, such as .*q_proj"),
    "infinity": (poisoned(float("inf")), "NaN or infinity"),
    "cut short": (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:5000]), "cannot load"),
    "fewer layers": (setting(CONFIG, "text_config.num_hidden_layers", 1), "unknown to its configuration"),
    "more layers": (setting(CONFIG, "text_config.num_hidden_layers", 5), "are missing"),
    "negative width": (setting(CONFIG, "text_config.hidden_size", -48), "cannot load"),
    "no width": (setting(CONFIG, "text_config.hidden_size", 0), "cannot load"),
    "another width": (setting(CONFIG, "text_config.hidden_size", 64), "cannot load"),
    "a width in words": (setting(CONFIG, "text_config.hidden_size", "big"), "cannot load"),
    "no heads": (setting(CONFIG, "text_config.num_attention_heads", 0), "cannot load"),
    "heads that do not share": (setting(CONFIG, "vision_config.num_heads", 5), "5 heads do not share a width of 32"),
    "sections of one": (setting(CONFIG, "text_config.rope_parameters.mrope_section", [1]), "mrope_section"),
    "sections too wide": (setting(CONFIG, "text_config.rope_parameters.mrope_section", [400, 2, 2]), "mrope_section"),
    "an unknown picture token": (setting(CONFIG, "image_token_id", 99_999), "image_token_id 99999"),
    "another kind": (setting(CONFIG, "model_type", "qwen3"), "can't be a host"),
    "a kind that is a number": (setting(CONFIG, "model_type", 3), "cannot load"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "cannot load a tokenizer"),
    "no preprocessor": (lambda folder: (folder / PREPROCESSOR).unlink(), "cannot load an image processor"),
    "a preprocessor of nothing": (text(PREPROCESSOR, "[]"), "cannot load an image processor"),
    "other patches": (setting(PREPROCESSOR, "patch_size", 14), "patch_size 14, the model 16"),
    "other frames": (setting(PREPROCESSOR, "temporal_patch_size", 3), "temporal_patch_size 3, the model 2"),
    "grey": (setting(PREPROCESSOR, "image_mean", [0.5]), "image_mean"),
    "no spread": (setting(PREPROCESSOR, "image_std", [0, 0, 0]), "image_std"),
    "limits reversed": (setting(PREPROCESSOR, "size", {"shortest_edge": 9, "longest_edge": 4}), "shortest_edge"),
    "black": (setting(PREPROCESSOR, "rescale_factor", 0), "rescale_factor 0"),
    "a filter that is none": (setting(PREPROCESSOR, "resample", 99), "resample 99"),
    "a template with a slip": (text("chat_template.jinja", "{% for image in %}"), "chat template fails"),
    "a template that refuses": (
        text("chat_template.jinja", "image {{ raise_exception('no') }}"),
        "chat template fails",
    ),
    "a blind template": (text("chat_template.jinja", "{# image #}hello"), "writes 0 times '<|image_pad|>'"),
    "an end that is a word": (setting("generation_config.json", "eos_token_id", "x"), "eos_token_id 'x'"),
    "settings too deep": (text("relevance.json", "[" * 100_000), "not written by save_pretrained"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_folder_is_one_line(name: str, whole: Path, tmp_path: Path) -> None:
    change, word = BROKEN[name]
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    change(folder)
    with pytest.raises(ValueError, match=word.replace("|", r"\|")) as caught:
        load_host(folder, device="cpu")
    assert "\n" not in str(caught.value) and str(tmp_path)[:30] in str(caught.value)


def test_the_whole_folder_is_a_host(whole: Path) -> None:
    assert load_host(whole, device="cpu")[1].host.max_tokens > 0
