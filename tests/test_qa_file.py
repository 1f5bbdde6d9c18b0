"""A folder's qa.jsonl: what is read, and the file and line that every refusal names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from arr_coc.data.qa_file import read_records
from arr_coc.data.tasks import FolderTask

GOOD = {"image": "a.png", "question": "What is it?", "answers": ["x"]}
GOOD_LINE = json.dumps(GOOD).encode()


def write(folder: Path, *lines: bytes) -> Path:
    Image.new("RGB", (32, 24)).save(folder / "a.png")
    (folder / "qa.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder


def line(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


REFUSED = {
    "not JSON": (b"{not json", "not JSON"),
    "a list": (b"[1, 2]", "JSON object"),
    "image a number": (line(image=3), "image"),
    "image too long": (line(image="a" * 5000), "too long"),
    "image with a zero byte": (line(image="a\0b"), "zero byte"),
    "image gone": (line(image="gone.png"), "gone.png.* missing"),
    "blank question": (line(question=" "), "question"),
    "half a pair": (b'{"image": "a.png", "question": "\\ud800?", "answers": ["x"]}', "surrogate"),
    "half a pair in an answer": (b'{"image": "a.png", "question": "?", "answers": ["\\udfff"]}', "surrogate"),
    "no answers": (line(answers=[]), "answers"),
    "answers a text": (line(answers="x"), "answers"),
    "metric a list": (line(metric=["anls"]), "metric must be one of"),
    "metric a dict": (line(metric={}), "metric must be one of"),
    "metric unknown": (line(metric="best"), "metric must be one of"),
    "box of three": (line(boxes=[[1, 2, 3]]), "boxes"),
    "box reversed": (line(boxes=[[9, 2, 3, 4]]), "boxes"),
    "box empty": (line(boxes=[[3, 2, 3, 4]]), "boxes"),
    "box negative": (line(boxes=[[-1, 2, 3, 4]]), "boxes"),
    "box huge": (line(boxes=[[0, 0, 1e300, 4]]), "boxes"),
    "box beyond floats": (line(boxes=[[0, 0, 10**400, 4]]), "boxes"),
    "box not a number": (line(boxes=[[0, 0, float("nan"), 4]]), "boxes"),
    "glyph a word": (line(glyph_px="big"), "glyph_px"),
    "glyph of nothing": (line(glyph_px=0), "glyph_px"),
    "glyph negative": (line(glyph_px=-3), "glyph_px"),
    "glyph endless": (line(glyph_px=float("inf")), "glyph_px"),
    "glyph beyond floats": (line(glyph_px=10**400), "glyph_px"),
    "too many digits": (b'{"glyph_px": ' + b"9" * 5000 + b"}", "not JSON"),
    "too deep": (b'{"image": ' + b"[" * 100_000, "too deep"),
    "not UTF-8": (b'{"question": "\xff"}', "UTF-8 at byte 15"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_cannot_be_used_is_named_with_file_and_number(tmp_path: Path, name: str) -> None:
    content, word = REFUSED[name]
    write(tmp_path, GOOD_LINE, b"", content)
    with pytest.raises(ValueError, match=rf"qa\.jsonl:3: .*{word}") as caught:
        read_records(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < len(str(tmp_path)) + 300


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, mark: str) -> None:
    content = json.dumps({**GOOD, "question": f"one{mark}two"}, ensure_ascii=False).encode()
    records, _ = read_records(write(tmp_path, content, GOOD_LINE + b"\r", b" \t"))
    assert [record.question for record in records] == [f"one{mark}two", "What is it?"]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert read_records(write(tmp_path, b"\xef\xbb\xbf" + GOOD_LINE))[0][0].where.endswith("qa.jsonl:1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    write(tmp_path)
    (tmp_path / "qa.jsonl").write_text(json.dumps(GOOD) + "\n", encoding=encoding)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / "qa.jsonl")) + ": it is not UTF-8"):
        read_records(tmp_path)


def test_a_box_outside_of_the_picture_is_named_when_the_picture_is_opened(tmp_path: Path) -> None:
    inside, outside = [30, 20, 40, 30], [40, 2, 50, 4]
    task = FolderTask(write(tmp_path, line(boxes=[inside]), line(boxes=[outside])))
    assert task[0].boxes == (tuple(map(float, inside)),)
    with pytest.raises(ValueError, match=r"qa\.jsonl:2: box \[40, 2, 50, 4\] lies outside of the picture of 32x24"):
        task[1]


def test_an_integer_of_many_digits_is_a_number_where_it_is_not_read(tmp_path: Path) -> None:
    assert len(read_records(write(tmp_path, line(difficulty=10**400)))[0]) == 1
