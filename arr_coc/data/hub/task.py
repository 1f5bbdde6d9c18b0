"""A public data set as a task."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from PIL import Image

from arr_coc.data.hub.rows import Location, load_rows
from arr_coc.data.hub.sources import DATA_SETS, DataSet, PictureTable, Schema
from arr_coc.data.qa_file import inside
from arr_coc.data.tasks import Recent, Sample, Task, check_index
from arr_coc.pictures.errors import ImageError
from arr_coc.pictures.opening import open_image
from arr_coc.pictures.sources import check_file
from arr_coc.quoting import quoted

NUM_SIGNED = 100
"""Questions that tell one version of a data set from another."""

INSTRUCTION = "Answer the question using a single word or phrase."
"""What the field tells a chat model before it scores short answers; source: lmms-eval's prompts of these sets."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Rows of pictures kept apart from the questions, and the row of each picture's name."""

    table: PictureTable
    rows: Any
    numbers: dict[Any, int]

    @classmethod
    def of(cls, table: PictureTable, rows: Any, name: str) -> Pictures:
        if table.key not in rows.column_names:
            raise ValueError(f"{name}: pictures need the field {table.key}, got {', '.join(rows.column_names)}")
        return cls(table, rows, {key: number for number, key in enumerate(rows[table.key])})

    def find(self, fields: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """The picture's row for a question's fields."""
        key = fields[self.table.reference]
        if key not in self.numbers:
            raise ValueError(f"{where}: {self.table.reference} {quoted(key)} is no picture of {self.table.config}")
        return self.rows[self.numbers[key]]


class HubTask(Task):
    """Questions of a public data set; a picture is decoded when a question about it is asked for.

    Questions about one picture are told by its bytes, so that no field has to name it.

    Args:
        source: copy on disk, None for the hub's.
        limit: the first so many questions may be asked for.
    Raises:
        ValueError: the copy cannot be read, lacks a field, or holds no questions.
    """

    def __init__(self, data: DataSet, source: str | None = None, limit: int | None = None) -> None:
        self.name, self.data, self.metric = data.name, data, data.metric
        self.folder = None if source is None else Path(source).expanduser()
        self.rows = load_rows(self._location(data.config), limit)
        self._pictures = self._open_pictures()
        fields = self.rows.column_names + (self._pictures.rows.column_names if self._pictures else [])
        self.schema = data.schema_of(fields, source or data.hub_id)
        self._texts = self.rows.remove_columns([n for n in self.rows.column_names if n == self.schema.image])
        self._ends = self._count()
        if not len(self):
            raise ValueError(f"{self.name}: {source or data.hub_id} holds no questions")
        self.version = signature([self._asked(index) for index in range(min(NUM_SIGNED, len(self)))], self.schema)
        self._row = Recent(self._read_row)

    def _location(self, config: str | None) -> Location:
        source = self.data.hub_id if self.folder is None else str(self.folder)
        return Location(self.name, source, config, self.data.split, is_local=self.folder is not None)

    def _open_pictures(self) -> Pictures | None:
        """None where a question's row holds its picture."""
        table, fields = self.data.pictures, self.rows.column_names
        if table is None or self.data.schemas[0].image in fields:
            return None
        if table.reference not in fields:
            raise ValueError(f"{self.name}: needs the field {table.reference}; there are {', '.join(fields)}")
        return Pictures.of(table, load_rows(self._location(table.config)), self.name)

    def _count(self) -> list[int] | None:
        """Questions up to and with each row; None where every row is one."""
        if self.schema.asked is None:
            return None
        return list(accumulate(len(records_of(row[self.schema.asked])) for row in self._texts))

    def __len__(self) -> int:
        return len(self.rows) if self._ends is None else (self._ends or [0])[-1]

    def _place(self, index: int) -> tuple[int, int]:
        """(row, question of that row) of a sample."""
        if self._ends is None:
            return index, 0
        row = bisect_right(self._ends, index)
        return row, index - (self._ends[row - 1] if row else 0)

    def _asked(self, index: int) -> Mapping[str, Any]:
        """The fields of a question, without its picture."""
        row, number = self._place(index)
        if self.schema.asked is None:
            return self._texts[row]
        return records_of(self._texts[row][self.schema.asked])[number]

    def _read_row(self, row: int) -> tuple[Image.Image, str]:
        """The picture of a row and its name."""
        where = f"{self.name} {row}"
        holder = self.rows[row] if self._pictures is None else self._pictures.find(self._texts[row], where)
        return decode(holder[self.schema.image], self.folder, where)

    def __getitem__(self, index: int) -> Sample:
        check_index(index, len(self))
        image, picture_id = self._row(self._place(index)[0])
        fields, where = self._asked(index), f"{self.name} {index}"
        return Sample(
            image=image,
            question=read_question(fields, self.schema, where),
            answers=read_answers(fields, self.schema, where),
            boxes=None,
            kind=kind_of(fields.get(self.schema.kind or "")),
            group="other",
            glyph_px=None,
            picture_id=picture_id,
            picture_kind=self.name,
            instruction=INSTRUCTION,
        )


def open_hub_task(name: str, limit: int | None = None) -> HubTask | None:
    """`docvqa`, or `docvqa:PATH` for a copy on disk; None for any other name.

    Raises:
        ValueError: see `HubTask`; no such path.
    """
    data, colon, source = name.partition(":")
    if data not in DATA_SETS:
        return None
    if colon and not Path(source).expanduser().exists():
        raise ValueError(f"tasks: {quoted(name)}: there is no {quoted(source)}")
    return HubTask(DATA_SETS[data], source if colon else None, limit)


def records_of(value: Any) -> list[Mapping[str, Any]]:
    """A list of records, also where `datasets` keeps it as a record of lists."""
    if isinstance(value, Mapping):
        return [dict(zip(value, fields, strict=True)) for fields in zip(*value.values(), strict=True)]
    return value or []


def decode(value: Any, folder: Path | None, where: str) -> tuple[Image.Image, str]:
    """A picture and a name that follows from its content.

    Args:
        value: {"bytes", "path"}, a path, a picture, or a list of one of these; a path may be relative to `folder`.
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        value = value[0]
    if isinstance(value, Image.Image):
        return opened(value, where), digest(value.tobytes())
    content = value.get("bytes") if isinstance(value, Mapping) else None
    path = value.get("path") if isinstance(value, Mapping) else value
    if content is None and not isinstance(path, str):
        raise ValueError(f"{where}: there is no picture, got {quoted(value)}")
    try:
        content = content if content is not None else check_file(locate(path, folder, where)).read_bytes()
    except (ImageError, OSError) as error:
        raise ValueError(f"{where}: its picture cannot be read: {error}") from error
    return opened(content, where), digest(content)


def opened(source: bytes | Image.Image, where: str) -> Image.Image:
    """Upright and RGB as every entrance opens it; `where` begins the message of an error."""
    try:
        return open_image(source)
    except ImageError as error:
        raise ValueError(f"{where}: its picture cannot be read: {error}") from error


def locate(path: str, folder: Path | None, where: str) -> Path:
    base = folder.parent if folder is not None and folder.is_file() else folder
    return Path(path) if base is None else inside(base, path, where)


def digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()[:16]


def signature(asked: list[Mapping[str, Any]], schema: Schema) -> str:
    """Changes when questions or answers do."""
    return digest(repr([(fields.get(schema.question), fields.get(schema.answers)) for fields in asked]).encode())


def read_question(fields: Mapping[str, Any], schema: Schema, where: str) -> str:
    value = fields.get(schema.question)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {schema.question} must be a non-empty string, got {quoted(value)}")
    return value.strip()


def read_answers(fields: Mapping[str, Any], schema: Schema, where: str) -> tuple[str, ...]:
    """Texts of one answer or several; numbers as they are written, {"answer"} records by that field."""
    value = fields.get(schema.answers)
    texts = [read_text(entry) for entry in (value if isinstance(value, list) else [value])]
    if not all(texts) or not texts:
        raise ValueError(
            f"{where}: {schema.answers} must hold answers, "
            f"got {quoted(value)}; a split without answers cannot be scored"
        )
    return tuple(text.removesuffix(".") if schema.has_period else text for text in texts)


def read_text(entry: Any) -> str:
    """An answer as text, "" where there is none."""
    text = entry.get("answer") if isinstance(entry, Mapping) else entry
    return "" if text is None else str(text).strip()


def kind_of(value: Any) -> str:
    """Kind of a question; of several the first."""
    first = value[0] if isinstance(value, list) and value else value
    return str(first) if first not in (None, []) else "question"
