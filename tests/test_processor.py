"""RelevanceProcessor: its inputs go into the untouched model and mean what they should."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import QUESTION, draw, leaves, ragged_batch, random_parts, turn
from torch import Tensor

from arr_coc import RelevanceProcessor
from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.records import Gaze, Realization


def expected_positions(ids: list[int], image_token: int, pictures: Sequence[Realization]) -> list[tuple[int, int, int]]:
    """t, h, w of every token, counted one by one."""
    positions, start, remaining = [], 0, list(pictures)
    place = 0
    while place < len(ids):
        if ids[place] != image_token:
            positions.append((start, start, start))
            start, place = start + 1, place + 1
            continue
        allocation = remaining.pop(0).allocation
        for level, row, col in allocation.leaves.tolist():
            size = 2**level
            positions.append((start, start + row * size + (size - 1) // 2, start + col * size + (size - 1) // 2))
        place += allocation.num_tokens
        start += max(allocation.grid)
    assert not remaining
    return positions


def last_logits(model: torch.nn.Module, inputs: RelevanceInputs) -> Tensor:
    return model(**inputs).logits[:, -1]


# Equal to the untouched model


@torch.no_grad()
def test_all_cells_kept_equals_the_stock_path(tiny_processor: RelevanceProcessor) -> None:
    model, messages = tiny_processor.host.model, question_messages(draw(512, 448), QUESTION)
    plain = plain_inputs(tiny_processor.host, messages)
    inputs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=400)
    assert torch.equal(inputs["input_ids"], plain["input_ids"]) and inputs["input_ids"].shape[1] > 224
    stock_positions, _ = model.model.get_rope_index(**{k: v for k, v in plain.items() if k != "pixel_values"})
    assert torch.equal(inputs["position_ids"][1:], stock_positions)
    difference = (model(**inputs).logits - model(**plain).logits).abs().max()
    assert difference < 1e-5
    settings = {"max_new_tokens": 8, "do_sample": False}
    assert torch.equal(model.generate(**inputs, **settings), model.generate(**plain, **settings))


@torch.no_grad()
def test_logits_equal_a_reference_that_gathers_by_hand(tiny_processor: RelevanceProcessor) -> None:
    model = tiny_processor.host.model
    inputs = tiny_processor.apply_chat_template(question_messages(draw(640, 480), QUESTION), budget=100)
    (realization,) = inputs.realizations[0]
    levels = {int(level) for level in realization.allocation.leaves[:, 0]}
    assert len(levels) > 1 and realization.allocation.num_tokens < 20 * 15
    language, ids = model.model.language_model, inputs["input_ids"][0].tolist()
    states = language.embed_tokens(inputs["input_ids"])[0].clone()
    where = [place for place, token in enumerate(ids) if token == model.config.image_token_id]
    states[where] = realization.features.merged
    positions = expected_positions(ids, model.config.image_token_id, inputs.realizations[0])
    rotary = language.rotary_emb(states[None], torch.tensor(positions).T[:, None])
    causal = torch.full((len(ids), len(ids)), -torch.inf).triu(1)[None, None]
    for depth, layer in enumerate(language.layers):
        states = layer(states[None], attention_mask=causal, position_embeddings=rotary)[0]
        if depth < 2:
            states[where] += realization.features.deepstack[depth]
    expected = model.lm_head(language.norm(states))
    assert (model(**inputs).logits[0] - expected).abs().max() < 1e-5


@torch.no_grad()
def test_positions_of_prompt_and_of_every_decoded_token(tiny_processor: RelevanceProcessor) -> None:
    model = tiny_processor.host.model
    conversations, budgets = ragged_batch()
    inputs = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    seen: list[Tensor] = []
    rotary = model.model.language_model.rotary_emb
    handle = rotary.register_forward_pre_hook(lambda _, args: seen.append(args[1].clone()))
    model.generate(**inputs, max_new_tokens=5, min_new_tokens=5, do_sample=False)
    handle.remove()
    assert len(seen) == 5
    counted = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
    assert torch.equal(inputs["position_ids"][0], counted)
    for row, mask in enumerate(inputs["attention_mask"].bool()):
        ids = inputs["input_ids"][row][mask].tolist()
        expected = expected_positions(ids, model.config.image_token_id, inputs.realizations[row])
        assert seen[0][:, row][:, mask].T.tolist() == [list(position) for position in expected]
        for step, positions in enumerate(seen[1:], start=1):
            assert positions[:, row].flatten().tolist() == [expected[-1][0] + step] * 3


@torch.no_grad()
def test_generate_equals_greedy_by_repeated_forward(tiny_processor: RelevanceProcessor) -> None:
    model = tiny_processor.host.model
    conversations, budgets = ragged_batch()
    inputs = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    generated = model.generate(**inputs, max_new_tokens=6, min_new_tokens=6, do_sample=False)
    grown = dict(inputs.items())
    for _ in range(6):
        logits = model(**grown).logits[:, -1].clone()
        logits[:, model.generation_config.eos_token_id] = -torch.inf
        grown["input_ids"] = torch.cat([grown["input_ids"], logits.argmax(-1, keepdim=True)], dim=1)
        grown["attention_mask"] = torch.nn.functional.pad(grown["attention_mask"], (0, 1), value=1)
        grown["position_ids"] = torch.cat([grown["position_ids"], grown["position_ids"][..., -1:] + 1], dim=2)
    assert torch.equal(generated, grown["input_ids"])


# Batches


@torch.no_grad()
def test_ragged_batch_equals_one_by_one(tiny_processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    model = tiny_processor.host.model
    together = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    assert [len(pictures) for pictures in together.realizations] == [1, 2, 2, 0]
    assert (together["attention_mask"][:, 0] == 0).sum() == 3 and together["attention_mask"][:, -1].all()
    logits = last_logits(model, together)
    for row, (conversation, budget) in enumerate(zip(conversations, budgets, strict=True)):
        alone = tiny_processor.apply_chat_template(conversation, add_generation_prompt=True, budget=budget)
        assert leaves(alone.realizations) == leaves([together.realizations[row]])
        assert torch.equal(alone["input_ids"][0], together["input_ids"][row][together["attention_mask"][row].bool()])
        assert (last_logits(model, alone)[0] - logits[row]).abs().max() < 1e-5


def test_budgets_are_kept_per_picture(tiny_processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    inputs = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    image_tokens = (inputs["input_ids"] == tiny_processor.host.image_token_id).sum(1).tolist()
    for pictures, count, budget in zip(inputs.realizations, image_tokens, budgets, strict=True):
        assert sum(picture.allocation.num_tokens for picture in pictures) == count
        for picture in pictures:
            assert picture.allocation.num_tokens <= (picture.tensions.budget if budget == "auto" else budget)
    assert inputs.realizations[1][1].allocation.num_tokens > 147
    assert inputs.realizations[2][0].question == inputs.realizations[2][1].question == "Read the line below the title."


def test_padding_follows_the_tokenizer_unless_a_prompt_is_asked_for(tiny_processor, monkeypatch) -> None:
    conversations, budgets = ragged_batch()
    monkeypatch.setattr(tiny_processor.tokenizer, "padding_side", "right")
    training = tiny_processor.apply_chat_template(conversations, budget=budgets)
    assert training["attention_mask"][:, 0].all() and not training["attention_mask"][:, -1].all()
    prompt = tiny_processor.apply_chat_template(conversations, budget=budgets, add_generation_prompt=True)
    assert prompt["attention_mask"][:, -1].all()
    left = tiny_processor.apply_chat_template(conversations, budget=budgets, padding_side="left")
    mask, other = training["attention_mask"].bool(), left["attention_mask"].bool()
    with torch.no_grad():
        logits = tiny_processor.host.model(**training).logits[mask], tiny_processor.host.model(**left).logits[other]
    assert (logits[0] - logits[1]).abs().max() < 1e-5


def test_several_sequences_twice_from_the_same_inputs(tiny_processor: RelevanceProcessor) -> None:
    conversations, budgets = ragged_batch()
    inputs = tiny_processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)
    model, settings = tiny_processor.host.model, {"max_new_tokens": 3, "do_sample": False, "num_beams": 2}
    first = model.generate(**inputs, **settings, num_return_sequences=2)
    assert torch.equal(first, model.generate(**inputs, **settings, num_return_sequences=2))


# Training


def test_loss_and_gradients(tiny_processor: RelevanceProcessor) -> None:
    model = copy.deepcopy(tiny_processor.host.model)
    tiny_processor.host.model = model
    messages = [*question_messages(draw(300, 200), QUESTION), turn("12", role="assistant")]
    for is_training in (False, True):
        tiny_processor.host.is_training = is_training
        model.zero_grad()
        inputs = tiny_processor.apply_chat_template(messages, budget=64)
        labels = inputs["input_ids"].masked_fill(inputs["input_ids"] == model.config.image_token_id, -100)
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        assert loss.isfinite() and model.model.language_model.layers[0].mlp.up_proj.weight.grad.abs().sum() > 0
        gradient = model.model.visual.patch_embed.proj.weight.grad
        assert (gradient is not None and gradient.abs().sum() > 0) == is_training


# The same again


def test_same_input_same_allocation_and_answer(tiny_processor: RelevanceProcessor) -> None:
    messages, model = question_messages(draw(640, 480), QUESTION), tiny_processor.host.model
    first, second = (tiny_processor.apply_chat_template(messages, add_generation_prompt=True) for _ in range(2))
    assert leaves(first.realizations) == leaves(second.realizations)
    answers = [model.generate(**inputs, max_new_tokens=5, do_sample=False) for inputs in (first, second)]
    assert torch.equal(*answers)


def test_the_question_decides_where(tiny_processor: RelevanceProcessor) -> None:
    picture = draw(800, 700)
    one, other = (
        tiny_processor.apply_chat_template(question_messages(picture, text), budget=100)
        for text in (QUESTION, "Is there a red circle?")
    )
    assert leaves(one.realizations) != leaves(other.realizations)


def test_save_and_load_gives_the_same_allocation(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    allocator = Allocator(
        budget=300,
        balancer=HeuristicBalancer(focus_diversify=0.1, weights=(0.1, 0.1, 0.8)),
        gaze=Gaze(first=0.0, last=0.4, num_queries=3, relative=0.0),
    )
    torch.manual_seed(1)
    adapter = QualityAdapter(AdapterConfig(dim=48, width=16, num_prototypes=4, num_layers=1))
    torch.nn.init.normal_(adapter.leave.weight)
    saved = RelevanceProcessor(tiny_processor.host, replace(allocator, adapter=adapter))
    messages = question_messages(draw(640, 480), QUESTION)
    expected = saved.apply_chat_template(messages)
    assert 297 < expected.realizations[0][0].allocation.num_tokens <= 300
    saved.save_pretrained(tmp_path)
    loaded = RelevanceProcessor.from_pretrained(tmp_path, model=tiny_processor.host.model)
    assert replace(loaded.allocator, adapter=None) == allocator
    inputs = loaded.apply_chat_template(messages)
    assert leaves(inputs.realizations) == leaves(expected.realizations)
    features = (i["mm_encoder_outputs"]["image"].pooler_output[0] for i in (inputs, expected))
    assert torch.equal(*features)
    plain = RelevanceProcessor.from_pretrained(tmp_path, model=tiny_processor.host.model, budget="auto")
    assert replace(plain.allocator, adapter=None) == replace(allocator, budget="auto")
    other = RelevanceProcessor.from_pretrained(tmp_path, model=tiny_processor.host.model, relevance=tmp_path)
    assert replace(other.allocator, adapter=None) == allocator


def test_what_was_learnt_is_saved_and_used(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    messages = question_messages(draw(640, 480), QUESTION)
    saved = RelevanceProcessor(tiny_processor.host, random_parts(48))
    saved.save_pretrained(tmp_path)
    loaded = RelevanceProcessor.from_pretrained(tmp_path, model=tiny_processor.host.model)
    plain, expected, found = (p.apply_chat_template(messages, budget=100) for p in (tiny_processor, saved, loaded))
    assert leaves(found.realizations) == leaves(expected.realizations) != leaves(plain.realizations)
    features = (i["mm_encoder_outputs"]["image"].pooler_output[0] for i in (found, expected))
    assert torch.equal(*features)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: (path / "relevance.safetensors").unlink(), "can't be read"),
        (lambda path: (path / "relevance.safetensors").write_bytes(b"no"), "can't be read"),
        (lambda path: (path / "relevance.json").write_text("[]"), "not written by save_pretrained"),
        (
            lambda path: (path / "relevance.json").write_text(
                (path / "relevance.json").read_text().replace('"hidden_size": 48', '"hidden_size": 2048')
            ),
            "trained for a host with hidden_size 2048, this one has 48",
        ),
    ],
)
def test_relevance_that_cannot_be_used(
    tiny_processor: RelevanceProcessor, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    RelevanceProcessor(tiny_processor.host, random_parts(48)).save_pretrained(tmp_path)
    spoil(tmp_path / "relevance")
    with pytest.raises(ValueError, match=message):
        RelevanceProcessor.from_pretrained(tmp_path, model=tiny_processor.host.model)


def test_untrained_adapter_changes_nothing(tiny_processor: RelevanceProcessor) -> None:
    messages = question_messages(draw(640, 480), QUESTION)
    adapter = QualityAdapter(AdapterConfig(dim=48, width=16, num_prototypes=4)).eval()
    adapted = RelevanceProcessor(tiny_processor.host, Allocator(adapter=adapter))
    with torch.no_grad():
        logits = [
            tiny_processor.host.model(**p.apply_chat_template(messages)).logits for p in (tiny_processor, adapted)
        ]
    assert torch.equal(*logits)
