"""Suites by name, pictures that were tampered with, and folders with missing pictures."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

import arr_coc
from arr_coc.data.drawing import words
from arr_coc.data.drawing.fonts import FACES, IN_THEIR_PLACE
from arr_coc.data.drawing.lifelike import vocabulary
from arr_coc.data.drawing.mirrors import Mirrored, mirrored
from arr_coc.data.drawing.other_words import in_their_place, other_words, written
from arr_coc.data.mixture import mixture
from arr_coc.data.redrawn import LAYOUTS, PLACES, is_page
from arr_coc.data.robustness import TRANSFORMS, adversarial, apart, is_answerable, textured, turned
from arr_coc.data.suites import BLOCK, FROZEN, SUITES, VARIED, Selection, fingerprint, held_out, is_apart, open_task
from arr_coc.data.tasks import TEST_SEEDS, FolderTask
from arr_coc.nano import synthetic_lines

PACKAGE = Path(arr_coc.__file__).parent
TASK = held_out(20, 6, max_side=512)


def test_every_suite_draws_test_seeds_of_its_own():
    shared = ("same-picture", "deciding/textured")
    names = [name for name in SUITES if not name.startswith("robust/") and name not in shared]
    starts = [open_task(name).seed_start for name in names]
    assert len(set(starts)) == len(starts)
    assert all(start in TEST_SEEDS and start + 1000 in TEST_SEEDS for start in starts)


PAGES = [number for number in range(20) if is_page(TEST_SEEDS.start + VARIED * BLOCK + number)]
FINGERPRINT = "a83f6c926c791e237f3e7c159b10d99517d18228e05b7843a54a8b3ba1f43c08"
"""Of the 1,000 questions of the final report, with generator version 2."""


def test_the_final_block_is_what_it_was_when_it_was_frozen():
    task = open_task("final", for_final_report=True)
    assert fingerprint(task, 1000) == FINGERPRINT


def test_the_final_block_is_opened_by_the_final_report_alone():
    for name in FROZEN:
        with pytest.raises(ValueError, match="is frozen for the report of arr-coc eval final"):
            open_task(name)
        assert name not in SUITES
    opening = [
        path.name for path in PACKAGE.rglob("*.py") if "for_final_report=True" in path.read_text(encoding="utf-8")
    ]
    assert opening == ["final.py"]


def test_an_unknown_task_lists_what_there_is():
    with pytest.raises(ValueError, match="'pictures' is neither a folder nor one of development, "):
        open_task("pictures")


def test_a_limit_takes_the_first_questions():
    task, whole = open_task("development", limit=3), open_task("development")
    assert len(task) == 3 and [task[i].question for i in range(3)] == [whole[i].question for i in range(3)]
    assert task.version == whole.version
    with pytest.raises(IndexError):
        task[3]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_changes_pixels_and_keeps_the_question(name):
    index = next(i for i in range(len(TASK)) if is_answerable(TASK[i], name))
    task = Selection(TASK, [index], f"robust/{name}", TRANSFORMS[name])
    before, after, again = TASK[index], task[0], task[0]
    assert (after.question, after.answers) == (before.question, before.answers)
    assert np.array_equal(np.asarray(after.image), np.asarray(again.image))
    assert after.image.size != before.image.size or not np.array_equal(
        np.asarray(after.image), np.asarray(before.image)
    )
    assert after.image.mode == "RGB"
    if name != "rotation":
        assert after.boxes == before.boxes
    for x0, y0, x1, y1 in after.boxes or ():
        assert 0 <= x0 < x1 <= after.image.width and 0 <= y0 < y1 <= after.image.height


def test_a_turn_moves_a_box_with_its_pixels():
    x0, y0, x1, y1 = turned((10, 20, 30, 40), 90.0, (100, 60), (60, 100))
    assert (round(x0), round(y0), round(x1), round(y1)) == (20, 70, 40, 90)


def test_a_shout_stays_away_from_the_evidence():
    for index in range(len(TASK)):
        sample = TASK[index]
        if not sample.boxes:
            continue
        shouted = adversarial(sample, Random(0))
        changed = np.any(np.asarray(shouted.image) != np.asarray(sample.image), axis=2)
        for x0, y0, x1, y1 in sample.boxes:
            assert not changed[int(y0) : int(y1), int(x0) : int(x1)].any()


def test_inverting_leaves_out_what_asks_for_colours():
    kept = [TASK[i].question.lower() for i in range(len(TASK)) if is_answerable(TASK[i], "inverted")]
    assert kept and not any("colour" in question or " red " in question for question in kept)


def test_boxes_that_touch_are_not_apart():
    assert is_apart((0, 0, 1, 1), (2, 0, 3, 1)) and not is_apart((0, 0, 2, 2), (1, 1, 3, 3))
    assert apart((0, 0, 1, 1), (9, 0, 10, 1)) and not apart((0, 0, 1, 1), (3, 0, 4, 1))


def test_missing_pictures_are_named_or_counted(tmp_path):
    TASK[0].image.save(tmp_path / "a.png")
    lines = [{"image": name, "question": "?", "answers": ["x"], "metric": "anls"} for name in ("a.png", "b.png")]
    (tmp_path / "qa.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(ValueError, match=r"qa\.jsonl:2: image 'b\.png' is missing"):
        FolderTask(tmp_path)
    task = FolderTask(tmp_path, skip_missing=True)
    assert len(task) == 1 and task.num_missing == 1
    assert task.metric_of(task[0]) == "anls" and task.score("x", task[0]) == 1.0


def test_an_unknown_metric_names_file_and_line(tmp_path):
    TASK[0].image.save(tmp_path / "a.png")
    line = {"image": "a.png", "question": "?", "answers": ["x"], "metric": "best"}
    (tmp_path / "qa.jsonl").write_text(json.dumps(line))
    with pytest.raises(ValueError, match=r"qa\.jsonl:1: metric must be one of exact_match"):
        FolderTask(tmp_path)


def test_other_typefaces_change_the_print_and_nothing_outside_the_block() -> None:
    trained, redrawn = open_task("robust/as-trained"), open_task("robust/typefaces")
    before = mixture(trained.seed_start, 8)
    for number in range(3):
        one, other = trained.picture(number), redrawn.picture(number)
        assert one.image.size == other.image.size and one.kind == other.kind
        assert one.image.tobytes() != other.image.tobytes()
    assert mixture(trained.seed_start, 8).image.tobytes() == before.image.tobytes()
    assert not set(IN_THEIR_PLACE.values()) & set(FACES) and set(IN_THEIR_PLACE) == set(FACES)


def test_held_out_words_are_in_no_list_of_training() -> None:
    pairs = in_their_place()
    lists = [value for value in vars(words).values() if isinstance(value, list)]
    trained = {word.lower() for source in lists for entry in source for word in entry.split()}
    trained |= {word.lower() for word in (*vocabulary.GOODS, *vocabulary.TRADES, *synthetic_lines.LABELS)}
    new = [word.lower() for word in pairs.values()]
    assert len(set(new)) == len(new) > 400, "two words that become one would make a question ambiguous"
    assert not set(new) & trained


def test_words_change_one_by_one_and_keep_their_capitals() -> None:
    pairs = in_their_place()
    assert written("Apple 3, APPLE") == "Apple 3, APPLE"
    with other_words():
        assert written("Apple 3, APPLE") == f"{pairs['Apple']} 3, {pairs['Apple'].upper()}"
        assert written("apple APPLE1 red") == "apple APPLE1 red", "codes and colours stay"
    assert written("Apple") == "Apple"


@pytest.mark.parametrize("name", ["robust/words", "robust/layouts"])
def test_a_picture_drawn_otherwise_holds_what_is_asked_for_where_it_says(name: str) -> None:
    """Read off the glyphs that were drawn, not off the drawer's own words."""
    task = open_task(name)
    redrawn = task.task if isinstance(task, Selection) else task
    checked = 0
    for number in range(8):
        picture = redrawn.picture(PAGES[number])
        for question in picture.questions:
            if not question.kind.startswith(("read_", "transcribe", "small_print", "plate")) or not question.boxes:
                continue
            x0, y0, x1, y1 = question.boxes[0]
            xs, ys = picture.glyphs.centres.T
            inside = ((x0 <= xs) & (xs <= x1) & (y0 <= ys) & (ys <= y1)).nonzero()[0]
            found = "".join(picture.glyphs.chars[index] for index in inside)
            assert question.answers[0].replace(" ", "") in found, (question, found)
            checked += 1
    assert checked > 10


def test_layouts_change_sides_and_ask_the_same() -> None:
    seen, unseen = open_task("robust/pages-as-trained"), open_task("robust/layouts")
    assert len(seen) == len(unseen) > 240
    for index in range(0, 80, 5):
        one, other = seen[index], unseen[index]
        assert (one.question, one.answers, one.picture_kind) == (other.question, other.answers, other.picture_kind)
        assert one.picture_kind in LAYOUTS and not PLACES.search(one.question)
        assert one.image.tobytes() != other.image.tobytes()
        if not one.boxes or one.image.width != other.image.width:
            continue
        how = LAYOUTS[one.picture_kind]
        middles = [[(box[axis] + box[axis + 2]) / 2 for axis in (0, 1)] for box in (one.boxes[0], other.boxes[0])]
        for axis, is_flipped in enumerate((how.across, how.upwards)):
            expected = one.image.size[axis] - middles[0][axis] if is_flipped else middles[0][axis]
            assert abs(middles[1][axis] - expected) < 0.05 * one.image.size[axis], (one.question, axis)


def test_nothing_is_mirrored_outside_the_block() -> None:
    seed = open_task("robust/as-trained").seed_start
    before = mixture(seed, 8)
    with mirrored(Mirrored(across=True, upwards=True)):
        assert mixture(seed, 8).image.tobytes() != before.image.tobytes()
    assert mixture(seed, 8).image.tobytes() == before.image.tobytes()


def test_a_glimpse_of_hidden_print_tells_the_target_from_the_others_less_than_the_picture_does() -> None:
    """Contrast of the piece in focus over the mean of the others: at a quarter of the size they come together."""
    task, ratios = open_task("deciding/hidden"), {1: [], 4: []}
    for index in range(6):
        sample = task[index]
        for factor, found in ratios.items():
            grey = sample.image.convert("L").resize((1024 // factor,) * 2, Image.Resampling.BOX)
            pixels = np.asarray(grey, dtype=float)
            x0, y0, x1, y1 = (int(edge / factor) for edge in sample.boxes[0])
            detail = np.abs(np.diff(pixels, axis=1))
            others = detail.copy()
            others[y0 : y1 + 1, max(0, x0 - 100 // factor) : x1 + 2] = 0  # its label is in focus as well
            found.append(detail[y0 : y1 + 1, x0 : x1 + 1].max() / others.max())
    assert np.mean(ratios[4]) < 0.7 * np.mean(ratios[1]), (np.mean(ratios[4]), np.mean(ratios[1]))


def test_odd_tiles_differ_from_the_rest_in_colour_alone() -> None:
    task = open_task("deciding/odd")
    for index in range(4):
        sample = task[index]
        x0, y0, _, _ = (int(edge) for edge in sample.boxes[0])
        target = sample.image.getpixel((x0 - 4, y0 - 4))
        areas = {colour: count for count, colour in sample.image.getcolors(1 << 20) if count > 5000}
        tiles = [count for colour, count in areas.items() if colour != target and 20 < count / areas[target] < 40]
        assert len(tiles) == 1, "35 tiles of one colour to one of another"
        assert not any(word in sample.question for word in ("red", "blue", "green", "yellow", "orange", "pink"))


def test_grain_stays_away_from_the_evidence() -> None:
    for index in range(8):
        sample = TASK[index]
        grained = textured(sample, Random(0))
        changed = np.any(np.asarray(grained.image) != np.asarray(sample.image), axis=2)
        for x0, y0, x1, y1 in sample.boxes or ():
            assert not changed[int(y0) : int(y1), int(x0) : int(x1)].any()
    assert changed.any()
