"""The microscope's history in a SQLite file: it survives reloads and restarts, and several pages may write at once."""

from __future__ import annotations

import json
import os
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from arr_coc.apps.documents import check_text, parse_entry, to_document
from arr_coc.apps.session import Entry, Row
from arr_coc.files.faults import told
from arr_coc.quoting import quoted, shortened

APPLICATION_ID, SCHEMA_VERSION = 0x41525243, 1
"""By which the file is known as ours, and the layout of its tables."""
WAIT_S = 20.0
MOST_LISTED = 500
OPTION = "history"
SCHEMA = """
CREATE TABLE pictures (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE entries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  question TEXT NOT NULL,
  note TEXT NOT NULL,
  words TEXT NOT NULL,
  rows TEXT NOT NULL,
  body TEXT NOT NULL
);
"""


class Notebook:
    """Entries with their pictures, numbered from 1; every method opens and closes the file by itself.

    Args:
        path: of the file; it is made, with its folder, where it is not there.

    Raises:
        ValueError: a file that is broken or not ours, or a place that cannot be written; every method, at any time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with told(f"{OPTION}: {quoted(path)}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._claim(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer

    def _claim(self, connection: sqlite3.Connection) -> None:
        """Makes the tables in an empty file; a file of another kind is left as it is."""
        [application] = connection.execute("PRAGMA application_id").fetchone()
        [layout] = connection.execute("PRAGMA user_version").fetchone()
        [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == 0 and layout == 0 and tables == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        elif application != APPLICATION_ID:
            raise self._foreign("it is the database of another program")
        elif layout != SCHEMA_VERSION:
            raise self._foreign(f"it was written by another version (layout {layout}, here {SCHEMA_VERSION})")

    def _foreign(self, what: str) -> ValueError:
        return ValueError(f"{OPTION}: {quoted(self.path)} cannot be used: {what}; choose another with --history FILE")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """All that is done in the block is kept, or nothing of it."""
        if not self.path.is_file():
            raise self._foreign("the file is gone")
        try:
            connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
            try:
                yield connection
                if connection.in_transaction:
                    connection.execute("COMMIT")
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self._foreign(shortened(str(error))) from error

    def add(self, entry: Entry, content: bytes | None) -> int:
        """Keeps an entry and the bytes of its picture; returns its number, or 0 where the very same is kept already."""
        body = json.dumps(to_document(replace(entry, note="")), ensure_ascii=False)
        key = sha256(body.encode()).hexdigest()
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if content is not None:
                connection.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (entry.sha256, content))
            rows = json.dumps([asdict(row) for row in entry.rows], ensure_ascii=False)
            done = connection.execute(
                "INSERT OR IGNORE INTO entries (key, question, note, words, rows, body) VALUES (?, ?, ?, ?, ?, ?)",
                (key, entry.question, entry.note, words_of(entry), rows, body),
            )
            return int(done.lastrowid or 0) if done.rowcount else 0

    def entry(self, number: int) -> Entry:
        """Raises ValueError where there is none of that number."""
        with self._connected() as connection:
            found = connection.execute("SELECT body, note FROM entries WHERE number = ?", (number,)).fetchone()
        if found is None:
            raise ValueError(f"There is no entry {quoted(number)}.")
        return replace(self._parsed(found[0], number), note=str(found[1]))

    def _parsed(self, body: str, number: int) -> Entry:
        try:
            return parse_entry(body, number)
        except ValueError as error:
            raise self._foreign(f"entry {number}: {error}") from error

    def picture(self, entry: Entry) -> bytes:
        """The bytes of an entry's picture.

        Raises:
            ValueError: they are not kept, or are not those that the entry was made with.
        """
        with self._connected() as connection:
            found = connection.execute("SELECT content FROM pictures WHERE sha256 = ?", (entry.sha256,)).fetchone()
        if found is None:
            raise ValueError(f"The picture of entry {entry.number} is not kept: it was imported without it.")
        if sha256(found[0]).hexdigest() != entry.sha256:
            raise self._foreign(f"the picture of entry {entry.number} was changed")
        return bytes(found[0])

    def set_note(self, number: int, note: str) -> None:
        """Raises ValueError where there is no such entry."""
        entry = replace(self.entry(number), note=check_text(note, "note"))
        with self._connected() as connection:
            connection.execute(
                "UPDATE entries SET note = ?, words = ? WHERE number = ?", (note, words_of(entry), number)
            )

    def delete(self, number: int) -> None:
        """The entry, and its picture where no other entry has it; the bytes are overwritten."""
        digest = self.entry(number).sha256
        with self._connected() as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM entries WHERE number = ?", (number,))
            [left] = connection.execute(
                "SELECT count(*) FROM entries WHERE instr(body, ?) > 0", (f'"sha256": "{digest}"',)
            ).fetchone()
            if not left:
                connection.execute("DELETE FROM pictures WHERE sha256 = ?", (digest,))

    def find(self, words: str = "", most: int = MOST_LISTED) -> tuple[dict[int, str], list[Row]]:
        """Titles by number and rows of the newest entries that hold every word somewhere, the oldest of them first."""
        wanted = words.casefold().split()
        where = " AND ".join(["instr(words, ?) > 0"] * len(wanted)) or "1"
        with self._connected() as connection:
            found = connection.execute(
                f"SELECT number, question, note, rows FROM entries WHERE {where} ORDER BY number DESC LIMIT ?",
                (*wanted, most),
            ).fetchall()
        titles = {number: f"{number}: {question}" for number, question, *_ in reversed(found)}
        return titles, [row for number, _, note, rows in reversed(found) for row in self._rows(number, note, rows)]

    def _rows(self, number: int, note: str, text: str) -> list[Row]:
        try:
            return [Row(**values | {"entry": number, "note": note}) for values in json.loads(text)]
        except (ValueError, TypeError, RecursionError) as error:
            raise self._foreign(f"entry {number}: {shortened(str(error))}") from error

    def count(self) -> int:
        with self._connected() as connection:
            return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])

    def dump(self) -> Iterator[str]:
        """Every entry as a line of JSON with its picture in base64: what `load` reads."""
        with self._connected() as connection:
            found = connection.execute(
                "SELECT number, body, note, content FROM entries "
                "LEFT JOIN pictures ON json_extract(body, '$.sha256') = sha256 ORDER BY number"
            )
            for number, body, note, content in found:
                entry = replace(self._parsed(body, number), note=note)
                image = None if content is None else b64encode(content).decode()
                yield json.dumps(to_document(entry) | {"picture_base64": image}, ensure_ascii=False) + "\n"

    def load(self, path: Path) -> tuple[int, int]:
        """Adds the entries of a file that `dump` wrote; returns how many are new and how many were here already.

        Raises:
            ValueError: a line that is no entry, by its number; nothing of the file is added then.
        """
        read = []
        with told("import"), open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    read.append(parse_line(line, f"import: line {number}"))
        if not read:
            raise ValueError("import: the file holds no entries")
        new = sum(self.add(entry, content) > 0 for entry, content in read)
        return new, len(read) - new


def parse_line(line: bytes, where: str) -> tuple[Entry, bytes | None]:
    try:
        text = line.decode("utf-8-sig")
        entry = parse_entry(text)
        image = json.loads(text).get("picture_base64")
        content = None if image is None else b64decode(image, validate=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {shortened(str(error))}") from error
    if content is not None and sha256(content).hexdigest() != entry.sha256:
        raise ValueError(f"{where}: the picture is not the one that the entry was made with")
    return entry, content


def words_of(entry: Entry) -> str:
    """What a search looks through."""
    parts = [entry.question, entry.picture, entry.note, entry.time, entry.version, entry.sha256, *entry.accepted]
    for seen in entry.seen:
        parts += [seen.answer, seen.variant.label, seen.host]
    return "\n".join(parts).casefold()
