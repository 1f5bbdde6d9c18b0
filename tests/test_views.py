"""Views draw what the records say, and nothing of them is cut off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image, ImageColor

from arr_coc.evaluation.comparing import Comparison
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.processor.answer import Look
from arr_coc.processor.asking import Run
from arr_coc.records import Allocation, CellFeatures, Pyramid, Realization, ScoreMaps, Tensions
from arr_coc.views.comparison import comparison_figure, place_panels
from arr_coc.views.curves import Point, colour_of, draw_curves
from arr_coc.views.leaves import draw_leaves, level_color
from arr_coc.views.scores import SCORES, score_figure, score_grid
from arr_coc.views.sheet import text_inches, wrap
from arr_coc.views.table import COLUMNS, estimate_note, format_megabytes, format_seconds, table_rows

LEAVES = [[1, 0, 0], [0, 0, 2], [0, 0, 3], [0, 1, 2], [0, 1, 3], [1, 1, 0], [1, 1, 1]]


def make_realization(question: str = "What is the total?") -> Realization:
    """A 4x4 grid of native cells, split once in its upper right quarter."""
    pyramid = Pyramid((torch.zeros(3, 128, 128), torch.zeros(3, 64, 64)), (torch.zeros(13, 4, 4),) * 2, 32)
    leaves = torch.tensor(LEAVES)
    cells = pyramid.cells(1)
    maps = ScoreMaps(cells, torch.tensor([0.0, 3.0, -1.0, -2.0]), torch.zeros(4), torch.tensor([-1.0, 9.0, 0.0, 0.0]))
    features = CellFeatures(torch.zeros(len(leaves), 2), torch.zeros(0, len(leaves), 2))
    tensions = Tensions(0.0, 0.4, 0.2, (0.25, 0.15, 0.6), 64)
    splits = (torch.tensor([1]),)
    return Realization(pyramid, question, tensions, (maps,), splits, Allocation(leaves, (4, 4)), features, 8, features)


def make_comparison(question: str = "What is the total?", answer: str = "$3.50 and $4", size=(128, 128)) -> Comparison:
    seconds = {"prepare": 0.01, "encode": 0.02, "prefill": 0.03, "decode": 0.04, "total": 0.1}
    runs = (
        Run("full", None, 1600, 1600, {**seconds, "total": 240.0}, 200.0, None, is_estimate=True),
        Run("resize", answer, 7, 7, seconds, 0.06, 12.0),
        Run("arr-coc", answer, 7, 8, seconds, 0.06, 2048.0),
        Run("until-sure", answer, 7, 8, seconds, 0.1, 2048.0),
    )
    realization, stages = make_realization(question), {"prepare": 0.01, "decode": 0.02}
    looks = tuple(Look(answer, 64, 7, 4, 0.5, 0.25 * number, 0, (realization,), stages) for number in range(6))
    return Comparison(size, question, "nano", realization, runs, looks)


def test_leaves_are_outlined_in_the_colour_of_their_level() -> None:
    drawn = draw_leaves(Image.new("RGB", (128, 128), "white"), make_realization().allocation, max_side=512)
    assert drawn.size == (512, 512)
    pixels = np.asarray(drawn)
    fine, coarse = (ImageColor.getrgb(level_color(level)) for level in (0, 1))
    assert tuple(pixels[60, 384]) == fine and tuple(pixels[128, 320]) == fine
    assert tuple(pixels[384, 256]) == coarse
    assert tuple(pixels[64, 64]) not in (fine, coarse), "the inside of a leaf shows the picture"
    assert pixels[64, 64].tolist() != pixels[32, 290].tolist(), "levels are tinted differently"


@pytest.mark.parametrize("size", [(1, 1), (20, 400), (400, 20), (3000, 100)])
def test_leaves_keep_the_aspect(size: tuple[int, int]) -> None:
    drawn = draw_leaves(Image.new("RGB", size), make_realization().allocation, max_side=200)
    assert max(drawn.size) == 200
    assert drawn.width / drawn.height == pytest.approx(size[0] / size[1], rel=0.1)


def test_score_grid_holds_the_finest_score_of_each_place() -> None:
    grid = score_grid(make_realization(), "propositional")
    assert grid.shape == (4, 4)
    assert (grid[:2, :2] == 0).all() and (grid[:2, 2:] == 3).all() and (grid[2:, 2:] == -2).all()


def test_score_figure_shows_every_map() -> None:
    figure = score_figure(Image.new("RGB", (128, 128), "white"), make_realization())
    assert len(figure.axes) == len(SCORES) + 1


@pytest.mark.parametrize(
    ("size", "question"),
    [
        ((128, 128), "Why?"),
        ((1, 1), "x" * 500),
        ((60, 1200), "Which of the columns, " * 40),
        ((1200, 60), "Which of the columns, " * 40),
        ((900, 300), "Why?"),
        ((300, 500), "x" * 500),
    ],
)
def test_no_text_of_the_comparison_is_cut_off_or_overlaps_its_column(size: tuple[int, int], question: str) -> None:
    comparison = make_comparison(question, answer="a long answer of many words " * 20, size=size)
    figure = comparison_figure(Image.new("RGB", size, "white"), comparison)
    figure.canvas.draw()
    page = figure.bbox
    renderer = figure.canvas.get_renderer()
    for text in figure.findobj(Text):
        box = text.get_window_extent(renderer)
        if text.get_text().strip() and text.get_visible():
            inside = box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1
            assert inside, (text.get_text(), box)
    assert_no_overlap([text for text in figure.texts if text.get_text().strip()], renderer)


def assert_no_overlap(texts: list[Text], renderer) -> None:
    boxes = [(text.get_window_extent(renderer).padded(-1), text.get_text()) for text in texts]
    for index, (box, words) in enumerate(boxes):
        for other, other_words in boxes[index + 1 :]:
            assert not box.overlaps(other), (words, other_words)


def test_comparison_shows_question_answers_and_what_is_estimated() -> None:
    figure = comparison_figure(Image.new("RGB", (128, 128), "white"), make_comparison())
    words = " ".join(text.get_text() for text in figure.texts)
    for expected in ("What is the total?", "$3.50 and $4", "(not run)", "~4 min", "--full", "2.0 GB", *SCORES):
        assert expected in words


@pytest.mark.parametrize("aspect", [0.02, 0.5, 1.0, 1.4, 4.0, 20.0])
def test_panels_do_not_overlap(aspect: float) -> None:
    panels = place_panels(aspect)
    assert len(panels) == 5
    for index, a in enumerate(panels):
        for b in panels[index + 1 :]:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart, (a, b)


def test_wrap_fits_the_width_and_says_what_is_missing() -> None:
    lines = wrap("some words and averyverylongword" + "g" * 80 + " at the end of it all", 1.5, 10, max_lines=5)
    assert len(lines) == 5 and lines[-1].endswith("…")
    assert all(text_inches(line, 10) <= 1.5 for line in lines)
    assert wrap("a b", 5, 10, max_lines=1) == ["a b"]
    assert wrap("", 5, 10, max_lines=1) == []


def test_table_of_a_comparison() -> None:
    rows = table_rows(make_comparison())
    assert [row[0] for row in rows] == [
        "full",
        "resize",
        "arr-coc",
        "until-sure",
        *(f"· look {n}" for n in range(1, 7)),
    ]
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert rows[0] == ("full", "(not run)", "1,600", "1,600", "~3 min", "~4 min", "–")
    assert rows[2][2:] == ("7", "8", "60 ms", "100 ms", "2.0 GB")
    assert rows[5] == ("· look 2", "$3.50 and $4 (25% settled)", "7", "4", "", "30 ms", "")


def test_estimates_are_named() -> None:
    comparison = make_comparison()
    assert "full" in (estimate_note(comparison) or "")
    done = Comparison(comparison.image_size, "?", "nano", comparison.realization, comparison.runs[1:])
    assert estimate_note(done) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0004, "0 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (12.3, "12 s"), (600, "10 min")]
)
def test_seconds_are_readable(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_megabytes_are_readable() -> None:
    assert [format_megabytes(value) for value in (None, 3.2, 999.4, 1536)] == ["–", "3 MB", "999 MB", "1.5 GB"]


def test_a_legend_of_many_policies_lies_within_the_figure() -> None:
    figure = draw_curves({"all": {name: [Point(100, 0.5, 0.1), Point(200, 0.6, 0.1)] for name in POLICIES}}, "t")
    figure.canvas.draw()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0
    assert len({colour_of(name) for name in POLICIES}) == len(POLICIES)
