"""The self-check: is the folder sound, and is what it says of this repository still true?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from arr_coc.oracle.evaluating import question_files, read_questions
from arr_coc.oracle.facts import Help, facts_of, verify
from arr_coc.oracle.jokes import JOKES, as_saved, read_jokes
from arr_coc.oracle.pages import (
    CITED,
    EVALS,
    FACTS,
    INBOXES,
    INDEX,
    PAGE_NAME,
    SKILL,
    SOURCE,
    SOURCES,
    TAKEN_IN,
    Document,
    parse,
    passages,
    read_index,
    read_text,
    sources_of,
    topic_folders,
)
from arr_coc.quoting import quoted

MOST_PAGE_LINES, MOST_SKILL_LINES = 199, 499
SKILL_KEYS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
LIMITS = "Limits"  # says what is not known, for which there is no source
SKILL_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
YEAR = re.compile(r"\b(1[89]|20)\d\d\b")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: a path in the oracle's folder, with a line where there is one."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What was found, and how much was looked at."""

    faults: tuple[Fault, ...]
    num_pages: int
    num_facts: int


def check(folder: Path, root: Path, help_of: Help) -> Report:
    """All faults of an oracle; facts are held against the repository in `root`."""
    topics = topic_folders(folder)
    faults = [*check_skill(folder, topics), *check_evals(folder), *check_jokes(folder), *check_orphans(folder, topics)]
    num_facts = 0
    for topic in topics:
        faults += check_topic(topic)
        for path in sorted(topic.glob("*.md")):
            stated, untrue = check_facts(path, folder, root, help_of)
            num_facts += stated
            faults += untrue
    num_pages = sum(1 for topic in topics for path in topic.glob("*.md") if path.name != INDEX)
    return Report(tuple(faults), num_pages, num_facts)


def check_skill(folder: Path, topics: list[Path]) -> Iterator[Fault]:
    """The front matter and the routing table."""
    try:
        text = read_text(folder / SKILL)
        values = front_matter(text)
    except ValueError as error:
        yield Fault(SKILL, str(error))
        return
    for key in sorted(set(values) - SKILL_KEYS):
        yield Fault(SKILL, f"unknown key {quoted(key)}")
    name, description = values.get("name", ""), values.get("description", "")
    if name != folder.resolve().name or not SKILL_NAME.fullmatch(name) or len(name) > 64:
        yield Fault(SKILL, f"name must be the folder's, in small letters and hyphens, got {quoted(name)}")
    if not 1 <= len(description) <= 1024:
        yield Fault(SKILL, f"description must have 1 to 1,024 characters, got {len(description):,}")
    head, _, body = text.partition("\n---\n")
    document = parse("\n" * (head.count("\n") + 2) + body)  # lines keep their numbers
    if len(document.lines) > MOST_SKILL_LINES:
        yield Fault(SKILL, f"{len(document.lines)} lines; at most {MOST_SKILL_LINES}")
    yield from check_headings(SKILL, document)
    yield from check_links(folder, folder / SKILL, document)
    linked = {target for target, _ in document.links}
    for topic in topics:
        if f"{topic.name}/{INDEX}" not in linked:
            yield Fault(SKILL, f"leads to no {topic.name}/{INDEX}")


def front_matter(text: str) -> dict[str, str]:
    """Raises ValueError where there is none."""
    head, found, _ = text.partition("\n---\n")
    lines = head.splitlines()
    if not found or lines[:1] != ["---"] or not all(": " in line for line in lines[1:]):
        raise ValueError("must begin with lines of `key: value` between two lines ---")
    return {key.strip(): value.strip().strip("\"'") for key, value in (line.split(": ", 1) for line in lines[1:])}


def check_topic(topic: Path) -> Iterator[Fault]:
    """The index of a topic, and its pages."""
    place = f"{topic.name}/{INDEX}"
    try:
        rows = read_index(topic)
        document = parse(read_text(topic / INDEX))
    except ValueError as error:
        yield Fault(*str(error).split(": ", 1))
        return
    yield from check_headings(place, document)
    yield from check_links(topic.parent, topic / INDEX, document)
    if not any(target.endswith(INDEX) for target, _ in document.links):
        yield Fault(place, "names no other topic; add a cross-reference")
    names = [row.name for row in rows]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(place, f"names {name} twice")
    if [int(name[:2]) for name in names] != list(range(len(names))):
        yield Fault(place, "numbers must run 00, 01, 02, ... in the order of the table")
    for path in sorted(topic.iterdir()):
        if PAGE_NAME.fullmatch(path.name) and path.name not in names:
            yield Fault(place, f"does not name {path.name}")
        if path.name in names:
            yield from check_page(topic, path)


def check_page(topic: Path, path: Path) -> Iterator[Fault]:
    place = f"{topic.name}/{path.name}"
    try:
        document = parse(read_text(path))
    except ValueError as error:
        yield Fault(place, str(error))
        return
    if len(document.lines) > MOST_PAGE_LINES:
        yield Fault(place, f"{len(document.lines)} lines; at most {MOST_PAGE_LINES}")
    yield from check_headings(place, document)
    yield from check_links(topic.parent, path, document)
    yield from check_sources(place, document)
    if not is_taken_in(sources_of(document)):
        opening = next((each.text for each in document.headings), "")  # sums up what the sections say with sources
        for passage in passages(document):
            if passage.heading not in (opening, LIMITS) and not CITED.search(passage.text) and "](" not in passage.text:
                yield Fault(f"{place}:{passage.line}", f"section {quoted(passage.heading)} has no source")


def check_headings(place: str, document: Document) -> Iterator[Fault]:
    titles = [heading for heading in document.headings if heading.level == 1]
    if len(titles) != 1:
        yield Fault(place, f"must have one H1, has {len(titles)}")


def check_links(folder: Path, path: Path, document: Document) -> Iterator[Fault]:
    """Links to files resolve, and none leaves the oracle."""
    place = path.relative_to(folder).as_posix()
    for target, line in document.links:
        if OUTSIDE.match(target) or target.startswith("#"):
            continue
        led = (path.parent / unquote(target.split("#")[0])).resolve()
        if not led.is_relative_to(folder.resolve()):
            yield Fault(f"{place}:{line}", f"link {quoted(target)} leaves the oracle")
        elif not led.exists():
            yield Fault(f"{place}:{line}", f"link {quoted(target)} leads nowhere")


def check_sources(place: str, document: Document) -> Iterator[Fault]:
    """There are some, each with a date, numbered from 1, each cited; nothing else is cited."""
    lines = [index for index in document.section(SOURCES) if document.lines[index].strip()]
    sources = sources_of(document)
    if not sources:
        yield Fault(place, f'has no source; end it with "## {SOURCES}" and lines such as - [1] title, date')
        return
    for index in lines:
        if not SOURCE.fullmatch(document.lines[index]):
            yield Fault(f"{place}:{index + 1}", "must read - [number] source, with its date")
        elif not YEAR.search(document.lines[index]):
            yield Fault(f"{place}:{index + 1}", "this source has no date")
    if list(sources) != list(range(1, len(sources) + 1)):
        yield Fault(place, "sources must be numbered 1, 2, 3, ...")
    if is_taken_in(sources):
        return
    within = set(document.section(SOURCES)) | set(document.section(FACTS))
    text = "\n".join(line for index, line in enumerate(document.lines) if index not in within)
    cited = {int(number) for number in CITED.findall(text)}
    for number in sorted(cited - set(sources)):
        yield Fault(place, f"cites [{number}], which is no source")
    for number in sorted(set(sources) - cited):
        yield Fault(place, f"never cites source [{number}]")


def is_taken_in(sources: dict[int, str]) -> bool:
    return any(text.startswith(TAKEN_IN) for text in sources.values())


def check_facts(path: Path, folder: Path, root: Path, help_of: Help) -> tuple[int, list[Fault]]:
    """How many facts a page states, and those that are not true. What was taken in states none."""
    place = path.relative_to(folder).as_posix()
    try:
        document = parse(read_text(path))
    except ValueError:
        return 0, []  # told by the check of the page
    if is_taken_in(sources_of(document)):
        return 0, []
    try:
        facts = list(facts_of(document.lines))
    except ValueError as error:
        return 0, [Fault(place, str(error))]
    faults = []
    for fact in facts:
        try:
            verify(fact, root, help_of)
        except ValueError as error:
            faults.append(Fault(f"{place}:{fact.line}", f"no longer true: {error}"))
    return len(facts), faults


def check_evals(folder: Path) -> Iterator[Fault]:
    """Questions can be read, and the pages that they name are there."""
    for path in question_files(folder):
        place = f"{EVALS}/{path.name}"
        try:
            questions = read_questions(path)
        except ValueError as error:
            yield Fault(place, str(error))
            continue
        for number, question in enumerate(questions, 1):
            if question.page is not None and not (folder / question.page).is_file():
                yield Fault(f"{place}:{number}", f"names {quoted(question.page)}, which is not there")


def check_jokes(folder: Path) -> Iterator[Fault]:
    """Each as `as_saved` writes it: a blank line after it, none within."""
    try:
        jokes, text = read_jokes(folder), read_text(folder / JOKES)
        if "".join(map(as_saved, jokes)) != text:
            yield Fault(JOKES, "must hold jokes with one blank line after each")
    except ValueError as error:
        yield Fault(JOKES, str(error))


def check_orphans(folder: Path, topics: list[Path]) -> Iterator[Fault]:
    """Every file belongs to something, and none is a link to elsewhere."""
    known = {SKILL, JOKES, *(f"{EVALS}/{path.name}" for path in question_files(folder))}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] in INBOXES or place.parts[0].startswith("."):
            continue
        if path.is_symlink():
            yield Fault(place.as_posix(), "is a link; put the file itself here")
        elif path.is_file() and place.as_posix() not in known:
            is_page = len(place.parts) == 2 and (place.name == INDEX or PAGE_NAME.fullmatch(place.name))
            if not is_page or path.parent not in topics:
                yield Fault(place.as_posix(), "belongs to nothing; a page is TOPIC/00-name.md")
