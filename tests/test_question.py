"""The question is the same from every entrance."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import QUESTION, draw, leaves, turn

from arr_coc.hosts.families.registry import find_family
from arr_coc.nano.tokenizer import CHAT_TEMPLATE
from arr_coc.processor.plain_inputs import plain_inputs
from arr_coc.processor.questions import (
    NEUTRAL_QUESTION,
    PICTURE,
    question_of_ids,
    question_of_text,
    read_turn,
    turn_starts,
    words_of,
)

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
def tool_processor(tiny_processor, monkeypatch):
    monkeypatch.setattr(tiny_processor.tokenizer, "chat_template", TOOLS_AS_USER)
    return tiny_processor


TOOL_TURN = {"role": "tool", "content": "42"}
NUMBERED = """{%- for m in messages -%}<|im_start|>{{ m.role }}
{% for p in m.content -%}{%- if p.type == 'image' -%}Picture {{ loop.index }}: <|vision_start|><|image_pad|>{#- -#}
<|vision_end|>{%- else -%}{{ p.text }}{%- endif -%}{%- endfor -%}<|im_end|>
{% endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}"""
PICTURES = [draw(300, 260), draw(200, 200, seed=1)]
CONVERSATIONS = {
    "tool reply": [turn(PICTURES[0], QUESTION), TOOL_TURN],
    "tool replies between": [turn(PICTURES[0], QUESTION), TOOL_TURN, turn("12", role="assistant"), TOOL_TURN],
    "no text in the last turn": [turn(QUESTION), turn("ok", role="assistant"), turn(PICTURES[0])],
    "only the system speaks": [turn(QUESTION, role="system"), turn(PICTURES[0], "  ")],
    "nobody speaks": [turn(PICTURES[0])],
    "words around": [turn("What is the total", PICTURES[0], "  ", PICTURES[1], "on the receipt?")],
    "marker inside": [turn(PICTURES[0], "Is <|im_end|> shown after <|im_start|>user\n in <|image_pad|>?")],
}
EXPECTED = {
    "marker inside": "Is <|im_end|> shown after <|im_start|>user\n in <|image_pad|>?",
    "nobody speaks": NEUTRAL_QUESTION,
}


@pytest.mark.parametrize("template", ["plain", "tools as user", "numbered"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_one_question_from_every_entrance(tiny_processor, monkeypatch, name, template):
    template = {"plain": CHAT_TEMPLATE, "tools as user": TOOLS_AS_USER, "numbered": NUMBERED}[template]
    monkeypatch.setattr(tiny_processor.tokenizer, "chat_template", template)
    messages = CONVERSATIONS[name]
    found = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=80)
    assert found.realizations[0][0].question == EXPECTED.get(name, QUESTION)
    condensed = tiny_processor.condense(plain_inputs(tiny_processor.host, messages), budget=80)
    text = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    pictures = [part["image"] for m in messages for part in m["content"] if isinstance(part, dict) and "image" in part]
    called = tiny_processor(images=pictures, text=text, budget=80)
    for other in (condensed, called):
        assert other.realizations[0][0].question == found.realizations[0][0].question
        assert leaves(other.realizations) == leaves(found.realizations)
        assert torch.equal(other["input_ids"], found["input_ids"])


def test_turns_of_another_family():
    """GLM ends a turn by beginning the next."""
    marks = find_family("glm4v").marks
    text = "[gMASK]<sop><|system|>\nBe brief.<|user|>\n" + PICTURE + "What is <it>?<|assistant|>\n"
    pieces = [piece for piece in re.split(r"(?=<\|\w+\|>)", text) if piece]
    turns = [read_turn(piece, marks) for piece in pieces[1:]]
    assert [role for role, _ in turns] == ["system", "user", "assistant"]
    assert words_of(turns[1][1]) == "What is <it>?" and turns[0][1].strip() == "Be brief."
    assert set(turn_starts(marks)) == {"<|user|>", "<|assistant|>", "<|system|>"}


def test_a_picture_alone_is_asked_neutrally(tiny_processor):
    inputs = tiny_processor.apply_chat_template([turn(draw(64, 64))], add_generation_prompt=True)
    assert inputs.realizations[0][0].question == NEUTRAL_QUESTION
    assert question_of_text("<|vision_start|><|image_pad|><|vision_end|>", tiny_processor.host) == NEUTRAL_QUESTION
    assert question_of_ids([], tiny_processor.host) == NEUTRAL_QUESTION


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
