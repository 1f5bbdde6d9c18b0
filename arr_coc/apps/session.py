"""What the microscope has seen: entries that can be kept, sorted, exported, called back and compared."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from arr_coc.apps.variants import Finding, Variant
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.running.runner import fractions
from arr_coc.quoting import quoted
from arr_coc.records import Tensions
from arr_coc.views.overlay import Box, Tile

SORT_KEYS = ("entry", "checkpoint", "policy", "budget", "tokens", "seconds", "score", "recall")


@dataclass(frozen=True)
class Row:
    """One variant of an entry in plain values; the names are the columns of the export."""

    entry: int
    time: str
    picture: str
    question: str
    accepted: str
    checkpoint: str
    policy: str
    budget: str
    by_hand: str
    answer: str
    tokens: int
    encoded: int
    seconds: float
    score: float | None
    recall: float | None
    host: str
    version: str
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Seen:
    """What one variant answered and looked at, as it is kept.

    Attributes:
        host: what answered, in words.
        seconds: by stage.
        tiles: visual tokens over the picture.
        leaves: (level, row, column) each, of quadtree policies; `grid` is (rows, columns) of level 0.
        tensions: of ARR-COC.
        confidence: 0..1, the chance that the answer is right, where it looked until it was sure.
        looks: one after the other, where it looked until it was sure.
    """

    variant: Variant
    host: str
    answer: str
    tokens: int
    encoded: int
    seconds: dict[str, float]
    score: float | None
    recall: float | None
    tiles: tuple[Tile, ...]
    leaves: tuple[tuple[int, int, int], ...] | None = None
    grid: tuple[int, int] | None = None
    tensions: Tensions | None = None
    confidence: float | None = None
    looks: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One comparison: what was asked of which variants, and what came of it.

    Attributes:
        number: 0 until it is kept.
        picture: name of the file; `sha256` is that of its bytes.
        evidence: boxes in fractions of the picture.
        version: of ARR-COC.
    """

    number: int
    time: str
    picture: str
    sha256: str
    question: str
    accepted: tuple[str, ...]
    evidence: tuple[Box, ...]
    seen: tuple[Seen, ...]
    version: str
    note: str = ""

    @property
    def title(self) -> str:
        return f"{self.number}: {self.question}"

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row_of(self, seen) for seen in self.seen)


@cache
def own_version() -> str:
    return version("arr-coc")


def make_entry(picture: str, sha256: str, sample: Sample, findings: Sequence[Finding], now: datetime) -> Entry:
    """Of what was just compared; `picture` is the name of its file."""
    return Entry(
        number=0,
        time=now.isoformat(sep=" ", timespec="seconds"),
        picture=picture,
        sha256=sha256,
        question=sample.question,
        accepted=sample.answers,
        evidence=tuple(fractions(sample)),
        seen=tuple(map(seen_of, findings)),
        version=own_version(),
    )


def seen_of(finding: Finding) -> Seen:
    allocation, realization = finding.allocation, finding.realization
    tensions = realization.tensions if realization else None
    if tensions is not None:
        first, second, third = (float(weight) for weight in tensions.weights)
        tensions = replace(tensions, weights=(first, second, third))
    return Seen(
        variant=finding.variant,
        host=finding.host,
        answer=finding.answer,
        tokens=finding.num_tokens,
        encoded=finding.num_encoded,
        seconds={stage: round(seconds, 4) for stage, seconds in finding.seconds.items()},
        score=finding.score,
        recall=None if finding.recall is None else round(finding.recall, 3),
        tiles=tuple(finding.tiles),
        leaves=tuple((level, row, col) for level, row, col in allocation.leaves.tolist()) if allocation else None,
        grid=allocation.grid if allocation else None,
        tensions=tensions,
        confidence=None if finding.confidence is None else round(finding.confidence, 4),
        looks=tuple(map(seen_of, finding.looks)),
    )


def row_of(entry: Entry, seen: Seen) -> Row:
    variant = seen.variant
    return Row(
        entry=entry.number,
        time=entry.time,
        picture=entry.picture,
        question=entry.question,
        accepted=" / ".join(entry.accepted),
        checkpoint=variant.checkpoint,
        policy=variant.policy,
        budget=variant.budget_word,
        by_hand="" if variant.hand is None else variant.hand.label,
        answer=seen.answer,
        tokens=seen.tokens,
        encoded=seen.encoded,
        seconds=round(sum(seen.seconds.values()), 3),
        score=seen.score,
        recall=seen.recall,
        host=seen.host,
        version=entry.version,
        sha256=entry.sha256,
        note=entry.note,
    )


def sorted_rows(rows: Sequence[Row], key: str = "entry", is_descending: bool = False) -> list[Row]:
    """Rows by a column; those without a value come last either way.

    Raises:
        ValueError: a column that cannot be sorted by.
    """
    if key not in SORT_KEYS:
        raise ValueError(f"sort by: must be one of {', '.join(SORT_KEYS)}, got {quoted(key)}")
    known = [row for row in rows if getattr(row, key) is not None]
    known.sort(key=lambda row: sort_value(row, key), reverse=is_descending)
    return known + [row for row in rows if getattr(row, key) is None]


def sort_value(row: Row, key: str) -> Any:
    """Budgets by number, those in words first."""
    value = getattr(row, key)
    return (int(value) if value.isdigit() else 0) if key == "budget" else value


def as_csv(records: Sequence[dict[str, Any]]) -> str:
    """With a header and the mark by which spreadsheets know UTF-8; what they would take for a formula is set in an
    apostrophe."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]) if records else [], lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: harmless(value) for name, value in record.items()})
    return "\ufeff" + file.getvalue()


def harmless(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
