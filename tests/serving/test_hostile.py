"""Over 500 requests that nobody should send: each gets an answer or one clear error, and the next one is served."""

from __future__ import annotations

from typing import Any

import httpx
from conftest import Server
from hostile_requests import CHAT, Hostile, all_hostile, chat

LEAST, TIMEOUT_S, MOST_LETTERS = 300, 120, 12_000
OWN_OF_VLLM = {"a schema that is itself"}
"""vLLM's grammar compiler gives up on it within the engine, so the server answers 500, and goes on."""


def test_every_hostile_request_is_answered_and_so_is_the_next(server: Server) -> None:
    kinds = all_hostile()
    assert len({each.name for each in kinds}) >= LEAST
    good = chat(mm_processor_kwargs={"budget": 64}, max_tokens=8)
    wrong = []
    with httpx.Client(base_url=server.url, timeout=TIMEOUT_S) as client:
        expected = said(client.post(CHAT, json=good))
        for kind in kinds:
            headers = {"content-type": "application/json", **kind.headers}
            reply = client.request(kind.method, kind.path, content=kind.content(), headers=headers)
            if trouble := trouble_of(kind, reply):
                wrong.append((kind.name, trouble))
            assert said(client.post(CHAT, json=good)) == expected, kind.name
    assert not wrong
    assert "Traceback" not in server.log.read_text(errors="replace")


def said(reply: httpx.Response) -> str:
    assert reply.status_code == httpx.codes.OK, reply.text[:500]
    return str(reply.json()["choices"][0]["message"]["content"])


def trouble_of(kind: Hostile, reply: httpx.Response) -> str:
    """What is wrong with an answer; nothing where it is one, or an error of the client's in JSON."""
    if reply.status_code == httpx.codes.OK and reply.text.startswith("data:"):
        return ""
    if not reply.headers.get("content-type", "").startswith("application/json"):
        return f"{reply.status_code}, no JSON: {reply.text[:200]}"
    if reply.status_code == httpx.codes.OK:
        return ""
    if reply.status_code >= httpx.codes.INTERNAL_SERVER_ERROR and kind.name not in OWN_OF_VLLM:
        return f"{reply.status_code}: {reply.text[:200]}"
    message = message_of(reply.json())
    if not message or len(message) > MOST_LETTERS or "Traceback" in message or ".py" in message:
        return f"no clear message: {message[:200]}"
    return ""


def message_of(body: Any) -> str:
    """By OpenAI's form, or FastAPI's own, in which addresses that do not exist are answered."""
    return str(body["error"]["message"] if "error" in body else body.get("detail", ""))
