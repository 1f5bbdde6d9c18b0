"""Every way into a RelevanceProcessor, sizes at the edge, and requests that cannot be met."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from conftest import QUESTION, draw, leaves, ragged_batch, turn
from PIL import Image

from arr_coc import RelevanceProcessor
from arr_coc.processor.plain_inputs import plain_inputs, question_messages


def test_stock_call_equals_chat_template(tiny_processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    expected = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    texts = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, tokenize=False)
    pictures = [
        part["image"]
        for c in conversations
        for m in c
        for part in m["content"]
        if isinstance(part, dict) and "image" in part
    ]
    nested = [pictures[:1], pictures[1:3], pictures[3:], []]
    for images in (pictures, nested):
        inputs = tiny_processor(images=images, text=texts, budget=budgets)
        assert torch.equal(inputs["input_ids"], expected["input_ids"])
        assert leaves(inputs.realizations) == leaves(expected.realizations)
    with pytest.raises(ValueError, match=r"images: \[2\] pictures per text, but the texts hold \[1\]"):
        tiny_processor(images=pictures[:2], text=texts[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_condense_equals_chat_template(tiny_processor: RelevanceProcessor, side: str) -> None:
    first = [turn(draw(512, 448), draw(100, 120, seed=1), QUESTION)]
    second = [
        *question_messages(draw(512, 512, seed=2), QUESTION),
        turn("12", role="assistant"),
        turn("Read the title."),
    ]
    stock = [plain_inputs(tiny_processor.host, messages) for messages in (first, second)]
    length = max(one["input_ids"].shape[1] for one in stock)
    merged = {key: torch.cat([one[key] for one in stock]) for key in ("pixel_values", "image_grid_thw")}
    for key, value in (("input_ids", 0), ("attention_mask", 0), ("mm_token_type_ids", 0)):
        missing = [length - one[key].shape[1] for one in stock]
        pads = [(count, 0) if side == "left" else (0, count) for count in missing]
        merged[key] = torch.cat(
            [torch.nn.functional.pad(o[key], p, value=value) for o, p in zip(stock, pads, strict=True)]
        )
    condensed = tiny_processor.condense(merged, budget=[80, 100])
    expected = tiny_processor.apply_chat_template(
        [first, second], add_generation_prompt=True, budget=[80, 100], padding_side=side
    )
    assert condensed.realizations[1][0].question == "Read the title."
    for key in ("input_ids", "attention_mask", "position_ids"):
        assert torch.equal(condensed[key], expected[key])
    assert leaves(condensed.realizations) == leaves(expected.realizations)
    with pytest.raises(ValueError, match="image placeholders do not fit image_grid_thw"):
        tiny_processor.condense({**merged, "image_grid_thw": merged["image_grid_thw"].flip(0)[:, [0, 2, 1]]})
    with pytest.raises(ValueError, match="videos are not supported"):
        tiny_processor.condense({**merged, "pixel_values_videos": merged["pixel_values"]})


@pytest.mark.parametrize("spelling", ["image", "path", "url", "file", "image_url", "bytes"])
def test_spellings_of_a_picture(tiny_processor: RelevanceProcessor, tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "a.png"
    draw(200, 150).save(path)
    part = {
        "image": {"type": "image", "image": str(path)},
        "path": {"type": "image", "path": path},
        "url": {"type": "image", "url": str(path)},
        "file": {"type": "image", "url": path.as_uri()},
        "image_url": {"type": "image_url", "image_url": {"url": str(path)}},
        "bytes": {"type": "image", "image": path.read_bytes()},
    }[spelling]
    messages = [{"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}]
    inputs = tiny_processor.apply_chat_template(messages)
    assert torch.equal(
        inputs.realizations[0][0].pyramid.levels[0], tiny_processor.host.pyramid(draw(200, 150)).levels[0]
    )


def test_outputs_as_text_ids_or_on_another_dtype(tiny_processor: RelevanceProcessor) -> None:
    messages = question_messages(draw(200, 150), QUESTION)
    text = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text.count("<|image_pad|>") == 1 and text.endswith("<|im_start|>assistant\n")
    inputs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True)
    assert set(inputs) == {"input_ids", "attention_mask", "position_ids", "mm_encoder_outputs"}
    ids = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert torch.equal(ids, inputs["input_ids"])
    low = inputs.to(torch.bfloat16)
    output = low["mm_encoder_outputs"]["image"]
    assert output.pooler_output[0].dtype == output.deepstack_features[0][0].dtype == torch.bfloat16
    assert low["position_ids"].dtype == torch.long and low.realizations is inputs.realizations
    decoded = tiny_processor.batch_decode(ids, skip_special_tokens=True)
    assert decoded == [tiny_processor.decode(ids[0], skip_special_tokens=True)] and QUESTION in decoded[0]


def test_bfloat16_model(tiny_processor: RelevanceProcessor) -> None:
    messages, host = question_messages(draw(640, 480), QUESTION), tiny_processor.host
    host.model = copy.deepcopy(host.model).to(torch.bfloat16)
    inputs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=100)
    output = inputs["mm_encoder_outputs"]["image"]
    assert {feature.dtype for feature in (*output.pooler_output, *output.deepstack_features[0])} == {torch.bfloat16}
    assert 97 < inputs.realizations[0][0].allocation.num_tokens <= 100
    assert host.model.generate(**inputs, max_new_tokens=2, do_sample=False).shape[1] > 100


# Sizes at the edge


@pytest.mark.parametrize("size", [(1, 1), (2000, 100), (100, 2000), (4096, 4096)])
@pytest.mark.parametrize("budget", [64, 400])
def test_any_size(tiny_processor: RelevanceProcessor, size: tuple[int, int], budget: int) -> None:
    picture = Image.new("RGB", size, "white")
    inputs = tiny_processor.apply_chat_template(question_messages(picture, QUESTION), budget=budget)
    allocation = inputs.realizations[0][0].allocation
    assert 4 <= allocation.num_tokens <= budget
    side = 2 ** allocation.leaves[:, 0]
    assert int((side * side).sum()) == allocation.grid[0] * allocation.grid[1]


# What goes wrong is one line


def test_bad_requests(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    picture, apply = draw(64, 64), tiny_processor.apply_chat_template
    asked = question_messages(picture, QUESTION)
    cases = [
        (lambda: apply(asked, budget=63), r"budget must be auto or a whole number in 64\.\.400, got 63"),
        (lambda: apply(asked, budget=401), r"budget must be auto or a whole number in 64\.\.400, got 401"),
        (lambda: apply(asked, budget="plenty"), "budget must be .*got 'plenty'"),
        (lambda: apply([asked, asked], budget=[64]), "budget: 1 values for 2 conversations"),
        (lambda: apply(question_messages(picture, "total " * 2000)), "question: the prompt takes .* context is 1024"),
        (
            lambda: apply([turn(*[draw(800, 800)] * 4, QUESTION)], budget=300),
            "prompt takes 12.. tokens.*context is 1024",
        ),
        (lambda: apply(question_messages(str(tmp_path / "a.png"), QUESTION)), r"a\.png.*no such file"),
        (
            lambda: apply([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]}]),
            "names no picture",
        ),
        (
            lambda: apply([{"role": "user", "content": [{"type": "video", "video": "a.mp4"}]}]),
            "'video' are not supported",
        ),
        (lambda: apply([{"role": "user", "content": 7}]), "content must be a string or a list of parts, got 7"),
        (lambda: apply([{"role": "user"}]), "content must be a string or a list of parts, got None"),
        (lambda: apply([]), "messages: must be a list"),
        (lambda: apply([asked, []]), "each conversation of a list must be a list of messages"),
        (lambda: apply([asked, asked[0]]), "each conversation of a list must be a list of messages"),
        (lambda: apply([{"role": None, "content": "a"}]), "each must be a dict with role and content"),
        (lambda: tiny_processor(images=[picture], text=[7]), "text: must be a string or a list of strings"),
        (lambda: apply(asked, return_tensors="np"), "return_tensors: only 'pt'"),
        (lambda: tiny_processor(images=[picture], text=None), "text: missing"),
    ]
    for call, what in cases:
        with pytest.raises(ValueError, match=what) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_relevance_folder_without_settings(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    tiny_processor.save_pretrained(tmp_path / "saved")
    model = tiny_processor.host.model
    with pytest.raises(ValueError, match=r"holds no relevance\.json; give a folder from save_pretrained"):
        RelevanceProcessor.from_pretrained(tmp_path / "saved", model=model, relevance=tmp_path)
    (tmp_path / "relevance.json").write_text("{}")
    with pytest.raises(ValueError, match="not written by save_pretrained"):
        RelevanceProcessor.from_pretrained(tmp_path / "saved", model=model, relevance=tmp_path)
