"""A batch's output: one JSON object a line, each row once, whatever ends the process; as Parquet at the end.

Only the process that holds the lock writes. A kill can cut the last line short; it is cut off when the run goes on. A
row that is not there is asked again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from arr_coc.files.checking import check_file
from arr_coc.files.locking import take
from arr_coc.files.writing import replacing, sync_folder, write_atomically
from arr_coc.quoting import quoted, shortened

LINES, PARQUET = (".jsonl", ".ndjson"), ".parquet"
BLOCK = 10_000


@dataclass(frozen=True)
class Line:
    """What came of one row.

    Attributes:
        row, id, question: of the input.
        answer, visual_tokens, visual_tokens_saved: None where there is no answer; saved is against full resolution.
        seconds: the row's share of the time that it and those answered with it took; None where nothing was tried.
        error: why there is no answer; None where there is one.
    """

    row: int
    id: str
    question: str
    answer: str | None
    visual_tokens: int | None
    visual_tokens_saved: int | None
    seconds: float | None
    error: str | None

    @classmethod
    def failed(cls, row: Any, error: object) -> Line:
        """A row (see `inputs.Row`) without an answer."""
        return cls(row.number, row.id, row.question, None, None, None, None, " ".join(str(error).split()))


@dataclass(frozen=True)
class Output:
    """Where a batch writes: `path` as the user named it, and three files beside it."""

    path: Path

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() == PARQUET

    @property
    def lines(self) -> Path:
        """Parquet can't be appended to; until all rows are there they are lines."""
        return self.beside(".rows.jsonl") if self.is_parquet else self.path

    @property
    def note(self) -> Path:
        return self.beside(".run.json")

    def beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def check(self) -> None:
        """Raises ValueError, in one line, where it could not be written later."""
        check_file(self.path)
        if self.path.suffix.lower() not in (*LINES, PARQUET):
            raise ValueError(f"--out {quoted(self.path)}: end the name in one of {', '.join((*LINES, PARQUET))}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """This process' alone in the block.

        Raises:
            ValueError: another run is writing there.
        """
        lock = self.beside(".lock")
        with ExitStack() as stack:
            stack.callback(os.close, take(lock, f"--out: {quoted(self.path)}"))
            stack.callback(lock.unlink, missing_ok=True)  # while it is held: nobody locks a file that goes
            yield

    def claim(self, settings: dict[str, Any]) -> None:
        """Notes what the rows are answers to.

        Raises:
            ValueError: those that are there answer something else, or are no rows of a batch.
        """
        where = f"--out: {quoted(self.path)}"
        if not self.note.exists():
            if any(path.exists() and path.stat().st_size for path in (self.path, self.lines)):
                raise ValueError(f"{where} was not written by arr-coc batch; choose another name")
            write_atomically(self.note, json.dumps(settings, indent=1) + "\n")
            return
        try:
            there = json.loads(self.note.read_text(encoding="utf-8"))
            changed = [name for name, value in settings.items() if there[name] != value]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValueError(f"{where}: {self.note.name} beside it is damaged; choose another name") from error
        if changed:
            told = "; ".join(f"{name} was {quoted(there[name])}, now {quoted(settings[name])}" for name in changed)
            raise ValueError(f"{where} holds answers of another run ({told}); choose another name or the same settings")


class Journal:
    """The rows that are there; new ones are on disk when `append` returns.

    Args:
        total: rows of the input.
        keeps_failed: False drops rows that failed, which are asked again then.
    Raises:
        ValueError: a line in the middle that is no row of this input; the message names file and line.
    """

    def __init__(self, path: Path, total: int, keeps_failed: bool = True) -> None:
        self.path, self.total = path, total
        self.num_done = self.num_failed = self.spent = self.saved = 0
        self._done = bytearray(total)
        if not keeps_failed and path.exists():
            drop_failed(path)
        end = 0
        for end, line in whole_lines(path):  # noqa: B007
            self._note(line)
        if path.exists():
            os.truncate(path, end)

    def is_done(self, row: int) -> bool:
        return bool(self._done[row])

    def append(self, lines: Sequence[Line]) -> None:
        """Raises OSError where the disk is full; then what was there is there, and nothing of these."""
        content = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with open(self.path, "ab", buffering=0) as file:
                left = content.encode("utf-8", "backslashreplace")
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self.path, before)
            raise
        for line in lines:
            self._note(line)

    def _note(self, line: Line) -> None:
        if not 0 <= line.row < self.total or self._done[line.row]:
            raise ValueError(f"{self.path}: row {line.row} stands there twice or is none of the input's")
        self._done[line.row] = 1
        self.num_done += 1
        self.num_failed += line.error is not None
        self.spent += line.visual_tokens or 0
        self.saved += line.visual_tokens_saved or 0


def whole_lines(path: Path) -> Iterator[tuple[int, Line]]:
    """(where it ends, line) of all but a last one that was cut short.

    Raises:
        ValueError: one that is no row; names file and line.
    """
    if not path.exists():
        return
    end = 0
    with open(path, "rb") as file:
        for number, text in enumerate(file, start=1):
            if text.endswith(b"\n"):
                end += len(text)
                yield end, parse_line(text, f"{path}:{number}")


def parse_line(text: bytes, where: str) -> Line:
    try:
        line = Line(**json.loads(text))
        line.row + 0  # noqa: B018
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{where}: not a row of arr-coc batch ({shortened(error)}); choose another name") from error
    return line


def drop_failed(path: Path) -> None:
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as file:
        for _, line in whole_lines(path):
            if line.error is None:
                file.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def schema() -> Any:
    """Of the Parquet file: the fields of a line."""
    import pyarrow

    kinds = {"int": pyarrow.int64(), "str": pyarrow.string(), "float": pyarrow.float64()}
    return pyarrow.schema([(field.name, kinds[str(field.type).split(" ")[0]]) for field in fields(Line)])


def to_parquet(output: Output) -> None:
    """All lines as one Parquet file, whole or not there; then the lines go."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    with replacing(output.path) as draft:
        with ParquetWriter(draft, schema()) as writer:
            block = []
            for _, line in whole_lines(output.lines):
                block.append(asdict(line))
                if len(block) == BLOCK:
                    writer.write_table(pyarrow.Table.from_pylist(block, schema()))
                    block = []
            writer.write_table(pyarrow.Table.from_pylist(block, schema()))
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
    sync_folder(output.path.absolute().parent)
    output.lines.unlink()


def from_parquet(output: Output) -> None:
    """The lines of a batch that was finished, to go on with them."""
    import pyarrow.parquet

    if not output.path.exists() or output.lines.exists():
        return
    with replacing(output.lines) as draft, open(draft, "w", encoding="utf-8") as file:
        for block in pyarrow.parquet.ParquetFile(output.path).iter_batches(BLOCK):
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in block.to_pylist())
        file.flush()
        os.fsync(file.fileno())
