"""What a batch is asked: a folder of pictures, a `qa.jsonl`, or Parquet, as rows in an order that never changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from arr_coc.data.qa_file import QA_FILE, check_text, inside, parse_object, read_lines, read_text
from arr_coc.files.faults import told
from arr_coc.pictures.opening import ENDINGS
from arr_coc.quoting import quoted, shortened

PARQUET = ".parquet"
ADDRESSES = ("data:", "http://", "https://", "file://")
BLOCK = 64  # rows of a Parquet file that are in memory at a time: a row may hold a picture


@dataclass(frozen=True)
class Row:
    """One question about one picture.

    Attributes:
        number: its place in the input, by which a resumed run knows it.
        id: for people: the picture's name, with the line of a `qa.jsonl`, or what the column `id` says.
        picture: path or address (str), or the bytes of a file; None where the input names none.
        fault: why it can't be asked; empty where it can.
    """

    number: int
    id: str
    question: str
    picture: Any
    fault: str = ""


class Source(Protocol):
    """Rows of one input. `mark` tells another input, or one that has changed, from this one."""

    @property
    def mark(self) -> str: ...

    def __len__(self) -> int: ...

    def rows(self, is_done: Callable[[int], bool]) -> Iterator[Row]:
        """Those that are not done, in order."""
        ...


def open_source(path: Path, question: str | None) -> Source:
    """The rows of a folder, a `qa.jsonl` or Parquet (a file, or a folder of them).

    Args:
        question: asked about every picture; None where the input holds its own.
    Raises:
        ValueError: nothing to ask about, no question, or two.
    """
    if question is not None and not question.strip():
        raise ValueError("--question: it is empty; say what you want to know about the pictures")
    check_text(question or "", "it", "--question")
    with told(f"input {quoted(path)}"):
        if path.is_dir() and any(path.glob(f"*{PARQUET}")):
            return ParquetRows(sorted(path.glob(f"*{PARQUET}")), question)
        if path.is_dir() and question is None and (path / QA_FILE).is_file():
            return Questions(path / QA_FILE)
        if path.is_dir():
            return Pictures(path, question)
        if not path.is_file():
            raise ValueError(f"input {quoted(path)}: no such file or folder; check the path")
    if path.suffix.lower() == PARQUET:
        return ParquetRows([path], question)
    if path.suffix.lower() in ENDINGS:
        raise ValueError(f"input {quoted(path)}: it is one picture; use arr-coc ask, or give its folder")
    if question is not None:
        raise ValueError(f"--question: {quoted(path)} holds questions of its own; leave one of the two out")
    return Questions(path)


class Pictures:
    """All pictures of a folder and those below it, by the endings of their names; one question about each."""

    def __init__(self, folder: Path, question: str | None) -> None:
        self.folder, self.names = folder, sorted(picture_names(folder))
        if not self.names:
            raise ValueError(f"input {quoted(folder)}: holds no pictures ({', '.join(ENDINGS)}), no {QA_FILE}")
        if question is None:
            raise ValueError(f"--question: missing; {quoted(folder)} holds pictures but no {QA_FILE} with questions")
        self.question, self.mark = question, marked("pictures", self.names)

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, is_done: Callable[[int], bool]) -> Iterator[Row]:
        for number, name in enumerate(self.names):
            if not is_done(number):
                yield Row(number, shown(name), self.question, str(self.folder / name))


def picture_names(folder: Path) -> Iterator[str]:
    """Relative to the folder; what begins with a dot is left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(place, folder)
        for name in files:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield os.path.normpath(os.path.join(below, name))


def shown(name: str) -> str:
    """A file's name as text, whatever its bytes are."""
    return os.fsencode(name).decode(errors="backslashreplace")


class Questions:
    """Lines of a `qa.jsonl`: `image` and `question`; what else they hold is not read."""

    def __init__(self, path: Path) -> None:
        self.path, self.asked = path, []
        for where, line in read_lines(path):
            fields = parse_object(line, where)
            self.asked.append((read_text(fields, "image", where), read_text(fields, "question", where), where))
        if not self.asked:
            raise ValueError(f"input {quoted(path)}: holds no questions")
        self.mark = marked("questions", (f"{image}\0{question}" for image, question, _ in self.asked))

    def __len__(self) -> int:
        return len(self.asked)

    def rows(self, is_done: Callable[[int], bool]) -> Iterator[Row]:
        for number, (image, question, where) in enumerate(self.asked):
            if is_done(number):
                continue
            name = f"{image}:{where.rpartition(':')[2]}"
            try:
                yield Row(number, name, question, str(inside(self.path.parent, image, where)))
            except ValueError as error:
                yield Row(number, name, question, None, str(error))


class ParquetRows:
    """Columns `image` (a path, the bytes of a file, or both as Hugging Face has them), `question`, perhaps `id`."""

    def __init__(self, paths: list[Path], question: str | None) -> None:
        self.files = [(path, open_parquet(path)) for path in paths]
        self.question = question
        self.has_ids = all("id" in file.schema_arrow.names for _, file in self.files)
        for path, file in self.files:
            check_columns(path, file.schema_arrow.names, question)
        if not len(self):
            raise ValueError(f"input {quoted(paths[0])}: holds no rows")
        self.mark = marked("parquet", (f"{path.name} {file.metadata.num_rows}" for path, file in self.files))

    def __len__(self) -> int:
        return sum(file.metadata.num_rows for _, file in self.files)

    def rows(self, is_done: Callable[[int], bool]) -> Iterator[Row]:
        first = 0
        for path, file in self.files:
            for group in range(file.num_row_groups):
                num_rows = file.metadata.row_group(group).num_rows
                if not all(map(is_done, range(first, first + num_rows))):
                    yield from self._group(path, file, group, first, is_done)
                first += num_rows

    def _group(self, path: Path, file: Any, group: int, first: int, is_done: Callable[[int], bool]) -> Iterator[Row]:
        columns = ["image", *(["question"] if self.question is None else []), *(["id"] if self.has_ids else [])]
        with told(f"input {quoted(path)}"):
            for block in file.iter_batches(BLOCK, row_groups=[group], columns=columns):
                wanted = [place for place in range(block.num_rows) if not is_done(first + place)]
                for place, values in zip(wanted, block.take(wanted).to_pylist(), strict=True):
                    yield self._row(path, first + place, values)
                first += block.num_rows

    def _row(self, path: Path, number: int, values: dict[str, Any]) -> Row:
        name = str(values["id"]) if self.has_ids else str(number)
        question = self.question if self.question is not None else values["question"]
        if not isinstance(question, str) or not question.strip():
            return Row(number, name, "", None, f"question: must be a text that is not empty, got {shortened(question)}")
        picture = picture_of(values["image"], path.parent)
        fault = "" if picture is not None else f"image: no path and no bytes, got {shortened(values['image'])}"
        return Row(number, name, question, picture, fault)


def open_parquet(path: Path) -> Any:
    """Raises ValueError where it is none, or the library that reads it is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError("input: Parquet needs pyarrow; install it with: pip install 'arr-coc[parquet]'") from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"input {quoted(path)}: no Parquet file ({shortened(error)})") from error


def check_columns(path: Path, names: list[str], question: str | None) -> None:
    there = ", ".join(names)
    if "image" not in names:
        raise ValueError(f"input {quoted(path)}: has no column image; it has {shortened(there)}")
    if question is None and "question" not in names:
        raise ValueError(f"--question: missing; {quoted(path)} has no column question; it has {shortened(there)}")
    if question is not None and "question" in names:
        raise ValueError(f"--question: {quoted(path)} has a column of questions; leave one of the two out")


def picture_of(value: Any, folder: Path) -> str | bytes | None:
    """A cell of the column `image`; a path that is not absolute starts at the folder of its file."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str) and value and not value.startswith(ADDRESSES):
        return str(folder / value)
    return value if isinstance(value, (str, bytes)) and value else None


def marked(kind: str, parts: Iterable[str]) -> str:
    """A digest of an input, which is another one as soon as a row is."""
    digest = hashlib.sha256(kind.encode())
    for part in parts:
        digest.update(b"\n" + os.fsencode(part))
    return digest.hexdigest()
