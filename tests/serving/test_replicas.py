"""Engines behind one front: what dies is asked of another, or told; without a cluster, with calls as Ray makes them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

pytest.importorskip("ray")
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError

from arr_coc.serving import replicas
from arr_coc.serving.replicas import Engine, EngineGoneError, Front, Meters, build, merged, needs_of

EVENTS, PLAIN = [("content-type", "text/event-stream; charset=utf-8")], [("content-type", "application/json")]
STEP = object()


class Handle:
    """A handle of Ray Serve whose calls go through the given lists of what a stream yields or raises."""

    def __init__(self, *calls: list[Any]) -> None:
        self.calls, self.asked = list(calls), []
        self.forward = self.report = self.text = self

    def options(self, **_: object) -> Handle:
        return self

    def remote(self, *asked: Any) -> AsyncIterator[Any]:
        self.asked.append(asked)
        return self.stream(self.calls.pop(0))

    async def stream(self, items: list[Any]) -> AsyncIterator[Any]:
        for item in items:
            if item is STEP:
                await asyncio.sleep(3600)
            if isinstance(item, Exception):
                raise item
            yield item


def ask(front: Front, body: bytes = b"{}", headers: tuple[tuple[str, str], ...] = ()) -> tuple[int, bytes]:
    """(status, whole body) of one request."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"a=1",
             "headers": [(name.encode(), value.encode()) for name, value in headers]}  # fmt: skip

    async def receive() -> Any:
        return next(messages)

    async def whole() -> tuple[int, bytes]:
        response = await front(Request(scope, receive))
        if isinstance(response, StreamingResponse):
            pieces = [piece async for piece in response.body_iterator]
            return response.status_code, b"".join(pieces)  # type: ignore[arg-type]
        return response.status_code, bytes(response.body)

    return asyncio.run(whole())


def died() -> RayActorError:
    return RayActorError()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "PAUSE_S", 0.0)


@pytest.mark.parametrize("fault", [[died()], [None, died()], [None, EngineGoneError("x")]])
def test_a_request_whose_engine_died_is_answered_by_another(fault: list[Any]) -> None:
    handle = Handle(fault, [None, (200, PLAIN, b'{"a": 1}')])
    assert ask(Front(handle, None, 100)) == (200, b'{"a": 1}')
    assert handle.asked[0] == handle.asked[1] == ("POST", "/v1/chat/completions?a=1", [], b"{}")


def test_a_stream_begins_anew_before_its_first_piece_and_says_so_after_it() -> None:
    early = Handle([None, (200, EVENTS, b""), died()], [None, (200, EVENTS, b""), b"data: 1\n\n", b"data: 2\n\n"])
    assert ask(Front(early, None, 100)) == (200, b"data: 1\n\ndata: 2\n\n")
    status, body = ask(Front(Handle([None, (200, EVENTS, b""), b"data: 1\n\n", died()]), None, 100))
    first, error, last = body.decode().strip().split("\n\n")
    assert (status, first, last) == (200, "data: 1", "data: [DONE]")
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == 503


def test_the_router_gets_time_to_hear_of_a_death(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that died is idle: without a pause it would be asked until the attempts are used up."""
    monkeypatch.setattr(replicas, "PAUSE_S", 0.1)
    begun = time.monotonic()
    assert ask(Front(Handle([died()], [died()], [None, (200, PLAIN, b"{}")]), None, 100)) == (200, b"{}")
    assert 0.3 <= time.monotonic() - begun < 10


def test_an_engine_ends_with_its_server() -> None:
    program = (
        "import subprocess, sys, time\n"
        "from arr_coc.serving.replicas import Engine\n"
        "engine = object.__new__(Engine)\n"
        "engine.process = subprocess.Popen([sys.executable, '-c', ''], stdin=subprocess.PIPE)\n"
        "engine.end_with_server()\n"
        "time.sleep(600)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=300).returncode == 1


def test_errors_of_the_engine_are_passed_on() -> None:
    assert ask(Front(Handle([None, (400, PLAIN, b'{"error": 1}')]), None, 100)) == (400, b'{"error": 1}')


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([[died()]] * replicas.ATTEMPTS, "died"),
        ([[BackPressureError(num_queued_requests=1, max_queued_requests=1)]], "wait already"),
        ([[STEP]], "no engine was free"),
    ],
)
def test_what_nobody_answers_is_told(calls: list[Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "QUEUE_S", 0.05)
    status, body = ask(Front(Handle(*calls), None, 100))
    assert status == 503 and words in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("headers", [(), (("content-length", "200"),)])
def test_a_large_request_reaches_no_engine(headers: tuple[tuple[str, str], ...]) -> None:
    status, body = ask(Front(Handle(), None, 100), b"a" * 200, headers)
    assert status == 413 and json.loads(body)["error"]["code"] == 413


def test_metrics_of_all_engines_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '# HELP a_total A.\n# TYPE a_total counter\na_total{kind="x"} 2.0\n# TYPE b gauge\nb 1.0\n'
    both = merged({"one": text, "two": text.replace("2.0", "3.0")})
    assert both.count("# TYPE a_total counter") == 1 and "arr_coc_replicas 2.0" in both
    assert 'a_total{kind="x",replica="one"} 2.0' in both and 'a_total{kind="x",replica="two"} 3.0' in both
    meters, now = Meters(), [100.0]
    monkeypatch.setattr(replicas.time, "monotonic", lambda: now[0])
    asyncio.run(meters.report("one", text))
    now[0] += replicas.FORGET_S - 1
    asyncio.run(meters.report("two", text))
    assert "arr_coc_replicas 2.0" in asyncio.run(meters.text())
    now[0] += 2
    assert "arr_coc_replicas 1.0" in asyncio.run(meters.text())


class Streaming(BaseHTTPRequestHandler):
    """Streams two events, or answers what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        is_stream = b"stream" in body
        answer = b"data: 1\n\ndata: 2\n\n" if is_stream else body
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Streaming) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def forwarded(url: str, body: bytes) -> list[Any]:
    async def whole() -> list[Any]:
        engine = object.__new__(Engine)
        engine.client = httpx.AsyncClient(base_url=url)
        return [item async for item in engine.forward("POST", "/v1", [("x-a", "b")], body)]

    return asyncio.run(whole())


def test_an_engine_passes_on_what_its_server_says(url: str) -> None:
    begun, (status, headers, body) = forwarded(url, b'{"a": 1}')
    assert (begun, status, body) == (None, 200, b'{"a": 1}') and ("content-type", "application/json") in headers
    begun, (status, _, body), *pieces = forwarded(url, b"stream")
    assert (status, body, b"".join(pieces)) == (200, b"", b"data: 1\n\ndata: 2\n\n")
    with pytest.raises(EngineGoneError):
        forwarded("http://127.0.0.1:9", b"{}")


def test_what_an_engine_takes_of_the_cluster() -> None:
    assert needs_of(["--tensor-parallel-size", "4"], False) == {"num_cpus": 1.0}
    assert needs_of([], True) == {"num_gpus": 1.0}
    assert needs_of(["--tensor-parallel-size", "4"], True) == needs_of(["-tp=4"], True) == {"num_gpus": 4.0}


def test_the_application_by_its_import_path() -> None:
    assert build({"model": "nano", "num_gpus": 0, "max_replicas": 2}) is not None
    for wrong, named in (({}, "model"), ({"model": "nano", "port": 1}, "port")):
        with pytest.raises(ValueError, match=named):
            build(wrong)
    with pytest.raises(ValueError, match="min-replicas"):
        build({"model": "nano", "min_replicas": 3, "max_replicas": 2})
