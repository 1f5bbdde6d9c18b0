"""The oracle's folder as it is read: topics with an index, numbered pages, passages. Nothing here writes.

A topic is a folder with an INDEX.md, whose table names each page with what it is about and keywords. A page has one
H1, sections, and last of all "Sources", which its text cites as [1], [2] and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from markdown_it import MarkdownIt

from arr_coc.quoting import quoted, shortened

SKILL, INDEX, NAME = "SKILL.md", "INDEX.md", "arr-coc-oracle"
EVALS, HUMOR, INBOXES = "evals", "humor", ("_ingest", "_ingest-auto")
SOURCES, FACTS = "Sources", "Facts checked"
TAKEN_IN = "Taken in from"  # how the source of an ingested page begins
MOST_BYTES = 2_000_000
PAGE_NAME = re.compile(r"(\d\d)-[a-z0-9]+(-[a-z0-9]+)*\.md")
ROW = re.compile(r"\| \[([^\]|]+)\]\(\1\) \| ([^|]+) \| ([^|]+) \|")
SOURCE = re.compile(r"- \[(\d+)\] (.+)")
CITED = re.compile(r"\[(\d+)\](?!\()")


@dataclass(frozen=True)
class Heading:
    """Its level 1..6, its words and its line, counted from 1."""

    level: int
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    """A Markdown file with what matters of its structure."""

    lines: tuple[str, ...]
    headings: tuple[Heading, ...]
    links: tuple[tuple[str, int], ...]  # target and line

    def section(self, name: str) -> range:
        """Indices of the lines of the first H2 of that name, without the heading; empty where there is none."""
        starts = [each.line for each in self.headings if each.level <= 2]
        found = next((each.line for each in self.headings if each.level == 2 and each.text == name), None)
        if found is None:
            return range(0)
        return range(found, min((start - 1 for start in starts if start > found), default=len(self.lines)))


@dataclass(frozen=True)
class Row:
    """What an index says of a page."""

    name: str
    about: str
    keywords: str


@dataclass(frozen=True)
class Passage:
    """A section of a page: its heading (the page's title for what stands before the first), first line, text."""

    heading: str
    line: int
    text: str


@dataclass(frozen=True)
class Page:
    """One page; `path` is relative to the oracle's folder, `sources` are by the number that the text cites."""

    path: str
    title: str
    about: str
    keywords: str
    passages: tuple[Passage, ...]
    sources: dict[int, str]


@cache
def parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def read_text(path: Path) -> str:
    """Raises ValueError, one line, for a file that is no text; OSError where it can't be read."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{quoted(path)}: larger than {MOST_BYTES:,} bytes; split it first")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{quoted(path)}: not a text file in UTF-8") from None
    if "\0" in text:
        raise ValueError(f"{quoted(path)}: a binary file, not text")
    return text


@lru_cache(maxsize=256)
def parse(text: str) -> Document:
    """Headings and links as Markdown means them: what stands in code is neither."""
    headings, links = [], []
    tokens = parser().parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "inline" or token.map is None:
            continue
        line = token.map[0] + 1
        if before is not None and before.type == "heading_open":
            headings.append(Heading(int(before.tag[1]), token.content.strip(), line))
        for part in token.children or ():
            target = part.attrGet("href") or part.attrGet("src")
            if target:
                links.append((str(target), line))
    return Document(tuple(text.splitlines()), tuple(headings), tuple(links))


def find_folder(given: Path | None, beside: Path) -> Path:
    """The oracle's folder: the one that is given, else the nearest one here or above, else the one beside the code.

    Raises:
        ValueError: there is none.
    """
    here = Path.cwd()
    places = [given] if given is not None else [place / NAME for place in (here, *here.parents, beside)]
    for place in places:
        if (place / SKILL).is_file():
            return place
    if given is not None:
        raise ValueError(f"--folder {quoted(given)}: no oracle here, it has no {SKILL}")
    raise ValueError(f"--folder: no {NAME} here or above; name the folder")


def topic_folders(folder: Path) -> list[Path]:
    """Subfolders that are topics, by name; those that begin with a dot or an underscore are not."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] not in "._" and path.name not in (EVALS, HUMOR)
    )


def read_index(topic: Path) -> list[Row]:
    """The pages of a topic in the order of its index.

    Raises:
        ValueError: no index, one that is no table of pages, or one that names what is not there.
    """
    place = f"{topic.name}/{INDEX}"
    if not (topic / INDEX).is_file():
        raise ValueError(f"{place}: missing")
    lines = read_text(topic / INDEX).splitlines()
    matches = [(number, ROW.fullmatch(line)) for number, line in enumerate(lines, 1) if line.startswith("| [")]
    rows = []
    for number, match in matches:
        if match is None:
            raise ValueError(f"{place}:{number}: must read | [page](page) | about | keywords |")
        if not PAGE_NAME.fullmatch(match[1]):
            raise ValueError(f"{place}:{number}: {quoted(match[1])} is no name of a page, such as 00-overview.md")
        if not (topic / match[1]).is_file():
            raise ValueError(f"{place}:{number}: names {match[1]}, which is not there")
        rows.append(Row(match[1], match[2].strip(), match[3].strip()))
    if not rows:
        raise ValueError(f"{place}: names no page")
    return rows


def read_page(topic: Path, row: Row) -> Page:
    """Raises ValueError where the file is no text."""
    document = parse(read_text(topic / row.name))
    title = next((each.text for each in document.headings if each.level == 1), row.about)
    return Page(
        f"{topic.name}/{row.name}", title, row.about, row.keywords, tuple(passages(document)), sources_of(document)
    )


def sources_of(document: Document) -> dict[int, str]:
    matches = [SOURCE.fullmatch(document.lines[index]) for index in document.section(SOURCES)]
    return {int(match[1]): match[2] for match in matches if match}


def passages(document: Document) -> Iterator[Passage]:
    """Sections of the first and second level that say something; sources and facts are no passages."""
    starts = [each for each in document.headings if each.level <= 2]
    ends = [each.line - 1 for each in starts[1:]] + [len(document.lines)]
    for heading, end in zip(starts, ends, strict=True):
        body = document.lines[heading.line : end]
        first = next((index for index, line in enumerate(body) if line.strip()), None)
        if heading.text not in (SOURCES, FACTS) and first is not None:
            yield Passage(heading.text, heading.line + 1 + first, "\n".join(body).strip())


def load(folder: Path) -> list[Page]:
    """All pages that the indexes name.

    Raises:
        ValueError: the folder is broken; the first thing that is, in one line.
    """
    try:
        pages = [read_page(topic, row) for topic in topic_folders(folder) for row in read_index(topic)]
    except ValueError as error:
        raise ValueError(f"the oracle is broken: {shortened_end(error)}; see arr-coc oracle check") from error
    if not pages:
        raise ValueError("the oracle is broken: it has no pages; see arr-coc oracle check")
    return pages


def shortened_end(error: ValueError) -> str:
    """An error's own words, bounded; they quote what they quote already."""
    text = str(error)
    return text if len(text) <= 200 else f"{text[:120]}… {shortened(text[-60:])}"
