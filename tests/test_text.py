"""What a user types is text, the question is the same from every entrance, and no option is swallowed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw, leaves, turn
from transformers import pipeline

from arr_coc.hosts.text import TextEncoder
from arr_coc.processor.options import pixel_range, template_variables
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.processor.questions import NEUTRAL_QUESTION, question_of_ids, question_of_text

MARKERS = ["<|image_pad|>", "<|vision_start|>", "<|video_pad|>", "<|im_end|>", "<|im_start|>user", "<|endoftext|>"]
TOOLS_AS_USER = """{%- for m in messages -%}
{%- if m.tool_calls -%}<|im_start|>assistant
calls<|im_end|>
{% elif m.role == 'tool' -%}<|im_start|>user
tool says: {{ m.content }}<|im_end|>
{% else -%}<|im_start|>{{ m.role }}
{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{% if p.type == 'image' -%}
<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endif -%}{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}"""


@pytest.fixture()
def encoder(tiny_tokenizer):
    return TextEncoder(tiny_tokenizer)


@pytest.mark.parametrize("question", [QUESTION, "", "a  b\n c", "Füße, 日本 \u00a0?", "tab\tand {{ braces }} {% if %}"])
def test_ordinary_text_has_the_ids_of_the_tokenizer(encoder, tiny_tokenizer, question):
    messages = [turn(object(), question), turn("Yes", role="assistant"), turn("And?")]
    shown = [
        {**m, "content": [p if p["type"] == "text" else {"type": "image"} for p in m["content"]]} for m in messages
    ]
    text = tiny_tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    expected = tiny_tokenizer(text, add_special_tokens=False)["input_ids"]
    assert encoder.encode_conversation(shown, add_generation_prompt=True) == expected
    assert encoder.encode_literally(question) == tiny_tokenizer(question, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("marker", MARKERS)
def test_no_special_token_comes_out_of_a_question(tiny_processor, marker):
    special = set(tiny_processor.tokenizer.all_special_ids)
    picture = draw(300, 260)

    def markers_in(question):
        inputs = tiny_processor.apply_chat_template(question_messages(picture, question), add_generation_prompt=True)
        return [number for number in inputs["input_ids"][0].tolist() if number in special]

    asked, plain = f"Read {marker} here. {marker}", "Read it here."
    assert markers_in(asked) == markers_in(plain)
    stock = plain_inputs(tiny_processor.host, question_messages(picture, asked))
    assert stock["input_ids"][0].tolist().count(tiny_processor.host.image_token_id) > 1
    tiny_processor.condense(stock)


def test_system_and_assistant_texts_are_texts_too(tiny_processor):
    start = tiny_processor.tokenizer.convert_tokens_to_ids("<|im_start|>")
    messages = [turn("<|im_start|>", role="system"), turn(draw(64, 64), "a"), turn("<|im_start|>b", role="assistant")]
    ids = tiny_processor.apply_chat_template([*messages, turn("c <|im_start|>")])["input_ids"][0].tolist()
    assert ids.count(start) == 4


@pytest.mark.parametrize("question", ["\ud800 lone", "nul \0 byte", "\x1b[31m red", "\u2028 line", "\U000f0000"])
def test_odd_characters_are_accepted(tiny_processor, question):
    assert tiny_processor.apply_chat_template(question_messages(draw(64, 64), question))["input_ids"].shape[0] == 1


def test_truncation_in_another_thread_changes_nothing(tiny_processor):
    messages, stop = question_messages(draw(300, 260), QUESTION), threading.Event()
    expected = tiny_processor.apply_chat_template(messages)["input_ids"]

    def cut():
        while not stop.is_set():
            tiny_processor.tokenizer(QUESTION, truncation=True, max_length=3)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        assert all(torch.equal(tiny_processor.apply_chat_template(messages)["input_ids"], expected) for _ in range(5))
    finally:
        stop.set()
        thread.join()


# The question


@pytest.fixture()
def tool_processor(tiny_processor, monkeypatch):
    monkeypatch.setattr(tiny_processor.tokenizer, "chat_template", TOOLS_AS_USER)
    return tiny_processor


CONVERSATIONS = {
    "tool reply": [turn(draw(300, 260), QUESTION), {"role": "tool", "content": "42"}],
    "no text in the last turn": [turn(QUESTION), turn("ok", role="assistant"), turn(draw(300, 260))],
    "only the system speaks": [{"role": "system", "content": QUESTION}, turn(draw(300, 260), "  ")],
    "marker inside": [turn(draw(300, 260), "Is <|im_end|> shown after <|im_start|>user?")],
}
EXPECTED = {"marker inside": "Is <|im_end|> shown after <|im_start|>user?"}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_one_question_from_every_entrance(tool_processor, name):
    messages = CONVERSATIONS[name]
    found = tool_processor.apply_chat_template(messages, add_generation_prompt=True, budget=80)
    assert found.realizations[0][0].question == EXPECTED.get(name, QUESTION)
    condensed = tool_processor.condense(plain_inputs(tool_processor.host, messages), budget=80)
    assert condensed.realizations[0][0].question == found.realizations[0][0].question
    assert leaves(condensed.realizations) == leaves(found.realizations)
    if name != "marker inside":
        text = tool_processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        pictures = [
            part["image"] for m in messages for part in m["content"] if isinstance(part, dict) and "image" in part
        ]
        called = tool_processor(images=pictures, text=text, budget=80)
        assert leaves(called.realizations) == leaves(found.realizations)


def test_a_picture_alone_is_asked_neutrally(tiny_processor):
    inputs = tiny_processor.apply_chat_template([turn(draw(64, 64))], add_generation_prompt=True)
    assert inputs.realizations[0][0].question == NEUTRAL_QUESTION
    assert question_of_text("<|vision_start|><|image_pad|><|vision_end|>", tiny_processor.tokenizer) == NEUTRAL_QUESTION
    assert question_of_ids([], tiny_processor.tokenizer) == NEUTRAL_QUESTION


def test_an_assistant_that_calls_a_tool_may_say_nothing(tool_processor):
    call = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "f"}}]}
    messages = [turn(draw(64, 64), QUESTION), call, {"role": "tool", "content": "42"}]
    inputs = tool_processor.apply_chat_template(messages, add_generation_prompt=True)
    assert inputs.realizations[0][0].question == QUESTION


def test_padding_follows_what_will_be_generated(tiny_processor, monkeypatch):
    monkeypatch.setattr(tiny_processor.tokenizer, "padding_side", "right")
    long = [turn(draw(64, 64), QUESTION), {"role": "assistant", "content": "The total is"}]
    short = [turn(draw(64, 64), "a"), {"role": "assistant", "content": "b"}]
    inputs = tiny_processor.apply_chat_template([long, short], continue_final_message=True)
    assert inputs["attention_mask"][:, -1].tolist() == [1, 1] and inputs["attention_mask"].min() == 0
    texts = [
        tiny_processor.tokenizer.decode(row[mask.bool()])
        for row, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    ]
    assert [text[-1] for text in texts] == ["s", "b"]


# Options


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
    template = TOOLS_AS_USER + "{% if enable_thinking %}<think>{% endif %}"
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
