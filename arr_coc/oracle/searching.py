"""Which pages answer a question, and whether any does: BM25 over SQLite's full-text index.

The index lies in memory and is built for every question (some 60 pages take a tenth of a second), so there is no file
that can be out of date. FTS5 belongs to Python's own sqlite3; a library for BM25 would be one more to install.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from arr_coc.oracle.pages import CITED, Page, Passage

MOST_CHARACTERS = 2_000
WORDS = re.compile(r"[^\W_]+")
WEIGHTS = {"title": 4.0, "about": 2.0, "keywords": 2.0, "body": 1.0, "sources": 0.5}
COVERED = 0.46  # share of what a question says, by rarity, that the best page must know
COVERED_NAMED, COVERED_STRANGE = 0.25, 0.6  # the same where names occur: all known to the pages, or one unknown
NAME = re.compile(r"(?<=[^.?!] )[A-Z][^\W_]*|[^\W_]*[a-z0-9][A-Z][^\W_]*|[A-Z]{2,}[^\W_]*")
SAYS_LITTLE = """
    a about all also am an and any anybody anything are as at be because been before between but by can
    could d did didn differ difference do does doesn doing don else everybody everyone for from get gets give
    gives go got had happen happened happens has have he her here him his how i if in into is isn it its just
    kind let like ll lot m make many may me might more most much must my no nobody not of on one ones only or
    other our out own please re really s same say shall she should so some somebody someone something
    sometimes such t take tell than thanks that the their them then there these they thing things this those
    to too two up us use ve very want was we were what when where which while who whose why will with would
    write you your"""
STOP_WORDS = frozenset(SAYS_LITTLE.split())


@dataclass(frozen=True)
class Hit:
    """A page that answers, its best passage, and BM25's score of the page (higher is better)."""

    page: Page
    passage: Passage
    score: float

    @property
    def place(self) -> str:
        return f"{self.page.path}:{self.passage.line}"

    @property
    def sources(self) -> dict[int, str]:
        """Those that the passage cites, or all of the page where it cites none."""
        cited = {int(number) for number in CITED.findall(self.passage.text)}
        return {number: text for number, text in self.page.sources.items() if number in cited} or self.page.sources


@dataclass(frozen=True)
class Found:
    """Hits, best first; the share of the question that the first page covers, 0..1, and the share that it must."""

    hits: list[Hit]
    coverage: float
    wanted: float

    @property
    def is_answered(self) -> bool:
        return bool(self.hits) and self.coverage >= self.wanted


def words_of(question: str) -> list[str]:
    """The words that say something, each once.

    Raises:
        ValueError: too long, or no word at all.
    """
    if len(question) > MOST_CHARACTERS:
        raise ValueError(f"question: at most {MOST_CHARACTERS:,} characters, got {len(question):,}")
    found = [word.lower() for word in WORDS.findall(question)]
    if not found:
        raise ValueError("question: it holds no word; ask something")
    return list(dict.fromkeys(word for word in found if word not in STOP_WORDS)) or list(dict.fromkeys(found))


def names_of(question: str) -> list[str]:
    """Words with capitals that no beginning of a sentence explains."""
    return [word.lower() for name in NAME.findall(question) for word in WORDS.findall(name)]


class Index:
    """Full-text index of pages and of their passages.

    Raises:
        ValueError: Python's sqlite3 was built without FTS5.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = list(pages)
        self.base = sqlite3.connect(":memory:")
        try:
            for table in ("pages", "passages"):
                columns = ", ".join(WEIGHTS)
                self.base.execute(f"create virtual table {table} using fts5({columns}, tokenize='porter unicode61')")
        except sqlite3.OperationalError as error:
            raise ValueError(f"this Python's sqlite3 has no full-text search ({error}); use another build") from error
        self.places = [(page, passage) for page in pages for passage in page.passages]
        self.base.executemany("insert into pages values (?, ?, ?, ?, ?)", map(page_row, pages))
        rows = [(passage.heading, "", "", passage.text, "") for _, passage in self.places]
        self.base.executemany("insert into passages values (?, ?, ?, ?, ?)", rows)

    def search(self, question: str, num: int = 3) -> Found:
        """The best pages, each with its best passage.

        Raises:
            ValueError: see `words_of`.
        """
        words = words_of(question)
        scores = self.scores("pages", words)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:num]
        within = self.scores("passages", words)
        hits = [Hit(self.pages[row - 1], self.best_passage(self.pages[row - 1], within), scores[row]) for row in best]
        return Found(hits, self.coverage(words, best[0]) if best else 0.0, self.wanted(question))

    def wanted(self, question: str) -> float:
        """Less where names are asked for that the pages know, more where there is one that they do not know."""
        names = [name for name in names_of(question) if name not in STOP_WORDS]
        if not names:
            return COVERED
        return COVERED_NAMED if all(self.owners(name) for name in names) else COVERED_STRANGE

    def scores(self, table: str, words: Sequence[str]) -> dict[int, float]:
        """BM25 by row, of those that hold any of the words."""
        query = " OR ".join(f'"{word}"' for word in words)
        weights = ", ".join(str(weight) for weight in WEIGHTS.values())
        statement = f"select rowid, -bm25({table}, {weights}) from {table} where {table} match ?"
        return dict(self.base.execute(statement, (query,)).fetchall())

    def best_passage(self, page: Page, scores: dict[int, float]) -> Passage:
        rows = [row for row, (owner, _) in enumerate(self.places, 1) if owner is page]
        return self.places[max(rows, key=lambda row: (scores.get(row, 0.0), -row)) - 1][1]

    def coverage(self, words: Sequence[str], row: int) -> float:
        """Share of the question's words, weighted by their rarity, that the page holds.

        A word that no page knows weighs as much as one that a single page knows.
        """
        weights = held = 0.0
        for word in words:
            owners = self.owners(word)
            weight = log(1 + (len(self.pages) + 0.5) / (max(len(owners), 1) + 0.5))
            weights += weight
            held += weight if row in owners else 0.0
        return held / weights

    def owners(self, word: str) -> set[int]:
        """Rows of the pages that hold the word in any of its forms."""
        return {row for (row,) in self.base.execute("select rowid from pages where pages match ?", (f'"{word}"',))}


def page_row(page: Page) -> tuple[str, ...]:
    body = "\n".join(f"{passage.heading}\n{passage.text}" for passage in page.passages)
    return page.title, page.about, page.keywords, body, "\n".join(page.sources.values())


def search(pages: Sequence[Page], question: str, num: int = 3) -> Found:
    """Asks once; keep an `Index` for several questions."""
    return Index(pages).search(question, num)
