"""What the pages draw of a realization."""

from __future__ import annotations

import pytest
import torch
from apps_toys import Tags
from conftest import QUESTION, draw

from arr_coc.attending import check_tiling
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.records import Allocation
from arr_coc.views.overlay import leaf_notes, realization_html
from arr_coc.views.reconstruction import draw_seen
from arr_coc.views.splitting import coarsened, rounds_of
from arr_coc.views.textures import texture_figure


@pytest.fixture()
def realization(tiny_processor):
    messages = question_messages(draw(1000, 700), QUESTION)
    return tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=150).realizations[0][0]


def test_overlay_has_a_tile_per_leaf(realization) -> None:
    tags = Tags(realization_html(draw(1000, 700), realization, [(0.1, 0.2, 0.3, 0.4)])).found
    assert len(tags["i"]) == realization.allocation.num_tokens and len(tags["b"]) == 1
    area = 0.0
    for tile in tags["i"]:
        sides = dict(part.split(":") for part in tile["style"].split(";") if "%" in part)
        area += float(sides["width"][:-1]) * float(sides["height"][:-1])
        assert tile["data-tip"].startswith("level ")
    assert area == pytest.approx(10_000, rel=1e-3)


def test_notes_tell_scores_of_the_cell_or_its_parent(realization) -> None:
    notes = leaf_notes(realization)
    levels = realization.allocation.leaves[:, 0].tolist()
    first = realization.scores[0]
    for cell, note, level in zip(realization.allocation.leaves.tolist(), notes, levels, strict=True):
        assert ("parent" in note) == (level == 0)
        if level == realization.pyramid.coarsest:
            index = first.cells.tolist().index(cell)
            assert f"propositional {first.propositional[index]:+.2f}" in note


def test_seen_shows_the_pixels_of_the_leaves(realization) -> None:
    """A leaf of level 0 keeps the native pixels, a coarse one only its own, averaged."""
    pyramid, leaves = realization.pyramid, realization.allocation.leaves.tolist()
    height, width = pyramid.levels[0].shape[-2:]
    seen = torch.tensor(list(draw_seen(realization, (width, height)).tobytes())).view(height, width, 3) / 255
    native = pyramid.levels[0].permute(1, 2, 0)
    errors: dict[int, list[float]] = {}
    for level, row, col in leaves:
        side = pyramid.cell_px * 2**level
        place = slice(row * side, (row + 1) * side), slice(col * side, (col + 1) * side)
        errors.setdefault(level, []).append(float((seen[place] - native[place]).abs().max()))
    assert max(errors[0]) <= 0.5 / 255 + 1e-6
    assert max(errors[pyramid.coarsest]) > 0.05


def test_splitting_is_played_again(realization) -> None:
    allocation = realization.allocation
    levels = rounds_of(allocation)
    assert levels == sorted(levels, reverse=True) and levels[0] == realization.pyramid.coarsest
    glimpse = coarsened(allocation, levels[0])
    assert sorted(glimpse.leaves.tolist()) == sorted(realization.pyramid.cells(levels[0]).tolist())
    counts = []
    for level in levels:
        step = coarsened(allocation, level)
        check_tiling(step.leaves, step.grid)
        counts.append(step.num_tokens)
    assert counts == sorted(counts) and counts[-1] == allocation.num_tokens


def test_coarsened_keeps_what_is_coarse_enough() -> None:
    leaves = torch.tensor([[1, 0, 0], [0, 0, 2], [0, 0, 3], [0, 1, 2], [0, 1, 3]])
    assert coarsened(Allocation(leaves, (2, 4)), 1).leaves.tolist() == [[1, 0, 0], [1, 0, 1]]


def test_textures_have_every_channel(realization) -> None:
    figure = texture_figure(realization.pyramid, 1)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 13
    assert pictures[3].images[0].get_array().shape == realization.pyramid.grid(1)
    with pytest.raises(ValueError, match="level"):
        texture_figure(realization.pyramid, 9)
