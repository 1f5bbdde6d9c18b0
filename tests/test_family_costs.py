"""What a host costs, counted and planned: operations, bytes and parameters of every family against real runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from family_rows import ROWS, row_config, row_model
from measuring import graph_bytes, leave_gradients, peak_bytes, recompute
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, bmm_flop
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from arr_coc.evaluation.flops import encode_flops, layer_flops, prefill_flops
from arr_coc.evaluation.random_hosts import published_processor
from arr_coc.hosts.decoding import cache_in
from arr_coc.hosts.families.registry import families
from arr_coc.hosts.host import TransformersHost
from arr_coc.serving.memory import Memory, count_weights, num_parameters
from arr_coc.serving.planning import RECIPES, training_activations
from arr_coc.serving.workload import Need, Target, Workload
from arr_coc.training.lora import add_lora, lora_parameters

GRID = (8, 16)
DTYPES = [torch.float32, torch.bfloat16]
FROZEN, WHOLE = RECIPES[0], RECIPES[-1]


@pytest.fixture(scope="module", params=ROWS)
def family_type(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def wide(family_type: str, tiny_tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Four times as wide as in the contract, so that widths tell more than what is left out."""
    return row_model(family_type, tiny_tokenizer, 4)


@pytest.fixture(scope="module", params=DTYPES, ids=str)
def model(request: pytest.FixtureRequest, family_type: str, tiny_tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    return row_model(family_type, tiny_tokenizer, 4).to(request.param)


@pytest.fixture()
def memory(model: PreTrainedModel) -> Memory:
    return Memory(model.config, model.dtype)


def encode(model: PreTrainedModel, rows: int, cols: int) -> Callable[[], Tensor]:
    shape = families()[model.config.model_type].tower_shape(model.config)
    pixels = torch.randn(4 * rows * cols, shape.channels)
    grid = torch.tensor([[1, 2 * rows, 2 * cols]])
    vision = families()[model.config.model_type].vision(model)
    return lambda: vision(pixels.to(model.dtype), grid_thw=grid).pooler_output


def prefill(model: PreTrainedModel, num_tokens: int, **options: object) -> Callable[[], object]:
    position = torch.arange(num_tokens).expand(4, 1, num_tokens)
    embeds = torch.randn(1, num_tokens, model.config.text_config.hidden_size).to(model.dtype)
    language = families()[model.config.model_type].language(model)
    return lambda: language(
        inputs_embeds=embeds.clone().requires_grad_(torch.is_grad_enabled()), position_ids=position, **options
    )


# Operations


def solve_flop(system: torch.Size, values: torch.Size, *args: object, **kwargs: object) -> int:
    """Of a triangular system: half a product."""
    return bmm_flop(system, values) // 2 if len(values) == 3 else solve_flop(flat(system), flat(values))


def flat(shape: torch.Size) -> torch.Size:
    return torch.Size([int(torch.tensor(shape[:-2]).prod()), *shape[-2:]])


@torch.no_grad()
def counted(model: PreTrainedModel, run: Callable[[], object]) -> float:
    model.set_attn_implementation("eager")
    model.set_experts_implementation("eager")
    custom = {torch.ops.aten.linalg_solve_triangular: solve_flop}
    with FlopCounterMode(display=False, custom_mapping=custom) as counter:
        run()
    model.set_attn_implementation("sdpa")
    return float(counter.get_total_flops())


def as_host(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> TransformersHost:
    return TransformersHost(model, tokenizer, published_processor(families()[model.config.model_type]))


@pytest.mark.parametrize("num_tokens", [64, 192, 200])
def test_operations_of_the_language_model(wide: PreTrainedModel, tiny_tokenizer, num_tokens: int) -> None:
    """Only experts that answer count, and attention only in layers that attend."""
    host = as_host(wide, tiny_tokenizer)
    measured = counted(wide, prefill(wide, num_tokens, use_cache=False))
    assert prefill_flops(host, num_tokens) == pytest.approx(measured, rel=0.01)
    shape = host.family.language_shape(wide.config)
    growth = [layer_flops(host, shape, 2048, n) / layer_flops(host, shape, 1024, n) for n in range(shape.depth)]
    assert [ratio > 2.01 for ratio in growth] == [layer in shape.attending for layer in range(shape.depth)]


@pytest.mark.parametrize("grid", [(8, 8), GRID])
def test_operations_of_the_encoder(wide: PreTrainedModel, tiny_tokenizer, grid: tuple[int, int]) -> None:
    """Patches become vectors outside the blocks: their products are counted apart."""
    host, num_cells = as_host(wide, tiny_tokenizer), grid[0] * grid[1]
    shape = host.family.tower_shape(wide.config)
    embedding = 2.0 * 4 * num_cells * shape.channels * shape.width
    measured = counted(wide, encode(wide, *grid)) - embedding
    assert encode_flops(host, num_cells) == pytest.approx(measured, rel=0.01)


# Bytes


def held_by(cache: object) -> int:
    """Bytes of all tensors of a cache."""
    total = 0
    for layer in cache.layers:
        tensors = [getattr(layer, "keys", None), getattr(layer, "values", None)]
        tensors += [*getattr(layer, "conv_states", {}).values(), *getattr(layer, "recurrent_states", {}).values()]
        total += sum(tensor.nbytes for tensor in tensors if tensor is not None)
    return total


@pytest.mark.parametrize("num_tokens", [77, 300])
def test_the_cache_is_exact(model: PreTrainedModel, memory: Memory, num_tokens: int) -> None:
    """Linear attention keeps the same, however long the prompt."""
    with torch.no_grad():
        output = prefill(model, num_tokens, use_cache=True)()
    assert memory.cache(num_tokens) == held_by(cache_in(output))


def test_the_peak_of_the_encoder(model: PreTrainedModel, memory: Memory) -> None:
    with torch.no_grad():
        measured = peak_bytes(encode(model, *GRID))
    pixels = memory.num_patches(GRID[0] * GRID[1]) * memory.tower.channels * 4
    assert measured == pytest.approx(memory.encode(GRID[0] * GRID[1]) - pixels, rel=0.06)


@pytest.mark.parametrize("num_tokens", [128, 500])
def test_the_peak_of_prefill(model: PreTrainedModel, memory: Memory, num_tokens: int) -> None:
    """What is promised is enough and not far too much: transformers 5.24 keeps less in linear attention than 5.19."""
    with torch.no_grad():
        measured = peak_bytes(prefill(model, num_tokens, use_cache=False))
    promised = memory.prefill(num_tokens)
    assert 0.9 * promised <= measured <= 1.05 * promised


@pytest.mark.parametrize("is_trained", [False, True])
def test_what_language_layers_keep(model: PreTrainedModel, memory: Memory, is_trained: bool) -> None:
    model.requires_grad_(is_trained)
    kept = graph_bytes(lambda: prefill(model, 300, use_cache=False)().last_hidden_state, model)
    width, rotary = memory.text.width, memory.text.rotary
    beside = 300 * (4 * width + memory.dtype.itemsize * (width * is_trained + 2 * rotary))
    planned = sum(memory.language_graph(300, is_trained, layer) for layer in range(memory.text.depth))
    assert kept - beside == pytest.approx(planned, rel=0.06)


def test_what_a_vision_block_keeps(model: PreTrainedModel, memory: Memory) -> None:
    model.requires_grad_(True)
    vision = families()[model.config.model_type].vision(model)
    run, blocks = encode(model, 6, 8), vision.blocks
    deep = graph_bytes(run, model)
    vision.blocks = blocks[:2]
    less = graph_bytes(run, model)
    vision.blocks = blocks
    assert deep - less == pytest.approx(memory.vision_graph(48), rel=0.03)


STEPS = [(torch.float32, recipe, is_on) for recipe in (FROZEN, WHOLE) for is_on in (False, True)]


@pytest.mark.parametrize(
    ("dtype", "recipe", "is_checkpointed"),
    [*STEPS, pytest.param(torch.bfloat16, FROZEN, True, marks=pytest.mark.slow)],
    ids=lambda value: str(value)[:20],
)
def test_the_peak_of_a_training_step(family_type: str, tiny_tokenizer, dtype, recipe, is_checkpointed: bool) -> None:
    """Activations and loss; gradients are there, which the plan counts as states."""
    num_tokens, model = 128, row_model(family_type, tiny_tokenizer, 4).to(dtype)
    position = torch.arange(num_tokens).expand(4, 1, num_tokens)
    embeds = torch.randn(1, num_tokens, model.config.text_config.hidden_size).to(dtype).requires_grad_()
    labels = torch.randint(model.config.text_config.vocab_size, (1, num_tokens))
    model.requires_grad_(recipe is WHOLE).train()
    if is_checkpointed:
        recompute(model, "enable")
    leave_gradients(embeds, *model.parameters())
    measured = peak_bytes(
        lambda: model(inputs_embeds=embeds, position_ids=position, labels=labels, use_cache=False).loss.backward()
    )
    target, need = Target("wide", model.config, dtype, (1, 10**6)), Need(0, 0, 0, 0, 0, 0, 0, False)
    planned = training_activations(target, recipe, need, Workload((64, 64), num_text=num_tokens), is_checkpointed)
    assert 0.9 * measured <= planned <= 1.25 * measured


# Parameters


def test_parts_are_counted_exactly(family_type: str, wide: PreTrainedModel) -> None:
    family, weights = families()[family_type], count_weights(wide.config)
    language, vision = family.language(wide), family.vision(wide)
    assert weights.total == num_parameters(wide) and weights.vision_block == num_parameters(vision.blocks[1])
    assert weights.language_layers == tuple(map(num_parameters, language.layers))
    assert weights.mergers == sum(map(num_parameters, family.bridge(vision))) > num_parameters(vision.merger) - 1


def test_lora_adapts_every_kind_of_layer(family_type: str, tiny_tokenizer) -> None:
    """What peft adds is what the plan counts; each layer learns, and the vision tower does not."""
    model = row_model(family_type, tiny_tokenizer)
    planned = count_weights(row_config(family_type, tiny_tokenizer)).lora_widths
    add_lora(model, 3)
    family = families()[family_type]
    assert sum(parameter.numel() for parameter in lora_parameters(model)) == 3 * planned
    assert all(lora_parameters(layer) for layer in family.language(model).layers)
    assert not lora_parameters(family.vision(model))
