"""No option is swallowed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw, leaves
from transformers import pipeline

from arr_coc import RelevanceProcessor
from arr_coc.apps.remembering import remember
from arr_coc.hosts.text import TextEncoder
from arr_coc.nano.tokenizer import CHAT_TEMPLATE
from arr_coc.processor.answer import answer
from arr_coc.processor.options import pixel_range, template_variables
from arr_coc.processor.plain_inputs import plain_inputs, question_messages


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"budgett": 100}, TypeError, "'budgett'; did you mean 'budget'"),
        ({"max_pixel": 100}, TypeError, "did you mean 'max_pixels'"),
        ({"images_kwargs": {"resample": 2}}, TypeError, "images_kwargs got an unexpected option 'resample'"),
        ({"images_kwargs": {"min_pixel": 2}}, TypeError, "did you mean 'min_pixels'"),
        ({"images_kwargs": [2]}, ValueError, "images_kwargs must be a dict"),
        ({"processor_kwargs": {"trunc": True}}, TypeError, "did you mean 'truncation'"),
        ({"processor_kwargs": {"images_kwargs": {"max_pixl": 3}}}, TypeError, "did you mean 'max_pixels'"),
        ({"text_kwargs": {"truncation": True}}, ValueError, "can't be cut"),
        ({"truncation": True}, ValueError, "can't be cut"),
        ({"truncation": "longest_first"}, ValueError, "can't be cut"),
        ({"max_length": 50}, ValueError, "can't be cut"),
        ({"padding": "max_length"}, ValueError, "longest row"),
        ({"pad_to_multiple_of": 8}, ValueError, "longest row"),
        ({"padding_side": "top"}, ValueError, "padding_side: must be left or right, got 'top'"),
        ({"add_special_tokens": True}, ValueError, "leave it out"),
        ({"return_tensors": "np"}, ValueError, "only 'pt'"),
        ({"processor_kwargs": {"return_tensors": "np"}}, ValueError, "given twice"),
        ({"min_pixels": 0}, ValueError, "min_pixels must be a whole number above 0"),
        ({"min_pixels": "many"}, ValueError, "min_pixels must be a whole number above 0, got 'many'"),
        ({"min_pixels": 9000, "max_pixels": 4000}, ValueError, "min_pixels 9000 is above max_pixels 4000"),
        ({"max_pixels": 9, "images_kwargs": {"max_pixels": 8}}, ValueError, "max_pixels is given twice"),
        ({"size": {"height": 9, "width": 9}}, TypeError, "size got an unexpected option 'height'"),
        ({"size": {"longest_edge": 0}}, ValueError, "max_pixels must be a whole number above 0"),
        ({"do_resize": False, "max_pixels": 9}, ValueError, "do_resize=False leaves pictures as they are"),
    ],
)
def test_no_option_is_swallowed(tiny_processor, options, error, what):
    picture = draw(64, 64)
    for call in (
        lambda: tiny_processor.apply_chat_template(question_messages(picture, QUESTION), **options),
        lambda: tiny_processor(images=picture, text="<|vision_start|><|image_pad|><|vision_end|>a", **options),
    ):
        with pytest.raises(error, match=what) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_other_calls_name_the_nearest_option_too(tiny_processor):
    host, inputs = tiny_processor.host, plain_inputs(tiny_processor.host, question_messages(draw(64, 64), QUESTION))
    with pytest.raises(TypeError, match=r"condense\(\) got an unexpected option 'budgett'; did you mean 'budget'"):
        tiny_processor.condense(inputs, budgett=100)
    with pytest.raises(TypeError, match=r"answer\(\) got an .*'max_tokens'; did you mean 'max_new_tokens'"):
        answer(host.model, host.tokenizer, inputs, max_tokens=5)
    with pytest.raises(TypeError, match=r"from_pretrained\(\) got an .*'relevence'; did you mean 'relevance'"):
        RelevanceProcessor.from_pretrained("nano", model=host.model, relevence="x")
    with pytest.raises(ValueError, match="videos: not supported"):
        tiny_processor(images=[], text="a", videos=["a.mp4"])


def test_what_stock_callers_pass_without_meaning_anything_is_taken(tiny_processor):
    """As people's code and other libraries call the stock processor."""
    messages = question_messages(draw(300, 260), QUESTION)
    text = tiny_processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    expected = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, padding_side="right")
    idle = {"padding": True, "pad_to_multiple_of": None, "truncation": False, "max_length": None}
    groups = {**idle, "padding_side": "right", "add_special_tokens": False}
    calls = [
        tiny_processor(text=[text], images=[draw(300, 260)], videos=None, padding=True, return_tensors="pt"),
        tiny_processor(text=[text], images=[[draw(300, 260)]], do_resize=False, **idle),
        tiny_processor(draw(300, 260), text, text_kwargs=idle),
        tiny_processor.apply_chat_template(
            messages,
            add_generation_prompt=True,
            chat_template=None,
            tools=None,
            return_assistant_tokens_mask=False,
            processor_kwargs=groups,
        ),
    ]
    for inputs in calls:
        assert torch.equal(inputs["input_ids"], expected["input_ids"])
        assert leaves(inputs.realizations) == leaves(expected.realizations)


def test_rows_are_padded_only_where_they_may_be(tiny_processor):
    long, short = question_messages(draw(64, 64), QUESTION), question_messages(draw(64, 64), "a")
    assert tiny_processor.apply_chat_template([long, long], padding=False)["input_ids"].shape[0] == 2
    with pytest.raises(ValueError, match="padding: 2 rows of different length must be padded"):
        tiny_processor.apply_chat_template([long, short], padding=False)


def test_an_image_part_knows_its_options_too(tiny_processor):
    part = {"type": "image", "image": draw(64, 64), "max_pixel": 5}
    with pytest.raises(TypeError, match="an image part got an unexpected option 'max_pixel'; did you mean"):
        tiny_processor.apply_chat_template([{"role": "user", "content": [part]}])


def test_limits_of_pixels_are_honoured_by_call_and_by_picture(tiny_processor):
    picture, few, many = draw(512, 512), 8 * 32 * 32 * 8, 10 * 32 * 32 * 10

    def grid(part_limits=None, **options):
        content = [{"type": "image", "image": picture, **(part_limits or {})}, {"type": "text", "text": QUESTION}]
        inputs = tiny_processor.apply_chat_template([{"role": "user", "content": content}], **options)
        return inputs.realizations[0][0].allocation.grid

    assert grid() == (16, 16)
    assert grid(max_pixels=few) == grid(images_kwargs={"max_pixels": few}) == grid({"max_pixels": few}) == (8, 8)
    assert grid({"max_pixels": many}, max_pixels=few) == (10, 10)
    assert grid(min_pixels=18 * 18 * 32 * 32) >= (18, 18)
    assert grid(size={"longest_edge": few}) == (8, 8)
    assert grid(do_resize=False) == (16, 16)
    assert pixel_range((None, 50), 60, 100) == (50, 50) and pixel_range((200, None), 60, 100) == (200, 200)


def test_baselines_and_condense_keep_a_pictures_own_limits(tiny_processor):
    few = 8 * 32 * 32 * 8
    part = {"type": "image", "image": draw(512, 512), "max_pixels": few}
    messages = [{"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}]
    plain = plain_inputs(tiny_processor.host, messages)
    assert plain["image_grid_thw"].tolist() == [[1, 16, 16]]
    expected = tiny_processor.apply_chat_template(messages, add_generation_prompt=True)
    assert leaves(tiny_processor.condense(plain).realizations) == leaves(expected.realizations)
    tiny = {"type": "image", "image": draw(32, 32), "min_pixels": 32 * 32}
    plain = plain_inputs(tiny_processor.host, [{"role": "user", "content": [tiny]}])
    assert plain["image_grid_thw"].tolist() == [[1, 2, 2]]
    assert tiny_processor.condense(plain).realizations[0][0].allocation.grid == (1, 1)


def test_parts_of_tables_and_parts_with_two_pictures(tiny_processor):
    picture = draw(64, 64)
    filled = [{"type": "image", "image": picture, "text": None}, {"type": "text", "text": "a", "image": None}]
    assert tiny_processor.apply_chat_template([{"role": "user", "content": filled}]).realizations[0][0].question == "a"
    with pytest.raises(ValueError, match="must name one picture, got image and path"):
        tiny_processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image", "image": picture, "path": "a.png"}]}]
        )


def test_what_a_template_cannot_show_is_refused(tiny_processor):
    messages = question_messages(draw(64, 64), QUESTION)
    for name in ("tools", "documents"):
        with pytest.raises(ValueError, match=f"{name}: the chat template of this model does not show them"):
            tiny_processor.apply_chat_template(messages, **{name: [{"name": "f"}]})
    refusing = "{{ raise_exception('roles must alternate\\nalways') }}"
    with pytest.raises(ValueError, match="messages: the chat template can't show them: roles must alternate always"):
        tiny_processor.apply_chat_template(messages, chat_template=refusing)


def test_the_attention_prompt_is_written_with_the_same_variables(tiny_processor, monkeypatch):
    template = "{% if loud %}{{ 'yes ' * 20 }}{% endif %}" + CHAT_TEMPLATE
    monkeypatch.setattr(tiny_processor.tokenizer, "chat_template", template)
    messages, seen = question_messages(draw(512, 512), QUESTION), []
    read = TextEncoder.encode_conversation
    monkeypatch.setattr(
        TextEncoder,
        "encode_conversation",
        lambda self, messages, **template: seen.append(template) or read(self, messages, **template),
    )
    remembering, _ = remember(tiny_processor, 2)
    for processor in (tiny_processor, remembering):
        quiet = processor.apply_chat_template(messages, add_generation_prompt=True, budget=100)
        seen.clear()
        loud = processor.apply_chat_template(messages, add_generation_prompt=True, budget=100, loud=True)
        assert len(seen) > 1 and all(each["loud"] for each in seen)
        nested = {"chat_template_kwargs": {"loud": True}}
        again = processor.apply_chat_template(messages, add_generation_prompt=True, budget=100, **nested)
        assert leaves(again.realizations) == leaves(loud.realizations) != leaves(quiet.realizations)
        last = processor.apply_chat_template(messages, add_generation_prompt=True, budget=100)
        assert leaves(last.realizations) == leaves(quiet.realizations)


def test_variables_of_the_chat_template_are_options(tiny_processor, monkeypatch):
    template = CHAT_TEMPLATE + "{% if enable_thinking %}<think>{% endif %}"
    assert "enable_thinking" in template_variables(template)
    messages = question_messages(draw(64, 64), QUESTION)
    with pytest.raises(TypeError, match="enable_thinking"):
        tiny_processor.apply_chat_template(messages, enable_thinking=True)
    monkeypatch.setattr(tiny_processor.tokenizer, "chat_template", template)
    options = {"add_generation_prompt": True, "enable_thinking": True}
    ids = tiny_processor.apply_chat_template(messages, **options)["input_ids"][0]
    assert tiny_processor.decode(ids).endswith("<think>")


def test_a_budget_of_numpy(tiny_processor):
    messages = question_messages(draw(512, 512), QUESTION)
    given = tiny_processor.apply_chat_template(messages, budget=np.int64(100))
    assert leaves(given.realizations) == leaves(tiny_processor.apply_chat_template(messages, budget=100).realizations)
    with pytest.raises(ValueError, match="got True"):
        tiny_processor.apply_chat_template(messages, budget=True)


def test_the_pipeline_of_transformers(tiny_processor):
    ask = pipeline("image-text-to-text", model=tiny_processor.host.model, processor=tiny_processor)
    messages = question_messages(draw(300, 260), QUESTION)
    [answer] = ask(text=messages, max_new_tokens=4, return_full_text=False, generate_kwargs={"do_sample": False})
    inputs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True)
    output = tiny_processor.host.model.generate(**inputs, max_new_tokens=4, do_sample=False)
    [expected] = tiny_processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert answer["generated_text"] == expected
