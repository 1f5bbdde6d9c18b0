"""The command line of vLLM's server with ARR-COC switched on and the limits of an open network."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from arr_coc.hosts.hardware import best_device, has_bfloat16
from arr_coc.hosts.names import NANO
from arr_coc.serving.vllm.limits import MAX_BODY
from arr_coc.serving.vllm.plugin import BUDGET, RELEVANCE, SWITCH

PLUGINS, OURS, ENDPOINTS = "VLLM_PLUGINS", "arr_coc", "vllm.endpoint_plugins"
MEDIA, MAX_PIXELS = "VLLM_MEDIA_CONNECTOR", "VLLM_MAX_IMAGE_PIXELS"
MAX_ANSWERS, DEFAULT_MAX_ANSWERS = "VLLM_MAX_N_SEQUENCES", "16"
CACHE_OF_NANO = "128M"
"""Of keys and values: 29,000 tokens of the embedded host in float32. vLLM takes 92% of the memory unless it is told."""
NOWHERE = "addresses.invalid"  # RFC 2606: no picture can come from there

SMALL = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "MALLOC_ARENA_MAX": "2"}
"""For the embedded host: on a CPU vLLM gives a worker a process of its own, which loads torch once more; and threads
that open pictures would each keep a heap."""


@dataclass(frozen=True)
class Launch:
    """A server to be started.

    Attributes:
        source: folder or hub id of the weights.
        name: by which requests ask for it.
        domains: from which pictures may be fetched; none refuses all addresses.
        rest: further options of vLLM's own, which win.
    """

    source: str
    name: str
    host: str
    port: int
    budget: str
    relevance: str | None
    max_pictures: int
    max_body_mb: int
    domains: Sequence[str] = ()
    api_key: str | None = None
    rest: Sequence[str] = ()
    max_megapixels: int = 50

    def command(self) -> list[str]:
        images = json.dumps({"image": self.max_pictures, "video": 0})
        # -P: a checkout that the server is started in must not hide the installed package, and with it the plugin
        command = [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", "--model", self.source]
        command += ["--served-model-name", self.name, "--host", self.host, "--port", str(self.port)]
        command += ["--limit-mm-per-prompt", images, "--allowed-media-domains", *(self.domains or (NOWHERE,))]
        command += ["--middleware", "arr_coc.serving.vllm.limits.RequestLimits"]
        command += ["--trust-request-mm-kwargs"]  # which `RelevanceImages` holds to a few names and to bounds
        # The question is part of what would be kept, so hardly anything is met again; and a request that is refused
        # late would leave the two halves of that cache apart: the next one about the same picture would fail
        command += ["--mm-processor-cache-gb", "0"]
        command += ["--worker-extension-cls", "arr_coc.serving.vllm.leaves.LeavesOfWorker"]
        if self.name == NANO:
            command += ["--kv-cache-memory-bytes", CACHE_OF_NANO]
            command += [] if has_bfloat16(best_device()) else ["--dtype", "float32"]
        if self.api_key:
            command += ["--api-key", self.api_key]
        return [*command, *self.rest]

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        chosen = {SWITCH: "1", BUDGET: self.budget, MAX_BODY: str(self.max_body_mb * 2**20), PLUGINS: plugins(own)}
        chosen |= {MEDIA: OURS, MAX_PIXELS: str(self.max_megapixels * 10**6)}
        chosen |= {MAX_ANSWERS: own.get(MAX_ANSWERS, DEFAULT_MAX_ANSWERS)}
        chosen |= {name: own.get(name, value) for name, value in SMALL.items() if self.name == NANO}
        if self.relevance:
            chosen[RELEVANCE] = self.relevance
        return {**own, **chosen}


def plugins(own: Mapping[str, str]) -> str:
    """What vLLM is to load, which must name a plugin with an endpoint: all others that it would load without it."""
    if PLUGINS in own:
        found = own[PLUGINS].split(",")
    else:
        groups = [group for group in entry_points().groups if group.startswith("vllm.") and group != ENDPOINTS]
        found = [each.name for group in groups for each in entry_points(group=group)]
    return ",".join(sorted({*found, OURS} - {""}))
