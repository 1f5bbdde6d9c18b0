"""How many replicas a load takes: a queue before servers that work on several requests at a time, simulated.

Requests come at random (Poisson) and wait in one line for the first free slot of any replica, which is what routing by
load comes near to. A slot keeps a request as long as a replica that is busy in all its slots does: slots over its
requests a second (Little, 1961). How much that time varies is log-normal with the stated or measured ratio of p95 to
p50. So this is M/G/c, by the recursion of Kiefer and Wolfowitz (1955); with exponential times it is Erlang's M/M/c,
against which it is tested.
"""

from __future__ import annotations

import heapq
import re
import time
from dataclasses import asdict, dataclass
from io import BytesIO
from math import ceil, log
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from arr_coc.hosts.resizing import Resizing
from arr_coc.pictures.opening import open_image
from arr_coc.quoting import quoted
from arr_coc.serving.planning import largest_batch, usable_bytes
from arr_coc.serving.workload import Need, Target, Workload, needs, picture_of

NUM_SIMULATED = 20_000
WARM_UP = NUM_SIMULATED // 10
MOST_REPLICAS = 4096
MOST_SLOTS = 256
HEADROOM = 0.9  # of what all replicas can do at most: beyond it the line hardly ever empties
Z95 = 1.6449  # standard deviations of a normal distribution at its 95th percentile
COMPUTE, BANDWIDTH = 0.4, 0.6  # shares of a card's peaks that serving reaches
SPREAD = 1.5  # p95 over p50 of the time in a slot


@dataclass(frozen=True)
class Gpu:
    """A card by its data sheet.

    Attributes:
        memory_gb, bandwidth: 10^9 bytes, bytes a second.
        flops: operations a second with 16-bit numbers, without sparsity.
    """

    memory_gb: float
    flops: float
    bandwidth: float


GPUS = {
    "h100": Gpu(80, 989e12, 3.35e12),
    "h200": Gpu(141, 989e12, 4.8e12),
    "a100": Gpu(80, 312e12, 2.04e12),
    "l40s": Gpu(48, 362e12, 0.864e12),
    "l4": Gpu(24, 121e12, 0.3e12),
    "a10": Gpu(24, 125e12, 0.6e12),
}
"""NVIDIA's data sheets: SXM where there are several, dense bfloat16."""


@dataclass(frozen=True)
class Rate:
    """What one replica does when all its slots are busy.

    Attributes:
        per_second: requests.
        num_slots: requests at a time.
        spread: p95 over p50 of the time that a request takes.
        source: where the numbers come from.
        is_measured: here, by `arr-coc load`.
    """

    per_second: float
    num_slots: int
    spread: float
    source: str
    is_measured: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.per_second < float("inf"):
            raise ValueError(f"rate: must be a positive number of requests a second, got {quoted(self.per_second)}")
        if self.num_slots < 1:
            raise ValueError(f"clients: must be at least 1, got {quoted(self.num_slots)}")

    @property
    def seconds(self) -> float:
        """Mean time of a request in its slot."""
        return self.num_slots / self.per_second

    def times(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """(count,) seconds in a slot: log-normal with this mean and spread."""
        sigma = log(max(self.spread, 1.0)) / Z95
        return generator.lognormal(log(self.seconds) - sigma**2 / 2, sigma, count)


@dataclass(frozen=True)
class Fleet:
    """Replicas for a load, and what its requests would see."""

    num_replicas: int
    p50: float
    p95: float
    p99: float
    utilisation: float


def simulate(arrivals: np.ndarray, times: np.ndarray, num_slots: int) -> np.ndarray:
    """(N,) seconds from coming to leaving, first come first served; `arrivals` (N,) ascend, `times` (N,) in a slot."""
    free = [0.0] * num_slots
    stays = np.empty(len(arrivals))
    for number, (came, takes) in enumerate(zip(arrivals.tolist(), times.tolist(), strict=True)):
        left = max(came, free[0]) + takes
        heapq.heapreplace(free, left)
        stays[number] = left - came
    return stays


def fleet(rate: Rate, num_replicas: int, qps: float, seed: int = 0) -> Fleet:
    """What `qps` requests a second see of so many replicas."""
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(1 / qps, NUM_SIMULATED))
    stays = simulate(arrivals, rate.times(NUM_SIMULATED, generator), num_replicas * rate.num_slots)[WARM_UP:]
    p50, p95, p99 = (float(value) for value in np.percentile(stays, (50, 95, 99)))
    return Fleet(num_replicas, p50, p95, p99, qps / (num_replicas * rate.per_second))


def smallest_fleet(rate: Rate, qps: float, p95: float) -> Fleet | None:
    """The fewest replicas under which p95 holds and that are not busy all the time; None where no number helps."""
    low = max(1, ceil(qps / (HEADROOM * rate.per_second)))
    if low > MOST_REPLICAS or fleet(rate, MOST_REPLICAS, qps).p95 > p95:
        return None
    high = MOST_REPLICAS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fleet(rate, middle, qps).p95 <= p95 else (middle + 1, high)
    return fleet(rate, low, qps)


def read_rate(path: Path, budget: int) -> Rate:
    """What `arr-coc load --out` wrote about one replica at a budget.

    Raises:
        ValueError: no such table, or not at this budget.
    """
    where = f"--load {quoted(path)}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: it can't be read; give the file of arr-coc load --out") from error
    clients = re.search(r"--clients (\d+)", text)
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    heads = rows[0] if rows else []
    wanted = {name: place for place, head in enumerate(heads) for name in COLUMNS if head.startswith(name)}
    if clients is None and "--rates" in text:
        raise ValueError(f"{where}: it was measured at rates; how much a replica can do is measured with --clients")
    if clients is None or len(wanted) != len(COLUMNS):
        raise ValueError(f"{where}: no table of arr-coc load; give the file of its --out")
    found = [row for row in rows[2:] if row[wanted["budget"]] == str(budget)]
    if not found:
        raise ValueError(f"{where}: no row for budget {budget}; give --budget as it was measured")
    try:
        p50, p95 = (float(value) for value in found[0][wanted["whole answer"]].split("/")[:2])
        per_second = float(found[0][wanted["requests a second"]])
    except ValueError as error:
        raise ValueError(f"{where}: the row for budget {budget} holds no numbers") from error
    return Rate(per_second, int(clients[1]), p95 / p50 if p50 > 0 else SPREAD, f"measured, {path}", True)


COLUMNS = ("budget", "requests a second", "whole answer")


def encode_flops(target: Target, num_cells: int) -> float:
    """Of the vision encoder over one pass of so many cells; the formulas of `evaluation.flops` without a model."""
    tower, num_patches = target.memory.tower, num_cells * target.memory.tower.patches_per_cell
    attention = 4 * num_patches**2 * tower.width * tower.num_full
    if tower.window is not None:
        attention += 4 * num_patches * min(num_patches, tower.window) * tower.width * (tower.depth - tower.num_full)
    weights = target.weights.vision_block * tower.depth
    return 2.0 * num_patches * weights + attention + 2.0 * num_cells * target.weights.mergers


def active_weights(target: Target) -> int:
    """Of all language layers; experts that do not answer a token cost nothing."""
    text, total = target.memory.text, sum(target.weights.language_layers)
    if text.experts is None:
        return total
    idle = 3 * text.width * text.experts.inner * (text.experts.total - text.experts.active)
    return total - idle * len(text.mixed)


def prefill_flops(target: Target, num_tokens: int) -> float:
    """Of the language model over a prompt; layers of linear attention are counted by their matrices alone."""
    text = target.memory.text
    return 2.0 * num_tokens * active_weights(target) + 4.0 * num_tokens**2 * text.query * len(text.attending)


def estimate_rate(target: Target, work: Workload, passes: list[int], need: Need, gpu: Gpu, num_slots: int) -> Rate:
    """From a data sheet: encoder and prefill are held up by operations, decoding by reading weights and cache.

    Reading the question's attention is taken as one prefill more, which is above what the first layers cost. Weights
    are read once for all slots.
    """
    prompt = need.visual_tokens + work.num_text
    operations = sum(encode_flops(target, cells) for cells in passes)
    operations += prefill_flops(target, prompt) * (1 if need.is_stock else 2)
    read = active_weights(target) * target.dtype.itemsize / num_slots + need.cache
    seconds = operations / (COMPUTE * gpu.flops) + work.num_new * read / (BANDWIDTH * gpu.bandwidth)
    return Rate(1 / seconds, num_slots, SPREAD, "estimated from the card's data sheet")


def best_estimate(
    target: Target, work: Workload, passes: list[int], need: Need, gpu: Gpu, qps: float, p95: float
) -> tuple[Rate, Fleet | None] | None:
    """The number of slots under which the fewest replicas do; None where the model does not fit on the card."""
    left = usable_bytes(gpu.memory_gb) - target.weight_bytes
    most = min(MOST_SLOTS, largest_batch(need, left)) if left > 0 else 0
    choices = [2**power for power in range(MOST_SLOTS.bit_length()) if 2**power <= most]
    rates = [estimate_rate(target, work, passes, need, gpu, num_slots) for num_slots in choices]
    found = [(rate, smallest_fleet(rate, qps, p95)) for rate in rates]
    good = [(fitting.num_replicas, number) for number, (_, fitting) in enumerate(found) if fitting is not None]
    return found[min(good)[1]] if good else found[0] if found else None


def capacity(
    target: Target, work: Workload, gpu: str, qps: float, p95: float, measured: Rate | None = None
) -> dict[str, Any]:
    """Plain values: replicas of this host on this card, with ARR-COC and at full resolution.

    Args:
        measured: of one replica with ARR-COC, in place of an estimate; the full resolution is left out then.
    Raises:
        ValueError: an unknown card, or a load or limit that is not positive.
    """
    if gpu not in GPUS:
        raise ValueError(f"--gpu: must be one of {', '.join(GPUS)}, got {quoted(gpu)}")
    for name, value in (("qps", qps), ("p95", p95)):
        if not 0 < value < float("inf"):
            raise ValueError(f"--{name}: must be a positive number, got {quoted(value)}")
    if measured is not None:
        modes = {"arr-coc": described(measured, smallest_fleet(measured, qps, p95))}
    else:
        picture, modes_needs = picture_of(target, work.size), needs(target, work)
        passes = {"arr-coc": picture.passes(work.budget), "full": [picture.stock[0] * picture.stock[1]]}
        found = {
            mode: best_estimate(target, work, each, modes_needs[mode], GPUS[gpu], qps, p95)
            for mode, each in passes.items()
        }
        modes = {mode: None if each is None else described(*each) for mode, each in found.items()}
    return {
        "model": target.name,
        "workload": asdict(work),
        "gpu": {"name": gpu, **asdict(GPUS[gpu])},
        "qps": qps,
        "p95": p95,
        "assumed": {"compute": COMPUTE, "bandwidth": BANDWIDTH, "spread": SPREAD, "headroom": HEADROOM},
        "opening": opening_seconds(target, work.size) if measured is None else None,
        "modes": modes,
    }


def opening_seconds(target: Target, size: tuple[int, int], num_tries: int = 3) -> float:
    """Seconds of one core of this machine to open a JPEG and make its pyramid: what a request costs on the CPU."""
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(noise).resize(size).save(file, "JPEG", quality=90)
    rows, cols = picture_of(target, size).native
    native = cols * target.cell_px, rows * target.cell_px
    resizing = Resizing(Image.Resampling.BICUBIC, 1 / 255, target.cell_px)
    times = []
    for _ in range(num_tries):
        start = time.process_time()
        resizing.pyramid(open_image(file.getvalue(), lambda *_: native), native)
        times.append(time.process_time() - start)
    return min(times)


def described(rate: Rate, fitting: Fleet | None) -> dict[str, Any]:
    return {
        "rate": {**asdict(rate), "seconds": rate.seconds},
        "fleet": None if fitting is None else asdict(fitting),
    }
