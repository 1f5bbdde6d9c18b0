"""No option is swallowed."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import QUESTION, draw, leaves
from transformers import pipeline

from arr_coc.nano.tokenizer import CHAT_TEMPLATE
from arr_coc.processor.options import pixel_range, template_variables
from arr_coc.processor.plain_inputs import question_messages


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"budgett": 100}, TypeError, "'budgett'; did you mean 'budget'"),
        ({"max_pixel": 100}, TypeError, "did you mean 'max_pixels'"),
        ({"images_kwargs": {"resample": 2}}, TypeError, "images_kwargs got an unexpected option 'resample'"),
        ({"processor_kwargs": {"trunc": True}}, TypeError, "did you mean 'truncation'"),
        ({"truncation": True}, ValueError, "can't be cut"),
        ({"max_length": 50}, ValueError, "can't be cut"),
        ({"padding": "max_length"}, ValueError, "longest row"),
        ({"min_pixels": 0}, ValueError, "min_pixels must be a whole number above 0"),
        ({"min_pixels": 9000, "max_pixels": 4000}, ValueError, "min_pixels 9000 is above max_pixels 4000"),
    ],
)
def test_no_option_is_swallowed(tiny_processor, options, error, what):
    picture = draw(64, 64)
    for call in (
        lambda: tiny_processor.apply_chat_template(question_messages(picture, QUESTION), **options),
        lambda: tiny_processor(images=picture, text="<|vision_start|><|image_pad|><|vision_end|>a", **options),
    ):
        with pytest.raises(error, match=what):
            call()


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
    assert pixel_range((None, 50), 60, 100) == (50, 50) and pixel_range((200, None), 60, 100) == (200, 200)


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
