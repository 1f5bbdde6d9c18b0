"""A server of its own environment (`make test-serving`), started once by `arr-coc serve`."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

import arr_coc

EXAMPLES = Path(arr_coc.__file__).parent / "examples"
VLLM_OPTIONS = ["--max-model-len", "2048", "--max-num-seqs", "8", "--enforce-eager", "--dtype", "float32"]
VLLM_OPTIONS += ["--kv-cache-memory-bytes", "128M"]
START_S, SECONDS_TO_LEAVE = 240, 10
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Server:
    """A running server, and what it has written."""

    url: str
    log: Path
    pid: int
    model: str = "nano"

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=120)

    def ask(
        self,
        content: list[dict[str, Any]],
        budget: object = None,
        model: str | None = None,
        *,
        leaves: bool = False,
        **options: Any,
    ) -> Any:
        """One question, sixteen tokens at most, greedy; of the server's own model where none is named."""
        extra = {} if budget is None else {"mm_processor_kwargs": {"budget": budget}}
        extra |= {"return_leaves": True} if leaves else {}
        return self.client().chat.completions.create(
            model=model or self.model,
            messages=[{"role": "user", "content": content}],
            temperature=0,
            max_tokens=16,
            extra_body=extra,
            **options,
        )

    def metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics").text

    def is_idle(self) -> bool:
        """Whether the engine works on nothing, seconds after the last client left."""
        for _ in range(SECONDS_TO_LEAVE):
            [line] = [line for line in self.metrics().splitlines() if line.startswith("vllm:num_requests_running")]
            if float(line.split()[-1]) == 0:
                return True
            time.sleep(1)
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "log", "--max-pictures", "2", "--max-body-mb", "8") as running:
        yield running


@contextmanager
def serving(log: Path, *options: str, of_vllm: Sequence[str] = ()) -> Iterator[Server]:
    """A server for as long as one wants it."""
    port = free_port()
    command = [sys.executable, "-c", "from arr_coc.cli.main import main; main()", "serve", "--port", str(port)]
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [*command, *options, "--", *VLLM_OPTIONS, *of_vllm],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
            cwd=log.parent,
        )
    named = dict(pairwise((*options, "")))
    running = Server(f"http://127.0.0.1:{port}", log, process.pid, named.get("--model", "nano"))
    try:
        wait_for(running, process)
        yield running
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(1)
    pytest.fail(f"the server did not start:\n{server.log.read_text(errors='replace')[-3000:]}")


def picture(path: Path) -> dict[str, Any]:
    kind = "png" if path.suffix == ".png" else "jpeg"
    data = base64.b64encode(path.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def questions() -> list[dict[str, Any]]:
    """Those shipped with the examples."""
    return [json.loads(line) for line in (EXAMPLES / "qa.jsonl").read_text(encoding="utf-8").splitlines()]
