"""Several engines behind one address, by Ray Serve: routed by load, more of them under load, none missed when it dies.

A `Front` takes the request and hands it to the `Engine` with the fewest requests (of two that are drawn, which is how
Ray Serve routes). An engine owns a server as `arr-coc serve` starts it, on its own machine's loopback, and passes on
what that says. Until the first byte has gone to the client a request whose engine died is given to another one;
after it, the stream ends with an error. Where no engine is free for long, the client is told so.
`Meters` keeps what each engine's `/metrics` said last; the front shows all of them, by `replica`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from arr_coc.serving.vllm.launching import Launch

NAME = "arr-coc"
TETHER = Path(__file__).with_name("tether.py")  # by its path: as a module it would load the package, and torch with it
ONGOING, MOST_ONGOING, MOST_QUEUED = 8, 64, 256  # requests of an engine: wished for, at most; that wait at a front
REPORT_S, FORGET_S = 2.0, 15.0  # between two reports of an engine's metrics; after which one without is gone
QUEUE_S = 60.0  # that a request waits for an engine
ATTEMPTS, PAUSE_S = 4, 0.5  # engines that may die of one request; before the second try, twice that before the third...
UPSCALE_S, DOWNSCALE_S = 10.0, 60.0  # that load lasts before engines are started or ended
POLL_S = 0.5
PATIENCE = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60", "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "60"}
"""Ray Serve's own 5 s end a front that is still loading the package, again and again, where a core is busy."""
HEAD = "content-length", "transfer-encoding", "connection", "host", "keep-alive", "date", "server"
"""Headers that belong to one connection and are not passed on."""


@dataclass(frozen=True)
class Scale:
    """How many engines, and what each takes of the cluster."""

    least: int
    most: int
    needs: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ValueError(f"--min-replicas, --max-replicas: must satisfy 1 <= {self.least} <= {self.most}")


class EngineGoneError(Exception):
    """The server of an engine has ended, or does not answer any more."""


class Meters:
    """What every engine's `/metrics` said last."""

    def __init__(self) -> None:
        self.reports: dict[str, tuple[float, str]] = {}

    async def report(self, replica: str, text: str) -> None:
        self.reports[replica] = time.monotonic(), text

    async def text(self) -> str:
        """In Prometheus' text format, with a label `replica`."""
        since = time.monotonic() - FORGET_S
        self.reports = {replica: each for replica, each in self.reports.items() if each[0] >= since}
        return merged({replica: text for replica, (_, text) in self.reports.items()})


def merged(texts: Mapping[str, str]) -> str:
    """The metrics of several servers as one text; each of their samples gets the label `replica`."""
    alive = Metric("arr_coc_replicas", "Engines that have reported lately.", "gauge")
    alive.samples = [Sample("arr_coc_replicas", {}, len(texts))]
    families: dict[str, Metric] = {alive.name: alive}
    for replica, text in sorted(texts.items()):
        for family in text_string_to_metric_families(text):
            metric = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            metric.samples += [each._replace(labels={**each.labels, "replica": replica}) for each in family.samples]
    registry = CollectorRegistry()
    registry.register(Collected(families.values()))
    return generate_latest(registry).decode()


class Collected:
    """Metrics that are there already, as a collector."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = list(metrics)

    def collect(self) -> list[Metric]:
        return self.metrics


class Engine:
    """One server of vLLM with ARR-COC, which ends with this replica."""

    def __init__(self, launch: Launch, meters: Any) -> None:
        self.meters, self.replica = meters, replica_id()
        own = replace(launch, host="127.0.0.1", port=free_port())
        command = [sys.executable, "-P", str(TETHER), *own.command()]
        environment = own.environment(os.environ)
        # in a session of its own: Ray kills a worker's whole group, and the tether has to outlive it by a moment
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)
        self.url = f"http://127.0.0.1:{own.port}"
        self.wait_until_ready()
        threading.Thread(target=self.end_with_server, daemon=True).start()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=MOST_ONGOING)
        self.client = httpx.AsyncClient(base_url=self.url, timeout=None, limits=limits)
        self.reporting: asyncio.Task[None] | None = None

    def wait_until_ready(self) -> None:
        """Raises RuntimeError where the server ends instead."""
        while True:
            self.check_process()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health").status_code == httpx.codes.OK:
                    return
            time.sleep(POLL_S)

    def check_process(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server of this engine ended with status {self.process.returncode}; see its log")

    def end_with_server(self) -> None:
        """At once: until Ray Serve's health checks have failed for seconds, it would be given requests."""
        self.process.wait()
        os._exit(1)

    async def check_health(self) -> None:
        """Called by Ray Serve, which replaces an engine that raises."""
        self.check_process()
        if self.reporting is None:
            self.reporting = asyncio.create_task(self.report())

    async def report(self) -> None:
        while True:
            with suppress(httpx.TransportError):
                self.meters.report.remote(self.replica, (await self.client.get("/metrics")).text)
            await asyncio.sleep(REPORT_S)

    async def forward(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> AsyncIterator[Any]:
        """The request has begun (None), (status, headers, body or b"" where a stream follows), then the stream.

        Raises:
            EngineGoneError: see there.
        """
        yield None
        try:
            async with self.client.stream(method, target, headers=list(headers), content=body) as reply:
                is_stream = reply.headers.get("content-type", "").startswith("text/event-stream")
                yield reply.status_code, passed_on(reply.headers.items()), b"" if is_stream else await reply.aread()
                if is_stream:
                    async for piece in reply.aiter_raw():
                        yield piece
        except httpx.TransportError as error:
            raise EngineGoneError(type(error).__name__) from None

    def __del__(self) -> None:
        if hasattr(self, "process") and self.process.stdin is not None:
            self.process.stdin.close()


class Front:
    """What clients talk to."""

    def __init__(self, engines: Any, meters: Any, max_body: int) -> None:
        self.engines, self.meters, self.max_body = engines.options(stream=True), meters, max_body

    async def __call__(self, request: Request) -> Response:
        if request.url.path == "/metrics":
            return PlainTextResponse(await self.meters.text.remote())
        body = await read_body(request, self.max_body)
        if body is None:
            return refusal(413, f"request: larger than {self.max_body / 2**20:.0f} MB; send smaller or fewer pictures")
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        asked = request.method, target, passed_on(request.headers.items()), body
        for attempt in range(ATTEMPTS):
            if attempt:  # the router has to hear of the death: one that died is idle, so it would be chosen again
                await asyncio.sleep(PAUSE_S * 2 ** (attempt - 1))
            try:
                return await self.ask(asked)
            except TimeoutError:
                return refusal(503, f"no engine was free within {QUEUE_S:.0f} s; try again later")
            except gone():
                continue
            except full():
                return refusal(503, f"{MOST_QUEUED} requests wait already; try again later")
        return refusal(503, f"{ATTEMPTS} engines died of this request, or while they had it; try again later")

    async def ask(self, asked: tuple[Any, ...]) -> Response:
        """One try; raises what `gone` and `full` name before anything has been said to the client."""
        stream = self.engines.forward.remote(*asked)
        async with asyncio.timeout(QUEUE_S):
            await anext(stream)
        status, headers, body = await anext(stream)
        if body or not is_event_stream(headers):
            return Response(body, status, dict(headers))
        first = await anext(stream, b"")
        return StreamingResponse(pieces(first, stream), status, dict(headers))


async def pieces(first: bytes, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream that ends with an error in it where its engine dies."""
    yield first
    try:
        async for piece in stream:
            yield piece
    except gone():
        error = {"message": "the engine died while it answered; ask again", "type": "InternalServerError", "code": 503}
        yield f"data: {json.dumps({'error': error})}\n\ndata: [DONE]\n\n".encode()


def gone() -> tuple[type[BaseException], ...]:
    """How a call says that the replica which had it is no more."""
    from ray.exceptions import RayActorError

    return (RayActorError, EngineGoneError)


def full() -> tuple[type[BaseException], ...]:
    """How a call says that too many wait."""
    from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

    return (BackPressureError, DeploymentUnavailableError)


async def read_body(request: Request, most: int) -> bytes | None:
    """None where it is larger than allowed; no more than that is read."""
    if int(request.headers.get("content-length") or 0) > most:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


def refusal(status: int, text: str) -> Response:
    """As vLLM words its errors."""
    kind = "BadRequestError" if status < 500 else "ServiceUnavailableError"
    error = {"message": text, "type": kind, "param": None, "code": status}
    headers = {"retry-after": "5"} if status == 503 else {}
    return Response(json.dumps({"error": error}), status, headers, "application/json")


def passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in HEAD]


def is_event_stream(headers: Sequence[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and value.startswith("text/event-stream") for name, value in headers)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def replica_id() -> str:
    from ray import serve

    return str(serve.get_replica_context().replica_tag)


def application(launch: Launch, scale: Scale) -> Any:
    """What Ray Serve runs."""
    from ray import serve

    meters = serve.deployment(Meters).options(ray_actor_options={"num_cpus": 0}).bind()
    scaling = {
        "min_replicas": scale.least,
        "max_replicas": scale.most,
        "target_ongoing_requests": ONGOING,
        "upscale_delay_s": UPSCALE_S,
        "downscale_delay_s": DOWNSCALE_S,
    }
    engines = serve.deployment(Engine).options(
        ray_actor_options=dict(scale.needs),
        autoscaling_config=scaling,
        max_ongoing_requests=MOST_ONGOING,
        max_queued_requests=MOST_QUEUED,
        health_check_period_s=REPORT_S,
    )
    front = serve.deployment(Front).options(ray_actor_options={"num_cpus": 0}, max_ongoing_requests=1000)
    return front.bind(engines.bind(launch, meters), meters, launch.max_body_mb * 2**20)


def needs_of(rest: Sequence[str], has_gpus: bool) -> dict[str, float]:
    """Of one engine: as many GPUs as vLLM's own options ask for, else one core."""
    if not has_gpus:
        return {"num_cpus": 1.0}
    pairs = [(*word.partition("=")[::2], after) for word, after in zip(rest, [*rest, ""][1:], strict=True)]
    sizes = [value or after for name, value, after in pairs if name in ("--tensor-parallel-size", "-tp")]
    return {"num_gpus": float(sizes[-1]) if sizes and sizes[-1].isdecimal() else 1.0}


def build(args: Mapping[str, Any]) -> Any:
    """The application by its import path, as KubeRay and `serve deploy` want it; ARR_COC_API_KEY is the key.

    Args:
        args: `model`, and if wanted `budget`, `relevance`, `max_pictures`, `max_body_mb`, `fetch_from`, `min_replicas`,
            `max_replicas`, `num_gpus` (0: one core), and `options` of vLLM's own; as those of `arr-coc serve`.
    Raises:
        ValueError: `model` is missing, or a name that is not known.
    """
    from arr_coc.hosts.names import resolve
    from arr_coc.serving.vllm.launching import Launch

    known = {**DEFAULTS, **args}
    wrong = sorted(set(known) - set(DEFAULTS)) or [name for name, value in known.items() if value == ""][:1]
    if wrong:
        raise ValueError(f"args: {quoted(wrong[0])} is missing or not known; {', '.join(DEFAULTS)} are")
    launch = Launch(
        source=str(resolve(known["model"])),
        name=known["model"],
        host="0.0.0.0",
        port=0,
        budget=str(known["budget"] or ""),
        relevance=known["relevance"],
        max_pictures=int(known["max_pictures"]),
        max_body_mb=int(known["max_body_mb"]),
        domains=tuple(known["fetch_from"]),
        api_key=os.environ.get("ARR_COC_API_KEY") or None,
        rest=tuple(known["options"]),
    )
    needs = {"num_gpus": float(known["num_gpus"])} if known["num_gpus"] else {"num_cpus": 1.0}
    return application(launch, Scale(int(known["min_replicas"]), int(known["max_replicas"]), needs))


DEFAULTS: dict[str, Any] = {
    **{"model": "", "budget": None, "relevance": None, "max_pictures": 8, "max_body_mb": 32, "fetch_from": ()},
    **{"min_replicas": 1, "max_replicas": 1, "num_gpus": 1, "options": ()},
}


def run(address: str, launch: Launch, least: int, most: int) -> None:
    """Until the process is ended; then the engines end too.

    Raises:
        ValueError: no cluster at the address, or numbers of replicas that can't be.
    """
    from arr_coc.serving.cluster import join_cluster

    Scale(least, most, {})
    ray = join_cluster(address)
    from ray import serve

    needs = needs_of(launch.rest, bool(ray.cluster_resources().get("GPU")))
    serve.start(
        http_options={"host": launch.host, "port": launch.port},
        controller_options={"runtime_env": {"env_vars": PATIENCE}},
    )
    try:
        serve.run(application(launch, Scale(least, most, needs)), name=NAME, blocking=True)
    finally:
        serve.delete(NAME)
