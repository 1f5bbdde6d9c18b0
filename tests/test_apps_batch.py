"""The microscope's batches: named, kept, resumed, exported, opened; and only folders that were given are read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import QUESTION, draw

gradio = pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from arr_coc.apps.batches import Batches, export, has_parquet  # noqa: E402
from arr_coc.apps.checkpoints import CheckpointManager  # noqa: E402
from arr_coc.apps.labelling import labelled, next_picture  # noqa: E402
from arr_coc.apps.panels.batch import make_plan, open_row, show_earlier, worst_lines  # noqa: E402
from arr_coc.apps.panels.batch import respond as run_batch  # noqa: E402
from arr_coc.apps.panels.labelling import save_label, take_next  # noqa: E402
from arr_coc.data.qa_file import read_records  # noqa: E402
from arr_coc.evaluation.running.answers import ANSWERS, Line, read_lines  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two questions that nothing answers right, the second with an umlaut."""
    path = tmp_path_factory.mktemp("questions")
    draw(500, 400).save(path / "a.png")
    records = [
        {"image": "a.png", "question": question, "answers": ["no such answer", "=ü"], "boxes": [[10, 10, 90, 60]]}
        for question in (QUESTION, "Which bar is the höchste?")
    ]
    (path / "qa.jsonl").write_text("\n".join(map(json.dumps, records)))
    return path


@pytest.fixture(scope="module")
def manager() -> CheckpointManager:
    return CheckpointManager(["nano"])


@pytest.fixture(scope="module")
def batches(tmp_path_factory, folder: Path) -> Batches:
    return Batches(tmp_path_factory.mktemp("kept") / "batches", [folder])


@pytest.fixture(scope="module")
def ran(manager: CheckpointManager, batches: Batches, folder: Path):
    return list(run_batch(manager, batches, str(folder), "nano", 2, ["resize", "arr-coc"], ["64"], "first try"))


def test_batch_has_table_summary_and_worst_cases(ran) -> None:
    *growing, last = ran
    assert "4 answers" in last[0] and last[2].count('class="arr-card"') == 2 and "row 2:" in last[2]
    summary, rows = growing[-1][1], growing[-1][3]
    assert "| arr-coc |" in summary and [row[0] for row in rows] == [1, 2, 3, 4]


def test_a_batch_is_kept_and_goes_on_where_it_stopped(
    ran, manager: CheckpointManager, batches: Batches, folder: Path
) -> None:
    again = Batches(batches.folder, [folder])
    assert again.names == ["first try"]
    assert "4 answers" in list(show_earlier(manager, again, "first try"))[-1][0]
    path = batches.folder / "first try" / ANSWERS
    whole = read_lines(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    plan = make_plan(str(folder), "nano", 2, ["resize", "arr-coc"], ["64"])
    counts = [len(batch.lines) for batch in again.run(manager, plan, "first try")]
    assert counts == [3, 4] and {line.key for line in read_lines(path)} == {line.key for line in whole}
    with pytest.raises(ValueError, match="other limit.*another name"):
        list(again.run(manager, replace(plan, limit=1), "first try"))


def test_a_row_fills_the_form(ran, batches: Batches, folder: Path, tmp_path: Path) -> None:
    path, question, checkpoints, policies, budgets, accepted, evidence, region = open_row(
        batches, tmp_path, "first try", 4
    )
    assert Path(path).is_file() and question == "Which bar is the höchste?" and checkpoints == ["nano"]
    assert (policies, budgets, accepted) == (["resize", "arr-coc"], ["64"], "no such answer | =ü")
    assert (evidence, region) == ("10 10 90 60", "")
    for row in (None, 0, 5):
        with pytest.raises(gradio.Error, match="1 to 4"):
            open_row(batches, tmp_path, "first try", row)
    with pytest.raises(gradio.Error, match="no answers"):
        open_row(batches, tmp_path, "another", 1)


def test_exports_hold_every_answer(ran, batches: Batches, tmp_path: Path) -> None:
    lines = batches.read("first try").lines
    table = Path(export(lines, tmp_path, "first try", "csv")).read_bytes()
    assert table.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert [row["policy"] for row in rows] == [line.policy for line in lines] and "höchste" in rows[3]["question"]
    path = Path(export(lines, tmp_path, "first try", "jsonl"))
    assert path.name == "first try.jsonl" and read_lines(path) == lines
    if has_parquet():
        import pandas

        frame = pandas.read_parquet(export(lines, tmp_path, "first try", "parquet"))
        assert frame["num_tokens"].tolist() == [line.num_tokens for line in lines]


@pytest.mark.parametrize("task", ["/etc", "..", "final", "docvqa:/etc", "no such task", ""])
def test_only_folders_that_were_given_are_read(
    manager: CheckpointManager, batches: Batches, tmp_path: Path, task: str
) -> None:
    *_, wrong = run_batch(manager, batches, task, "nano", 2, ["resize"], ["64"], "wrong")
    assert "trouble" in wrong[0] and "not open to this page" in wrong[0]
    assert not (batches.folder / "wrong").exists()


def test_a_folder_beside_the_given_one_is_not_read(
    manager: CheckpointManager, batches: Batches, folder: Path, tmp_path: Path
) -> None:
    """Neither by its own path, nor through a kept batch of a page that was given it."""
    (tmp_path / "qa.jsonl").write_text((folder / "qa.jsonl").read_text())
    *_, wrong = run_batch(manager, batches, str(tmp_path), "nano", 2, ["resize"], ["64"], "wrong")
    assert "not open to this page" in wrong[0]
    with pytest.raises(ValueError, match="is no folder"):
        Batches(batches.folder, [tmp_path / "none"])


def test_a_kept_batch_does_not_open_a_folder(ran, batches: Batches) -> None:
    with pytest.raises(ValueError, match="not open to this page"):
        Batches(batches.folder).read("first try")


@pytest.mark.parametrize("name", ["../x", "/tmp/x", ".", "..", "", "a/b", "a" * 61, "x ", "\0"])
def test_a_name_leads_nowhere_else(batches: Batches, name: str) -> None:
    with pytest.raises(ValueError, match="name: give the batch"):
        batches.place(name)


def test_worst_come_first() -> None:
    line = Line(**{name: None for name in Line.__dataclass_fields__} | {"policy": "arr-coc", "score": 1.0})
    lines = [
        replace(line, score=score, recall=recall) for score, recall in ((0.5, 0.1), (0.0, 0.9), (1.0, 0), (0.0, 0.2))
    ]
    found = worst_lines([*lines, replace(line, policy="resize", score=0.0)])
    assert [(row, each.score, each.recall) for row, each in found] == [(4, 0.0, 0.2), (2, 0.0, 0.9), (1, 0.5, 0.1)]


@pytest.fixture()
def unlabelled(tmp_path: Path) -> Batches:
    """A page that was given a folder with two pictures, a broken one and a link out of it."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("b.png", "c.png"):
        draw(300, 200 if name < "c" else 240).save(pictures / name)
    (pictures / "a.png").write_bytes(b"no picture")
    draw(90, 90).save(tmp_path / "outside.png")
    (pictures / "d.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "exports").mkdir()
    return Batches(tmp_path / "batches", [pictures])


def test_a_folder_is_labelled_by_hand(unlabelled: Batches, tmp_path: Path) -> None:
    [folder] = unlabelled.folders
    _, name, path, *empty = take_next(unlabelled, tmp_path / "exports", folder, "")
    assert name == "b.png" and empty == ["", "", ""]
    assert (
        "2 questions"
        in [
            save_label(unlabelled, folder, name, path, question, "blau | Blau", "1 2 30 40")
            for question in ("Über?", "B?")
        ][-1]
    )
    first, second = read_records(Path(folder))[0]
    assert (first.image, first.question, first.answers) == ("b.png", "Über?", ("blau", "Blau"))
    assert first.boxes == ((1, 2, 30, 40),) and second.question == "B?"
    assert labelled(Path(folder)) == {"b.png": 2} and next_picture(Path(folder), "b.png") == "c.png"
    assert take_next(unlabelled, tmp_path / "exports", folder, "c.png")[1] == "c.png"


def test_a_label_that_cannot_be_read_again_is_not_written(unlabelled: Batches, tmp_path: Path) -> None:
    [folder] = unlabelled.folders
    _, name, path, *_ = take_next(unlabelled, tmp_path / "exports", folder, "")
    good = {"folder": folder, "name": name, "path": path, "question": "Q?", "accepted": "a", "evidence": ""}
    wrong = [
        ({"question": " "}, "question must be"),
        ({"accepted": " | "}, "answers must be"),
        ({"evidence": "0 0 900 9"}, "evidence: "),
        ({"name": ""}, "take a picture"),
        ({"name": "c.png"}, "is not 'c.png'"),
        ({"name": "../outside.png"}, "leads out"),
        ({"folder": str(tmp_path)}, "not given at start"),
    ]
    for changes, message in wrong:
        told = save_label(unlabelled, **good | changes)
        assert message in told.replace("&#x27;", "'") and "trouble" in told, told
    assert not (Path(folder) / "qa.jsonl").exists() and not (Path(folder) / ".lock").exists()
