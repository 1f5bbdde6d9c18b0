"""Suites by name, pictures that were tampered with, and folders with missing pictures."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

import arr_coc
from arr_coc.data.drawing.fonts import FACES, IN_THEIR_PLACE
from arr_coc.data.mixture import mixture
from arr_coc.data.robustness import TRANSFORMS, adversarial, apart, is_answerable, turned
from arr_coc.data.suites import FROZEN, SUITES, Selection, fingerprint, held_out, is_apart, open_task
from arr_coc.data.tasks import TEST_SEEDS, FolderTask

PACKAGE = Path(arr_coc.__file__).parent
TASK = held_out(20, 6, max_side=512)


def test_every_suite_draws_test_seeds_of_its_own():
    names = [name for name in SUITES if not name.startswith("robust/") and name != "same-picture"]
    starts = [open_task(name).seed_start for name in names]
    assert len(set(starts)) == len(starts)
    assert all(start in TEST_SEEDS and start + 1000 in TEST_SEEDS for start in starts)


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
