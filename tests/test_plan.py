"""Plans of memory: every formula against what the allocator, the cache and autograd really hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from conftest import draw
from measuring import graph_bytes, leave_gradients, peak_bytes, recompute
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.data.tasks import Sample
from arr_coc.hosts.attention import layers_read
from arr_coc.hosts.decoding import cache_in
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.nano.config import assemble_config
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Allocation, Gaze
from arr_coc.serving.memory import Memory, count_weights, num_parameters, pyramid_bytes
from arr_coc.serving.planning import (
    FLOAT,
    RECIPES,
    Recipe,
    largest_batch,
    num_trained,
    plan_card,
    teacher_bytes,
    training_activations,
    training_bytes,
    training_states,
)
from arr_coc.serving.workload import Need, Target, Workload, find_target, needs, picture_of
from arr_coc.training.phases import complete, find_phase, taught_parameters
from arr_coc.training.teacher import pack, read, teach

DTYPES = [torch.float32, torch.bfloat16]
FROZEN, _, BRIDGE, WHOLE = RECIPES
TEXT_ALONE = Workload((64, 64), num_text=150)


@pytest.fixture(scope="module")
def config(tiny_tokenizer):
    """Ratios of Qwen3-VL-2B at an eighth of its width; a vocabulary that makes the loss count."""
    vision = {
        "depth": 3,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_heads": 2,
        "out_hidden_size": 256,
        "num_position_embeddings": 256,
        "deepstack_visual_indexes": [0, 1],
    }
    text = {
        "vocab_size": 2048,
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [12, 10, 10],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
    }
    return assemble_config(vision, text, tiny_tokenizer)


@pytest.fixture(scope="module", params=DTYPES, ids=str)
def model(request, config) -> Qwen3VLForConditionalGeneration:
    torch.manual_seed(0)
    return Qwen3VLForConditionalGeneration(config).to(request.param).eval()


@pytest.fixture()
def target(model, config) -> Target:
    return Target("mid", config, model.dtype, (4 * 32**2, 640 * 32**2))


def encode(model: Qwen3VLForConditionalGeneration, rows: int, cols: int) -> Callable[[], torch.Tensor]:
    grid = torch.tensor([[1, 2 * rows, 2 * cols]])
    pixels = torch.randn(4 * rows * cols, 1536)
    return lambda: model.model.visual(pixels.to(model.dtype), grid_thw=grid).pooler_output


def prefill(model: Qwen3VLForConditionalGeneration, num_tokens: int, **options: object) -> Callable[[], object]:
    position = torch.arange(num_tokens).expand(4, 1, num_tokens)
    embeds = torch.randn(1, num_tokens, model.config.text_config.hidden_size).to(model.dtype)
    return lambda: model.model.language_model(
        inputs_embeds=embeds.clone().requires_grad_(torch.is_grad_enabled()), position_ids=position, **options
    )


def step(model: Qwen3VLForConditionalGeneration, num_tokens: int) -> Callable[[], None]:
    """Forward, loss and backward from embeddings, as for an adapter before the language model.

    Gradients accumulate: those of an earlier step are there already.
    """
    position = torch.arange(num_tokens).expand(4, 1, num_tokens)
    embeds = torch.randn(1, num_tokens, model.config.text_config.hidden_size).to(model.dtype).requires_grad_()
    labels = torch.randint(model.config.text_config.vocab_size, (1, num_tokens))
    leave_gradients(embeds, *model.parameters())

    def run() -> None:
        output = model(inputs_embeds=embeds, position_ids=position, labels=labels, use_cache=False)
        output.loss.backward()

    return run


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_parameter_bytes_are_those_of_the_shipped_model(dtype: str) -> None:
    model, _ = load_host("nano", dtype, "cpu")
    target = find_target("nano", dtype)
    assert target.weight_bytes == sum(parameter.nbytes for parameter in model.parameters())
    text = model.config.text_config
    with torch.no_grad():
        output = model(input_ids=torch.arange(100)[None], use_cache=True)
    assert target.memory.cache(100) == cache_bytes(cache_in(output))
    assert len(target.weights.language_layers) == text.num_hidden_layers
    assert sum(target.weights.language_layers) < target.weights.total


def cache_bytes(cache: object) -> int:
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


def test_parts_are_counted_exactly(model, config) -> None:
    weights = count_weights(config)
    assert weights.total == num_parameters(model) and weights.vision_block == num_parameters(
        model.model.visual.blocks[1]
    )
    assert weights.language_layers[2] == num_parameters(model.model.language_model.layers[2])
    text = config.text_config
    num_looks = text.num_attention_heads * len(layers_read(Gaze(), text))
    scorer = LearnedScorer(ScorerConfig(256, num_looks=num_looks))
    parts = [scorer, LearnedBalancer(BalancerConfig(256)), QualityAdapter(AdapterConfig(256))]
    assert weights.parts == sum(parameter.numel() for part in parts for parameter in part.parameters())
    layers = model.model.language_model.layers
    lora = sum(16 * sum(part.weight.shape) for part in layers.modules() if isinstance(part, torch.nn.Linear))
    assert 16 * weights.lora_widths == lora


def test_the_cache_is_exact(model, target) -> None:
    with torch.no_grad():
        output = prefill(model, 77, use_cache=True)()
    assert target.memory.cache(77) == cache_bytes(cache_in(output))


@pytest.mark.parametrize("grid", [(6, 8), (10, 12)])
def test_the_peak_of_the_encoder(model, target, grid) -> None:
    with torch.no_grad():
        measured = peak_bytes(encode(model, *grid))
    pixels = 4 * grid[0] * grid[1] * 1536 * FLOAT
    assert measured == pytest.approx(target.memory.encode(grid[0] * grid[1]) - pixels, rel=0.05)


@pytest.mark.parametrize("num_tokens", [80, 240])
def test_the_peak_of_prefill(model, target, num_tokens: int) -> None:
    with torch.no_grad():
        measured = peak_bytes(prefill(model, num_tokens, use_cache=False))
        cached = peak_bytes(prefill(model, num_tokens, use_cache=True))
    assert measured == pytest.approx(target.memory.prefill(num_tokens), rel=0.02)
    assert cached - measured == pytest.approx(target.memory.cache(num_tokens), rel=0.02)


@pytest.mark.parametrize("is_trained", [False, True])
def test_what_a_language_layer_keeps(model, target, is_trained: bool) -> None:
    model.requires_grad_(is_trained)
    kept = graph_bytes(lambda: prefill(model, 300, use_cache=False)().last_hidden_state, model)
    depth = target.config.text_config.num_hidden_layers
    beside = 300 * (FLOAT * 256 + target.dtype.itemsize * (256 * is_trained + 2 * 64))
    assert kept - beside == pytest.approx(depth * target.memory.language_graph(300, is_trained), rel=0.02)


def test_what_a_vision_block_keeps(model, target) -> None:
    model.requires_grad_(True)
    shallow = encode(model, 6, 8)
    blocks = model.model.visual.blocks
    deep = graph_bytes(shallow, model)
    model.model.visual.blocks = blocks[:2]
    less = graph_bytes(shallow, model)
    model.model.visual.blocks = blocks
    assert deep - less == pytest.approx(target.memory.vision_graph(48), rel=0.03)


@pytest.mark.parametrize("is_checkpointed", [False, True])
@pytest.mark.parametrize("recipe", [FROZEN, WHOLE], ids=lambda recipe: recipe.key)
def test_the_peak_of_a_training_step(model, target, recipe: Recipe, is_checkpointed: bool) -> None:
    """Activations and loss; gradients are there, which the plan counts as states."""
    model.requires_grad_(recipe is WHOLE).train()
    if is_checkpointed:
        recompute(model, "enable")
    measured = peak_bytes(step(model, TEXT_ALONE.num_text))
    recompute(model, "disable")
    model.zero_grad(set_to_none=True)
    model.eval()
    need = Need(0, 0, 0, 0, 0, 0, 0, False)
    planned = training_activations(target, recipe, need, TEXT_ALONE, is_checkpointed)
    assert measured * 0.97 <= planned <= measured * 1.2


def test_phase_two_trains_what_the_plan_counts(model, target, tiny_tokenizer, tiny_image_processor) -> None:
    processor = RelevanceProcessor(TransformersHost(model, tiny_tokenizer, tiny_image_processor))
    parts = taught_parameters(find_phase("bridge"), processor.host, complete(processor))
    trained = sum(parameter.numel() for parameters in parts.values() for parameter in parameters)
    assert trained == num_trained(target, BRIDGE) + target.weights.parts


def test_the_peak_of_the_teacher(model, target, tiny_tokenizer, tiny_image_processor) -> None:
    """A teacher reads a picture at native size in every step of allocator and bridge, and is a copy in the second."""
    host = TransformersHost(model, tiny_tokenizer, tiny_image_processor)
    image, question = draw(640, 480), "What is the total?"
    sample = Sample(image, question, ("9",), None, "read", "g", None, "p", "chart")
    pyramid = host.pyramid(image)
    packed = pack(host, [sample], ImageBlock.of(Allocation(pyramid.cells(0), pyramid.grid())), Gaze().num_queries)
    num_cells = pyramid.grid()[0] * pyramid.grid()[1]
    work = Workload(image.size, num_text=packed.ids.shape[1] - num_cells)
    measured = peak_bytes(lambda: teach(host, pyramid, [sample], Gaze()))
    assert measured == pytest.approx(teacher_bytes(target, work), rel=0.1)
    num_tokens = packed.ids.shape[1]
    with torch.no_grad():
        (features,) = host.encode([pyramid], [pyramid.cells(0)])
        reading = peak_bytes(lambda: read(host, packed, features, Gaze()))
    planned = target.memory.prefill(num_tokens) + target.memory.masked(num_tokens)
    assert reading == pytest.approx(planned, rel=0.06)
    need = needs(target, work)["arr-coc"]
    step = training_activations(target, BRIDGE, need, work, True)
    copied = training_bytes(target, BRIDGE, need, work, True) - 2 * target.weight_bytes
    assert copied >= training_states(target, BRIDGE) + max(step, teacher_bytes(target, work))


def test_checkpointing_and_freezing_save(target) -> None:
    work = Workload((640, 480), batch=4)
    need = needs(target, work)["arr-coc"]
    for recipe in RECIPES:
        plain, checkpointed = (training_activations(target, recipe, need, work, is_on) for is_on in (False, True))
        assert checkpointed < plain
    states = [training_states(target, recipe) for recipe in RECIPES]
    assert states == sorted(states)
    assert states[-1] == pytest.approx((16 - target.dtype.itemsize) * target.weights.total, rel=0.5)


@pytest.mark.parametrize("size", [(640, 480), (1024, 160), (224, 224)])
def test_tokens_and_pyramid_are_those_of_the_processor(
    model, target, tiny_tokenizer, tiny_image_processor, size
) -> None:
    host = TransformersHost(model, tiny_tokenizer, tiny_image_processor)
    work = Workload(size, budget=100)
    modes, picture = needs(target, work), picture_of(target, size)
    messages = question_messages(draw(*size), "What is the total?")
    [[realization]] = RelevanceProcessor(host).apply_chat_template(messages, budget=100).realizations
    assert modes["arr-coc"].visual_tokens == realization.allocation.num_tokens
    assert modes["arr-coc"].encoded_tokens == realization.num_encoded
    full = plain_inputs(host, messages)["input_ids"]
    assert modes["full"].visual_tokens == int((full == host.image_token_id).sum())
    pyramid = realization.pyramid
    held = sum(part.nbytes for part in (*pyramid.levels, *pyramid.textures))
    assert pyramid_bytes(*picture.native, picture.coarsest + 1, pyramid.cell_px) == held
    merged, planes = realization.features.merged, realization.features.deepstack
    assert modes["arr-coc"].features == merged.nbytes + planes.nbytes


def test_the_peak_of_a_whole_answer(model, target, tiny_tokenizer, tiny_image_processor) -> None:
    """Encoding, prefill and eight tokens of answer at full resolution."""
    host = TransformersHost(model, tiny_tokenizer, tiny_image_processor)
    inputs = plain_inputs(host, question_messages(draw(640, 480), "What is the total?"))
    num_text = inputs["input_ids"].shape[1] - 300

    def answer() -> None:
        with torch.no_grad():
            model.generate(**inputs, do_sample=False, max_new_tokens=8, min_new_tokens=8)

    work = Workload((640, 480), num_text=num_text, num_new=8)
    planned = needs(target, work)["full"].working(1) - inputs["pixel_values"].nbytes
    measured = peak_bytes(answer)
    assert measured == pytest.approx(planned, rel=0.08)


def test_batches_and_copies_fill_a_card(target) -> None:
    work = Workload((640, 480))
    for mode, need in needs(target, work).items():
        left = 50_000_000
        batch = largest_batch(need, left)
        assert need.working(batch) <= left < need.working(batch + 1), mode
    assert largest_batch(need, need.working(1) - 1) == 0
    cards = [plan_card(target, work, vram) for vram in (0.3, 0.7, 1, 2)]
    assert cards[0].variants == cards[0].batch["full"] == 0
    assert [card.variants for card in cards] == sorted(card.variants for card in cards)
    copy = target.weight_bytes + FLOAT * target.weights.parts
    spare = cards[-1].usable - needs(target, work)["arr-coc"].working(1) - cards[-1].variants * copy
    assert 0 <= spare < copy


def test_the_known_hosts_come_out_as_their_users_know_them() -> None:
    """2B answers on 16 GB and is not wholly trained on 24 GB (34 GB of states); 8B in 16 bits needs more than 16 GB."""
    work = Workload((3840, 2160))
    small = plan_card(find_target("2b"), work, 24)
    assert small.training[WHOLE.key]["arr-coc"] == "no" and small.training[FROZEN.key]["arr-coc"] == "fits"
    assert small.training[FROZEN.key]["full"] != "fits"
    assert small.batch["arr-coc"] > 20 * small.batch["full"] > 0
    large = find_target("8b")
    assert plan_card(large, work, 16).batch["arr-coc"] == 0 < plan_card(large, work, 24).batch["full"]


@pytest.mark.parametrize("field, value", [("budget", 63), ("budget", 401), ("batch", 0), ("size", (1, 300))])
def test_a_workload_that_cannot_be(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        Workload(**{"size": (640, 480), field: value})


def test_formulas_hold_at_other_ratios(config) -> None:
    """Where attention is wider than the MLP, the peak of prefill follows attention."""
    narrow = assemble_like(config, intermediate_size=64)
    wide = Memory(narrow, torch.float32).prefill(10) - Memory(config, torch.float32).prefill(10)
    assert wide < 0
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(narrow).eval()
    with torch.no_grad():
        measured = peak_bytes(prefill(model, 200, use_cache=False))
    assert measured == pytest.approx(Memory(narrow, torch.float32).prefill(200), rel=0.05)


def assemble_like(config, **text: object):
    changed = type(config)(**config.to_dict())
    for name, value in text.items():
        setattr(changed.text_config, name, value)
    return changed
