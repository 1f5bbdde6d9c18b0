"""Questions for a folder of pictures, written by hand: a line of its `qa.jsonl` at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from arr_coc.data.qa_file import QA_FILE, inside, parse_record, read_lines
from arr_coc.data.records import Box
from arr_coc.files.faults import told
from arr_coc.files.locking import locked
from arr_coc.files.writing import write_atomically
from arr_coc.pictures.opening import ENDINGS, image_size
from arr_coc.quoting import quoted


def labelled(folder: Path) -> dict[str, int]:
    """How many questions each picture of the folder has.

    Raises:
        ValueError: a line of the `qa.jsonl` that is malformed, by file and line.
    """
    counts: dict[str, int] = {}
    for where, line in read_lines(folder / QA_FILE) if (folder / QA_FILE).is_file() else ():
        image = parse_record(line, where).image
        counts[image] = counts.get(image, 0) + 1
    return counts


def next_picture(folder: Path, after: str = "") -> str | None:
    """Name of the first picture without a question behind `after`, or of the first at all; None where all have one."""
    known = labelled(folder)
    with told(f"folder: {quoted(folder)}"):
        names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    left = [name for name in names if name not in known and can_be_read(folder, name)]
    return next((name for name in left if name > after), left[0] if left else None)


def can_be_read(folder: Path, name: str) -> bool:
    try:
        image_size(inside(folder, name, str(folder)))
    except ValueError:
        return False
    return True


def add_label(
    folder: Path, name: str, content: bytes, question: str, answers: Sequence[str], boxes: Sequence[Box]
) -> int:
    """Appends a question about a picture of the folder; returns how many questions the folder has now.

    Args:
        content: bytes of the picture that the question is about, which must be those of the file.
        boxes: in pixels of the picture; none says nothing of the evidence.

    Raises:
        ValueError: another picture, no question or no accepted answer, or a folder that cannot be written.
    """
    record: dict[str, object] = {"image": name, "question": question.strip(), "answers": list(answers)}
    if boxes:
        record["boxes"] = [list(box) for box in boxes]
    line = json.dumps(record, ensure_ascii=False)
    parse_record(line, "label")
    with told(f"folder: {quoted(folder)}"):
        if sha256(inside(folder, name, "label").read_bytes()).digest() != sha256(content).digest():
            raise ValueError(f"label: the picture in the form is not {quoted(name)} of the folder; take the next one")
        with locked(folder, "folder"):
            path = folder / QA_FILE
            before = path.read_bytes() if path.is_file() else b""
            gap = b"" if not before or before.endswith(b"\n") else b"\n"
            write_atomically(path, before + gap + line.encode() + b"\n")
    return sum(labelled(folder).values())
