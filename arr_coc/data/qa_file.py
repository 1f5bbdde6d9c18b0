"""A folder's `qa.jsonl`: questions about pictures, one JSON object a line; every message names file and line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from arr_coc.data.records import Box
from arr_coc.data.scoring import METRICS
from arr_coc.files.faults import told
from arr_coc.quoting import quoted, shortened

QA_FILE = "qa.jsonl"
OTHER_ENCODINGS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MAX_PX = 1_000_000
"""Larger than any picture that can be opened."""


@dataclass(frozen=True)
class Record:
    """One line of a `qa.jsonl`; `where` is the file and the line."""

    image: str
    question: str
    answers: tuple[str, ...]
    boxes: tuple[Box, ...] | None
    kind: str
    group: str
    glyph_px: float | None
    metric: str | None
    where: str = ""


def read_records(folder: Path, skip_missing: bool = False) -> tuple[list[Record], int]:
    """Lines of a folder's `qa.jsonl` and how many have no picture; blank lines are passed over.

    Raises:
        ValueError: no such file, a line that is malformed, or a picture that is missing.
    """
    path = folder / QA_FILE
    if not path.is_file():
        raise ValueError(f"{quoted(folder)} holds no {QA_FILE}")
    records, num_missing = [], 0
    for where, line in read_lines(path):
        record = parse_record(line, where)
        if is_there(inside(folder, record.image, where), where):
            records.append(record)
        elif skip_missing:
            num_missing += 1
        else:
            raise ValueError(f"{where}: image {quoted(record.image)} is missing")
    if not records:
        raise ValueError(f"{path} holds no questions" + (" with a picture" if num_missing else ""))
    return records, num_missing


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(file and number, text) of the lines that are not blank. Only a line feed ends one: JSON may hold U+2028."""
    with told(f"{quoted(path)}"):
        content = path.read_bytes()
    if content.startswith(OTHER_ENCODINGS) or b"\0" in content[:4]:
        raise ValueError(f"{path}: it is not UTF-8 but looks like UTF-16 or UTF-32; save it as UTF-8")
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        where = f"{path}:{number}"
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{where}: not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from error
        if text:
            yield where, text


def inside(folder: Path, name: str, where: str) -> Path:
    """The file of that name in a folder.

    Raises:
        ValueError: it lies outside, by its path or by a link; `where` begins the message.
    """
    path = folder / name
    try:
        with told(f"{where}: image"):
            is_inside = path.resolve().is_relative_to(folder.resolve())
    except RuntimeError:  # a loop of links
        is_inside = False
    if not is_inside:
        raise ValueError(f"{where}: image {quoted(name)} leads out of the folder; copy it there")
    return path


def is_there(path: Path, where: str) -> bool:
    with told(where):
        return path.is_file()


def parse_record(line: str, where: str) -> Record:
    """One line as a record; `where` (file and line) begins every message."""
    fields = parse_object(line, where)
    return Record(
        image=read_text(fields, "image", where),
        question=read_text(fields, "question", where),
        answers=read_answers(fields, where),
        boxes=read_boxes(fields, where),
        kind=read_text(fields, "kind", where, "question"),
        group=read_text(fields, "group", where, "other"),
        glyph_px=read_glyph(fields, where),
        metric=read_metric(fields, where),
        where=where,
    )


def parse_object(line: str, where: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except RecursionError:
        raise ValueError(f"{where}: not usable JSON: lists or objects lie too deep in each other") from None
    except ValueError as error:  # also numbers of more than 4,300 digits
        raise ValueError(f"{where}: not JSON: {shortened(str(error))}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(fields).__name__}")
    return fields


def read_metric(fields: dict[str, Any], where: str) -> str | None:
    value = fields.get("metric")
    if value is not None and (not isinstance(value, str) or value not in METRICS):
        raise ValueError(f"{where}: metric must be one of {', '.join(METRICS)}, got {shortened(value)}")
    return value


def read_text(fields: dict[str, Any], field: str, where: str, default: str | None = None) -> str:
    value = fields.get(field, default)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {field} must be a non-empty string, got {shortened(value) or 'an empty one'}")
    check_text(value, field, where)
    return value


def check_text(value: str, field: str, where: str) -> None:
    """Raises ValueError for a text that can't be written: half of a surrogate pair, or a zero byte."""
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where}: {field} holds a zero byte or half of a surrogate pair: {shortened(value)}")


def read_answers(fields: dict[str, Any], where: str) -> tuple[str, ...]:
    value = fields.get("answers")
    if not isinstance(value, list) or not value or not all(isinstance(answer, str) for answer in value):
        raise ValueError(f"{where}: answers must be a non-empty list of strings, got {shortened(value)}")
    for answer in value:
        check_text(answer, "answers", where)
    return tuple(value)


def read_boxes(fields: dict[str, Any], where: str) -> tuple[Box, ...] | None:
    value = fields.get("boxes")
    if value is None:
        return None
    if not isinstance(value, list) or not all(is_box(box) for box in value):
        raise ValueError(
            f"{where}: boxes must be a list of [x0, y0, x1, y1] in pixels, 0 <= x0 < x1 and 0 <= y0 < y1, "
            f"got {shortened(value)}"
        )
    return tuple((float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in value)


def is_box(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 4 or not all(is_number(side) for side in value):
        return False
    x0, y0, x1, y1 = value
    return 0 <= x0 < x1 <= MAX_PX and 0 <= y0 < y1 <= MAX_PX


def is_number(value: Any) -> bool:
    """A finite number; an integer of any length is."""
    return isinstance(value, int) and not isinstance(value, bool) or isinstance(value, float) and isfinite(value)


def read_glyph(fields: dict[str, Any], where: str) -> float | None:
    value = fields.get("glyph_px")
    if value is None:
        return None
    if not is_number(value) or not 0 < value <= MAX_PX:
        raise ValueError(f"{where}: glyph_px must be a number of pixels above 0, got {shortened(value)}")
    return float(value)
