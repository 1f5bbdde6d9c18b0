"""The generator, the mixture, tasks and the files they write."""

from __future__ import annotations

import json
import random
from collections import Counter
from math import inf
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arr_coc.data import Picture, Question, generate, kinds, legible_level
from arr_coc.data.drawing.canvas import Canvas, Style
from arr_coc.data.drawing.fonts import FACES, cap_ratio, font_size
from arr_coc.data.drawing.kinds import every_kind
from arr_coc.data.mixture import MAX_QUESTIONS, MOST_QUESTIONS, group_shares, mixture
from arr_coc.data.preview import contact_sheet, write_dataset
from arr_coc.data.tasks import (
    TEST_SEEDS,
    TRAIN_SEEDS,
    VALIDATION_SEEDS,
    FolderTask,
    GeneratedTask,
    Sample,
)

KINDS = tuple(kinds())
PRINTED = {
    "read_field",
    "read_cell",
    "read_tag",
    "bar_value",
    "bar_name",
    "point_value",
    "point_name",
    "line_name",
    "row_name",
    "highest_bar",
    "lowest_bar",
    "highest_point",
    "lowest_point",
    "highest_line",
    "lowest_line",
    "extreme",
    "transcribe",
    "small_print",
    "sign_text",
    "house_number",
    "plate",
    "bus_line",
}


def test_a_kind_that_is_asked_for_by_name_changes_nothing_for_seeds_and_mixtures() -> None:
    assert "till_receipt" in every_kind() and "till_receipt" not in kinds()
    assert len({generate(seed, max_side=256).kind for seed in range(60)} | set(kinds())) == len(kinds())
    first, again = (generate(3, kind="till_receipt", max_side=512, plain=plain) for plain in (0.0, 1.0))
    assert first.image.tobytes() == again.image.tobytes() and first.questions == again.questions


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Pictures of every kind, with all their questions."""
    return [generate(seed, kind=KINDS[seed % len(KINDS)], max_side=700, num_questions=None) for seed in range(200)]


@pytest.fixture(scope="module")
def mixed() -> list[Picture]:
    """Pictures of the mixture with eight questions each."""
    return [mixture(seed, 8, max_side=400, plain=0.7) for seed in range(400)]


def read_box(picture: Picture, box: tuple[float, float, float, float]) -> str:
    """The characters whose centres lie in a box, in the order they were drawn."""
    x0, y0, x1, y1 = box
    x, y = picture.glyphs.centres[:, 0], picture.glyphs.centres[:, 1]
    inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    return "".join(char for char, kept in zip(picture.glyphs.chars, inside, strict=True) if kept)


def question(glyph_px: float) -> Question:
    return Question("What is it?", ("x",), (), "read_field", "reading", 0.5, glyph_px)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_a_picture_whatever_was_drawn_before(kind: str) -> None:
    first = generate(11, kind=kind, max_side=600)
    random.seed(5)
    np.random.seed(5)
    generate(12, kind=kind, max_side=600)
    again = generate(11, kind=kind, max_side=600)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.questions == again.questions
    assert first.glyphs.chars == again.glyphs.chars
    assert generate(12, kind=kind, max_side=600).image.tobytes() != first.image.tobytes()


def test_boxes_lie_in_the_picture_and_hold_the_printed_answer(pictures: list[Picture]) -> None:
    read = Counter()
    for picture in pictures:
        width, height = picture.image.size
        for q in picture.questions:
            for x0, y0, x1, y1 in q.boxes:
                assert 0 <= x0 < x1 <= width, (picture.kind, picture.seed, q)
                assert 0 <= y0 < y1 <= height, (picture.kind, picture.seed, q)
            if q.kind in PRINTED:
                assert read_box(picture, q.boxes[0]) == q.answers[0].replace(" ", ""), (picture.kind, picture.seed, q)
                read[q.kind] += 1
    assert set(read) == PRINTED


def test_text_lies_in_the_picture_and_is_never_smaller_than_small_print(pictures: list[Picture]) -> None:
    for picture in pictures:
        centres, half = picture.glyphs.centres, picture.glyphs.heights / 2
        assert len(picture.glyphs.chars) == len(centres) == len(half)
        if len(half):
            assert half.min() >= 4.5
            assert (centres[:, 0] > 0).all() and (centres[:, 0] < picture.image.width).all()
            assert (centres[:, 1] >= half).all() and (centres[:, 1] + half <= picture.image.height).all()


def test_texts_do_not_overlap(pictures: list[Picture]) -> None:
    for picture in pictures:
        centres = picture.glyphs.centres
        for index, centre in enumerate(centres):
            others = np.abs(centres[index + 2 :] - centre).max(axis=1)
            assert not (others < 0.4 * picture.glyphs.heights[index]).any(), (picture.kind, picture.seed)


def test_questions_are_short_distinct_and_sound(pictures: list[Picture]) -> None:
    for picture in pictures:
        texts = [q.text for q in picture.questions]
        assert len(set(texts)) == len(texts) >= MAX_QUESTIONS
        for q in picture.questions:
            assert len(q.text.split()) <= 14 and "{" not in q.text
            assert all(1 <= len(answer) <= 24 for answer in q.answers)
            assert 0.0 <= q.difficulty <= 1.0 and q.glyph_px > 0
            assert q.group in group_shares()


def test_yes_and_no_are_balanced(pictures: list[Picture]) -> None:
    counts = Counter(q.answers[0] for p in pictures for q in p.questions if q.answers[0] in ("yes", "no"))
    assert counts["yes"] / sum(counts.values()) == pytest.approx(0.5, abs=0.05)


def test_generate_spreads_over_question_kinds() -> None:
    picture = generate(4, kind="receipt", max_side=600)
    assert len(picture.questions) == 10
    assert len({q.kind for q in picture.questions}) >= 6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(256, 256), (256, 2048), (2048, 256), (4096, 512)])
def test_extreme_sizes(kind: str, size: tuple[int, int]) -> None:
    picture = generate(21, kind=kind, size=size, num_questions=None)
    assert picture.image.size == size and picture.image.mode == "RGB"
    assert len(picture.questions) >= 8
    assert np.asarray(picture.image).std() > 3


def test_the_largest_size_is_drawn_sharp_not_blown_up() -> None:
    picture = generate(21, kind="receipt", size=(4096, 4096), plain=1.0)
    assert picture.image.size == (4096, 4096)
    assert picture.glyphs.heights.min() >= 9 * 4
    x, y = (round(side) for side in picture.glyphs.centres[0])
    levels = np.asarray(picture.image.crop((x - 150, y - 150, x + 150, y + 150)).convert("L")).astype(int)
    assert np.abs(np.diff(levels, axis=1)).max() > 120


def test_sizes_follow_the_arguments() -> None:
    sizes = [generate(seed, kind="shapes", max_side=2000).image.size for seed in range(40)]
    assert all(256 <= side <= 2000 for size in sizes for side in size)
    assert max(max(size) for size in sizes) > 1100
    assert all(max(generate(seed, kind="shapes", max_side=400).image.size) <= 400 for seed in range(20))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kind": "poem"}, "kind"),
        ({"size": (100, 400)}, "size"),
        ({"size": (400, 5000)}, "size"),
        ({"max_side": 100}, "max_side"),
        ({"plain": 1.5}, "plain"),
        ({"num_questions": 0}, "num_questions"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        generate(1, **arguments)


@pytest.mark.parametrize("angle", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("zoom", [1.0, 2.5])
def test_glyph_centres_follow_rotation_and_zoom(angle: float, zoom: float) -> None:
    canvas = Canvas(Image.new("RGB", (600, 500), (255, 255, 255)), zoom, angle)
    ink = canvas.text(20, 30, "HHHHHHHH", Style("sans-bold", 14, (0, 0, 0)))
    glyphs = canvas.glyphs()
    dark = 255 - np.asarray(canvas.image.convert("L")).astype(float)
    rows, columns = np.nonzero(dark > 128)
    assert glyphs.heights == pytest.approx([14 * zoom] * 8)
    assert glyphs.centres.mean(axis=0) == pytest.approx([columns.mean(), rows.mean()], abs=1.2 * zoom)
    for x, y in glyphs.centres:
        reach = round(4 * zoom)
        patch = dark[round(y) - reach : round(y) + reach, round(x) - reach : round(x) + reach]
        assert patch.max() > 200
    x0, y0, x1, y1 = canvas.hull(ink.box)
    assert x0 <= columns.min() + 1 and columns.max() <= x1 and y0 <= rows.min() + 1 and rows.max() <= y1


@pytest.mark.parametrize("face", FACES)
def test_cap_height_is_what_was_asked_for(face: str) -> None:
    assert cap_ratio(face) * font_size(face, 40.0) == pytest.approx(40.0, abs=0.5)


def test_legible_level() -> None:
    assert [legible_level(question(px), 1.0) for px in (4.0, 10.0, 19.9, 20.0, 80.0)] == [0, 0, 0, 1, 3]
    assert legible_level(question(40.0), 0.5) == 1
    assert legible_level(question(32.0), 0.1) == 0
    assert legible_level(question(inf), 1.0) >= 8
    with pytest.raises(ValueError, match="native_scale"):
        legible_level(question(8.0), 0.0)


def test_the_mixture_has_its_shares(mixed: list[Picture]) -> None:
    wanted = {"reading": 0.35, "charts": 0.20, "tables": 0.15, "scenes": 0.15, "description": 0.10, "arithmetic": 0.05}
    assert group_shares() == pytest.approx(wanted)
    counts = Counter(q.group for picture in mixed for q in picture.questions)
    for group, share in wanted.items():
        assert counts[group] / sum(counts.values()) == pytest.approx(share, abs=0.02), group


def test_every_picture_of_the_mixture_has_its_number_of_questions(mixed: list[Picture]) -> None:
    assert {len(picture.questions) for picture in mixed} == {8}
    assert {picture.kind for picture in mixed} == set(KINDS)
    for kind in KINDS:
        assert len(mixture(3, MAX_QUESTIONS, kind=kind, size=(256, 256)).questions) == MAX_QUESTIONS
    with pytest.raises(ValueError, match="num_questions"):
        mixture(1, MOST_QUESTIONS + 1)


def test_same_picture_other_evidence(mixed: list[Picture]) -> None:
    """Question-awareness can only show where the questions about a picture look at different places."""
    apart = sum(len({q.boxes[0] for q in picture.questions if q.boxes}) >= 4 for picture in mixed)
    assert apart / len(mixed) > 0.8


def test_seed_ranges_are_disjoint() -> None:
    ranges = sorted((TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS), key=lambda seeds: seeds.start)
    assert all(a.stop <= b.start for a, b in zip(ranges, ranges[1:], strict=False))


def test_generated_task() -> None:
    task = GeneratedTask(TEST_SEEDS.start, 3, 4, max_side=400)
    assert len(task) == 12
    samples = [task[index] for index in range(len(task))]
    assert [s.picture_id for s in samples] == [str(TEST_SEEDS.start + index // 4) for index in range(12)]
    assert samples[0].image is samples[3].image and samples[0].picture_kind in KINDS
    assert (samples[5].question, samples[5].answers) == (task[5].question, task[5].answers)
    with pytest.raises(IndexError):
        task[12]
    with pytest.raises(ValueError, match="num_pictures"):
        GeneratedTask(0, 0)
    with pytest.raises(ValueError, match="num_questions"):
        GeneratedTask(0, 1, 99)


@pytest.mark.parametrize(
    ("answer", "score"), [("12.50", 1.0), ("  Blue   Cafe ", 1.0), ("BLUE CAFE", 1.0), ("BlueCafe", 0.0), ("", 0.0)]
)
def test_score_is_exact_match_after_normalisation(answer: str, score: float) -> None:
    sample = Sample(
        Image.new("RGB", (8, 8)), "?", ("12.50", "Blue Cafe"), None, "read_field", "reading", None, "1", "receipt"
    )
    assert GeneratedTask(0, 1).score(answer, sample) == score


def write_folder(folder: Path, *lines: str) -> Path:
    Image.new("RGB", (32, 24)).save(folder / "a.png")
    (folder / "qa.jsonl").write_text("\n".join(lines) + "\n")
    return folder


GOOD = {"image": "a.png", "question": "What is it?", "answers": ["x"]}


def test_folder_task_reads_what_is_there(tmp_path: Path) -> None:
    boxed = {**GOOD, "boxes": [[1, 2, 3, 4]], "kind": "read_cell"}
    task = FolderTask(write_folder(tmp_path, json.dumps(GOOD), "", json.dumps(boxed)))
    assert len(task) == 2 and task.name == tmp_path.name
    assert task[0].boxes is None and task[0].image.size == (32, 24)
    assert task[1].boxes == ((1.0, 2.0, 3.0, 4.0),) and task[1].kind == "read_cell"
    assert task.score("X", task[0]) == 1.0


def test_a_folder_without_questions_or_with_a_broken_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no qa.jsonl"):
        FolderTask(tmp_path)
    with pytest.raises(ValueError, match="no questions"):
        FolderTask(write_folder(tmp_path, ""))
    task = FolderTask(write_folder(tmp_path, json.dumps(GOOD)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match=r"a\.png"):
        task[0]


def test_a_written_dataset_is_a_task(tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert write_dataset(out, range(40, 44), num_questions=3, max_side=400) == 12
    task = FolderTask(out)
    source = GeneratedTask(40, 4, 3, max_side=400)
    for index in range(12):
        written, drawn = task[index], source[index]
        assert (written.question, written.answers, written.kind) == (drawn.question, drawn.answers, drawn.kind)
        assert written.image.tobytes() == drawn.image.tobytes()
        assert len(written.boxes or ()) == len(drawn.boxes or ())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    with pytest.raises(ValueError, match="out_dir"):
        write_dataset(out, range(2))


def test_nothing_half_written(tmp_path: Path) -> None:
    def failing() -> object:
        yield 1
        raise ValueError("cut short")

    with pytest.raises(ValueError, match="cut short"):
        write_dataset(tmp_path / "set", failing(), max_side=300)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_contact_sheet() -> None:
    sheet = contact_sheet(range(5), columns=3, cell_px=200)
    assert sheet.width == 3 * 208 + 8 and sheet.height > 2 * 200
    bare = contact_sheet(range(5), columns=3, cell_px=200, draw_boxes=False)
    assert bare.size == sheet.size and bare.tobytes() != sheet.tobytes()
    with pytest.raises(ValueError, match="seeds"):
        contact_sheet([])


@pytest.mark.parametrize("kind", ["table", "bar_chart", "line_chart", "document"])
def test_what_is_said_to_be_missing_is_written_nowhere(kind: str) -> None:
    for seed in range(12):
        picture = generate(seed, kind=kind, max_side=500, num_questions=None)
        for q in picture.questions:
            if q.answers == ("no",) and q.kind == "exists":
                assert not any(word in picture.glyphs.chars for word in q.text.rstrip("?").split()[-1:]), q
