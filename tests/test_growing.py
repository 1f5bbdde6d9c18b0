"""A host that was grown answers as it did, and has room to learn."""

from __future__ import annotations

import copy

import pytest
import torch
from conftest import draw
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen3VLForConditionalGeneration
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.hosts.checkpoints import load_model
from arr_coc.nano.growing import copied, deepened
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import plain_inputs, question_messages


def test_new_layers_are_copies_behind_their_sources() -> None:
    assert copied(4, (2, 3)) == [(0, False), (1, False), (2, False), (2, True), (3, False), (3, True)]


def test_a_grown_host_says_what_it_said_until_it_is_trained() -> None:
    model, processor = load_host("nano", dtype="float32")
    grown = deepened(copy.deepcopy(model))
    assert grown.config.vision_config.depth == 6 and grown.config.text_config.num_hidden_layers == 8
    assert grown.config.vision_config.deepstack_visual_indexes == [1, 2]
    inputs = plain_inputs(processor.host, question_messages(draw(640, 480), "What is the total?"))
    with torch.no_grad():
        before, after = (host(**inputs).logits for host in (model, grown))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    grown(**inputs).logits.square().mean().backward()
    new = grown.model.language_model.layers[3].mlp.down_proj.weight
    assert not new.any() and new.grad is not None and new.grad.any()  # silent, but it learns


def test_a_host_whose_reading_layer_would_move_is_refused() -> None:
    model = load_model("nano", "float32", "cpu")
    config = copy.deepcopy(model.config)
    config.text_config.num_hidden_layers = 10
    with pytest.raises(ValueError, match="10 layers can't be grown in place"):
        deepened(Qwen3VLForConditionalGeneration(config))


def test_the_command_writes_a_host_to_go_on_from(tmp_path) -> None:
    run = CliRunner().invoke(app, ["nano", "grow", "nano", "--out", str(tmp_path / "deeper")])
    assert run.exit_code == 0, run.output
    model, _ = load_host(tmp_path / "deeper")
    assert model.config.text_config.num_hidden_layers == 8


def test_a_folder_with_something_in_it_is_never_replaced(tmp_path) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    run = CliRunner().invoke(app, ["nano", "grow", "nano", "--out", str(tmp_path)])
    assert run.exit_code != 0 and "not empty" in run.output
    assert (tmp_path / "notes").read_text(encoding="utf-8") == "mine"


def test_another_family_is_refused() -> None:
    config = Qwen2Config(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=8)
    with pytest.raises(ValueError, match="a qwen2 model can't be grown"):
        deepened(AutoModelForCausalLM.from_config(config))
