"""Models that people wrap, offload, spread and resize: inputs and answers are those of the plain model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import cpu_offload, dispatch_model
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from conftest import QUESTION, draw, leaves, random_parts
from family_rows import ROWS, row_model
from peft import LoraConfig, get_peft_model

from arr_coc.allocator import Allocator
from arr_coc.evaluation.random_hosts import published_processor
from arr_coc.hosts.attention import look, num_heads
from arr_coc.hosts.bare import glimpse_block
from arr_coc.hosts.families.registry import families
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.placement import base_of, device_of
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Gaze

pytestmark = pytest.mark.filterwarnings("ignore:You are calling .generate:UserWarning")
SETTINGS = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}
# The stock tower of GLM-4V takes the weight of its table of positions without calling it, so it can't be offloaded.
OFFLOADED = [name for name in ROWS if not name.startswith("glm")]  # the stock model fails there


def processor_of(model: Any, tokenizer: Any, allocator: Allocator | None = None) -> RelevanceProcessor:
    family = families()[base_of(model).config.model_type]
    return RelevanceProcessor(TransformersHost(model, tokenizer, published_processor(family)), allocator)


def asked(model: Any, tokenizer: Any, allocator: Allocator | None = None) -> tuple[list, torch.Tensor, torch.Tensor]:
    """Leaves, logits and greedy tokens for one question."""
    processor = processor_of(model, tokenizer, allocator)
    inputs = processor.apply_chat_template(
        question_messages(draw(500, 380), QUESTION), add_generation_prompt=True, budget=80
    )
    with torch.no_grad():
        logits = model(**inputs).logits
        return leaves(inputs.realizations), logits, model.generate(**inputs, **SETTINGS)


def same(found: tuple, expected: tuple, tolerance: float = 1e-5) -> None:
    assert found[0] == expected[0]
    assert (found[1] - expected[1]).abs().max() < tolerance and torch.equal(found[2], expected[2])


@pytest.mark.parametrize("name", OFFLOADED)
def test_offloaded_to_main_memory(name: str, tiny_tokenizer) -> None:
    model = row_model(name, tiny_tokenizer)
    expected = asked(model, tiny_tokenizer)
    cpu_offload(model, execution_device=torch.device("cpu"))
    assert next(model.parameters()).device.type == "meta"
    same(asked(model, tiny_tokenizer), expected)


@pytest.mark.parametrize("name", ["qwen3_vl", "qwen3_5", "qwen2_5_vl"])
def test_partly_on_disk(name: str, tiny_tokenizer, tmp_path: Path) -> None:
    model = row_model(name, tiny_tokenizer)
    parts = random_parts(48)
    expected = asked(model, tiny_tokenizer, parts)
    places = {"lm_head": "cpu", "model.visual": "disk", "model.language_model.embed_tokens": "disk"}
    places |= {f"model.language_model.layers.{n}": "disk" if n % 2 else "cpu" for n in range(4)}
    places |= {"model.language_model.norm": "cpu", "model.language_model.rotary_emb": "cpu"}
    model = dispatch_model(model, places, main_device="cpu", offload_dir=str(tmp_path))
    assert {weight.device.type for weight in model.parameters()} == {"cpu", "meta"}
    same(asked(model, tiny_tokenizer, parts), expected)


# Several devices: torch's meta device is the second one; it mixes with no other and knows shapes alone


@pytest.mark.parametrize("name", [name for name in ROWS if "moe" not in name])  # what experts get depends on values
def test_layers_on_another_device(name: str, tiny_tokenizer) -> None:
    """What is read of a layer is worked out where the layer is."""
    model = row_model(name, tiny_tokenizer)
    processor = processor_of(model, tiny_tokenizer)
    host, pyramid = processor.host, processor.host.pyramid(draw(300, 280))
    cells = pyramid.cells(pyramid.coarsest)
    (features,) = host.encode([pyramid], [cells])
    prompt = host.ask(glimpse_block(pyramid, cells), QUESTION)
    for layer in host.language.layers[2:]:
        add_hook_to_module(layer, AlignDevicesHook("meta", place_submodules=True))
    assert device_of(host.language.layers[3]).type == "meta" and device_of(host.language.layers[1]).type == "cpu"
    gaze = Gaze(first=0.0, last=1.0, heads_from=0.0)
    with torch.no_grad():
        mean, heads = look(host.family, host.language, [prompt], features, host.image_token_id, gaze)
    assert mean.device.type == "meta" and mean.shape == (1, len(cells))
    assert heads.shape == (1, len(cells), num_heads(gaze, host.text_config))


def test_where_a_module_computes(tiny_tokenizer) -> None:
    layer = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(2, 2))
    assert device_of(layer).type == "cpu"
    add_hook_to_module(layer[1], AlignDevicesHook("cpu", offload=True))
    assert layer[1].weight.device.type == "meta" and device_of(layer).type == "cpu"
    assert device_of(torch.nn.ReLU()).type == "meta"


# Wrapped, grown, and under another default


@pytest.mark.parametrize("name", ROWS)
def test_wrapped_by_peft(name: str, tiny_tokenizer) -> None:
    """Adapters that were learnt are part of the host: the same as when they are merged into it."""
    family = families()[name]
    plain = row_model(name, tiny_tokenizer)
    before = asked(plain, tiny_tokenizer)
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    wrapped = get_peft_model(row_model(name, tiny_tokenizer), config).eval()
    found = asked(wrapped, tiny_tokenizer)
    assert base_of(wrapped) is wrapped.get_base_model() and family.model_type == name
    assert (found[1] - before[1]).abs().max() > 1e-3 if found[0] == before[0] else True
    same(found, asked(copy.deepcopy(wrapped).merge_and_unload(), tiny_tokenizer), tolerance=2e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.compile itself
def test_wrapped_by_others(tiny_model) -> None:
    assert base_of(torch.compile(tiny_model)) is tiny_model
    assert base_of(torch.nn.DataParallel(tiny_model)) is tiny_model
    with pytest.raises(ValueError, match="model: must be a model of transformers, perhaps wrapped by peft, got Linear"):
        base_of(torch.nn.Linear(1, 1))


def test_a_grown_vocabulary(tiny_tokenizer, tmp_path: Path) -> None:
    """No trained part depends on it."""
    parts = random_parts(48)
    saved = processor_of(row_model("qwen3_vl", tiny_tokenizer), tiny_tokenizer, parts)
    saved.save_pretrained(tmp_path)
    saved.host.base.config.save_pretrained(tmp_path)
    model = row_model("qwen3_vl", tiny_tokenizer)
    expected = asked(model, tiny_tokenizer, parts)
    model.resize_token_embeddings(len(tiny_tokenizer) + 7)
    loaded = RelevanceProcessor.from_pretrained(tmp_path, model=model)
    found = loaded.apply_chat_template(
        question_messages(draw(500, 380), QUESTION), add_generation_prompt=True, budget=80
    )
    assert leaves(found.realizations) == expected[0]


@pytest.mark.parametrize("name", ["qwen3_vl", "qwen3_5", "glm4v"])
def test_another_default_dtype(name: str, tiny_tokenizer) -> None:
    """Leaves and logits of a float32 model do not depend on what torch makes new tensors of."""
    model, parts = row_model(name, tiny_tokenizer), random_parts(48)
    expected = asked(model, tiny_tokenizer, parts)
    torch.set_default_dtype(torch.bfloat16)
    try:
        same(asked(model, tiny_tokenizer, parts), expected)
    finally:
        torch.set_default_dtype(torch.float32)
