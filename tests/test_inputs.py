"""What a RelevanceProcessor hands out: used twice, decoded by hand, kept, copied and sent elsewhere."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
import torch
from accelerate.utils import send_to_device
from by_hand import STEPS, by_hand, by_repeated_forward, go_on
from conftest import QUESTION, draw, leaves, ragged_batch
from PIL import Image
from torch import Tensor
from torch.utils._pytree import tree_map
from torch.utils.data import DataLoader, Dataset

from arr_coc import RelevanceProcessor
from arr_coc.hosts.decoding import CACHE, cache_in
from arr_coc.hosts.host import TransformersHost
from arr_coc.pictures.opening import open_image
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.plain_inputs import plain_inputs, question_messages

GREEDY = {"max_new_tokens": STEPS, "min_new_tokens": STEPS, "do_sample": False}
BEAMS = {"max_new_tokens": 4, "do_sample": False, "num_beams": 2, "num_return_sequences": 2}


def ask(processor: RelevanceProcessor, seed: int = 0, budget: int = 100, **options: object) -> RelevanceInputs:
    messages = question_messages(draw(640, 480, seed), QUESTION)
    return processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget, **options)


def ask_batch(processor: RelevanceProcessor) -> RelevanceInputs:
    conversations, budgets = ragged_batch()
    return processor.apply_chat_template(conversations, add_generation_prompt=True, budget=budgets)


# Decoding by hand


@pytest.fixture()
def fresh(tiny_model, tiny_tokenizer, tiny_image_processor) -> RelevanceProcessor:
    """A processor on a model that no other test has used."""
    return RelevanceProcessor(TransformersHost(copy.deepcopy(tiny_model), tiny_tokenizer, tiny_image_processor))


def stock_call(processor: RelevanceProcessor) -> Callable[[], object]:
    plain = plain_inputs(processor.host, question_messages(draw(500, 100, seed=5), QUESTION))
    return lambda: processor.host.model(**plain, use_cache=True)


def ask_pair(processor: RelevanceProcessor) -> RelevanceInputs:
    """Two prompts of one length whose text goes on at different positions."""
    pair = [question_messages(draw(*size), QUESTION) for size in ((256, 256), (512, 128))]
    return processor.apply_chat_template(pair, add_generation_prompt=True, budget=64)


@pytest.mark.parametrize("make", [ask, ask_batch, ask_pair], ids=["one", "ragged", "even"])
@pytest.mark.parametrize("when", ["never", "before", "between"])
def test_decoding_by_hand_is_right(fresh: RelevanceProcessor, make, when: str) -> None:
    model, inputs, other = fresh.host.model, make(fresh), stock_call(fresh)
    expected = by_repeated_forward(model, inputs)
    if when == "before":
        other()
    logits = by_hand(model, inputs, other if when == "between" else lambda: None)
    assert (logits - expected).abs().max() < 1e-5
    generated = model.generate(**inputs, **GREEDY)[:, inputs["input_ids"].shape[1] :]
    generated_again = model.generate(**dict(inputs), **GREEDY)[:, inputs["input_ids"].shape[1] :]
    assert torch.equal(generated, generated_again)


def test_two_prompts_are_decoded_in_turns(fresh: RelevanceProcessor) -> None:
    """Each cache goes on from its own prompt's positions, also a copy of it and on a copy of the model."""
    model = copy.deepcopy(fresh.host.model)
    first, second = ask(fresh), ask(fresh, seed=3, budget=64)
    with torch.no_grad():
        outputs = [model(**inputs, use_cache=True) for inputs in (first, second)]
    kept = copy.deepcopy(outputs[0])
    for inputs, output in ((second, outputs[1]), (first, outputs[0]), (first, kept)):
        expected = by_repeated_forward(model, inputs)
        assert (go_on(model, output, inputs["attention_mask"]) - expected).abs().max() < 1e-5


def test_stock_inputs_are_decoded_as_by_an_untouched_model(fresh: RelevanceProcessor, tiny_model) -> None:
    """Pictures and text alone, before and after our inputs, by hand and by generate."""
    model, untouched = fresh.host.model, copy.deepcopy(tiny_model)
    for module in untouched.modules():
        module._forward_pre_hooks.clear()
        module._forward_hooks.clear()
    plain = plain_inputs(fresh.host, question_messages(draw(300, 200), QUESTION))
    text = dict(fresh.tokenizer(QUESTION, return_tensors="pt"))
    for inputs in (plain, text):
        untouched.model.rope_deltas = None
        expected = by_hand(untouched, inputs)
        by_hand(model, ask(fresh))
        assert torch.equal(by_hand(model, inputs), expected)
        model.generate(**ask(fresh), **GREEDY)
        assert torch.equal(model.generate(**inputs, **GREEDY), untouched.generate(**inputs, **GREEDY))


def test_generate_goes_on_from_a_cache(fresh: RelevanceProcessor) -> None:
    model, inputs = fresh.host.model, ask(fresh)
    whole = model.generate(**inputs, **{**GREEDY, "max_new_tokens": 2 * STEPS, "min_new_tokens": 2 * STEPS})
    output = model.generate(**inputs, **GREEDY, return_dict_in_generate=True)
    more = model.generate(output.sequences, **{CACHE: cache_in(output)}, **GREEDY)
    assert torch.equal(whole, more)


def test_the_model_stays_the_users_own(fresh: RelevanceProcessor, tiny_model) -> None:
    """Several processors hook a model once, and its classes and weights are what they were.

    Other tests share the model, and transformers leaves hooks of its own on layers whose maps were asked for.
    """
    model = fresh.host.model
    RelevanceProcessor(fresh.host)
    ours = [
        (module, kind)
        for module in model.modules()
        for kind in ("_forward_pre_hooks", "_forward_hooks")
        for hook in getattr(module, kind).values()
        if hook.__module__.startswith("arr_coc.")
    ]
    assert ours == [(model.model, "_forward_pre_hooks"), (model.model, "_forward_hooks")]
    assert not any("forward" in vars(module) for module in model.modules())
    pickle.loads(pickle.dumps(model.model._forward_pre_hooks))


# Used twice


@pytest.mark.parametrize("shape", [dict, lambda inputs: dict(inputs.items()), copy.copy, copy.deepcopy, lambda i: i])
def test_one_set_of_inputs_serves_any_number_of_calls(tiny_processor: RelevanceProcessor, shape) -> None:
    """Pictures with equal counts of tokens, where a wrong repetition would go unseen, and unequal ones."""
    model = tiny_processor.host.model
    pair = [question_messages(draw(256, 256, seed), QUESTION) for seed in (1, 2)]
    equal = tiny_processor.apply_chat_template(pair, add_generation_prompt=True, budget=64)
    assert len(set((equal["input_ids"] == tiny_processor.host.image_token_id).sum(1).tolist())) == 1
    for inputs in (equal, ask_batch(tiny_processor)):
        expected = model.generate(**pickle.loads(pickle.dumps(inputs)), **BEAMS)
        plain = model.generate(**pickle.loads(pickle.dumps(inputs)), **GREEDY)
        used = shape(inputs)
        for _ in range(2):
            assert torch.equal(model.generate(**used, **BEAMS), expected)
            assert torch.equal(model.generate(**used, **GREEDY), plain)


def test_a_call_that_breaks_off_leaves_the_inputs_as_they_were(tiny_processor: RelevanceProcessor) -> None:
    model, used = tiny_processor.host.model, dict(ask_batch(tiny_processor))
    expected = model.generate(**used, **BEAMS)
    model._expand_inputs_for_generation(expand_size=3, **used)
    assert torch.equal(model.generate(**used, **BEAMS), expected)


def test_moving_inputs_leaves_what_was_taken_from_them(tiny_processor: RelevanceProcessor) -> None:
    inputs = ask(tiny_processor)
    taken, twin = dict(inputs), copy.copy(inputs)
    inputs.to(torch.bfloat16)
    outputs = [values["mm_encoder_outputs"]["image"] for values in (inputs, taken, twin)]
    assert [output.pooler_output[0].dtype for output in outputs] == [torch.bfloat16, torch.float32, torch.float32]
    assert [output.deepstack_features[0][0].dtype for output in outputs][:2] == [torch.bfloat16, torch.float32]
    assert inputs["input_ids"].dtype == torch.long


# Kept


def held_bytes(root: object) -> int:
    """Bytes of all tensors, pictures and strings that a garbage collector reaches from here; each storage once."""
    stack, seen, storages, rest = [root], set(), {}, 0
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, (type, ModuleType, FunctionType)):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        elif isinstance(value, Image.Image):
            rest += value.width * value.height * len(value.getbands())
        elif isinstance(value, (str, bytes)):
            rest += len(value)
        else:
            stack += gc.get_referents(value)
    return rest + sum(storages.values())


def sources(tmp_path: Path) -> dict[str, object]:
    """A picture as a file, as its bytes and as the user's own object."""
    draw(640, 480).save(tmp_path / "a.png")
    return {
        "path": str(tmp_path / "a.png"),
        "bytes": (tmp_path / "a.png").read_bytes(),
        "picture": Image.open(tmp_path / "a.png"),
    }


@pytest.mark.parametrize("kind", ["path", "bytes", "picture"])
def test_kept_inputs_hold_little_more_than_the_model_needs(
    tiny_processor: RelevanceProcessor, tmp_path: Path, kind: str
) -> None:
    source = sources(tmp_path)[kind]
    kept = [
        tiny_processor.apply_chat_template(question_messages(source, f"{QUESTION} {i}"), budget=100) for i in range(5)
    ]
    needed = sum(held_bytes(dict(inputs)) for inputs in kept)
    users_own = 0 if kind == "path" else held_bytes(source)
    assert needed < held_bytes(kept) - users_own < 1.35 * needed
    pyramid = kept[0].realizations[0][0].pyramid
    assert held_bytes(pyramid) > 10 * needed / len(kept)
    expected = tiny_processor.host.pyramid(draw(640, 480))
    assert all(torch.equal(*pair) for pair in zip(pyramid.levels, expected.levels, strict=True))
    assert all(torch.equal(*pair) for pair in zip(pyramid.textures, expected.textures, strict=True))
    assert kept[0].realizations[0][0].pyramid is pyramid


def test_a_large_photo_is_reduced_the_same_way_again(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    """A JPEG that is decoded at a fraction of its size, on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    draw(3000, 2000).save(tmp_path / "a.jpg", exif=exif, quality=80)
    messages = question_messages(tmp_path / "a.jpg", QUESTION)
    [[realization]] = tiny_processor.apply_chat_template(messages, budget=64).realizations
    assert realization.picture.opened_size == (1000, 1500)
    expected = tiny_processor.host.pyramid(open_image(tmp_path / "a.jpg", tiny_processor.host.needed_size))
    assert torch.equal(realization.pyramid.levels[0], expected.levels[0])


def test_a_picture_that_is_gone_or_another_one_is_an_error(tiny_processor: RelevanceProcessor, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    draw(300, 200).save(path)
    [[realization]] = tiny_processor.apply_chat_template(question_messages(path, QUESTION), budget=64).realizations
    draw(300, 200, seed=1).save(path)
    with pytest.raises(ValueError, match=r"a\.png': has changed since the inputs were made"):
        realization.pyramid  # noqa: B018
    path.unlink()
    with pytest.raises(ValueError, match=r"a\.png': no such file"):
        realization.pyramid  # noqa: B018


def same(one: RelevanceInputs, other: RelevanceInputs) -> bool:
    features = [inputs["mm_encoder_outputs"]["image"].pooler_output for inputs in (one, other)]
    return (
        torch.equal(one["input_ids"], other["input_ids"])
        and all(torch.equal(*pair) for pair in zip(*features, strict=True))
        and leaves(one.realizations) == leaves(other.realizations)
        and torch.equal(*(inputs.realizations[0][0].pyramid.levels[0] for inputs in (one, other)))
    )


@pytest.mark.parametrize("kind", ["path", "bytes", "picture"])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda inputs: pickle.loads(pickle.dumps(inputs))])
def test_realizations_come_along(tiny_processor: RelevanceProcessor, tmp_path: Path, kind: str, copied) -> None:
    source = sources(tmp_path)[kind]
    inputs = tiny_processor.apply_chat_template(question_messages(source, QUESTION), budget=100)
    assert same(copied(inputs), inputs)


class Prompts(Dataset):
    """Inputs that are made by whoever asks for them."""

    def __init__(self, processor: RelevanceProcessor) -> None:
        self.processor = processor

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> RelevanceInputs:
        torch.set_num_threads(1)
        return ask(self.processor, index)


@pytest.mark.parametrize("collate", [None, lambda inputs: inputs])
def test_inputs_come_from_a_workers_process(tiny_processor: RelevanceProcessor, collate) -> None:
    options = {"num_workers": 1, "multiprocessing_context": "fork", "timeout": 60, "collate_fn": collate}
    loader = DataLoader(Prompts(tiny_processor), None, **options)
    for seed, inputs in enumerate(loader):
        assert same(inputs, ask(tiny_processor, seed))


def test_outputs_are_rebuilt_by_those_who_move_them(tiny_processor: RelevanceProcessor) -> None:
    """As accelerate, trainers and torch's trees do it: a new object of the same type from changed values."""
    inputs = ask(tiny_processor)
    output = inputs["mm_encoder_outputs"]["image"]
    moved = [type(output)(dict(output)), tree_map(lambda leaf: leaf, output), send_to_device(output, "cpu")]
    model, expected = tiny_processor.host.model, tiny_processor.host.model.generate(**inputs, **BEAMS)
    for one in moved:
        assert type(one) is type(output) and one.pooler_output is not None
        for _ in range(2):
            used = {**inputs, "mm_encoder_outputs": {"image": one}}
            assert torch.equal(model.generate(**used, **BEAMS), expected)
    again = RelevanceInputs(dict(inputs))
    assert again.realizations == [] and torch.equal(model.generate(**again, **BEAMS), expected)
