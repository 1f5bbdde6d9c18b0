"""One contract for all policies of the registry and an allocator of one's own, and the traps of peers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import QUESTION, draw, random_parts

from arr_coc.allocator import Allocator
from arr_coc.attending import raster_order
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.controls import most_distinct_window
from arr_coc.evaluation.policies.full_picture import WholePictures, encode_whole
from arr_coc.evaluation.policies.policy import Given, Leaves, Policy
from arr_coc.evaluation.policies.pruning import PEERS, block_of, embed_words, end_ids, prompt_of
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.running.batches import answer_all, answer_batch
from arr_coc.evaluation.running.runner import evidence_shown
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import Prompt, pad_batch
from arr_coc.records import Pyramid

ALLOCATOR = random_parts(48)
"""One with trained parts, as far as a policy can tell."""


class Peaks:
    """A scorer of a user's own."""

    def __call__(self, host, views, gaze):
        return [view.features.merged.norm(dim=1) for view in views]


def own_allocator(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
    return Allocator(scorer=Peaks())


OWN = Policy("own", Leaves(own_allocator), "an allocator of a user's own", chooses_budget=True, uses_pyramid=True)
CONTRACT = POLICIES | {"own": OWN}
OTHER_QUESTION = "Is there a red circle? yes no"
NEEDS = {"pixels", "encoder features", "encoder attention", "question", "language attention", "evidence"}
PEER_NAMES = [policy.name for policy in PEERS]
PRUNERS = [name for name in PEER_NAMES if name not in ("pixelprune", "fastv")]
BY_TOKEN = ["full", *PEER_NAMES]
"""Policies whose tokens are cells of the whole picture at full resolution."""


def sample_of(width: int, height: int, seed: int = 0, question: str = QUESTION) -> Sample:
    return Sample(
        image=draw(width, height, seed),
        question=question,
        answers=("yes",),
        boxes=((40.0, 60.0, 90.0, 80.0),),
        kind="read",
        group="text",
        glyph_px=12.0,
        picture_id=str(seed),
        picture_kind="document",
    )


SAMPLE = sample_of(500, 420)
"""13 x 16 = 208 cells at full resolution, 14 x 16 with rows and columns that halve."""


def give(host: TransformersHost, name: str, budget: int = 100, sample: Sample = SAMPLE) -> Given:
    return CONTRACT[name].give(host, ALLOCATOR, sample, host.pyramid(sample.image), budget)


def same(first: Given, second: Given) -> bool:
    return (
        first.segments == second.segments
        and len(first.pictures) == len(second.pictures)
        and all(
            torch.equal(a.positions, b.positions)
            and torch.equal(x.merged, y.merged)
            and torch.equal(x.deepstack, y.deepstack)
            for (a, x), (b, y) in zip(first.pictures, second.pictures, strict=True)
        )
    )


def test_the_registry_names_all_policies():
    wanted = "full resize two-mode uniform random saliency visionzip divprune scope cdpruner mmtok fastv pixelprune"
    assert set(POLICIES) >= {*wanted.split(), "arr-coc", "arr-coc-shuffled", "oracle"}
    assert all(name == policy.name and policy.summary for name, policy in POLICIES.items())
    assert all(policy.needs <= NEEDS for policy in POLICIES.values())
    assert all(policy.source.startswith("arXiv") for policy in PEERS if policy.name != "uniform")


@pytest.mark.parametrize("budget", [64, 101])
@pytest.mark.parametrize("name", list(CONTRACT))
def test_contract(name, budget, tiny_host):
    given = give(tiny_host, name, budget)
    positions, num_tokens = given.block.positions, given.num_tokens
    rows, cols = tiny_host.pyramid(SAMPLE.image).grid()
    if name in PEER_NAMES:
        assert num_tokens == budget
    elif CONTRACT[name].uses_pyramid:
        assert budget - 3 < num_tokens <= budget
    elif CONTRACT[name].has_budget:
        assert 0.8 * budget < num_tokens <= budget
    order = positions[:, 0] * 1000 + positions[:, 1] if given.leaves is None else raster_order(given.leaves).argsort()
    assert bool((order.diff() > 0).all()), "raster order"
    assert bool((positions >= 0).all() and (positions < torch.tensor([rows, cols])).all())
    assert given.block.span <= max(rows, cols)
    for block, features in given.pictures:
        count = len(block.positions)
        assert features.merged.shape == (count, 48) and features.deepstack.shape == (2, count, 48)
        assert features.merged.isfinite().all() and features.deepstack.isfinite().all()
    assert given.num_encoded == sum(given.segments) >= num_tokens and given.selection_flops >= 0
    assert given.shown.ndim == 2 and same(given, give(tiny_host, name, budget))


@pytest.mark.parametrize("name", PEER_NAMES)
def test_a_picture_smaller_than_the_budget_is_given_whole(name, tiny_host):
    small = sample_of(300, 200)
    given, full = give(tiny_host, name, 100, small), give(tiny_host, "full", 0, small)
    assert given.num_tokens == full.num_tokens == 54 and same(given, full) and (given.shown == 0).all()


@pytest.mark.parametrize("name", BY_TOKEN)
def test_tokens_stay_where_they_are(name, tiny_host):
    """A kept token has the features and planes of the cell at its position, and text goes on where it would."""
    given, whole = give(tiny_host, name), encode_whole(tiny_host, SAMPLE.image, with_attention=False)
    assert whole.grid == (13, 16) and given.block.span == 16
    index = given.block.positions @ torch.tensor([16, 1])
    is_own = (given.features.merged == whole.features.merged[index]).all(-1)
    num_merged = {"visionzip": 16, "pixelprune": 100}.get(name, 0)
    assert int((~is_own).sum()) <= num_merged
    assert torch.equal(given.features.deepstack[:, is_own], whole.features.deepstack[:, index[is_own]])
    assert (given.shown == 0).sum() == given.num_tokens or name == "full"
    unpruned = prompt_of(tiny_host, QUESTION, block_of(torch.arange(whole.num_cells), whole.grid))
    assert torch.equal(
        text_positions(tiny_host, given), unpruned.positions[:, unpruned.ids != tiny_host.image_token_id]
    )


def text_positions(host: TransformersHost, given: Given) -> torch.Tensor:
    prompt = prompt_of(host, QUESTION, given.block)
    return prompt.positions[:, prompt.ids != host.image_token_id]


def test_pixelprune_encodes_what_it_keeps_and_no_more(tiny_host):
    given = give(tiny_host, "pixelprune", 64)
    assert given.segments == (64,) and give(tiny_host, "divprune", 64).segments == (208,)


@pytest.mark.parametrize("name", [name for name in CONTRACT if name not in ("random", "two-mode", "glimpse-crop")])
def test_a_policy_heeds_the_question_where_it_says_so(name, tiny_host):
    """Left out: a draw by the question's words, which heeds nothing, a rule that only counts them, and a crop, whose
    window moves in steps so that two questions may share it."""
    asked_otherwise = replace(SAMPLE, question=OTHER_QUESTION)
    changes = not same(give(tiny_host, name, 80), give(tiny_host, name, 80, asked_otherwise))
    assert changes == bool(CONTRACT[name].needs & {"question", "language attention"})
    assert CONTRACT[name].is_blind == (not changes) or name == "oracle"


@pytest.mark.parametrize("name", list(CONTRACT))
def test_neighbours_in_a_batch_change_nothing(name, tiny_host):
    """Neither what was given before nor what stands beside it in the batch."""
    other = sample_of(640, 300, 1, OTHER_QUESTION)
    given, beside = give(tiny_host, name), give(tiny_host, name, 64, other)
    assert same(given, give(tiny_host, name))
    alone = answer_all(tiny_host, [QUESTION], [given])
    assert answer_all(tiny_host, [OTHER_QUESTION, QUESTION], [beside, given])[1:] == alone


@pytest.mark.parametrize("name", PRUNERS)
def test_decoding_goes_on_at_the_unpruned_length(name, tiny_host):
    """`generate` equals one forward pass over prompt and answer at explicit positions."""
    given, host = give(tiny_host, name, 64), tiny_host
    prompt = prompt_of(host, QUESTION, given.block)
    features = host.encoder_outputs([[given.features]])
    inputs = pad_batch([prompt], host.tokenizer.pad_token_id, "left")
    with torch.no_grad():
        output = host.model.generate(
            **inputs, mm_encoder_outputs=features, max_new_tokens=6, do_sample=False, eos_token_id=[]
        )[0]
        later = prompt.positions[:, -1:] + torch.arange(1, 7)
        longer = Prompt(output, torch.cat([prompt.positions, later], dim=1))
        features = host.encoder_outputs([[given.features]])
        logits = host.model(**pad_batch([longer], host.tokenizer.pad_token_id, "left"), mm_encoder_outputs=features)
    assert logits.logits[0, len(prompt.ids) - 1 : -1].argmax(-1).tolist() == output[len(prompt.ids) :].tolist()


def test_whole_pictures_are_encoded_once_and_only_the_last_is_held(tiny_host):
    """Policies on a remembering host, over two questions and back and forth, give what they give without it."""
    remembering, encoded = WholePictures(tiny_host), []
    samples = [SAMPLE, replace(SAMPLE, question=OTHER_QUESTION), sample_of(320, 480, 1), SAMPLE]
    names = ["full", *PRUNERS, "fastv"]
    handle = tiny_host.model.model.visual.register_forward_hook(lambda *args: encoded.append(1))
    try:
        found = [[give(remembering, name, 80, sample) for name in names] for sample in samples]
    finally:
        handle.remove()
    assert len(encoded) == 2 * 3, "each picture in turn once without and once with attention"
    expected = [[give(tiny_host, name, 80, sample) for name in names] for sample in samples]
    for with_memory, without in zip(found, expected, strict=True):
        assert all(same(*pair) for pair in zip(with_memory, without, strict=True))
    assert remembering._last is not None and remembering._last[0] is SAMPLE.image


def test_fastv_answers_by_itself_and_full_budget_answers_like_full(tiny_host):
    full, all_kept = give(tiny_host, "full"), give(tiny_host, "fastv", 400)
    assert all_kept.answer is not None and all_kept.selection_flops == 0
    assert all_kept.answer(32) == answer_all(tiny_host, [QUESTION], [full])[0]
    pruned = give(tiny_host, "fastv", 64)
    assert pruned.answer is not None and pruned.selection_flops > 0
    assert pruned.answer(32) == pruned.answer(32) != all_kept.answer(32)
    assert [name for name in POLICIES if give(tiny_host, name).answer is not None] == ["fastv"]


def test_a_policy_that_answers_by_itself_is_let_to(tiny_host):
    given, full = give(tiny_host, "fastv", 64), give(tiny_host, "full")
    assert given.answer is not None
    answers = answer_all(tiny_host, [QUESTION] * 3, [full, given, full])
    assert answers[1] == given.answer(32) and answers[0] == answers[2] != answers[1]


def test_words_are_rows_of_the_hosts_own_table(tiny_host):
    ids = tiny_host.tokenizer(QUESTION, add_special_tokens=False)["input_ids"]
    table = tiny_host.model.model.language_model.embed_tokens.weight
    assert torch.equal(embed_words(tiny_host, QUESTION), table[ids]) and len(ids) > 3
    assert end_ids(tiny_host) == [tiny_host.tokenizer.eos_token_id]


# Controls


def test_a_crop_is_taken_where_the_question_looks():
    relevance = torch.full((8, 8), 0.1)
    relevance[5:7, 1:3] = 1.0
    assert most_distinct_window(relevance) == (1 / 8, 5 / 8, 3 / 8, 7 / 8)


def test_crop_and_whole_share_the_budget(tiny_host):
    sample = Sample(draw(900, 700), "What is there?", ("x",), None, "read", "reading", None, "p", "page")
    given = POLICIES["glimpse-crop"].give(tiny_host, ALLOCATOR, sample, tiny_host.pyramid(sample.image), 100)
    assert len(given.pictures) == 2 and 80 <= given.num_tokens <= 100
    assert given.shown.min() < given.shown.max()
    assert answer_batch(tiny_host, ["What is there?"], [given], 2)


def test_blind_sees_nothing(tiny_host):
    first, second = (
        Sample(draw(300, 260, seed=seed), "?", ("x",), ((0, 0, 9, 9),), "read", "reading", 9.0, "p", "page")
        for seed in (1, 2)
    )
    give = POLICIES["blind"].give
    a, b = (give(tiny_host, ALLOCATOR, s, tiny_host.pyramid(s.image), 0) for s in (first, second))
    assert torch.equal(a.features.merged, b.features.merged)
    assert evidence_shown(tiny_host, first, a.shown).recall == 0.0
