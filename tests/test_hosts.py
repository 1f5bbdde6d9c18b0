"""The host: its encoder, its attention and its answers are those of the untouched model."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from conftest import QUESTION, draw
from PIL import Image
from torch import Tensor

from arr_coc.hosts.attention import heads_read, layers_read, look
from arr_coc.hosts.bare import glimpse_block
from arr_coc.hosts.encoding import Segment, cut_patches, encode_segments, join_patches
from arr_coc.hosts.families.qwen3_vl import QWEN3_VL
from arr_coc.hosts.grids import stretch
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import CellFeatures, Gaze, Pyramid, View


def mixed_cells(pyramid: Pyramid, seed: int = 0) -> Tensor:
    """Some cells of every level, in no order."""
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for level in range(pyramid.coarsest + 1):
        cells = pyramid.cells(level)
        chosen.append(cells[torch.randperm(len(cells), generator=generator)[: len(cells) // 2]])
    cells = torch.cat(chosen)
    return cells[torch.randperm(len(cells), generator=generator)]


# Reference: every level whole, patch by patch, with a dense mask that blocks the cells not chosen.


def patches_of_level(image: Tensor) -> tuple[Tensor, list[tuple[int, int]]]:
    """Pixel vectors and (row, column) of every 16-pixel patch, merge block by merge block."""
    rows, cols = image.shape[1] // 16, image.shape[2] // 16
    places = [
        (2 * block_row + i, 2 * block_col + j)
        for block_row in range(rows // 2)
        for block_col in range(cols // 2)
        for i in range(2)
        for j in range(2)
    ]
    vectors = []
    for row, col in places:
        patch = (image[:, 16 * row : 16 * row + 16, 16 * col : 16 * col + 16] - 0.5) / 0.5
        vectors.append(torch.stack([patch, patch], dim=1).flatten())
    return torch.stack(vectors), places


def rotate(states: Tensor, places: Tensor) -> Tensor:
    """Axial rotary embedding of (P, heads, d): the first half of the frequencies turns with the row."""
    size = states.shape[-1]
    frequencies = 1 / 10000 ** (torch.arange(0, size // 2, 2) / (size // 2))
    angles = torch.cat([places[:, :1] * frequencies, places[:, 1:] * frequencies], dim=1).repeat(1, 2)[:, None]
    turned = torch.cat([-states[..., size // 2 :], states[..., : size // 2]], dim=-1)
    return states * angles.cos() + turned * angles.sin()


def reference_features(visual: torch.nn.Module, pyramid: Pyramid, cells: Tensor) -> CellFeatures:
    """All levels whole in one sequence; a patch sees the patches of chosen cells of its own level."""
    side = visual.num_grid_per_side
    table = visual.pos_embed.weight.T.reshape(1, -1, side, side)
    hidden, places, level_of, is_chosen = [], [], [], []
    for level, image in enumerate(pyramid.levels):
        vectors, spots = patches_of_level(image)
        rows, cols = image.shape[1] // 16, image.shape[2] // 16
        grid = F.interpolate(table, (rows, cols), mode="bilinear", align_corners=True)[0]
        learned = torch.stack([grid[:, row, col] for row, col in spots])
        kernel = visual.patch_embed.proj
        hidden.append(vectors @ kernel.weight.flatten(1).T + kernel.bias + learned)
        places += spots
        level_of += [level] * len(spots)
        wanted = {tuple(cell) for cell in cells.tolist()}
        is_chosen += [(level, row // 2, col // 2) in wanted for row, col in spots]
    states, spots, levels = torch.cat(hidden), torch.tensor(places), torch.tensor(level_of)
    mask = (levels[:, None] == levels) & torch.tensor(is_chosen)[None]
    planes = []
    for depth, block in enumerate(visual.blocks):
        qkv = block.attn.qkv(block.norm1(states)).unflatten(1, (3, block.attn.num_heads, -1))
        query, key, value = rotate(qkv[:, 0], spots), rotate(qkv[:, 1], spots), qkv[:, 2]
        logits = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(query.shape[-1])
        weights = logits.masked_fill(~mask, -torch.inf).softmax(-1)
        states = states + block.attn.proj(torch.einsum("hqk,khd->qhd", weights, value).flatten(1))
        states = states + block.mlp(block.norm2(states))
        if depth in visual.deepstack_visual_indexes:
            planes.append(visual.deepstack_merger_list[len(planes)](states))
    offsets = [0]
    for level in range(len(pyramid.levels)):
        offsets.append(offsets[-1] + math.prod(pyramid.grid(level)))
    rows = torch.tensor([offsets[lv] + row * pyramid.grid(lv)[1] + col for lv, row, col in cells.tolist()])
    return CellFeatures(visual.merger(states)[rows], torch.stack(planes)[:, rows])


@torch.no_grad()
def test_chosen_cells_equal_whole_levels_with_a_mask(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(400, 300))
    assert pyramid.coarsest == 1
    cells = mixed_cells(pyramid)
    (features,) = tiny_host.encode([pyramid], [cells])
    expected = reference_features(tiny_host.model.model.visual, pyramid, cells)
    assert features.deepstack.shape == (2, len(cells), 48)
    assert torch.allclose(features.merged, expected.merged, atol=2e-5)
    assert torch.allclose(features.deepstack, expected.deepstack, atol=2e-5)


def test_cells_of_a_level_see_each_other_and_no_other_level(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(400, 300))
    fine, coarse = pyramid.cells(0)[10:40], pyramid.cells(1)
    both, alone, fewer = (
        tiny_host.encode([pyramid], [cells])[0].merged for cells in (torch.cat([fine, coarse]), fine, fine[:20])
    )
    assert torch.allclose(both[:30], alone, atol=1e-6)
    assert not torch.allclose(alone[:20], fewer, atol=1e-3)


def test_packing_pictures_changes_nothing(tiny_host: TransformersHost) -> None:
    pyramids = [tiny_host.pyramid(draw(300, 260)), tiny_host.pyramid(draw(100, 500, seed=1))]
    cells = [mixed_cells(pyramid) for pyramid in pyramids]
    apart = tiny_host.encode(pyramids, cells)
    tiny_host.is_packed = True
    for one, other in zip(tiny_host.encode(pyramids, cells), apart, strict=True):
        assert torch.allclose(one.merged, other.merged, atol=1e-6)
        assert torch.allclose(one.deepstack, other.deepstack, atol=1e-6)


@pytest.mark.parametrize("size", [(200, 230), (512, 512), (33, 700)])
def test_pixel_values_equal_the_stock_image_processor(tiny_host: TransformersHost, size: tuple[int, int]) -> None:
    image = draw(*size)
    assert tiny_host.native_size(*size) == tiny_host.stock_size(*size)
    stock = tiny_host.image_processor(images=[image], return_tensors="pt")
    pyramid = tiny_host.pyramid(image)
    whole = Segment(pyramid.levels[0], torch.arange(math.prod(pyramid.grid())))
    assert torch.equal(cut_patches(whole, tiny_host.geometry), stock["pixel_values"])
    restored = join_patches(stock["pixel_values"], pyramid.grid(), tiny_host.geometry)
    assert (restored - pyramid.levels[0]).abs().max() < 1e-6


def test_thin_pictures_keep_shape_and_pixel_limit(
    tiny_host: TransformersHost, caplog: pytest.LogCaptureFixture
) -> None:
    side, most = tiny_host.geometry.cell_px, tiny_host.image_processor.size["longest_edge"]
    for width, height in ((3000, 300), (300, 3000), (2000, 100), (1000, 40), (30000, 300), (1990, 10), (640, 480)):
        native, stock = tiny_host.native_size(width, height), tiny_host.stock_size(width, height)
        assert math.prod(native) <= max(most, 1.21 * math.prod(stock)) and native[0] % side == native[1] % side == 0
        if max(width, height) <= 60 * min(width, height):
            assert stretch(native, stock) <= 1.1 + 1e-6
    with caplog.at_level("WARNING"):
        tiny_host.pyramid(draw(640, 480))
        assert not caplog.records
        for _ in range(2):
            tiny_host.pyramid(draw(2500, 25))
    (line,) = caplog.messages
    assert "2500x25 is longer than 64:1" in line and "stretched" in line


def test_gradients_reach_the_encoder_only_in_training(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(100, 100))
    assert not tiny_host.encode([pyramid], [pyramid.cells(0)])[0].merged.requires_grad
    tiny_host.is_training = True
    (features,) = tiny_host.encode([pyramid], [pyramid.cells(0)])
    weight = tiny_host.model.model.visual.patch_embed.proj.weight
    (gradient,) = torch.autograd.grad(features.merged.square().sum() + features.deepstack.square().sum(), weight)
    assert gradient.abs().sum() > 0


def test_bfloat16_features_stay_near_float32(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(128, 128))
    segment = [Segment(pyramid.levels[0], torch.arange(16))]
    exact = encode_segments(QWEN3_VL, tiny_host.vision, segment, tiny_host.geometry)[0].merged
    with torch.device("meta"):
        low = type(tiny_host.model.model.visual)(tiny_host.model.config.vision_config)
    low = low.to_empty(device="cpu").to(torch.bfloat16)
    low.load_state_dict(tiny_host.model.model.visual.state_dict())
    low.rotary_pos_emb = tiny_host.model.model.visual.rotary_pos_emb
    rough = encode_segments(QWEN3_VL, low, segment, tiny_host.geometry)[0].merged
    assert rough.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(rough.float(), exact, dim=1).min() > 0.99


# Where a question looks


def eager_attention(
    host: TransformersHost, pyramid: Pyramid, cells: Tensor, features: CellFeatures, text: str
) -> Tensor:
    """(layers, heads, T, T) of the whole language model, as transformers reports it."""
    prompt = host.ask(glimpse_block(pyramid, cells), text)
    language, is_visual = host.model.model.language_model, prompt.ids[None] == host.image_token_id
    embeds = language.embed_tokens(prompt.ids[None])
    embeds = embeds.masked_scatter(is_visual[..., None], features.merged)
    previous = language.config._attn_implementation
    language.set_attn_implementation("eager")
    try:
        output = language(
            inputs_embeds=embeds,
            position_ids=prompt.positions[:, None],
            visual_pos_masks=is_visual,
            deepstack_visual_embeds=list(features.deepstack),
            output_attentions=True,
        )
    finally:
        language.set_attn_implementation(previous)
    return torch.cat(output.attentions)[..., is_visual[0]]


@torch.no_grad()
def test_attention_equals_what_the_model_reports(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(400, 300))
    cells = mixed_cells(pyramid)
    (features,) = tiny_host.encode([pyramid], [cells])
    gaze = Gaze(first=0.3, last=1.0, num_queries=4)
    questions = [QUESTION, gaze.neutral]
    prompts = [tiny_host.ask(glimpse_block(pyramid, cells), text) for text in questions]
    maps, none = look(tiny_host.family, tiny_host.language, prompts, features, tiny_host.image_token_id, gaze)
    gaze = replace(gaze, heads_from=0.0)
    again, apart = look(tiny_host.family, tiny_host.language, prompts, features, tiny_host.image_token_id, gaze)
    text = tiny_host.text_config
    assert layers_read(gaze, text) == (1, 2) and heads_read(gaze, text) == (0, 1, 2)
    assert torch.equal(maps, again) and none.shape == (2, len(cells), 0)
    for row, heads, text in zip(maps, apart, questions, strict=True):
        reported = eager_attention(tiny_host, pyramid, cells, features, text)[:, :, -4:].mean(2)
        assert torch.allclose(row, reported[1:].mean((0, 1)), atol=1e-6)
        assert torch.allclose(heads, reported.flatten(0, 1).T, atol=1e-6)


def test_attend_is_relative_and_independent_of_neighbours(tiny_host: TransformersHost) -> None:
    pyramids = [tiny_host.pyramid(draw(400, 300)), tiny_host.pyramid(draw(200, 500, seed=1))]
    cells = [pyramid.cells(pyramid.coarsest) for pyramid in pyramids]
    features = tiny_host.encode(pyramids, cells)
    questions = [QUESTION, "Is there a red circle?"]
    first, second = (View(*each) for each in zip(pyramids, cells, features, questions, strict=True))
    half = Gaze(relative=0.5)
    together = [looks.mean for looks in tiny_host.attend([first, second], half)]
    assert [scores.shape for scores in together] == [(len(cells[0]),), (len(cells[1]),)]
    assert torch.equal(together[1], tiny_host.attend([second], half)[0].mean)
    other = tiny_host.attend([replace(second, question=QUESTION)], half)[0].mean
    assert not torch.allclose(other, together[1])
    unasked = replace(second, question=half.neutral)
    assert tiny_host.attend([unasked], Gaze(relative=1))[0].mean.abs().max() < 1e-5
    plain, neutral = (
        each.mean for each in tiny_host.attend([replace(second, question=QUESTION), unasked], Gaze(relative=0))
    )
    assert torch.allclose(other, plain - 0.5 * neutral, atol=1e-5)


def test_attend_runs_only_the_first_layers(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(200, 200))
    (features,) = tiny_host.encode([pyramid], [pyramid.cells(0)])
    calls = []
    layers = tiny_host.model.model.language_model.layers
    handles = [layer.register_forward_hook(lambda *_, i=i: calls.append(i)) for i, layer in enumerate(layers)]
    gaze = Gaze(first=0.3, last=0.65)
    tiny_host.attend([View(pyramid, pyramid.cells(0), features, QUESTION)], gaze)
    for handle in handles:
        handle.remove()
    assert calls == [0] and layers_read(gaze, tiny_host.text_config) == (1,)


@pytest.mark.parametrize(
    "values", [{"first": 0.7, "last": 0.6}, {"last": 1.2}, {"num_queries": 0}, {"relative": 2}, {"heads_from": 1}]
)
def test_gaze_checks_itself(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="first, last|num_queries|relative|heads_from"):
        Gaze(**values)


def test_a_picture_longer_than_200_to_1(tiny_host: TransformersHost) -> None:
    with pytest.raises(ValueError, match="2010x10 is longer than 200:1; crop it"):
        tiny_host.pyramid(Image.new("RGB", (2010, 10)))


def test_cells_of_one_level_are_placed_like_an_ordinary_picture(tiny_host: TransformersHost) -> None:
    pyramid = tiny_host.pyramid(draw(400, 300))
    block = glimpse_block(pyramid, pyramid.cells(1))
    assert block.positions.tolist() == pyramid.cells(1)[:, 1:].tolist() and block.span == max(pyramid.grid(1))
    mixed = glimpse_block(pyramid, torch.tensor([[1, 0, 0], [0, 1, 2], [1, 2, 3]]))
    assert mixed.positions.tolist() == [[0, 0], [1, 2], [4, 6]] and mixed.span == max(pyramid.grid(0))
