"""Kinds of lifelike pictures: a seed is a picture, boxes hold their answers, no question is asked twice."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest

from arr_coc.data.drawing.lifelike import wordings_of_kinds
from arr_coc.data.drawing.lifelike.chart_looks import Look
from arr_coc.data.drawing.lifelike.charts import LAYOUTS, chosen_data, composed
from arr_coc.data.drawing.lifelike.generator import LEAST_ANSWERS, LEAST_QUESTIONS, kind_of, lifelike, lifelike_version
from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds
from arr_coc.data.drawing.lifelike.plotting import plain_matplotlib
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.typefaces import choices
from arr_coc.data.drawing.lifelike.vocabulary import Speaker
from arr_coc.data.drawing.lifelike.world import Money
from arr_coc.data.drawing.lifelike.writer import has, spelled
from arr_coc.data.records import GROUPS, Picture, Question
from arr_coc.data.suites import SUITES, open_task
from arr_coc.nano.curriculum import WORKED_OUT

NEW = tuple(name for name in lifelike_kinds() if name != "receipt")
SEEDS = range(4)
BESIDE = re.compile(r"[\s,]")


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Typefaces may be missing where the tests run; tests/test_lifelike.py tests what is said then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@cache
def drawn(kind: str) -> tuple[Picture, ...]:
    return tuple(lifelike(seed, kind=kind, unseen=seed % 2 == 1) for seed in SEEDS)


def printed_in(picture: Picture, question: Question) -> Counter[str]:
    """Characters whose middles lie in a question's evidence."""
    x, y = picture.glyphs.centres.T
    inside = np.zeros(len(x), dtype=bool)
    for x0, y0, x1, y1 in question.boxes:
        inside |= (x >= x0 - 3) & (x <= x1 + 3) & (y >= y0 - 2) & (y <= y1 + 2)
    return Counter(char for char, is_in in zip(picture.glyphs.chars, inside, strict=True) if is_in)


@pytest.mark.parametrize("kind", NEW)
def test_a_seed_is_a_picture_whatever_was_drawn_before(kind):
    before, again = drawn(kind)[2], lifelike(2, kind=kind)
    assert again.questions == before.questions
    assert np.array_equal(np.asarray(again.image), np.asarray(before.image))
    assert again.glyphs.chars == before.glyphs.chars
    assert again.questions != lifelike(2, kind=kind, unseen=True).questions


@pytest.mark.parametrize("kind", NEW)
def test_boxes_lie_in_the_picture_and_hold_the_characters_of_the_answer(kind):
    """By characters that were followed on their own; a stamp's and a tick's are none."""
    checked = 0
    for picture in drawn(kind):
        width, height = picture.image.size
        for question in picture.questions:
            for x0, y0, x1, y1 in question.boxes:
                assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height, question
            if question.kind not in WORKED_OUT | {"stamp"}:
                wanted = Counter(BESIDE.sub("", question.answers[0]))
                assert not wanted - printed_in(picture, question), (picture.seed, question)
                checked += 1
    assert checked > 4 * LEAST_QUESTIONS


@pytest.mark.parametrize("kind", NEW)
def test_every_question_has_an_answer_of_its_own_and_is_asked_once(kind):
    for picture in drawn(kind):
        texts = [question.text for question in picture.questions]
        answers = {question.answers[0] for question in picture.questions}
        assert len(set(texts)) == len(texts) >= LEAST_QUESTIONS
        assert len(answers) >= LEAST_ANSWERS
        for question in picture.questions:
            assert question.answers[0].strip() and "{" not in question.text
            assert question.boxes and question.group in GROUPS and question.glyph_px > 0


@pytest.mark.parametrize("kind", NEW)
def test_characters_lie_in_order_and_mostly_in_the_picture(kind):
    for picture in drawn(kind):
        glyphs = picture.glyphs
        assert len(glyphs.chars) == len(glyphs.centres) == len(glyphs.heights) == len(glyphs.starts) > 15
        inside = (glyphs.centres >= 0).all(1) & (glyphs.centres < picture.image.size).all(1)
        assert inside.mean() > 0.9 and " " not in glyphs.chars
        assert (glyphs.heights > 1).all() and np.median(glyphs.heights) > 5


def test_every_kind_is_drawn_by_the_mixture():
    assert {kind_of(seed) for seed in range(400)} == set(lifelike_kinds())
    assert kind_of(3, {"chart": 1.0}) == "chart"
    with pytest.raises(ValueError, match="kind must be one of receipt, invoice"):
        lifelike(0, kind="cheque")


def test_every_wording_is_used_and_can_be_filled_in():
    """Each list is named by a drawer; each of its wordings takes the slots that the list's others take."""
    lists = [name for name in vars(wordings_of_kinds) if name.isupper()]
    drawers = "".join(path.read_text() for path in Path(wordings_of_kinds.__file__).parent.glob("*.py"))
    for name in lists:
        assert f"asked.{name}" in drawers, f"{name} is asked nowhere"
        wordings = getattr(wordings_of_kinds, name)
        assert len(set(wordings)) == len(wordings) > 1, name
        slots = [set(re.findall(r"{(\w+)}", wording)) for wording in wordings]
        most = max(slots, key=len)
        assert all(own <= most and bool(own) == bool(most) for own in slots), f"{name}: {slots}"


def test_a_sheet_asks_in_every_wording():
    asked = set()
    for seed in range(200):
        sheet = Sheet(Random(seed), (64, 64))
        sheet.ask("total", wordings_of_kinds.INVOICE_TOTAL, "1.00", [(0, 0, 9, 9)])
        asked |= {question.text for question in sheet.questions}
    assert asked == set(wordings_of_kinds.INVOICE_TOTAL)


def test_labels_of_charts_stand_where_matplotlib_drew_them():
    """The place of every character of a chart that is a file and not resized is dark on light, or light on dark."""
    rng = Random(5)
    with plain_matplotlib():
        data = chosen_data(rng, Speaker(rng, False), "columns")
        board_of, _ = composed(rng, data, Look.chosen(Random(1), False, 14.0), "columns")
        LAYOUTS["columns"](board_of)
        sheet, inks = board_of.board.render(rng)
    pixels = np.asarray(sheet.image.convert("L"), dtype=float)
    glyphs = sheet.glyphs()
    contrasts = []
    for (x, y), height in zip(glyphs.centres, glyphs.heights, strict=True):
        half = height / 2
        patch = pixels[int(y - half) : int(y + half) + 1, int(x - half / 2) : int(x + half / 2) + 1]
        contrasts.append(np.ptp(patch) if patch.size else 0)
    assert len(inks) > 5 and np.mean(np.array(contrasts) > 40) > 0.95


def test_what_a_window_covers_is_forgotten():
    sheet = Sheet(Random(0), (200, 100))
    sheet.remember("ab", [10.0, 20.0], 10.0, 8.0)
    sheet.remember("cd", [110.0, 120.0], 10.0, 8.0)
    sheet.ask("a", ("A?",), "ab", [(5, 5, 25, 15)])
    sheet.ask("b", ("B?",), "cd", [(105, 5, 125, 15)])
    sheet.forget((0, 0, 50, 50))
    assert sheet.glyphs().chars == "cd" and [question.text for question in sheet.questions] == ["B?"]


def test_what_a_typeface_lacks_is_spelled_plainly():
    faces = [face for style in ("sans", "pixel", "hand") for face in choices(style, False)]
    for face in faces:
        text = spelled(face, "Größe 5 € – Évora")
        assert all(has(face, char) for char in text), (face.stem, text)
        assert spelled(face, "plain") == "plain"


def test_amounts_keep_their_number_in_every_format():
    shapes = set()
    for seed in range(60):
        money = Money.chosen(Random(seed))
        for cents in (7, 123_456, -99_900):
            digits = re.sub(r"\D", "", money.bare(cents))
            assert int(digits) == abs(cents) and money.bare(cents) in money.full(cents)
        shapes.add(re.sub(r"\d", "0", money.full(123_456)))
    assert len(shapes) > 15


@pytest.mark.parametrize("name", ("lifelike/chart/unseen", "lifelike/sign/seen"))
def test_kinds_have_suites_of_their_own(name):
    task = open_task(name)
    kind = name.split("/")[1]
    samples = [task[index] for index in (0, LEAST_QUESTIONS - 1, LEAST_QUESTIONS)]
    assert {sample.picture_kind for sample in samples} == {kind} and task.version == lifelike_version(kind)
    assert len({sample.picture_id for sample in samples}) == 2


def test_suites_of_receipts_stay_what_they_were():
    """Published numbers name `lifelike/unseen`: receipts of version 2."""
    assert {f"lifelike/{kind}/{side}" for kind in NEW for side in ("seen", "unseen")} <= set(SUITES)
    assert open_task("lifelike/unseen").version.startswith("2-")
    assert open_task("lifelike/unseen")[0].picture_kind == "receipt"
