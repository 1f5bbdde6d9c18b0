"""Real engines of Ray Serve are killed under light load: every request is answered, or told at once that it is not;
and under heavy load a second engine comes, which goes again.

It starts a cluster and two engines, minutes of work, so it runs on request: ARR_COC_ENGINES=1, with ARR_COC_LIGHT_S
seconds of one request a second, and ARR_COC_KILLS kills in a row. Nothing else on the machine is touched: the cluster
ends with the test.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import ENVIRONMENT, EXAMPLES, free_port, picture, questions, text

pytestmark = pytest.mark.skipif("ARR_COC_ENGINES" not in os.environ, reason="ARR_COC_ENGINES=1 asks for it")

SECONDS, READY_S, TOLD_S = int(os.environ.get("ARR_COC_LIGHT_S", "120")), 1500, 180
NUM_KILLS, NUM_CLIENTS, WITHOUT_LOAD_S = int(os.environ.get("ARR_COC_KILLS", "10")), 12, 600
SERVER = "vllm.entrypoints.openai.api_server"
SMALL = ["--max-model-len", "1024", "--max-num-seqs", "4", "--enforce-eager", "--dtype", "float32"]
SMALL += ["--kv-cache-memory-bytes", "64M"]
PATIENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's own is 15: beside busy neighbours nothing would start
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_worker_register_timeout_seconds": "600",
}


@dataclass(frozen=True)
class Cluster:
    """The address of the front, and the process that everything else hangs from."""

    url: str
    head: subprocess.Popen[bytes]

    def engines(self) -> list[psutil.Process]:
        """Servers of vLLM, the oldest first."""
        found = psutil.Process(self.head.pid).children(recursive=True)
        servers = [each for each in found if each.is_running() and each.cmdline()[2:4] == ["-m", SERVER]]
        return sorted(servers, key=lambda each: each.create_time())

    def num_engines(self) -> int:
        """Those that have reported lately."""
        try:
            lines = httpx.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        except httpx.TransportError:
            return 0
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith("arr_coc_replicas ")))


@dataclass(frozen=True)
class Told:
    """What came of one request."""

    start: float
    seconds: float
    status: int
    is_whole: bool
    body: str


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("ray"), "--replicas", "2") as two:
        yield two


@contextmanager
def running(folder: Path, *numbers: str, engines: int = 2) -> Iterator[Cluster]:
    """Engines behind one front, as many as are told to be there first."""
    head, port = free_port(), free_port()
    environment = {**os.environ, **ENVIRONMENT, **PATIENT}
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--num-cpus", "2"]
    ray += ["--port", str(head), "--include-dashboard=false", "--temp-dir", str(folder / "ray")]
    serve = [sys.executable, "-c", "from arr_coc.cli.main import main; main()", "serve", "--port", str(port)]
    serve += ["--ray", f"127.0.0.1:{head}", *numbers, "--", *SMALL]
    started = []
    try:
        for command in (ray, serve):
            with open(folder / f"log{len(started)}", "wb") as log:
                started.append(
                    subprocess.Popen(
                        command, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=folder
                    )
                )
            wait_for_port(head, started[0])
        found = Cluster(f"http://127.0.0.1:{port}", started[0])
        wait_for_engines(found, engines, started[-1], folder)
        yield found
    finally:
        for process in reversed(started):
            end(process)


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        if any(each.laddr.port == port and each.status == "LISTEN" for each in psutil.net_connections("tcp")):
            return
        time.sleep(1)
    pytest.fail("the cluster did not start")


def wait_for_engines(cluster: Cluster, count: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        if cluster.num_engines() == count:
            return
        time.sleep(2)
    logs = "\n".join(each.read_text(errors="replace")[-2000:] for each in sorted(folder.glob("log*")))
    pytest.fail(f"{cluster.num_engines()} of {count} engines came\n{logs}")


def end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it has started."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
    _, alive = psutil.wait_procs(family, 15)
    for each in alive:
        each.kill()


def ask(url: str, number: int) -> Told:
    """One of the shipped questions; every fourth is streamed."""
    one, is_stream, start = questions()[number % len(questions())], number % 4 == 3, time.monotonic()
    content = [picture(EXAMPLES / one["image"]), text(one["question"])]
    body = {"model": "nano", "messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 16}
    body |= {"stream": is_stream, "mm_processor_kwargs": {"budget": 64}}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=TOLD_S)
    is_whole = reply.status_code == 200 and ('"error"' not in reply.text) and ("[DONE]" in reply.text or not is_stream)
    return Told(start, time.monotonic() - start, reply.status_code, is_whole, reply.text)


def test_an_engine_is_killed_under_light_load(cluster: Cluster) -> None:
    """First the server of one engine, then the whole replica of another: one request a second, none is lost."""
    ask(cluster.url, 0)
    with ThreadPoolExecutor(64) as pool:
        asked, begun = [], time.monotonic()
        for number in range(SECONDS):
            time.sleep(max(0.0, begun + number - time.monotonic()))
            if number in (SECONDS // 4, SECONDS // 2):
                [victim, *_] = cluster.engines()
                is_replica = number == SECONDS // 2
                os.kill(victim.parent().ppid() if is_replica else victim.pid, signal.SIGKILL)
            asked.append(pool.submit(ask, cluster.url, number))
        told = [each.result() for each in asked]
    check(told, cluster, at_least=0.9)


def test_engines_are_killed_in_a_row(cluster: Cluster) -> None:
    """Whenever two engines are there, one of them is killed; one request a second."""
    with ThreadPoolExecutor(64) as pool:
        asked: list[Future[Told]] = []
        for kill in range(NUM_KILLS):
            asked += ask_until(pool, cluster, lambda: cluster.num_engines() == 2)
            [victim, *_] = cluster.engines()
            os.kill(victim.parent().ppid() if kill % 2 else victim.pid, signal.SIGKILL)
            asked += ask_until(pool, cluster, lambda: cluster.num_engines() < 2)
        asked += ask_until(pool, cluster, lambda: cluster.num_engines() == 2)
        told = [each.result() for each in asked]
    check(told, cluster, at_least=0.999)


def test_a_second_engine_comes_under_load_and_goes_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("ray"), "--min-replicas", "1", "--max-replicas", "2", engines=1) as one:
        begun = time.monotonic()
        with ThreadPoolExecutor(NUM_CLIENTS) as pool:
            told: list[Told] = []
            while one.num_engines() < 2:
                assert time.monotonic() - begun < READY_S, "no second engine came"
                told += pool.map(lambda number: ask(one.url, number), range(2 * NUM_CLIENTS))
            grown = time.monotonic() - begun
            told += pool.map(lambda number: ask(one.url, number), range(4 * NUM_CLIENTS))
        begun = time.monotonic()
        while one.num_engines() > 1:
            assert time.monotonic() - begun < WITHOUT_LOAD_S, "the second engine stayed"
            time.sleep(2)
        told.append(ask(one.url, 0))
        print(f"two engines after {grown:.0f} s of load, one again {time.monotonic() - begun:.0f} s after its end")
        check(told, one, at_least=1)


def ask_until(pool: ThreadPoolExecutor, cluster: Cluster, is_so: Callable[[], bool]) -> list[Future[Told]]:
    """One request a second until something is so."""
    asked, begun = [], time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < READY_S, f"{cluster.num_engines()} engines"
        asked.append(pool.submit(ask, cluster.url, len(asked)))
        time.sleep(max(0.0, begun + len(asked) - time.monotonic()))
    return asked


def check(told: list[Told], cluster: Cluster, at_least: float) -> None:
    """Each is answered, or told in one line that it is not."""
    answered = [each for each in told if each.is_whole]
    print(
        f"{len(answered)} of {len(told)} answered; the slowest after {max(each.seconds for each in told):.1f} s; "
        f"{cluster.num_engines()} engines at the end"
    )
    for each in told:
        assert each.is_whole or (each.status in (200, 503) and json.loads(error_of(each.body))["code"] == 503), each
    assert len(answered) >= at_least * len(told)


def error_of(body: str) -> str:
    """As a plain answer or a stream tells it."""
    [line] = [each.removeprefix("data: ") for each in body.splitlines() if '"error"' in each]
    return json.dumps(json.loads(line)["error"])
