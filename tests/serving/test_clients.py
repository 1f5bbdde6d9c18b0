"""What the real client sees: visual tokens in `usage`, leaves and tensions on request."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from conftest import EXAMPLES, Server, picture, questions, text

from arr_coc.processor.loading import load_host

RECEIPT, ASKED = picture(EXAMPLES / "receipt.jpg"), text("What is the total?")
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def options(**more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [RECEIPT, ASKED]}]
    return {"model": "nano", "messages": messages, "temperature": 0, "max_tokens": 16, **more}


def test_usage_says_visual_tokens(server: Server) -> None:
    little, off, none = (
        server.ask(*each).usage for each in (([RECEIPT, ASKED], 64), ([RECEIPT, ASKED], "off"), ([ASKED],))
    )
    spent = little.visual_tokens["spent"]
    assert spent <= 64 and spent + little.visual_tokens["saved"] == off.visual_tokens["spent"]
    assert off.visual_tokens["saved"] == 0 and none.visual_tokens == {"spent": 0, "saved": 0}
    assert off.prompt_tokens - little.prompt_tokens == off.visual_tokens["spent"] - spent


def test_the_last_chunk_of_a_stream_says_them_too(server: Server) -> None:
    chunks = list(server.ask([RECEIPT, ASKED], 100, **STREAM))
    [usage] = [chunk.usage for chunk in chunks if chunk.usage]
    assert usage.visual_tokens == server.ask([RECEIPT, ASKED], 100).usage.visual_tokens
    without = list(server.ask([RECEIPT, ASKED], 100, stream=True))
    assert not any(chunk.usage for chunk in without)


def test_leaves_and_tensions_are_those_of_the_library(server: Server) -> None:
    model, processor = load_host("nano", dtype="float32")
    content = [{"type": "image", "image": EXAMPLES / "receipt.jpg"}, ASKED]
    message = [{"role": "user", "content": content}]
    [[expected]] = processor.apply_chat_template(message, add_generation_prompt=True, budget=100).realizations
    client, extra = server.client(), {"mm_processor_kwargs": {"budget": 100}, "return_leaves": True}
    whole = client.chat.completions.create(**options(), extra_body=extra)
    [found] = whole.pictures
    assert found["leaves"] == expected.allocation.leaves.tolist() and found["grid"] == list(expected.allocation.grid)
    assert found["budget"] == 100
    assert found["tensions"]["focus_diversify"] == pytest.approx(expected.tensions.focus_diversify, abs=1e-3)
    chunks = list(client.chat.completions.create(**options(**STREAM), extra_body=extra))
    assert chunks[-1].pictures == [found] and not any(hasattr(each, "pictures") for each in chunks[:-1])
    assert (
        "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
        == whole.choices[0].message.content
    )


def test_leaves_of_several_pictures(server: Server) -> None:
    other = picture(EXAMPLES / questions()[-1]["image"])
    client, extra = server.client(), {"mm_processor_kwargs": {"budget": 64}, "return_leaves": True}

    def pictures_of(*content: Any, **more: Any) -> Any:
        messages = [{"role": "user", "content": [*content, ASKED]}]
        return client.chat.completions.create(**options(messages=messages), extra_body=extra | more).pictures

    first, again = pictures_of(RECEIPT, RECEIPT)
    assert first == again and first == pictures_of(RECEIPT, other)[0]
    assert pictures_of(RECEIPT, mm_processor_kwargs={"budget": "off"}) == [None] and pictures_of() == []


def test_leaves_are_asked_for_with_true_or_false(server: Server) -> None:
    with pytest.raises(openai.BadRequestError, match="return_leaves"):
        server.client().chat.completions.create(**options(), extra_body={"return_leaves": "yes"})
    for key in ("a:b", "x" * 32):
        with pytest.raises(openai.BadRequestError, match="not known"):
            extra = {"mm_processor_kwargs": {"arr_coc_key": key}}
            server.client().chat.completions.create(**options(), extra_body=extra)


def test_a_request_that_is_refused_late_leaves_nothing_behind(server: Server) -> None:
    other, asked = picture(EXAMPLES / questions()[-1]["image"]), text("What was refused late?")
    messages = [{"role": "user", "content": [other, asked]}]
    with pytest.raises(openai.BadRequestError, match="n must be"):
        server.client().chat.completions.create(**options(messages=messages, n=1000))
    assert server.ask([other, asked]).choices[0].message.content


def test_litellm_is_a_client_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its streams count tokens themselves and keep no field of ours; whole answers do."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would fetch prices from the network
    import litellm

    def ask(budget: int, **more: Any) -> Any:
        extra = {"mm_processor_kwargs": {"budget": budget}, **more.pop("extra", {})}
        asked = {**options(**more), "model": "openai/nano"}
        return litellm.completion(
            api_base=f"{server.url}/v1", api_key="none", num_retries=0, timeout=120, extra_body=extra, **asked
        )

    expected = server.ask([RECEIPT, ASKED], 100)
    whole = ask(100, extra={"return_leaves": True})
    assert whole.choices[0].message.content == expected.choices[0].message.content
    assert whole.usage.prompt_tokens == expected.usage.prompt_tokens
    assert whole.usage.visual_tokens == expected.usage.visual_tokens
    assert sum(whole.pictures[0]["grid"]) and whole.pictures[0]["budget"] == 100
    chunks = list(ask(100, **STREAM))
    pieces = [each.choices[0].delta.content or "" for each in chunks if each.choices]
    assert "".join(pieces) == expected.choices[0].message.content
    assert chunks[-1].usage.prompt_tokens == expected.usage.prompt_tokens
    with pytest.raises(litellm.BadRequestError, match=r"64\.\.400"):
        ask(7)
