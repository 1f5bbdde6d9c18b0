"""What the pages draw of a realization."""

from __future__ import annotations

import pytest
import torch
from apps_toys import Tags
from conftest import QUESTION, draw

from arr_coc.attending import check_tiling
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.records import Allocation
from arr_coc.views.lenses import focus_on, levels_over, looked_at
from arr_coc.views.overlay import Tile, leaf_notes, leaf_tiles, legend_html, realization_html, tokens_html
from arr_coc.views.reconstruction import draw_seen
from arr_coc.views.splitting import coarsened, rounds_of
from arr_coc.views.textures import texture_figure
from arr_coc.views.ways import Way, ways_html


@pytest.fixture()
def realization(tiny_processor):
    messages = question_messages(draw(1000, 700), QUESTION)
    return tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=150).realizations[0][0]


def test_overlay_has_a_tile_per_leaf(realization) -> None:
    page = realization_html(draw(1000, 700), realization, [(0.1, 0.2, 0.3, 0.4)])
    tags = Tags(page).found
    assert len(tags["i"]) == realization.allocation.num_tokens and len(tags["b"]) == 1
    area = 0.0
    for tile in tags["i"]:
        sides = dict(part.split(":") for part in tile["style"].split(";") if "%" in part)
        area += float(sides["width"][:-1]) * float(sides["height"][:-1])
        assert "sharp" in tile["data-tip"] and tile["aria-label"] == tile["data-tip"]
    assert [tile["tabindex"] for tile in tags["i"]].count("0") == 1 and "level" not in page
    assert area == pytest.approx(10_000, rel=1e-3)


def test_no_line_lies_over_what_is_read_finest(realization) -> None:
    levels = realization.allocation.leaves[:, 0]
    tiles = leaf_tiles(realization.allocation, leaf_notes(realization))
    assert sum(tile.is_finest for tile in tiles) == int((levels == levels.min()).sum())
    tags = Tags(realization_html(draw(1000, 700), realization)).found["i"]
    assert ["fine" in tag["class"].split() for tag in tags] == [tile.is_finest for tile in tiles]


def test_a_glimpse_shows_its_lines() -> None:
    """Where all is coarse, nothing is read finest, and the tokens would not be seen."""
    coarse, native = (Allocation(torch.tensor([[level, 0, 0], [level, 0, 1]]), (2, 4)) for level in (1, 0))
    assert not any(tile.is_finest for tile in leaf_tiles(coarse, ["", ""])) and "fine" not in legend_html(coarse)
    assert all(tile.is_finest for tile in leaf_tiles(native, ["", ""])) and 'class="fine"' in legend_html(native)


@pytest.mark.parametrize(("size", "is_extreme"), [((80, 5000), True), ((5000, 80), True), ((800, 300), False)])
def test_only_a_thread_of_a_picture_scrolls_in_its_frame(size: tuple[int, int], is_extreme: bool) -> None:
    page = tokens_html(draw(*size), [Tile((0, 0, 1, 1), "#fff", "all")])
    assert ("arr-view extreme" in page) == is_extreme and f"--aspect:{size[0] / size[1]:.4f}" in page


def test_ways_are_judged_only_where_it_is_known() -> None:
    page = ways_html("Q <b>?", [Way("a", "1 < 2", True), Way("b", "", False), Way("c")], "1 & 2")
    assert "Q &lt;b&gt;?" in page and "1 &lt; 2" in page and "1 &amp; 2" in page and "(no answer)" in page
    assert page.count("✓ right") == page.count("✗ wrong") == 1
    assert "1 &amp; 2" not in ways_html("Q", [Way("a")], "1 & 2", is_busy=True)


@pytest.mark.parametrize("size", [(1000, 700), (80, 5000), (5000, 80), (128, 72)])
@pytest.mark.parametrize("box", [(0.4, 0.4, 0.5, 0.45), (0.0, 0.97, 0.1, 1.0), (0.0, 0.0, 1.0, 1.0)])
def test_focus_shows_the_box_and_stays_inside(size: tuple[int, int], box: tuple[float, float, float, float]) -> None:
    focus = focus_on(box, size)
    for middle, span, low, high in ((focus.x, focus.span_x, *box[::2]), (focus.y, focus.span_y, *box[1::2])):
        assert span != 1 and middle - span / 2 <= low + 1e-3 and high - 1e-3 <= middle + span / 2
        assert span >= 1 or (middle - span / 2 >= -1e-9 and middle + span / 2 <= 1 + 1e-9)
    shape = focus.span_x * size[0] / (focus.span_y * size[1])
    assert shape == pytest.approx(16 / 9, rel=0.01)


def test_looked_at_is_a_split_cell(realization) -> None:
    x0, y0, x1, y1 = looked_at(realization)
    assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    finest, coarsest = levels_over(realization.allocation, (x0 + 1e-4, y0 + 1e-4, x1 - 1e-4, y1 - 1e-4))
    assert finest <= coarsest < realization.pyramid.coarsest
    assert levels_over(realization.allocation, (0, 0, 1, 1)) == (0, realization.pyramid.coarsest)


def test_notes_tell_scores_of_the_cell_or_its_parent(realization) -> None:
    notes = leaf_notes(realization)
    levels = realization.allocation.leaves[:, 0].tolist()
    first = realization.scores[0]
    for cell, note, level in zip(realization.allocation.leaves.tolist(), notes, levels, strict=True):
        assert ("larger cell" in note) == (level == 0) == note.startswith("as sharp as full resolution")
        if level == realization.pyramid.coarsest:
            index = first.cells.tolist().index(cell)
            assert f"detail lost (propositional) {first.propositional[index]:+.2f}" in note


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
