"""The baselines' inputs, answers, and what they cost."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw

from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import PeakMemory, Stopwatch
from arr_coc.processor.answer import answer
from arr_coc.processor.plain_inputs import count_tokens, pixel_limits, plain_inputs, question_messages


@pytest.mark.parametrize("size", [(640, 480), (100, 90), (1500, 40), (1000, 1000), (37, 400)])
@pytest.mark.parametrize("max_tokens", [16, 64, 101, 300])
def test_resize_takes_the_most_tokens_not_above(
    tiny_host: TransformersHost, size: tuple[int, int], max_tokens: int
) -> None:
    rule = tiny_host.image_processor.size
    least, most = pixel_limits(tiny_host, *size, max_tokens)
    best = count_tokens(tiny_host, *size, least, most)
    counts = [
        count_tokens(tiny_host, *size, rule["shortest_edge"], cap)
        for cap in range(32**2, rule["longest_edge"] + 1, 997)
    ]
    assert best == max((count for count in counts if count <= max_tokens), default=min(counts))


def test_resize_lowers_a_least_size_above_the_cap(tiny_host: TransformersHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_host.image_processor, "size", {"shortest_edge": 256 * 32**2, "longest_edge": 640 * 32**2})
    inputs = plain_inputs(tiny_host, question_messages(draw(300, 200), QUESTION), max_tokens=70)
    assert 60 <= int(inputs["mm_token_type_ids"].sum()) <= 70


@pytest.mark.parametrize("max_tokens", [None, 64, 100])
def test_plain_pixels_equal_the_stock_image_processor(tiny_host: TransformersHost, max_tokens: int | None) -> None:
    image = draw(900, 700)
    inputs = plain_inputs(tiny_host, question_messages(image, QUESTION), max_tokens)
    least, most = pixel_limits(tiny_host, *image.size, max_tokens)
    size = {"shortest_edge": least, "longest_edge": most}
    stock = tiny_host.image_processor(images=[image], size=size, return_tensors="pt")
    assert torch.equal(inputs["pixel_values"], stock["pixel_values"])
    assert torch.equal(inputs["image_grid_thw"], stock["image_grid_thw"])


def test_plain_inputs_have_the_stock_shape(tiny_host: TransformersHost) -> None:
    content = [{"type": "image", "image": draw(300, 200)}, {"type": "image", "image": draw(64, 90, seed=1)}]
    messages = [{"role": "user", "content": [*content, {"type": "text", "text": QUESTION}]}]
    inputs = plain_inputs(tiny_host, messages)
    assert inputs["image_grid_thw"].tolist() == [[1, 12, 18], [1, 6, 4]]
    assert inputs["pixel_values"].shape == (12 * 18 + 6 * 4, 3 * 2 * 16 * 16)
    assert (inputs["input_ids"] == tiny_host.image_token_id).sum() == 54 + 6
    assert torch.equal(inputs["mm_token_type_ids"].bool(), inputs["input_ids"] == tiny_host.image_token_id)
    assert tiny_host.tokenizer.decode(inputs["input_ids"][0]).endswith("assistant\n")


def test_answer_to_plain_inputs_equals_generate(tiny_host: TransformersHost) -> None:
    model, tokenizer = tiny_host.model, tiny_host.tokenizer
    inputs = plain_inputs(tiny_host, question_messages(draw(300, 200), QUESTION))
    expected = model.generate(**inputs, max_new_tokens=6, do_sample=False)
    deltas = model.model.rope_deltas
    result = answer(model, tokenizer, inputs, max_new_tokens=6, clock=tiny_host.clock)
    new = expected[0, inputs["input_ids"].shape[1] :]
    assert result.text == tokenizer.decode(new, skip_special_tokens=True).strip()
    assert result.num_new_tokens == len(new)
    assert torch.equal(model.model.rope_deltas, deltas) and int(deltas) != 0
    assert set(result.seconds) == {"prepare", "encode", "prefill", "decode"}
    assert min(result.seconds.values()) > 0
    assert result.total == pytest.approx(sum(result.seconds.values()))
    assert result.ttft == pytest.approx(result.total - result.seconds["decode"])


def test_answer_takes_encode_and_prepare_from_the_clock(tiny_processor) -> None:
    inputs = tiny_processor.apply_chat_template(question_messages(draw(300, 200), QUESTION), add_generation_prompt=True)
    spent = dict(tiny_processor.host.clock.seconds)
    assert set(spent) == {"prepare", "open", "resize", "pyramid", "encode", "select"}
    result = answer(tiny_processor.host.model, tiny_processor.tokenizer, inputs, 2, tiny_processor.host.clock)
    assert result.seconds["encode"] == pytest.approx(spent["encode"])
    assert result.seconds["prepare"] == pytest.approx(sum(spent.values()) - spent["encode"])


def test_answer_takes_one_conversation(tiny_host: TransformersHost) -> None:
    with pytest.raises(ValueError, match="one conversation, got 2"):
        answer(tiny_host.model, tiny_host.tokenizer, {"input_ids": torch.zeros(2, 3, dtype=torch.long)})


def test_stopwatch_counts_nested_time_once() -> None:
    clock = Stopwatch()
    times = iter([0, 2, 7, 10, 20, 21])
    clock.now = lambda: float(next(times))
    with clock.measure("outer"), clock.measure("inner"):
        pass
    assert clock.seconds == {"inner": 5, "outer": 5}
    with clock.measure("inner"):
        pass
    assert clock.seconds == {"inner": 6, "outer": 5}
    clock.reset()
    assert clock.seconds == {}


def test_peak_memory_sees_what_is_already_freed() -> None:
    with PeakMemory() as memory:
        block, end = np.ones(12_000_000), time.monotonic() + 30
        while memory.peak_mb < memory._start_mb + 85 and time.monotonic() < end:
            time.sleep(0.005)
        del block
    assert 85 < memory.growth_mb < 200
    assert memory.peak_mb > memory.growth_mb
