"""Selection rules of the peers against worked examples and brute force; what reads the host, against the host."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from conftest import QUESTION, draw
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from arr_coc.baselines.cdpruner import RIDGE, best_determinant, cdpruner, scale
from arr_coc.baselines.coverage import best_covering, cosines
from arr_coc.baselines.divprune import distance_to_nearest, divprune
from arr_coc.baselines.encoder_attention import encode_and_read
from arr_coc.baselines.fastv import decode, prefill, step
from arr_coc.baselines.mmtok import mmtok, weighted_similarity
from arr_coc.baselines.pixelprune import median_edge, pixelprune, prediction_error
from arr_coc.baselines.scope import scope
from arr_coc.baselines.uniform import uniform
from arr_coc.baselines.visionzip import visionzip
from arr_coc.evaluation.policies.full_picture import encode_whole, whole_segment
from arr_coc.evaluation.policies.pruning import block_of, prompt_of
from arr_coc.hosts.attention import add_deepstack, embed, look
from arr_coc.hosts.encoding import Segment
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import Prompt, pad_batch
from arr_coc.records import CellFeatures, Gaze


def tokens(num_tokens: int, width: int = 8, seed: int = 0) -> Tensor:
    return torch.randn(num_tokens, width, generator=torch.Generator().manual_seed(seed))


def features_of(num_tokens: int) -> CellFeatures:
    return CellFeatures(tokens(num_tokens), torch.stack([tokens(num_tokens, seed=seed) for seed in (1, 2)]))


def saliency_of(num_tokens: int) -> Tensor:
    return tokens(num_tokens, 1, seed=3)[:, 0].exp()


RULES: dict[str, Callable[[int, int], Tensor]] = {
    "uniform": uniform,
    "divprune": lambda n, k: divprune(tokens(n), k),
    "scope": lambda n, k: scope(tokens(n), saliency_of(n), k),
    "cdpruner": lambda n, k: cdpruner(tokens(n), tokens(5, seed=4), k),
    "mmtok": lambda n, k: mmtok(tokens(n), tokens(5, seed=4), k),
    "visionzip": lambda n, k: visionzip(features_of(n), saliency_of(n), tokens(n), k)[0],
    "pixelprune": lambda n, k: pixelprune(tokens(12, 4 * n).reshape(3, 4, 4 * n), 4, k),
}


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("num_kept", [1, 2, 7, 40, 59, 60, 99])
def test_a_rule_keeps_exactly_as_many_as_asked_in_raster_order(rule, num_kept):
    index = RULES[rule](60, num_kept)
    assert len(index) == min(num_kept, 60) and index.dtype == torch.int64
    assert all(first < second for first, second in pairwise(index.tolist()))
    assert index[0] >= 0 and index[-1] < 60


class CountCalls(TorchDispatchMode):
    """Counts the operations that run."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("rule", list(RULES))
def test_no_rule_loops_over_tokens(rule):
    counts = []
    for num_tokens in (50, 400):
        with CountCalls() as calls:
            RULES[rule](num_tokens, 20)
        counts.append(calls.count)
    assert abs(counts[1] - counts[0]) < 20, "350 more tokens must not take 350 more operations"


def test_uniform_takes_the_middles_of_equal_stretches():
    assert uniform(10, 5).tolist() == [1, 3, 5, 7, 9]
    assert uniform(7, 3).tolist() == [1, 3, 5]
    assert uniform(3, 8).tolist() == [0, 1, 2]


def angles(*degrees: float) -> Tensor:
    radians = torch.tensor(degrees) * torch.pi / 180
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def test_divprune_by_hand():
    """On the circle at 0, 10, 20, 90 and 180 degrees: 180 is most alone, then 0 is opposite, then 90 between."""
    directions = angles(0, 10, 20, 90, 180) * torch.tensor([[1.0], [5.0], [1.0], [0.1], [9.0]])
    assert [divprune(directions, k).tolist() for k in (1, 2, 3)] == [[4], [0, 4], [0, 3, 4]]


def test_divprune_equals_brute_force():
    features = tokens(14)
    distance = 1 - cosines(features, features)
    others = distance + torch.diag(torch.full((14,), torch.inf))
    chosen = [int(others.amin(1).argmax())]
    while len(chosen) < 6:
        left = [v for v in range(14) if v not in chosen]
        chosen.append(max(left, key=lambda v: min(float(distance[v, u]) for u in chosen)))
    assert divprune(features, 6).tolist() == sorted(chosen)


def test_distance_to_nearest_does_not_depend_on_chunks(monkeypatch):
    unit = F.normalize(tokens(37), dim=-1)
    whole = distance_to_nearest(unit)
    monkeypatch.setattr("arr_coc.baselines.divprune.CHUNK", 5)
    assert torch.allclose(distance_to_nearest(unit), whole, atol=1e-6)


def coverage(similarity: Tensor, chosen: list[int]) -> float:
    return sum(max([0.0, *(float(row[v]) for v in chosen)]) for row in similarity)


def cover_slowly(similarity: Tensor, num_kept: int, weights: Tensor) -> list[int]:
    chosen: list[int] = []
    for _ in range(num_kept):
        left = [v for v in range(similarity.shape[1]) if v not in chosen]
        gains = {v: coverage(similarity, [*chosen, v]) - coverage(similarity, chosen) for v in left}
        chosen.append(max(left, key=lambda v: gains[v] * float(weights[v])))
    return sorted(chosen)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_scope_equals_a_loop(power):
    features, saliency = tokens(16), saliency_of(16)
    expected = cover_slowly(cosines(features, features), 6, saliency**power)
    assert scope(features, saliency, 6, power).tolist() == expected


def test_scope_takes_no_second_copy_however_salient():
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert scope(features, torch.tensor([9.0, 8.0, 1.0, 2.0]), 2).tolist() == [0, 3]


def test_mmtok_equals_a_loop():
    features, words = tokens(16), tokens(4, seed=4)
    expected = cover_slowly(weighted_similarity(features, words, 0.5), 6, torch.ones(16))
    assert mmtok(features, words, 6).tolist() == expected


def test_mmtok_covers_words_first_and_the_picture_beside_them():
    features = torch.eye(4).repeat(4, 1) + 0.01 * tokens(16, 4)
    word = features[[6]]
    assert mmtok(features, word, 1, share=0.0).tolist() == [6]
    assert {token % 4 for token in mmtok(features, word, 4).tolist()} == {0, 1, 2, 3}


def test_weighted_similarity_sums_to_the_objective():
    """All tokens kept cover each word by its largest softmax weight; means, and `share` for the picture."""
    features, words = tokens(5), tokens(3, seed=4)
    of_words = (cosines(words, features) / 0.02).softmax(-1).amax(-1).mean()
    of_tokens = (cosines(features, features) / 0.2).softmax(-1).amax(-1).mean()
    total = weighted_similarity(features, words, 0.25).amax(-1).sum()
    assert float(total) == pytest.approx(float(of_words + 0.25 * of_tokens))


def test_gains_are_kept_up_to_date_over_many_steps():
    similarity = torch.rand(40, 30, generator=torch.Generator().manual_seed(5)).double()
    assert best_covering(similarity, 25).tolist() == cover_slowly(similarity, 25, torch.ones(30))


@pytest.mark.parametrize("seed", range(5))
def test_cdpruner_equals_greedy_map_by_determinants(seed):
    features = F.normalize(tokens(6, 4, seed), dim=-1).double()
    relevance = torch.rand(6, generator=torch.Generator().manual_seed(seed)).double()
    kernel = relevance[:, None] * (features @ features.T + RIDGE * torch.eye(6)) * relevance
    chosen: list[int] = []
    for num_kept in range(1, 5):
        left = [v for v in range(6) if v not in chosen]
        chosen.append(max(left, key=lambda v: float(kernel[[*chosen, v]][:, [*chosen, v]].det())))
        assert best_determinant(features, relevance.float(), num_kept).tolist() == sorted(chosen)


def test_cdpruner_beyond_the_rank_of_its_features_follows_relevance():
    """Three copies of each of two directions: one of each first, then the most relevant copies."""
    features = torch.eye(2).repeat(3, 1)
    relevance = torch.tensor([0.5, 1.0, 0.6, 0.3, 0.9, 0.0])
    assert best_determinant(features, relevance, 2).tolist() == [1, 4]
    assert best_determinant(features, relevance, 5).tolist() == [0, 1, 2, 3, 4]


def test_relevance_is_scaled_over_one_picture_and_equal_scores_are_all_relevant():
    assert scale(torch.tensor([2.0, 4.0, 3.0])).tolist() == [0.0, 1.0, 0.5]
    assert scale(torch.full((3,), 7.0)).tolist() == [1.0, 1.0, 1.0]
    assert len(cdpruner(tokens(9), tokens(0), 4)) == 4


def test_visionzip_by_hand():
    """Three of six: half for the anchors, so the two most attended and one anchor, the mean of the four others."""
    merged = torch.arange(12.0).reshape(6, 2)
    features = CellFeatures(merged, torch.stack([10 * merged, merged.flip(0)]))
    attention = torch.tensor([0.1, 0.9, 0.1, 0.1, 0.8, 0.1])
    index, zipped = visionzip(features, attention, tokens(6), 3, share=1 / 3)
    assert index.tolist() == [1, 3, 4]
    rest = [0, 2, 3, 5]
    assert zipped.merged.tolist() == [[2.0, 3.0], merged[rest].mean(0).tolist(), [8.0, 9.0]]
    assert torch.allclose(zipped.deepstack[:, 1], features.deepstack[:, rest].mean(1))
    assert torch.equal(zipped.deepstack[:, [0, 2]], features.deepstack[:, [1, 4]])


def test_visionzip_joins_the_most_similar_anchor():
    keys = angles(0, 1, 2, 90, 91, 92, 180, 181)
    attention = torch.tensor([0.0] * 6 + [1.0, 1.0])
    merged = torch.arange(8.0)[:, None]
    features = CellFeatures(merged, merged.new_zeros(0, 8, 1))
    index, zipped = visionzip(features, attention, keys, 4, share=0.5)
    assert index.tolist() == [1, 4, 6, 7]
    assert zipped.merged[:, 0].tolist() == [1.0, 4.0, 6.0, 7.0] and zipped.deepstack.shape == (0, 4, 1)


def test_visionzip_keeps_all_as_they_are_when_there_is_room():
    features = features_of(9)
    index, same = visionzip(features, saliency_of(9), tokens(9), 12)
    assert index.tolist() == list(range(9)) and torch.equal(same.merged, features.merged)


def test_median_edge_follows_edges_and_continues_planes():
    left, above, corner = (torch.tensor(values) for values in ([9.0, 2.0, 5.0], [2.0, 9.0, 6.0], [2.0, 2.0, 4.0]))
    assert median_edge(left, above, corner).tolist() == [9.0, 9.0, 6.0]
    assert median_edge(left, above, torch.tensor([9.0, 9.0, 5.5])).tolist() == [2.0, 2.0, 5.5]


def test_prediction_error_equals_a_loop():
    image = torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0))
    error = prediction_error(image, 4)

    def cell(row: int, col: int) -> Tensor:
        return image[:, 4 * row : 4 * row + 4, 4 * col : 4 * col + 4]

    for row in range(3):
        for col in range(4):
            if row and col:
                left, above, corner = cell(row, col - 1), cell(row - 1, col), cell(row - 1, col - 1)
                predicted = torch.stack([left, above, left + above - corner]).median(0).values
            elif row or col:
                predicted = cell(row - 1, col) if row else cell(row, col - 1)
            else:
                continue
            assert float(error[row, col]) == pytest.approx(float((cell(row, col) - predicted).abs().mean()))
    assert error[0, 0] == torch.inf


def test_pixelprune_drops_what_its_neighbours_say():
    image = torch.full((3, 16, 16), 0.5)
    image[:, 8:12, 8:12] = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert pixelprune(image, 4, 4).tolist() == [0, 10, 11, 14], "the first, the odd one and those beside and below it"
    assert pixelprune(image, 4, 5).tolist() == [0, 1, 10, 11, 14]
    assert pixelprune(torch.zeros(3, 16, 16), 4, 3).tolist() == [0, 1, 2]


def two_segments(host: TransformersHost) -> list[Segment]:
    first, second = (whole_segment(host, draw(*size, seed=1))[0] for size in ((200, 160), (128, 96)))
    return [first, Segment(second.image, second.index[2:9])]


def test_attention_received_equals_the_towers_own(tiny_host, monkeypatch):
    """Queries and keys are taken where the tower hands them to torch, in its last block but one."""
    segments, calls = two_segments(tiny_host), []
    attend = F.scaled_dot_product_attention

    def spy(query, key, *args, **kwargs):
        calls.append((query[0], key[0]))
        return attend(query, key, *args, **kwargs)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    with torch.no_grad():
        found = encode_and_read(tiny_host, segments)
    assert len(calls) == 3 * 2
    for (query, key), (_, received) in zip(calls[2:4], found, strict=True):
        weights = (query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(-1)
        expected = weights.mean(dim=(0, 1)).reshape(-1, 4).mean(1)
        assert torch.allclose(received.attention, expected, atol=1e-7)
        assert float(4 * received.attention.sum()) == pytest.approx(1, abs=1e-5)


def test_reading_attention_changes_nothing_and_segments_do_not_mix(tiny_host):
    visual, segments = tiny_host.model.model.visual, two_segments(tiny_host)
    with torch.no_grad():
        plain = tiny_host.encode_segments(segments)
        both = encode_and_read(tiny_host, segments)
        alone = [encode_and_read(tiny_host, [segment])[0] for segment in segments]
    for features, (same, received), (_, own) in zip(plain, both, alone, strict=True):
        assert torch.equal(features.merged, same.merged) and torch.equal(features.deepstack, same.deepstack)
        assert torch.allclose(received.attention, own.attention, atol=1e-7)
        assert torch.allclose(received.keys, own.keys, atol=1e-5)
        assert received.keys.shape == (len(received.attention), 32)
    assert not any(block._forward_pre_hooks for block in visual.blocks)


@pytest.fixture
def asked(tiny_host) -> tuple[Prompt, CellFeatures]:
    """A prompt over a picture of 11 x 8 cells, encoded whole."""
    whole = encode_whole(tiny_host, draw(256, 352), with_attention=False)
    return prompt_of(tiny_host, QUESTION, block_of(torch.arange(whole.num_cells), whole.grid)), whole.features


def stock_inputs(host: TransformersHost, prompt: Prompt, features: CellFeatures) -> dict[str, object]:
    inputs = pad_batch([prompt], host.tokenizer.pad_token_id, "left")
    return {**inputs, "mm_encoder_outputs": host.encoder_outputs([[features]])}


@torch.no_grad()
def test_fastv_that_keeps_all_is_the_stock_model(tiny_host, asked):
    prompt, features = asked
    read = prefill(tiny_host, prompt, features, len(features.merged))
    stock = tiny_host.model(**stock_inputs(tiny_host, prompt, features)).logits[0, -1]
    assert torch.allclose(read.logits, stock, atol=1e-5)
    generated = tiny_host.model.generate(
        **stock_inputs(tiny_host, prompt, features), max_new_tokens=12, do_sample=False, eos_token_id=[]
    )
    ids = decode(tiny_host, read, 12, end_ids=[])
    assert ids == generated[0, len(prompt.ids) :].tolist() and len(set(ids)) > 1
    assert decode(tiny_host, read, 12, end_ids=[]) == ids, "decoding must leave the caches as they were"
    assert decode(tiny_host, read, 12, end_ids=[ids[3]]) == ids[: ids.index(ids[3])]


def masked_logits(
    host: TransformersHost, prompt: Prompt, features: CellFeatures, kept: Tensor, num_full: int
) -> Tensor:
    """(T, V): the whole prompt in every layer, with dropped tokens hidden from all others in the later layers."""
    language = host.model.model.language_model
    hidden, positions, is_visual = embed(language, [prompt], features, host.image_token_id)
    length, rotary = hidden.shape[1], language.rotary_emb(hidden, positions)
    is_dropped = is_visual[0].clone()
    is_dropped[is_visual[0].nonzero()[:, 0][kept]] = False
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    pruned = causal & ~is_dropped | torch.eye(length, dtype=torch.bool)
    for depth, layer in enumerate(language.layers):
        mask = (causal if depth < num_full else pruned)[None, None]
        hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary)
        hidden = add_deepstack(hidden, is_visual, features, depth)
    return host.model.lm_head(language.norm(hidden))[0]


@pytest.mark.parametrize("num_full", [1, 2])
@torch.no_grad()
def test_fastv_hides_dropped_tokens_later_and_decodes_at_the_right_places(tiny_host, asked, num_full):
    """After one layer too, so that a DeepStack plane is still to come, which only the kept tokens receive."""
    prompt, features = asked
    read = prefill(tiny_host, prompt, features, 20, num_full)
    lengths = [keys.shape[2] for keys, _ in read.caches.layers.values()]
    assert lengths == [len(prompt.ids)] * num_full + [len(prompt.ids) - len(features.merged) + 20] * (3 - num_full)
    ids = decode(tiny_host, read, 6, end_ids=[])
    later = prompt.positions[:, -1:] + torch.arange(1, 7)
    longer = Prompt(torch.cat([prompt.ids, torch.tensor(ids)]), torch.cat([prompt.positions, later], dim=1))
    expected = masked_logits(tiny_host, longer, features, read.kept, num_full)[len(prompt.ids) - 1 :]
    assert torch.allclose(read.logits, expected[0], atol=1e-5)
    for count, token in enumerate(ids):
        logits = step(tiny_host, token, read.position + count, read.caches)
        assert torch.allclose(logits, expected[count + 1], atol=1e-5)


@torch.no_grad()
def test_fastv_keeps_what_the_last_token_looks_at_in_the_second_layer(tiny_host, asked):
    prompt, features = asked
    gaze = Gaze(first=1 / 3, last=2 / 3, num_queries=1, relative=0)
    attention = look(tiny_host.family, tiny_host.language, [prompt], features, tiny_host.image_token_id, gaze)[0][0]
    read = prefill(tiny_host, prompt, features, 20)
    assert read.kept.tolist() == sorted(attention.topk(20).indices.tolist())
