"""The microscope's history: what is kept comes back, in another process too, and no file or line breaks it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from arr_coc.apps.by_hand import ByHand, balancer_of  # noqa: E402
from arr_coc.apps.documents import parse_entry, to_document  # noqa: E402
from arr_coc.apps.notebook import Notebook  # noqa: E402
from arr_coc.apps.session import Entry, Seen, as_csv  # noqa: E402
from arr_coc.apps.variants import Variant  # noqa: E402
from arr_coc.records import Tensions  # noqa: E402
from arr_coc.views.overlay import Tile  # noqa: E402

PICTURE = b"the bytes of a picture"
DIGEST = hashlib.sha256(PICTURE).hexdigest()
HAND = ByHand(balancer_of(0.4, 0.1, 1, 1, 2), ((0.1, 0.2, 0.3, 0.4),))
SEEN = Seen(
    variant=Variant("nano", "arr-coc", 100, HAND),
    host="Host, 3 million parameters",
    answer="42 Köln",
    tokens=100,
    encoded=120,
    seconds={"encoding": 0.1},
    score=1.0,
    recall=None,
    tiles=(Tile((0.0, 0.0, 0.5, 0.5), "#d7263d", "level 0\n<b>"), Tile((0.5, 0.0, 1.0, 0.5), "#f48c06", "fine", True)),
    leaves=((0, 1, 2), (1, 0, 0)),
    grid=(4, 6),
    tensions=Tensions(0.2, 0.4, 0.1, (0.25, 0.25, 0.5), 100),
)
LOOKED = replace(
    SEEN,
    variant=Variant("nano", "arr-coc", 0, is_sure=True),
    confidence=0.75,
    looks=(replace(SEEN, answer="41", confidence=0.2), replace(SEEN, confidence=0.75)),
)
ENTRY = Entry(
    number=0,
    time="2026-11-26 10:00:00",
    picture="a.png",
    sha256=DIGEST,
    question="What is the total?",
    accepted=("42", "forty-two"),
    evidence=((0.1, 0.1, 0.2, 0.2),),
    seen=(SEEN, replace(SEEN, variant=Variant("nano", "resize", 100), leaves=None, grid=None, tensions=None), LOOKED),
    version="0.1.0",
)


@pytest.fixture()
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path / "deeper" / "history.sqlite3")


def test_an_entry_comes_back_as_it_was(notebook: Notebook) -> None:
    assert notebook.add(ENTRY, PICTURE) == 1 and notebook.add(ENTRY, PICTURE) == 0
    again = Notebook(notebook.path)
    assert again.entry(1) == replace(ENTRY, number=1) and again.picture(again.entry(1)) == PICTURE
    assert again.find()[1] == list(replace(ENTRY, number=1).rows)
    assert notebook.path.stat().st_mode & 0o077 == 0


def test_another_process_reads_what_was_kept(notebook: Notebook) -> None:
    notebook.add(ENTRY, PICTURE)
    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT body FROM entries').fetchone()[0])"
    told = subprocess.run([sys.executable, "-c", code, str(notebook.path)], capture_output=True, text=True, check=True)
    assert parse_entry(told.stdout) == ENTRY


def test_every_word_is_searched_in_questions_answers_and_notes(notebook: Notebook) -> None:
    notebook.add(ENTRY, PICTURE)
    notebook.add(replace(ENTRY, question="Who signed?", seen=(replace(SEEN, answer="Ada"),)), PICTURE)
    notebook.set_note(2, "ÜBER the fold")
    for words, numbers in {"": [1, 2], "KÖLN": [1], "über ada": [2], "über köln": [], "forty": [1, 2]}.items():
        assert list(notebook.find(words)[0]) == numbers, words
    assert {row.note for row in notebook.find("ada")[1]} == {"ÜBER the fold"}
    assert list(notebook.find("", 1)[0]) == [2]


def test_several_sessions_write_at_once(notebook: Notebook) -> None:
    def write(session: int) -> list[int]:
        own = Notebook(notebook.path)
        return [own.add(replace(ENTRY, question=f"{session} {number}"), PICTURE) for number in range(8)]

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for written in pool.map(write, range(4)) for number in written]
    assert sorted(numbers) == list(range(1, 33)) and notebook.count() == 32


def test_a_deleted_entry_takes_its_picture_along_once_nobody_has_it(notebook: Notebook) -> None:
    notebook.add(ENTRY, PICTURE)
    notebook.add(replace(ENTRY, question="Another?"), None)
    notebook.delete(1)
    assert notebook.picture(notebook.entry(2)) == PICTURE
    notebook.delete(2)
    with sqlite3.connect(notebook.path) as connection:
        assert connection.execute("SELECT count(*) FROM pictures").fetchone() == (0,)
    for deed in (notebook.entry, notebook.delete, lambda number: notebook.set_note(number, "x")):
        with pytest.raises(ValueError, match="no entry 2"):
            deed(2)


def test_export_and_import_are_inverse(notebook: Notebook, tmp_path: Path) -> None:
    notebook.add(ENTRY, PICTURE)
    notebook.set_note(1, "mind the fold")
    (tmp_path / "all.jsonl").write_text("".join(notebook.dump()), encoding="utf-8")
    other = Notebook(tmp_path / "other.sqlite3")
    assert other.load(tmp_path / "all.jsonl") == (1, 0) and other.load(tmp_path / "all.jsonl") == (0, 1)
    assert other.entry(1) == notebook.entry(1) and other.picture(other.entry(1)) == PICTURE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "another"}, "format must be"),
        ({"sha256": "../../etc"}, "sha256"),
        ({"accepted": 5}, "not iterable"),
        ({"seen": [{}]}, "is missing"),
        ({"picture_base64": "AAAA"}, "not the one"),
        ({"picture_base64": "!"}, "base64"),
        ({"evidence": [[0, 0, "x", 1]]}, "no finite number"),
        ({"question": 7}, "question must be a text"),
    ],
)
def test_a_line_that_is_no_entry_is_named_and_nothing_is_read(
    notebook: Notebook, tmp_path: Path, changes: dict, message: str
) -> None:
    lines = [to_document(ENTRY), to_document(ENTRY) | changes]
    (tmp_path / "bad.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(ValueError, match=f"line 2: .*{message}"):
        notebook.load(tmp_path / "bad.jsonl")
    assert notebook.count() == 0


def test_an_imported_colour_cannot_bring_markup(notebook: Notebook, tmp_path: Path) -> None:
    text = json.dumps(to_document(ENTRY)).replace("#d7263d", '#\\"><script>')
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(ValueError, match="color"):
        notebook.load(tmp_path / "bad.jsonl")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "\x00", "null"])
def test_a_file_that_is_no_export_is_one_line(notebook: Notebook, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(ValueError, match="^import: [^\n]+$"):
        notebook.load(tmp_path / "bad.jsonl")


def test_files_that_are_no_history_are_one_line_and_stay_as_they_are(tmp_path: Path) -> None:
    broken, foreign = tmp_path / "broken", tmp_path / "foreign"
    broken.write_bytes(b"no database at all, but long enough " * 40)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (value)")
    connection.close()
    for path, message in ((broken, "not a database"), (foreign, "another program"), (tmp_path, "it is a folder")):
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(ValueError, match=f"^history: [^\n]*{message}[^\n]*$"):
            Notebook(path)
        assert not path.is_file() or path.read_bytes() == before


def test_a_history_that_was_damaged_later_is_told(notebook: Notebook) -> None:
    notebook.add(ENTRY, PICTURE)
    with sqlite3.connect(notebook.path) as connection:
        connection.execute("UPDATE entries SET body = '{}', rows = '[1]'")
        connection.execute("UPDATE pictures SET content = x'00'")
    connection.close()
    entry = replace(ENTRY, number=1)
    for deed in (
        lambda: notebook.entry(1),
        notebook.find,
        lambda: list(notebook.dump()),
        lambda: notebook.picture(entry),
    ):
        with pytest.raises(ValueError, match="cannot be used: .*entry 1"):
            deed()
    notebook.path.unlink()
    with pytest.raises(ValueError, match="the file is gone"):
        notebook.find()


def test_a_newer_layout_is_left_alone(notebook: Notebook) -> None:
    with sqlite3.connect(notebook.path) as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(ValueError, match="another version"):
        Notebook(notebook.path)


def test_a_table_for_spreadsheets_is_known_as_utf8_and_runs_nothing() -> None:
    text = as_csv([{"answer": "=1+1", "note": "ü"}])
    assert text.encode()[:3] == b"\xef\xbb\xbf" and text.splitlines()[1] == "'=1+1,ü"
