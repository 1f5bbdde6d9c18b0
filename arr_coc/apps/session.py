"""What a session at the microscope has seen: entries that can be sorted, noted, exported and called back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from arr_coc.apps.variants import Finding, Variant
from arr_coc.quoting import quoted
from arr_coc.views.overlay import Box, Tile

SORT_KEYS = ("entry", "checkpoint", "policy", "budget", "tokens", "seconds", "score", "recall")


@dataclass(frozen=True)
class Row:
    """One variant of an entry in plain values; the names are the columns of the export."""

    entry: int
    time: str
    picture: str
    question: str
    checkpoint: str
    policy: str
    budget: str
    answer: str
    tokens: int
    encoded: int
    seconds: float
    score: float | None
    recall: float | None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One comparison: what was asked of which variants, and what came of it.

    Attributes:
        path: of the picture; it may be gone when the entry is called back.
        tiles: per variant, to draw it again.
        evidence: boxes in fractions of the picture.
    """

    number: int
    path: str
    question: str
    variants: tuple[Variant, ...]
    rows: tuple[Row, ...]
    tiles: tuple[tuple[Tile, ...], ...]
    evidence: tuple[Box, ...]

    @property
    def title(self) -> str:
        return f"{self.number}: {self.question}"


def make_entry(
    number: int, path: str, question: str, findings: Sequence[Finding], evidence: Sequence[Box], now: datetime
) -> Entry:
    rows = tuple(row_of(number, path, question, finding, now) for finding in findings)
    tiles = tuple(tuple(finding.tiles) for finding in findings)
    return Entry(number, path, question, tuple(f.variant for f in findings), rows, tiles, tuple(evidence))


def row_of(number: int, path: str, question: str, finding: Finding, now: datetime) -> Row:
    variant = finding.variant
    return Row(
        entry=number,
        time=now.isoformat(sep=" ", timespec="seconds"),
        picture=Path(path).name,
        question=question,
        checkpoint=variant.checkpoint,
        policy=variant.policy,
        budget=str(variant.budget or "auto"),
        answer=finding.answer,
        tokens=finding.num_tokens,
        encoded=finding.num_encoded,
        seconds=round(sum(finding.seconds.values()), 3),
        score=finding.score,
        recall=None if finding.recall is None else round(finding.recall, 3),
    )


def with_note(entries: Sequence[Entry], number: int, note: str) -> list[Entry]:
    """The entries with a note at all rows of one of them."""
    return [
        replace(entry, rows=tuple(replace(row, note=note) for row in entry.rows)) if entry.number == number else entry
        for entry in entries
    ]


def sorted_rows(entries: Sequence[Entry], key: str = "entry", is_descending: bool = False) -> list[Row]:
    """All rows by a column; rows without a value come last either way.

    Raises:
        ValueError: a column that cannot be sorted by.
    """
    if key not in SORT_KEYS:
        raise ValueError(f"sort by: must be one of {', '.join(SORT_KEYS)}, got {quoted(key)}")
    rows = [row for entry in entries for row in entry.rows]
    known = [row for row in rows if getattr(row, key) is not None]
    known.sort(key=lambda row: sort_value(row, key), reverse=is_descending)
    return known + [row for row in rows if getattr(row, key) is None]


def sort_value(row: Row, key: str) -> Any:
    """Budgets by number, "auto" first."""
    value = getattr(row, key)
    return (0 if value == "auto" else int(value)) if key == "budget" else value


def as_csv(rows: Sequence[Row]) -> str:
    """With a header; texts that a spreadsheet would take for a formula are set in an apostrophe."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [field for field in Row.__dataclass_fields__], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: harmless(value) for name, value in asdict(row).items()})
    return file.getvalue()


def harmless(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
