"""Lifelike pictures: a seed is a picture, boxes and characters follow the paper, the split holds."""

from __future__ import annotations

import datetime
import re
import warnings
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from arr_coc.data.drawing.lifelike import typefaces
from arr_coc.data.drawing.lifelike.generator import lifelike
from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds
from arr_coc.data.drawing.lifelike.lettering import Print, letter, width_of
from arr_coc.data.drawing.lifelike.photography import choose_warp, warped
from arr_coc.data.drawing.lifelike.receipts import draw_receipt
from arr_coc.data.drawing.lifelike.vocabulary import Speaker, date, is_unseen
from arr_coc.data.suites import open_task
from arr_coc.nano.muon import Muon32


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Typefaces may be missing where the tests run; that is said once, and tested below."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.fixture(scope="module")
def pictures():
    return [lifelike(seed, unseen=seed % 2 == 1) for seed in range(10)]


def test_a_seed_is_a_picture_whatever_was_drawn_before(pictures):
    again = lifelike(4)
    assert again.questions == pictures[4].questions
    assert np.array_equal(np.asarray(again.image), np.asarray(pictures[4].image))
    assert again.questions != lifelike(4, unseen=True).questions


def test_boxes_lie_in_the_picture_and_hold_the_characters_of_the_answer(pictures):
    """By the characters that were followed on their own through print, warp and crop."""
    checked = 0
    for picture in pictures:
        width, height = picture.image.size
        for question in picture.questions:
            for x0, y0, x1, y1 in question.boxes:
                assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
            if question.kind in ("total", "date", "company", "item_price"):
                x0, y0, x1, y1 = question.boxes[0]
                x, y = picture.glyphs.centres.T
                inside = (x >= x0 - 2) & (x <= x1 + 2) & (y >= y0) & (y <= y1)
                printed = "".join(char for char, is_in in zip(picture.glyphs.chars, inside, strict=True) if is_in)
                assert question.answers[0].replace(" ", "") in printed
                checked += 1
    assert checked > 40


def test_every_receipt_asks_for_its_total_and_has_rivals_to_it(pictures):
    for picture in pictures:
        kinds = [question.kind for question in picture.questions]
        assert "total" in kinds and "date" in kinds and "company" in kinds
        assert len(kinds) >= lifelike_kinds()["receipt"].least
    assert sum("amount" in [q.kind for q in p.questions] for p in pictures) > len(pictures) / 2


def test_a_warp_takes_a_mark_where_it_says():
    rng = Random(3)
    sheet = Image.new("L", (300, 420), 255)
    spots = np.array([(60.0, 80.0), (150.0, 210.0), (240.0, 340.0)])
    for x, y in spots:
        ImageDraw.Draw(sheet).ellipse((x - 4, y - 4, x + 4, y + 4), fill=0)
    for _ in range(5):
        warp, size, _ = choose_warp(rng, sheet, flat=False)
        dark = 255 - np.asarray(warped(sheet, warp, size), dtype=float)
        for x, y in warp.to_picture(spots):
            rows, columns = np.mgrid[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13]
            patch = dark[rows, columns]
            assert abs((patch * columns).sum() / patch.sum() - x) < 1.5
            assert abs((patch * rows).sum() / patch.sum() - y) < 1.5


def test_words_typefaces_and_layouts_of_the_two_sides_are_apart():
    for unseen in (False, True):
        speaker = Speaker(Random(1), unseen)
        assert all(is_unseen(speaker.word(["Bread", "Milk", "Apple", "Butter"])) == unseen for _ in range(50))
    for style in typefaces.FALLBACK:
        seen = {face.stem for face in typefaces.choices(style, False)}
        assert seen and not seen & {face.stem for face in typefaces.choices(style, True)}
    for face in typefaces.typefaces():
        same = {other.unseen for other in typefaces.typefaces() if other.stem.split("-")[0] == face.stem.split("-")[0]}
        assert len(same) == 1 or face.stem.startswith("OpenSans"), f"{face.stem} is on both sides"


def test_no_month_has_more_days_than_it_has():
    rng = Random(0)
    stamps = [text for text in (date(rng) for _ in range(4000)) if re.fullmatch(r"\d{4}-\d\d-\d\d", text)]
    assert len({datetime.date.fromisoformat(stamp) for stamp in stamps}) > 100


def test_a_missing_typeface_falls_back_and_says_so_once(monkeypatch):
    monkeypatch.setattr(typefaces, "font_files", dict)
    typefaces.tell_missing.cache_clear()
    with pytest.warns(UserWarning, match="typefaces are missing, plain ones stand in: apt-get install"):
        paths = [typefaces.file_of(face) for face in typefaces.typefaces()]
    assert all(path.is_file() for path in paths)
    typefaces.tell_missing.cache_clear()


@pytest.mark.parametrize("stretch", (0.7, 1.0, 1.3))
def test_print_is_as_high_and_as_wide_as_asked_for(stretch):
    face = typefaces.choices("mono", False)[0]
    style = Print(face, 14.0, stretch)
    line = letter("HEN", style, Random(0))
    columns = np.asarray(line.mask).max(0) > 60
    assert abs(line.mask.height - 14) <= 2
    assert abs(width_of("HEN", style) / width_of("HEN", Print(face, 14.0)) - stretch) < 0.02
    assert abs(line.left + np.flatnonzero(columns).mean() - line.middles[1]) < 2


def test_a_sheet_holds_all_its_lines():
    for seed in range(12):
        sheet = draw_receipt(Random(seed), seed % 2 == 0, 1.0)
        glyphs = sheet.glyphs()
        assert glyphs.centres[:, 1].max() < sheet.height and glyphs.centres[:, 0].max() < sheet.width


@pytest.mark.parametrize("name", ("lifelike/seen", "lifelike/unseen"))
def test_lifelike_suites_are_tasks(name):
    task = open_task(name)
    samples = [task[index] for index in range(9)]
    assert len({sample.picture_id for sample in samples}) == 2
    assert all(sample.boxes for sample in samples)


def test_muon_in_float32_steps_like_torchs():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(24, 40, generator=generator)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    pair = (
        (ours, Muon32([ours], lr=1e-2)),
        (theirs, torch.optim.Muon([theirs], lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")),
    )
    for _ in range(3):
        gradient = torch.randn(24, 40, generator=generator)
        for parameter, optimizer in pair:
            parameter.grad = gradient.clone()
            optimizer.step()
    assert (ours - theirs).norm() < 0.02 * (theirs - start).norm()
