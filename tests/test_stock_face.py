"""What transformers' own tools ask of a processor."""

from __future__ import annotations

import copy
import json

import pytest
from conftest import QUESTION, draw
from transformers import AutoProcessor, ProcessorMixin

from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.stock_face import INPUTS


@pytest.fixture()
def folder(tiny_processor, tmp_path):
    tiny_processor.host.model.save_pretrained(tmp_path)
    tiny_processor.save_pretrained(tmp_path)
    return tmp_path


def test_auto_processor_gives_the_processor_that_was_saved(tiny_processor, folder) -> None:
    found = AutoProcessor.from_pretrained(folder, model=tiny_processor.host.model)
    assert type(found) is RelevanceProcessor
    messages = question_messages(draw(320, 240), QUESTION)
    ours, theirs = (
        each.apply_chat_template(messages, add_generation_prompt=True, budget=100) for each in (tiny_processor, found)
    )
    assert (ours["input_ids"] == theirs["input_ids"]).all() and (ours["position_ids"] == theirs["position_ids"]).all()


def test_auto_processor_without_the_model_says_what_is_missing(folder) -> None:
    with pytest.raises(TypeError, match="model"):
        AutoProcessor.from_pretrained(folder)


def test_names_are_checked_as_ever(tiny_processor, folder) -> None:
    with pytest.raises(TypeError, match="did you mean 'budget'"):
        RelevanceProcessor.from_pretrained(folder, model=tiny_processor.host.model, budgett=100)
    with pytest.raises(TypeError, match="revision"):
        RelevanceProcessor.from_pretrained(folder, model=tiny_processor.host.model, revision="main")


def test_a_folder_s_own_processor_keeps_its_name(tiny_processor, tmp_path) -> None:
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "Qwen3VLProcessor"}))
    tiny_processor.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "processor_config.json").read_text())["processor_class"] == "Qwen3VLProcessor"


def test_what_trainers_ask_of_a_processor(tiny_processor) -> None:
    assert isinstance(tiny_processor, ProcessorMixin)
    assert tiny_processor.tokenizer.pad_token_id is not None
    assert tiny_processor.chat_template == tiny_processor.tokenizer.chat_template
    inputs = tiny_processor.apply_chat_template(question_messages(draw(320, 240), QUESTION))
    assert set(inputs) == set(tiny_processor.model_input_names) == set(INPUTS)
    assert "Parameter" not in repr(tiny_processor) and json.loads(tiny_processor.to_json_string())
    twin = copy.copy(tiny_processor)
    assert twin.host is tiny_processor.host
