"""The contract of a host: every family passes it, on tiny models with random weights, in float32.

A new family is one more row in `family_rows.ROWS`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from by_hand import by_hand, by_repeated_forward
from conftest import QUESTION, draw, leaves, ragged_batch
from family_rows import ROWS, row_model
from torch import Tensor
from transformers import AttentionInterface, PreTrainedModel, PreTrainedTokenizerFast
from transformers.vision_utils import get_vision_window_index

from arr_coc.evaluation.random_hosts import published_processor
from arr_coc.evaluation.running.runner import REGISTRY, Plan, run
from arr_coc.hosts.attention import heads_read, layers_read, look, num_heads
from arr_coc.hosts.bare import glimpse_block
from arr_coc.hosts.encoding import Segment, cut_patches, segment_grid
from arr_coc.hosts.families.registry import families
from arr_coc.hosts.families.shapes import attending_layers
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.sureness import Sureness
from arr_coc.records import Gaze
from arr_coc.training.phases import PHASES, build
from arr_coc.training.policy_gradient import PolicySettings


@pytest.fixture(scope="module", params=ROWS)
def model(request: pytest.FixtureRequest, tiny_tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return row_model(request.param, tiny_tokenizer)


@pytest.fixture()
def processor(model: PreTrainedModel, tiny_tokenizer: PreTrainedTokenizerFast) -> RelevanceProcessor:
    """4 to 640 visual tokens a picture."""
    family = families()[model.config.model_type]
    cell = (2 * family.patch_size) ** 2 * family.frames
    image_processor = published_processor(replace(family, pixel_limits=(4 * cell, 640 * cell)))
    return RelevanceProcessor(TransformersHost(model, tiny_tokenizer, image_processor))


@pytest.fixture()
def host(processor: RelevanceProcessor) -> TransformersHost:
    return processor.host


def test_every_family_has_a_row() -> None:
    assert set(ROWS) == set(families())


# Equal to the untouched model


@torch.no_grad()
def test_all_cells_kept_equals_the_stock_path(processor: RelevanceProcessor) -> None:
    model, messages = processor.host.model, question_messages(draw(448, 392), QUESTION)
    plain = plain_inputs(processor.host, messages)
    inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=400)
    assert torch.equal(inputs["input_ids"], plain["input_ids"]) and inputs["input_ids"].shape[1] > 160
    stock_positions, _ = model.model.get_rope_index(**{k: v for k, v in plain.items() if k != "pixel_values"})
    assert torch.equal(inputs["position_ids"][1:], stock_positions)
    assert (model(**inputs).logits - model(**plain).logits).abs().max() <= 1e-5
    settings = {"max_new_tokens": 8, "do_sample": False}
    assert torch.equal(model.generate(**inputs, **settings), model.generate(**plain, **settings))


def test_pixel_values_equal_the_stock_image_processor(host: TransformersHost) -> None:
    for size in ((196, 224), (512, 480), (33, 700), (20, 20)):
        image = draw(*size)
        stock = host.image_processor(images=[image], return_tensors="pt")
        width, height = host.stock_size(*size)
        rows, cols = height // host.geometry.patch_size, width // host.geometry.patch_size
        assert stock["image_grid_thw"].tolist() == [[1, rows, cols]]
        whole = Segment(host.resize(image, (width, height)), torch.arange(rows * cols // 4))
        assert (cut_patches(whole, host.geometry) - stock["pixel_values"]).abs().max() < 1e-6


# Selection before the encoder: encode all, and let no patch see one that was not chosen


@contextmanager
def only_chosen(model: PreTrainedModel, is_chosen: Tensor) -> Iterator[None]:
    """The vision tower's attention, blind to patches (in the order in which its blocks see them) not chosen."""
    seen = [0]

    def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, *args: Any, scaling: float, **kwargs: Any):
        start = seen[0] % len(is_chosen)
        seen[0] += key.shape[2]
        logits = (query @ key.transpose(2, 3)) * scaling
        hidden = ~is_chosen[start : start + key.shape[2]]
        weights = logits.masked_fill(hidden, -torch.inf).softmax(-1).nan_to_num()
        return (weights @ value).transpose(1, 2), weights

    AttentionInterface.register("only_chosen", attend)
    vision = families()[model.config.model_type].vision(model)
    previous = vision.config._attn_implementation
    vision.set_attn_implementation("only_chosen")
    try:
        yield
    finally:
        vision.set_attn_implementation(previous)


def window_order(vision: torch.nn.Module, grids: Tensor) -> Tensor:
    """Cells in the order in which the tower's blocks see them."""
    if not hasattr(vision, "window_size"):
        return torch.arange(int(grids.prod(1).sum()) // 4)
    return get_vision_window_index(grids, 2, vision.window_size, vision.patch_size)[0]


@torch.no_grad()
def test_chosen_cells_equal_whole_levels_of_which_the_rest_is_hidden(host: TransformersHost) -> None:
    pyramid = host.pyramid(draw(400, 330))
    assert pyramid.coarsest == 1
    generator = torch.Generator().manual_seed(0)
    chosen = [torch.randperm(len(pyramid.cells(level)), generator=generator)[:20] for level in (0, 1)]
    cells = torch.cat([pyramid.cells(level)[index] for level, index in enumerate(chosen)])
    shuffled = torch.randperm(40, generator=generator)
    (features,) = host.encode([pyramid], [cells[shuffled]])

    whole = [Segment(image, torch.arange(math.prod(pyramid.grid(n)))) for n, image in enumerate(pyramid.levels)]
    grids = torch.cat([segment_grid(segment, host.geometry) for segment in whole])
    is_chosen = torch.cat([torch.zeros(len(s.index)).index_fill(0, i, 1) for s, i in zip(whole, chosen, strict=True)])
    order = window_order(host.vision, grids)
    with only_chosen(host.base, is_chosen[order].bool().repeat_interleave(4)):
        output = host.vision(torch.cat([cut_patches(s, host.geometry) for s in whole]), grid_thw=grids)
    rows = torch.cat([chosen[0], chosen[1] + len(whole[0].index)])[shuffled]
    assert (features.merged - output.pooler_output[rows]).abs().max() < 2e-5
    planes = getattr(output, "deepstack_features", None) or []
    assert len(features.deepstack) == len(planes)
    for plane, expected in zip(features.deepstack, planes, strict=True):
        assert (plane - expected[rows]).abs().max() < 2e-5


@torch.no_grad()
def test_pictures_packed_or_alone_are_encoded_alike(host: TransformersHost) -> None:
    pyramids = [host.pyramid(draw(300, 260)), host.pyramid(draw(100, 500, seed=1))]
    cells = [pyramid.cells(pyramid.coarsest) for pyramid in pyramids]
    apart = host.encode(pyramids, cells)
    host.is_packed = True
    for one, other in zip(host.encode(pyramids, cells), apart, strict=True):
        assert torch.allclose(one.merged, other.merged, atol=1e-5)


# Positions and batches


@torch.no_grad()
def test_positions_of_every_decoded_token(processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    inputs = processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    seen: list[Tensor] = []

    def note(_: Any, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
        seen.append((args[1] if len(args) > 1 else kwargs["position_ids"]).clone())

    handle = processor.host.language.rotary_emb.register_forward_pre_hook(note, with_kwargs=True)
    processor.host.model.generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    handle.remove()
    assert len(seen) == 4 and torch.equal(seen[0], inputs["position_ids"][1:])
    last = inputs["position_ids"][1:, :, -1:]
    for step, positions in enumerate(seen[1:], start=1):
        assert torch.equal(positions.expand(3, -1, -1), last + step)


@torch.no_grad()
def test_ragged_batch_equals_one_by_one(processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    model, settings = processor.host.model, {"max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False}
    together = processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    assert [len(pictures) for pictures in together.realizations] == [1, 2, 2, 0]
    assert (together["attention_mask"][:, 0] == 0).sum() == 3
    logits, spoken = model(**together).logits[:, -1], model.generate(**together, **settings)[:, -5:]
    for row, (conversation, budget) in enumerate(zip(conversations, budgets, strict=True)):
        alone = processor.apply_chat_template(conversation, add_generation_prompt=True, budget=budget)
        assert leaves(alone.realizations) == leaves([together.realizations[row]])
        assert (model(**alone).logits[0, -1] - logits[row]).abs().max() < 1e-4
        assert torch.equal(model.generate(**alone, **settings)[0, -5:], spoken[row])


@torch.no_grad()
def test_beams_and_several_sequences_equal_those_of_each_conversation_alone(processor: RelevanceProcessor) -> None:
    """A conversation's pictures stay together when they are repeated for every beam."""
    conversations, budgets = ragged_batch()
    inputs = processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    model = processor.host.model
    speak = partial(model.generate, max_new_tokens=3, min_new_tokens=3, do_sample=False, num_beams=2)
    first = speak(**inputs, num_return_sequences=2)
    assert torch.equal(first, speak(**inputs, num_return_sequences=2))
    for row, (conversation, budget) in enumerate(zip(conversations, budgets, strict=True)):
        alone = processor.apply_chat_template(conversation, add_generation_prompt=True, budget=budget)
        assert torch.equal(speak(**alone, num_return_sequences=2)[:, -3:], first[2 * row : 2 * row + 2, -3:])


# Where a question looks


def reported_attention(host: TransformersHost, inputs: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Of every layer that attends, (1, heads, T, T), as transformers reports it."""
    previous = host.language.config._attn_implementation
    host.base.set_attn_implementation("eager")
    try:
        return host.model(**inputs, output_attentions=True).attentions
    finally:
        host.base.set_attn_implementation(previous)


@torch.no_grad()
def test_attention_equals_what_the_model_reports(processor: RelevanceProcessor) -> None:
    host, messages = processor.host, question_messages(draw(400, 330), QUESTION)
    inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=400)
    (realization,) = inputs.realizations[0]
    cells, features = realization.allocation.leaves, realization.features
    gaze = Gaze(first=0.0, last=1.0, num_queries=4, heads_from=0.0)
    prompt = host.ask(glimpse_block(realization.pyramid, cells), QUESTION)
    assert torch.equal(prompt.ids, inputs["input_ids"][0])
    (mean,), (heads,) = look(host.family, host.language, [prompt], features, host.image_token_id, gaze)
    reported = reported_attention(host, inputs)
    attending = attending_layers(host.text_config)
    assert len(reported) == len(attending) == len(layers_read(gaze, host.text_config))
    is_visual = prompt.ids == host.image_token_id
    expected = torch.cat(reported)[:, :, -4:, is_visual].mean(2)
    assert torch.allclose(heads, expected.flatten(0, 1).T, atol=2e-6)
    assert torch.allclose(mean, expected.mean((0, 1)), atol=2e-6)
    assert heads.shape[1] == num_heads(gaze, host.text_config)


def test_the_gaze_reads_layers_that_attend(host: TransformersHost) -> None:
    attending = attending_layers(host.text_config)
    for first, last in ((0.0, 0.2), (0.0, 0.5), (0.5, 0.75), (0.9, 1.0)):
        gaze = Gaze(first=first, last=last, heads_from=first)
        chosen = layers_read(gaze, host.text_config)
        assert chosen and set(chosen) <= set(attending) and set(heads_read(gaze, host.text_config)) <= set(attending)
        within = [layer for layer in attending if round(first * 4) <= layer < max(1, round(last * 4))]
        assert not within or list(chosen) == within


# Kept and loaded


def test_what_is_saved_is_loaded(processor: RelevanceProcessor, tmp_path: Path) -> None:
    messages = question_messages(draw(500, 380), QUESTION)
    expected = processor.apply_chat_template(messages, budget=100)
    processor.save_pretrained(tmp_path)
    processor.host.base.config.save_pretrained(tmp_path)
    loaded = RelevanceProcessor.from_pretrained(tmp_path, model=processor.host.model)
    assert type(loaded.image_processor) is type(processor.image_processor)
    assert leaves(loaded.apply_chat_template(messages, budget=100).realizations) == leaves(expected.realizations)


def test_decoding_by_hand_and_inputs_used_twice(processor: RelevanceProcessor) -> None:
    """A stock call before every step; beams of a ragged batch, twice from the same dictionary."""
    model = processor.host.model
    conversations, budgets = ragged_batch()
    used = dict(processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets))
    plain = plain_inputs(processor.host, question_messages(draw(500, 100, seed=5), QUESTION))
    logits = by_hand(model, used, lambda: model(**plain, use_cache=True))
    assert (logits - by_repeated_forward(model, used)).abs().max() < 1e-4
    beams = {"max_new_tokens": 4, "do_sample": False, "num_beams": 2}
    first = model.generate(**used, **beams)
    assert torch.equal(model.generate(**used, **beams), first)


# What a family cannot do is said before anything is asked


def test_what_needs_attention_everywhere_is_refused_up_front(
    model: PreTrainedModel, processor: RelevanceProcessor, tiny_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    is_hybrid = len(attending_layers(processor.host.text_config)) < processor.host.text_config.num_hidden_layers
    with refused(is_hybrid, "fastv: needs attention in every layer"):
        REGISTRY["fastv"].check(processor.host)
    with refused(is_hybrid, "teacher: needs attention in every layer"):
        build(PHASES["allocator"], processor, PolicySettings())
    with refused(is_hybrid, "fastv: needs attention in every layer"):
        model.save_pretrained(tmp_path / "model")
        processor.save_pretrained(tmp_path / "model")
        draw(96, 96).save(tmp_path / "a.png")
        record = {"image": "a.png", "question": "What?", "answers": ["x"], "metric": "exact_match"}
        (tmp_path / "qa.jsonl").write_text(json.dumps(record), encoding="utf-8")
        plan = Plan(str(tmp_path / "model"), (str(tmp_path),), ("resize", "fastv"), (64,), timed_every=0)
        assert list(run(plan, tmp_path / "out"))[-1] == (2, 2)
    assert is_hybrid == (not (tmp_path / "out" / "answers.jsonl").exists())


def test_joint_packing_is_refused_up_front_where_a_segment_has_one_grid(processor: RelevanceProcessor) -> None:
    has_free_segments = families()[processor.host.model.config.model_type].has_free_segments
    with refused(not has_free_segments, "joint packing"):
        REGISTRY["joint packing"].check(processor.host)


def refused(is_refused: bool, words: str) -> AbstractContextManager[object]:
    return pytest.raises(ValueError, match=words) if is_refused else nullcontext()


def test_looking_until_sure_ends_where_one_look_does(processor: RelevanceProcessor) -> None:
    """Also where the cache of linear attention can't be cut back to where a draft goes wrong."""
    processor.sureness = Sureness(thresholds={"1": 1.0})
    messages = question_messages(draw(700, 520), "What is the total?")
    once = processor.answer(messages, until_sure=False, budget=160, max_new_tokens=6)
    answer = processor.answer(messages, max_budget=160, max_new_tokens=6)
    assert answer.text == once.text and [look.budget for look in answer.looks] == [64, 100, 160]
    first = processor.apply_chat_template([messages], add_generation_prompt=True, budget=64)
    closer = processor.look_closer(first, "a draft", 160)
    (before,), (after,) = first.realizations[0], closer.realizations[0]
    assert before.allocation.num_tokens < after.allocation.num_tokens <= 160
    assert after.num_encoded == 4 * sum(len(splits) for splits in after.splits)
