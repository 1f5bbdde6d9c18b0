"""`arr-coc plan --qps`: the queue against Erlang's formula, the estimate against counted operations, the command."""

from __future__ import annotations

import json
from math import exp, factorial
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from arr_coc.cli.main import app
from arr_coc.evaluation import flops
from arr_coc.hosts.host import TransformersHost
from arr_coc.serving.capacity import (
    GPUS,
    Rate,
    capacity,
    encode_flops,
    estimate_rate,
    fleet,
    prefill_flops,
    read_rate,
    simulate,
    smallest_fleet,
)
from arr_coc.serving.workload import Target, Workload, find_target, needs, picture_of

TABLE = """\
Made by `arr-coc load FOLDER --budgets 160,off --clients 4 --limit 53 --max-tokens 16`, 53 pictures.

| budget | answered | failed | tokens of a prompt | requests a second | first token p50 / p95 / p99 | whole answer p50 / p95 / p99 |
| --- | --- | --- | --- | --- | --- | --- |
| 160 | 53 | 0 | 181 | 5.00 | 0.458 / 0.733 / 0.805 | 0.600 / 0.900 / 1.005 |
| off | 53 | 0 | 967 | 1.75 | 1.670 / 2.310 / 2.403 | 2.307 / 3.047 / 3.655 |
"""  # noqa: E501


def waits_longer(num_slots: int, offered: float, rate: float, limit: float) -> float:
    """Erlang C: the share of requests that wait longer than `limit` in M/M/c; `offered` is load over rate."""
    busy = offered**num_slots / factorial(num_slots) * num_slots / (num_slots - offered)
    waiting = busy / (sum(offered**k / factorial(k) for k in range(num_slots)) + busy)
    return waiting * exp(-(num_slots * rate - offered * rate) * limit)


@pytest.mark.parametrize(("num_slots", "load"), [(1, 0.5), (4, 0.8), (16, 0.9)])
def test_the_queue_is_erlangs_where_times_are_exponential(num_slots: int, load: float) -> None:
    generator, count = np.random.default_rng(1), 200_000
    times = generator.exponential(1.0, count)
    arrivals = np.cumsum(generator.exponential(1 / (load * num_slots), count))
    waits = simulate(arrivals, times, num_slots) - times
    for limit in (0.0, 0.2, 1.0):
        expected = waits_longer(num_slots, load * num_slots, 1.0, limit)
        assert np.mean(waits > limit + 1e-9) == pytest.approx(expected, abs=0.015)


def test_first_come_first_served_by_hand() -> None:
    arrivals, times = np.array([0.0, 1.0, 2.0, 2.5]), np.array([4.0, 1.0, 1.0, 1.0])
    assert simulate(arrivals, times, 1).tolist() == [4.0, 4.0, 4.0, 4.5]
    assert simulate(arrivals, times, 2).tolist() == [4.0, 1.0, 1.0, 1.5]


def test_times_have_the_stated_mean_and_spread() -> None:
    times = Rate(5.0, 4, 1.5, "stated").times(200_000, np.random.default_rng(0))
    assert times.mean() == pytest.approx(0.8, rel=0.01)
    assert np.percentile(times, 95) / np.percentile(times, 50) == pytest.approx(1.5, rel=0.01)


def test_the_smallest_fleet_is_the_smallest() -> None:
    rate = Rate(5.0, 4, 1.3, "stated")
    found = smallest_fleet(rate, 20.0, 1.05)
    assert found is not None and found.p95 <= 1.05 and found.p50 >= 0.7
    fewer = fleet(rate, found.num_replicas - 1, 20.0)
    assert fewer.p95 > 1.05 or fewer.utilisation > 0.9
    assert smallest_fleet(rate, 20.0, 0.5) is None  # a slot alone takes longer
    tenfold = smallest_fleet(rate, 200.0, 1.05)
    assert tenfold is not None and 6 * found.num_replicas < tenfold.num_replicas < 10 * found.num_replicas


def test_operations_are_those_that_the_evaluation_counts(tiny_host: TransformersHost) -> None:
    config = tiny_host.base.config
    target = Target("tiny", config, torch.float32, (4 * 32**2, 640 * 32**2))
    for count in (16, 100, 640):
        assert encode_flops(target, count) == pytest.approx(flops.encode_flops(tiny_host, count), rel=0.02)
        assert prefill_flops(target, count) == pytest.approx(flops.prefill_flops(tiny_host, count), rel=0.02)


def test_an_estimate_by_hand() -> None:
    """One slot: all operations at 40% of the peak, then 32 times weights and cache at 60% of the bandwidth."""
    target, work, gpu = find_target("2b"), Workload((1024, 1024), num_new=32), GPUS["h100"]
    need, passes = needs(target, work)["full"], [1024]
    layers = sum(target.weights.language_layers)
    operations = encode_flops(target, 1024) + prefill_flops(target, 1024 + 64)
    seconds = operations / (0.4 * 989e12) + 32 * (2 * layers + need.cache) / (0.6 * 3.35e12)
    assert estimate_rate(target, work, passes, need, gpu, 1).per_second == pytest.approx(1 / seconds)
    assert picture_of(target, work.size).stock == (32, 32)
    assert estimate_rate(target, work, passes, need, gpu, 16).per_second > 1 / seconds


def test_arr_coc_needs_no_more_replicas_than_the_full_resolution() -> None:
    values = capacity(find_target("2b"), Workload((1920, 1080), num_new=32), "l4", 50.0, 2.0)
    ours, full = (values["modes"][mode]["fleet"] for mode in ("arr-coc", "full"))
    assert ours is not None and (full is None or ours["num_replicas"] < full["num_replicas"])
    assert capacity(find_target("32b"), Workload((800, 600)), "l4", 1.0, 9.0)["modes"]["arr-coc"] is None


def test_what_load_measured_is_read(tmp_path: Path) -> None:
    (tmp_path / "nano.md").write_text(TABLE)
    rate = read_rate(tmp_path / "nano.md", 160)
    assert (rate.per_second, rate.num_slots, rate.is_measured) == (5.0, 4, True)
    assert rate.spread == pytest.approx(1.5) and rate.seconds == pytest.approx(0.8)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["plan", *words])


def test_the_command_says_what_was_measured(tmp_path: Path) -> None:
    (tmp_path / "nano.md").write_text(TABLE)
    result = run("--qps", "20", "--p95", "1.5", "--load", str(tmp_path / "nano.md"))
    assert result.exit_code == 0, result.output
    assert "(measured, " in result.stdout and "stimated" not in result.stdout
    stated = run("--qps", "20", "--p95", "1.5", "--rate", "5", "--clients", "4", "--json")
    values = json.loads(stated.stdout)
    assert values["modes"]["arr-coc"]["fleet"]["num_replicas"] >= 5
    assert values["modes"]["arr-coc"]["rate"]["source"] == "stated" and "full" not in values["modes"]
    guessed = run("--qps", "100", "--p95", "1.0", "--size", "800x600", "--gpu", "h100")
    assert "Measured here: opening a JPEG" in guessed.stdout and "Estimated, not measured" in guessed.stdout
    assert guessed.stdout.startswith("ARR-COC: ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--qps", "many"], "--qps must be a number"),
        (["--qps", "0"], "--qps: must be a positive"),
        (["--qps", "nan"], "--qps: must be a positive"),
        (["--qps", "1", "--p95", "-1"], "--p95: must be a positive"),
        (["--qps", "1", "--gpu", "abacus"], "h100"),
        (["--qps", "1", "--rate", "0"], "rate: must be a positive"),
        (["--qps", "1", "--rate", "1", "--load", "x"], "not both"),
        (["--qps", "1", "--load", "{tmp}/none"], "can't be read"),
        (["--qps", "1", "--load", "{tmp}/other.md"], "no table of arr-coc load"),
        (["--qps", "1", "--load", "{tmp}/nano.md", "--budget", "64"], "no row for budget 64"),
        (["--load", "{tmp}/nano.md"], "--qps: missing"),
        (["--qps", "1", "--budget", "7"], "64..400"),
        (["--qps", "1", "--model", "3b"], "no such folder"),
    ],
)
def test_mistakes_are_one_line(words: list[str], named: str, tmp_path: Path) -> None:
    (tmp_path / "nano.md").write_text(TABLE)
    (tmp_path / "other.md").write_text("| a |\n| --- |\n")
    result = run(*(word.format(tmp=tmp_path) for word in words))
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1, result.output
    assert named in result.stderr
