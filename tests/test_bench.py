"""Costs by stage, the true geometries, and a host that remembers glimpses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from PIL import Image
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.allocator import Allocator
from arr_coc.cli.bench import parse_size
from arr_coc.evaluation.bench import OWN_STAGES, measure
from arr_coc.evaluation.bench_answers import measure_answers
from arr_coc.evaluation.flops import encoded_segments
from arr_coc.evaluation.random_hosts import fill, restore_buffers
from arr_coc.hosts.caching import RememberingHost
from arr_coc.hosts.families.registry import families, size_config, sizes
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Gaze, View
from arr_coc.views.cost import cost_report


@pytest.fixture
def bench(tiny_host):
    processor = RelevanceProcessor(tiny_host)
    return measure(tiny_host.model, processor, host="tiny", size=(448, 448), budget=100, rounds=2)


def test_a_bench_counts_all_three_policies(bench):
    full, resize, ours = bench.costs
    assert (full.policy, resize.policy, ours.policy) == ("full", "resize", "arr-coc")
    assert full.visual_tokens > ours.visual_tokens >= resize.visual_tokens
    assert ours.encoded_tokens > ours.visual_tokens
    for cost in bench.costs:
        assert cost.seconds["ttft"] > 0 and cost.peak_mb > 0
        assert cost.gflops["encode"] > 0 and cost.gflops["prefill"] > 0
    assert set(ours.own) == set(OWN_STAGES) and all(ours.own.values()) and not full.own
    assert full.gflops["encode"] > ours.gflops["encode"]
    assert bench.ratio("full") == 1.0


def test_an_estimate_says_so_and_counts_the_same(bench, tiny_host):
    processor = RelevanceProcessor(tiny_host)
    spared = measure(
        tiny_host.model, processor, host="tiny", size=(448, 448), budget=100, rounds=1, is_full_estimated=True
    )
    full, resize, _ = spared.costs
    assert full.is_estimate and full.peak_mb is None and not resize.is_estimate
    assert (full.visual_tokens, full.gflops) == (bench.costs[0].visual_tokens, bench.costs[0].gflops)
    assert full.seconds["encode"] > resize.seconds["encode"] and spared.ratio("arr-coc") > 0
    text = cost_report([spared], "the command", "cpu", "float32")
    assert f"CPU threads, {torch.backends.cpu.get_cpu_capability()}" in text
    assert "full (estimated)" in text and "Full was not run" in text
    assert "estimated" not in cost_report([bench], "the command", "cpu", "float32")


def test_the_report_shows_ratios_and_the_own_share(bench):
    text = cost_report([bench], "the command", "cpu", "float32")
    assert "## 448x448, 100 tokens" in text and "the command" in text
    assert f"{100 * bench.own_share():.1f}%" in text and "1.00x" in text


def test_an_answer_that_stops_later_holds_every_look_before_it(bench, tiny_host):
    options = {"size": (448, 448), "budget": 100, "rounds": 1, "num_tokens": 3}
    costs = measure_answers(tiny_host.model, RelevanceProcessor(tiny_host), **options)
    looks, (fixed, full) = costs[:-2], costs[-2:]
    assert [cost.way.split(" (")[0] for cost in looks] == ["sure at look 1", "sure at look 2", "sure at look 3"]
    assert (fixed.way, full.way) == ("one look at 100", "full")
    assert fixed.visual_tokens == 100 and full.visual_tokens == full.encoded_tokens == 196
    for before, after in pairwise(looks):
        assert after.seconds > before.seconds and after.encoded_tokens > before.encoded_tokens
    text = cost_report([bench], "the command", "cpu", "float32", [(3, costs)])
    assert "To the last of 3 tokens" in text and "sure at look 2" in text


def test_encoded_segments_add_up(tiny_host):
    pyramid = tiny_host.pyramid(Image.effect_noise((448, 448), 60).convert("RGB"))
    [realization] = Allocator().realize(tiny_host, [View.of(pyramid, "?")], [100])
    segments = encoded_segments(realization)
    assert sum(segments) == realization.num_encoded and segments[0] == len(pyramid.cells(pyramid.coarsest))


@pytest.mark.parametrize("text", ["1024", "axb", "10x10", "9000x100", "100x100x3"])
def test_a_size_that_cannot_be(text):
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        parse_size(text)


def test_geometries_have_the_parameters_of_their_names():
    """As their model cards say, in billions."""
    billions = {"2b": 2.1, "4b": 4.4, "8b": 8.8, "32b": 33, "30b-a3b": 31, "qwen3.5-9b": 9.7, "qwen3.5-27b": 27.4}
    billions |= {"qwen3.5-35b-a3b": 35, "qwen2-vl-2b": 2.2, "qwen2-vl-7b": 8.3, "qwen2.5-vl-3b": 3.75}
    billions |= {"qwen2.5-vl-7b": 8.3, "glm-4.1v-9b": 10.3}
    assert set(billions) == set(sizes())
    for name, expected in billions.items():
        with torch.device("meta"):
            model = sizes()[name].build(size_config(name))
        assert sum(p.numel() for p in model.parameters()) / 1e9 == pytest.approx(expected, rel=0.03), name
        assert families()[model.config.model_type] is sizes()[name]
    with pytest.raises(ValueError, match="2b, 4b, 8b"):
        size_config("3b")


def test_filled_weights_give_finite_logits(tiny_host):
    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(tiny_host.model.config)
    model = model.to_empty(device="cpu").eval()
    fill(model)
    with torch.no_grad():
        logits = model(input_ids=torch.arange(8)[None]).logits
    assert logits.isfinite().all() and logits.std() > 0
    fresh = Qwen3VLForConditionalGeneration(tiny_host.model.config)
    restore_buffers(model)
    for (name, made), (_, stock) in zip(model.named_buffers(), fresh.named_buffers(), strict=True):
        assert torch.equal(made, stock), name


def test_remembering_changes_nothing_and_encodes_the_glimpse_once(tiny_host):
    pyramid = tiny_host.pyramid(Image.effect_noise((640, 448), 60).convert("RGB"))
    remembering, calls = RememberingHost(tiny_host), []
    encode = remembering._encode
    remembering._encode = lambda pyramids, cells: calls.append(len(cells[0])) or encode(pyramids, cells)

    def ask(host, budget, question):
        return Allocator().realize(host, [View.of(pyramid, question)], [budget])[0]

    for budget in (64, 100):
        for question in ("What is it?", "Where?"):
            plain, remembered = ask(tiny_host, budget, question), ask(remembering, budget, question)
            assert torch.equal(plain.allocation.leaves, remembered.allocation.leaves)
            assert torch.equal(plain.features.merged, remembered.features.merged)
    assert calls.count(len(pyramid.cells(pyramid.coarsest))) == 1


def test_two_scorers_share_one_look(tiny_host):
    remembering = RememberingHost(tiny_host)
    pyramid = tiny_host.pyramid(Image.effect_noise((640, 448), 60).convert("RGB"))
    cells = pyramid.cells(0)[:9]
    view, gaze = View(pyramid, cells, remembering.encode([pyramid], [cells])[0], "Where?"), Gaze()
    first, second = (remembering.attend([view], gaze)[0] for _ in range(2))
    other = remembering.attend([replace(view, question="Who?")], gaze)[0]
    elsewhere = remembering.attend([view], Gaze(first=0.0, last=0.4))[0]
    assert first is second and not torch.equal(first.mean, other.mean)
    assert torch.equal(first.mean, tiny_host.attend([view], gaze)[0].mean)
    assert not torch.equal(first.mean, elsewhere.mean)
