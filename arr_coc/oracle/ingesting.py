"""Text files become pages of a topic: split, numbered, indexed, with their source. All of it happens, or nothing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from markdown_it.token import Token

from arr_coc.files.locking import locked
from arr_coc.files.swapping import exchanging_folder
from arr_coc.oracle.checking import check_topic
from arr_coc.oracle.pages import FACTS, INBOXES, INDEX, SOURCES, TAKEN_IN, parser, read_index, read_text, topic_folders
from arr_coc.quoting import quoted, shortened

NOTES = "notes"
ENDINGS = (".md", ".markdown", ".txt", ".rst")
MOST_LINES = 160  # of text on a page, so that title and source fit below the limit of the check
MOST_PAGES = 100
MOST_TITLE, MOST_SLUG, MOST_KEYWORDS, MOST_SOURCE = 100, 40, 12, 400
CHECKSUM = re.compile(r"checksum ([0-9a-f]{16})")
LINK = re.compile(r"!?\[([^\]]*)\]\(\s*<?([^)\s>]*)>?[^)]*\)")
INNER_TITLE = re.compile(r"^([\s>*+.)\d-]+)#(?=\s)")  # an H1 in a quotation or a list
REFERENCE = re.compile(r"^ {0,3}\[([^\]]+)\]:")


@dataclass(frozen=True)
class Text:
    """A file to take in: where it was, what it says, and what tells it from others."""

    path: Path
    content: str

    @property
    def checksum(self) -> str:
        """Of the words alone: other line breaks make no other text."""
        return hashlib.sha256(" ".join(self.content.split()).encode()).hexdigest()[:16]


@dataclass
class Ingested:
    """Pages that were made, and files that were passed over since they are there already."""

    pages: list[str] = field(default_factory=list)
    doubles: list[tuple[Path, str]] = field(default_factory=list)


def ingest(
    folder: Path, paths: Sequence[Path], topic: str = NOTES, source: str | None = None, today: date | None = None
) -> Ingested:
    """Takes files in, those of folders too; the two inboxes where none is named. Files stay where they are.

    Args:
        source: where the text is from, such as a paper with its date; the file's name is noted in any case.

    Raises:
        ValueError: no such topic, a file that is no text or is there already, a topic that is full; nothing was
            changed.
    """
    if source is not None and len(source) > MOST_SOURCE:
        raise ValueError(f"--source: at most {MOST_SOURCE} characters, got {len(source):,}")
    with locked(folder, "oracle"):
        place = find_topic(folder, topic)
        files, is_named = collect(folder, paths), any(path.is_file() for path in paths)
        done, known = Ingested(), checksums(folder)
        with exchanging_folder(place) as draft:
            for text in files:
                if text.checksum in known:
                    done.doubles.append((text.path, known[text.checksum]))
                    continue
                names = add(draft, text, source, today or date.today())
                known[text.checksum] = f"{topic}/{names[0]}"
                done.pages += [f"{topic}/{name}" for name in names]
            refuse_what_is_there(done, is_named)
            refuse_what_is_broken(draft, place)
    return done


def find_topic(folder: Path, topic: str) -> Path:
    names = [path.name for path in topic_folders(folder)]
    if topic not in names:
        raise ValueError(f"--topic: no topic {quoted(topic)}; there are {', '.join(names)}")
    return folder / topic


def collect(folder: Path, paths: Sequence[Path]) -> list[Text]:
    """The texts of files and folders, by name within a folder.

    Raises:
        ValueError: nothing to take in, no such file, one that is no text.
    """
    places = list(paths) or [folder / name for name in INBOXES if (folder / name).is_dir()]
    found: list[Path] = []
    for path in places:
        if not path.exists():
            raise ValueError(f"{quoted(path)}: no such file or folder; check the path")
        inside = sorted(each for each in path.iterdir() if each.name[0] != ".") if path.is_dir() else [path]
        found += [each for each in inside if each.is_file()]
    if not found:
        named = ", ".join(quoted(path) for path in paths) or " and ".join(INBOXES)
        raise ValueError(f"{named}: no files to take in")
    return [read(path) for path in found]


def read(path: Path) -> Text:
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{quoted(path)}: not a kind of text that is taken in; {', '.join(ENDINGS)} are")
    content = read_text(path)
    if not content.strip():
        raise ValueError(f"{quoted(path)}: an empty file")
    return Text(path, content)


def checksums(folder: Path) -> dict[str, str]:
    """Checksums of what was taken in, and of the pages as they stand, to the page."""
    known = {}
    for topic in topic_folders(folder):
        for path in sorted(topic.glob("*.md")):
            text, name = read_text(path), f"{topic.name}/{path.name}"
            known[Text(path, text).checksum] = name
            for found in CHECKSUM.findall(text):
                known.setdefault(found, name)
    return known


def refuse_what_is_there(done: Ingested, is_named: bool) -> None:
    """A file that is named must be new; of a folder something must be."""
    if done.doubles and (is_named or not done.pages):
        path, page = done.doubles[0]
        raise ValueError(f"{quoted(path)}: it is there already, as {page}; nothing was taken in")


def refuse_what_is_broken(draft: Path, place: Path) -> None:
    """The new topic passes the check before anybody sees it."""
    new = [str(fault).replace(draft.name, place.name) for fault in check_topic(draft)]
    old = {str(fault) for fault in check_topic(place)}
    for fault in new:
        if fault not in old:
            raise ValueError(f"nothing was taken in, the pages would be broken: {fault}")


def add(topic: Path, text: Text, source: str | None, today: date) -> list[str]:
    """Writes the pages of a text and names them in the index."""
    first, parts = len(read_index(topic)), list(split(text.content))
    if first + len(parts) > MOST_PAGES:
        raise ValueError(f"{quoted(text.path)}: {len(parts)} pages; a topic holds {MOST_PAGES} and has {first}")
    title, rows, names = title_of(text), [], []
    for number, part in enumerate(parts):
        name = f"{first + number:02}-{slug(title)}.md"
        heading = title if len(parts) == 1 else f"{title}, part {number + 1} of {len(parts)}"
        (topic / name).write_text(page_of(heading, part, text, source, today), encoding="utf-8")
        rows.append(f"| [{name}]({name}) | {cell(heading)} | {cell(keywords(part) or title)} |")
        names.append(name)
    insert_rows(topic / INDEX, rows)
    return names


def insert_rows(index: Path, rows: list[str]) -> None:
    """After the last row of the table."""
    lines = index.read_text(encoding="utf-8").splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("| ["))
    lines[last + 1 : last + 1] = rows
    index.write_text("\n".join(lines) + "\n", encoding="utf-8")


def page_of(heading: str, part: list[str], text: Text, source: str | None, today: date) -> str:
    named = f" Its source as given: {unlinked(' '.join(source.split()))}" if source else ""
    origin = f"{TAKEN_IN} `{shortened(text.path.name.replace('`', ' '))}` on {today}, checksum {text.checksum}.{named}"
    lines = [f"# {heading}", "", f"Taken in on {today}; nobody checked it [1].", "", *part, "", f"## {SOURCES}", ""]
    return "\n".join([*lines, f"- [1] {origin}", ""])


def title_of(text: Text) -> str:
    """The first heading, else the file's name."""
    tokens = parser().parse(text.content)
    found = [after.content for token, after in zip(tokens, tokens[1:], strict=False) if token.type == "heading_open"]
    return plain(found[0] if found else text.path.stem)[:MOST_TITLE] or "Note"


def plain(words: str) -> str:
    """A title without what Markdown or a table would read in it."""
    return " ".join(re.sub(r"[\[\]|`*_<>#\\]+", " ", LINK.sub(r"\1", words)).split())


def cell(words: str) -> str:
    return plain(words) or "-"


def slug(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[:MOST_SLUG].strip("-") or "note"


def keywords(part: list[str]) -> str:
    """The words of the part's headings."""
    tokens = parser().parse("\n".join(part))
    found = [after.content for token, after in zip(tokens, tokens[1:], strict=False) if token.type == "heading_open"]
    return ", ".join(list(dict.fromkeys(shortened(plain(each)) for each in found))[:MOST_KEYWORDS])


def split(content: str) -> Iterator[list[str]]:
    """Lines of one page after the other: cut before headings where that fits, never within a block that fits."""
    page: list[str] = []
    for block, is_section in blocks(content):
        is_full = len(page) + len(block) > MOST_LINES
        if page and (is_full or (is_section and len(page) > MOST_LINES // 2)):
            yield page
            page = []
        page = [*page, "", *block] if page else block
    if page:
        yield page


def blocks(content: str) -> Iterator[tuple[list[str], bool]]:
    """Blocks of Markdown as lines, at most a page long, and whether a section begins with them."""
    lines = content.splitlines()
    for token in parser().parse(content):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            text = " ".join(lines[slice(*token.map)])
            yield [heading_line(token, plain(re.sub(r"\s+(=+|-+)\s*$", "", text)))], token.tag in ("h1", "h2")
            continue
        block = lines[slice(*token.map)]
        is_code = token.type in ("fence", "code_block")
        yield from ((piece, False) for piece in pieces(block if is_code else list(map(unlinked, block)), token))


def heading_line(token: Token, words: str) -> str:
    """The page has the only H1, and "Sources" is its own section."""
    words = f"{words} of the original" if words in (SOURCES, FACTS) else words
    return f"{'#' * max(int(token.tag[1]), 2)} {words or '-'}"


def unlinked(line: str) -> str:
    """Links to files would lead nowhere here, so they become words; and the page has the only H1."""
    line = LINK.sub(lambda match: f"{match[1]} ({match[2]})" if match[2] else match[1], line)
    return REFERENCE.sub(r"\1:", INNER_TITLE.sub(r"\1##", line))


def pieces(block: list[str], token: Token) -> Iterator[list[str]]:
    """A block that is longer than a page in several; code is closed and opened again."""
    if len(block) <= MOST_LINES:
        yield block
        return
    opened, closed = ([block[0]], [token.markup]) if token.type == "fence" else ([], [])
    body = block[1:] if opened else block
    if opened and body and body[-1].strip().startswith(token.markup):
        body = body[:-1]
    for start in range(0, len(body), MOST_LINES - 2):
        yield [*opened, *body[start : start + MOST_LINES - 2], *closed]
