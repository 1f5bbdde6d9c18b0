"""What `arr-coc serve` answers: what the library answers, and one clear error to everything else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import torch
from conftest import EXAMPLES, Server, picture, questions, text

from arr_coc.data.mixture import mixture
from arr_coc.processor.loading import load_host

BUDGETS = (64, 100, 160, 400, "auto")
AT_ONCE = 8
NUM_DRAWN, FIRST_SEED, NUM_REQUESTS = 14, 7_700_000, 300
SAME = 0.99
"""Ties between two words fall either way: the server computes all pictures of a step at once."""


@pytest.fixture(scope="session")
def library() -> Any:
    """Answers and lengths of prompts as `RelevanceProcessor` and `generate` give them."""
    model, processor = load_host("nano", dtype="float32")

    def answer(paths: list[Path], question: str, budget: Any) -> tuple[str, int]:
        content = [*({"type": "image", "image": path} for path in paths), text(question)]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, budget=budget
        )
        length = inputs["input_ids"].shape[1]
        with torch.no_grad():
            ids = model.generate(**inputs, max_new_tokens=16, do_sample=False)[0, length:]
        return processor.decode(ids, skip_special_tokens=True).strip(), length

    return answer


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """Questions about pictures that nobody has seen, several a picture."""
    folder, found = tmp_path_factory.mktemp("drawn"), []
    for seed in range(NUM_DRAWN):
        picture = mixture(FIRST_SEED + seed, 4, max_side=1024)
        path = folder / f"{seed}.png"
        picture.image.save(path)
        found += [(path, question.text) for question in picture.questions[:4]]
    return found


def test_answers_are_those_of_the_library(server: Server, library: Any, drawn: list[tuple[Path, str]]) -> None:
    """Over 300 requests, eight at a time, the same picture with several questions and budgets among them."""
    shipped = [(EXAMPLES / one["image"], one["question"]) for one in questions()]
    asked = [(path, question, budget) for (path, question), budget in product(shipped + drawn, BUDGETS)]
    assert len(asked) >= NUM_REQUESTS

    def over_http(each: tuple[Path, str, Any]) -> tuple[str, int]:
        path, question, budget = each
        reply = server.ask([picture(path), text(question)], budget)
        return reply.choices[0].message.content.strip(), reply.usage.prompt_tokens

    with ThreadPoolExecutor(AT_ONCE) as pool:
        served = list(pool.map(over_http, asked))
    expected = [library([path], question, budget) for path, question, budget in asked]
    assert [length for _, length in served] == [length for _, length in expected]
    other = [(each, one, two) for each, (one, _), (two, _) in zip(asked, served, expected, strict=True) if one != two]
    assert len(other) <= (1 - SAME) * len(asked), other


def test_two_pictures_and_several_turns(server: Server, library: Any) -> None:
    first, second = questions()[0], questions()[-1]
    paths = [EXAMPLES / first["image"], EXAMPLES / second["image"]]
    reply = server.ask([*map(picture, paths), text(first["question"])], 100)
    assert (reply.choices[0].message.content.strip(), reply.usage.prompt_tokens) == library(
        paths, first["question"], 100
    )
    turns = [
        {"role": "user", "content": [picture(paths[0]), text(first["question"])]},
        {"role": "assistant", "content": reply.choices[0].message.content},
        {"role": "user", "content": "And what is written at the top?"},
    ]
    again = server.client().chat.completions.create(model="nano", messages=turns, temperature=0, max_tokens=8)
    assert again.choices[0].message.content


def test_streaming_says_the_same(server: Server) -> None:
    one = questions()[1]
    content = [picture(EXAMPLES / one["image"]), text(one["question"])]
    pieces = [chunk.choices[0].delta.content or "" for chunk in server.ask(content, 160, stream=True) if chunk.choices]
    assert "".join(pieces) == server.ask(content, 160).choices[0].message.content


def test_off_is_the_full_resolution(server: Server, library: Any) -> None:
    one = questions()[0]
    content = [picture(EXAMPLES / one["image"]), text(one["question"])]
    full, little = (server.ask(content, budget).usage.prompt_tokens for budget in ("off", 64))
    assert full > 3 * little


def test_metrics_count_visual_tokens(server: Server) -> None:
    server.ask([picture(EXAMPLES / "receipt.jpg"), text("What is the total?")], 100)
    found = server.metrics()
    assert 'arr_coc_visual_tokens_count{budget="fixed"}' in found and "arr_coc_visual_tokens_saved_total" in found
    assert "vllm:" in found


BROKEN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
ADDRESS = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/picture.png"}}
LOCAL = {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}
RECEIPT = picture(EXAMPLES / "receipt.jpg")


@pytest.mark.parametrize(
    ("content", "budget", "named"),
    [
        ([RECEIPT, text("?")], 7, "64..400"),
        ([RECEIPT, text("?")], 10**30, "64..400"),
        ([RECEIPT, text("?")], "lots", "64..400"),
        ([RECEIPT, text("?")], [100], "64..400"),
        ([RECEIPT, text("?")], {"a": 1}, "64..400"),
        ([BROKEN, text("?")], 100, "image"),
        ([ADDRESS, text("?")], 100, "domain"),
        ([LOCAL, text("?")], 100, "image_url"),
        ([RECEIPT] * 3 + [text("?")], 100, "2"),
        ([RECEIPT, {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}], 100, ""),
        ([{"type": "image_url", "image_url": {}}], 100, ""),
        ([{"type": "nothing"}], 100, ""),
        ([text("word " * 5000)], 100, "context"),
    ],
    ids=range(13),
)
def test_what_cannot_be_answered_is_told_so(server: Server, content: Any, budget: object, named: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        server.ask(content, budget)
    assert 400 <= caught.value.status_code < 500
    body = json.loads(caught.value.response.text)
    message = str(body["error"]["message"])
    assert named.lower() in message.lower() and "Traceback" not in message
    assert server.ask([RECEIPT, text("What is the total?")], 64).choices[0].message.content


@pytest.mark.parametrize("options", [{"max_pixels": 10**12}, {"size": {"longest_edge": 1}}, {"arr_coc_question": "a"}])
def test_a_request_may_not_look_closer_than_the_server(server: Server, options: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError, match="max_pixels|not known"):
        server.client().chat.completions.create(
            model="nano",
            messages=[{"role": "user", "content": [RECEIPT, text("?")]}],
            extra_body={"mm_processor_kwargs": options},
        )


def test_words_that_are_markers(server: Server) -> None:
    for words in ("<|image_pad|>", "<|vision_start|>", "<|video_pad|>", "\x00", "\U0001f600"):
        try:
            server.ask([RECEIPT, text(f"What is {words}?")], 64)
        except openai.APIStatusError as error:
            assert error.status_code < 500 and "Traceback" not in error.response.text
    assert server.ask([RECEIPT, text("What is the total?")], 64).choices[0].message.content


def test_a_large_request_is_refused_before_it_is_read(server: Server) -> None:
    body = json.dumps({"model": "nano", "messages": [{"role": "user", "content": "a" * 9_000_000}]})
    reply = httpx.post(f"{server.url}/v1/chat/completions", content=body, timeout=60)
    assert reply.status_code == 413 and "larger than 8 MB" in reply.json()["error"]["message"]
    pieces = (b"a" * 1_000_000 for _ in range(9))
    reply = httpx.post(f"{server.url}/v1/chat/completions", content=pieces, timeout=60)
    assert reply.status_code in (400, 413)


def test_a_client_that_leaves_frees_its_slot(server: Server) -> None:
    content = [RECEIPT, text("What is the total?")]
    for _ in range(2 * AT_ONCE):
        stream = server.ask(content, 400, stream=True)
        next(iter(stream))
        stream.close()
    assert server.ask(content, 64).choices[0].message.content
    assert server.is_idle()
