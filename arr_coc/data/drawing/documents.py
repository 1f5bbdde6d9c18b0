"""Documents: a title, sections with large headings, short paragraphs with one fact each, small print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import Page, lay_page, rule_page
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import named
from arr_coc.data.drawing.fonts import FAMILIES, SLANTED
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

IN_SECTION = (
    "Which {fact} is in the section {heading}?",
    "What is the {fact} in the section {heading}?",
    "Read the {fact} under {heading}.",
    "{heading}: which {fact} is given?",
)
AT_BAR = ("Which {fact} is next to the {colour} bar?", "What is the {fact} beside the {colour} bar?")
SECTION_OF = ("Which section has the {fact} {value}?", "In which section is the {fact} {value}?")
HEADING_AT = ("Which heading is next to the {colour} bar?", "What is the heading beside the {colour} bar?")
BAR_COLOUR = ("What colour is the bar beside {heading}?", "Which colour marks the section {heading}?")
HAS_SECTION = ("Is there a section {heading}?", "Does the document have a section {heading}?")
FIRST_HEADING = ("What is the first heading?", "Which section comes first?")
LAST_HEADING = ("What is the last heading?", "Which section comes last?")
NUM_SECTIONS = ("How many sections are there?", "How many headings does the document have?")
TITLE = ("What is the title of the document?", "Transcribe the title.")
DATE = ("What is the date in the top right corner?", "Which date is at the top of the page?")
FOOT = (
    "What is the code in the small print at the foot?",
    "Read the small code at the bottom.",
    "Which code is in the footer?",
)

FACTS: dict[str, Callable[[Random], str]] = {
    "code": words.code,
    "date": words.date,
    "name": lambda rng: rng.choice(words.NAMES),
    "city": lambda rng: rng.choice(words.CITIES),
    "phone": words.phone,
    "time": words.time,
}
LEADS = {
    "code": ("code", "use code", "new code"),
    "date": ("on", "before", "until"),
    "name": ("ask", "call", "tell"),
    "city": ("in", "near", "from"),
    "phone": ("phone", "dial", "call"),
    "time": ("at", "after", "until"),
}


@dataclass(frozen=True)
class Section:
    """A heading, the fact its paragraph holds, and the colour of the bar beside it, if any."""

    heading: Ink
    fact: str
    value: Ink
    bar: str | None


@dataclass(frozen=True)
class Slot:
    """Room for one section and the styles to use in it."""

    box: Box
    heading: Style
    body: Style


def draw_document(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a document and asks about it."""
    page = lay_page(rng, canvas, plain, (0.35, 3.0))
    if not plain and rng.random() < 0.15:
        rule_page(rng, canvas, page)
    asker = Asker(rng, canvas)
    family = rng.choice(tuple(FAMILIES))
    cap = max(9.2, min(rng.uniform(9.4, max(14.0, page.width / 55)), page.width / 25, page.height / 21))
    body = Style(SLANTED[family] if rng.random() < 0.15 else FAMILIES[family][0], cap, page.ink)
    bold = body.faced(FAMILIES[family][1])
    top = draw_head(rng, asker, page, bold, body)
    bottom = draw_foot(rng, asker, page, body)
    slots = section_slots(rng, page, body, bold, top, bottom)
    sections = draw_sections(rng, canvas, slots, page.colours)
    ask_sections(rng, asker, sections)
    ask_order(rng, asker, sections)
    asker.ask_picture("document")
    asker.ask_page(page)
    return asker


def draw_head(rng: Random, asker: Asker, page: Page, bold: Style, body: Style) -> float:
    """Date in the corner and the title; returns the height below them."""
    canvas, pad = asker.canvas, body.cap * 1.3
    left, right, y = page.frame[0] + pad, page.frame[2] - pad, page.frame[1] + pad
    if rng.random() < 0.7:
        date = canvas.text(right, y, words.date(rng), body.sized(max(9.2, body.cap * 0.9)), "right")
        asker.ask("read_field", "reading", DATE, date.text, [date])
        y += body.cap * 2.0 + abs(canvas.angle) * 3
    title = rng.choice(words.TITLES)
    style = bold.sized(min(60.0, max(body.cap * rng.uniform(1.6, 2.8), page.height * 0.045)))
    style = canvas.fit(title, style, right - left)
    ink = (
        canvas.text(left, y, title, style)
        if rng.random() < 0.5
        else canvas.text((left + right) / 2, y, title, style, "centre")
    )
    asker.ask("transcribe", "reading", TITLE, title, [ink])
    return y + style.cap * 1.3 + body.cap * 1.2


def draw_foot(rng: Random, asker: Asker, page: Page, body: Style) -> float:
    """Small print; returns the height above it."""
    canvas, small = asker.canvas, body.sized(9.2)
    y = page.frame[3] - body.cap * 1.2 - small.cap
    tag = canvas.text(page.frame[0] + body.cap * 1.3, y, rng.choice(("Page code", "File", "Print no.")), small)
    ink = canvas.text(tag.box[2] + small.cap * 0.8, y, words.code(rng), small)
    asker.ask("small_print", "reading", FOOT, ink.text, [ink])
    return y - body.cap


def section_slots(rng: Random, page: Page, body: Style, bold: Style, top: float, bottom: float) -> list[Slot]:
    """Columns and rows of sections; at least 3.5 lines of room for each."""
    pad = body.cap * 1.3
    left, right = page.frame[0] + pad, page.frame[2] - pad
    cols = rng.randint(1, max(1, min(3, int((right - left) / (body.cap * 24)))))
    heading = bold.sized(min(44.0, max(body.cap * rng.uniform(1.3, 2.0), page.height * rng.uniform(0.025, 0.045))))
    needed = heading.cap * 1.6 + body.cap * 4.2
    rows = max(1, min(rng.randint(2, 5), int((bottom - top) / needed)))
    width, height = (right - left) / cols, (bottom - top) / rows
    boxes = [
        (left + c * width, top + r * height, left + (c + 1) * width - pad, top + (r + 1) * height)
        for c in range(cols)
        for r in range(rows)
    ]
    return [Slot(box, heading, body) for box in boxes[:6]]


def draw_sections(rng: Random, canvas: Canvas, slots: list[Slot], colours: tuple[str, ...]) -> list[Section]:
    """One section a slot; the same fact may be asked of several, its values differ."""
    headings = words.distinct(rng, words.TOPICS, len(slots))
    facts = rng.choices(rng.sample(tuple(FACTS), 2), k=len(slots))
    values: list[str] = []
    while len(values) < len(slots):
        value = FACTS[facts[len(values)]](rng)
        if value not in values:
            values.append(value)
    bars: list[str | None] = [None] * len(slots)
    if rng.random() < 0.6:
        bars = list(rng.sample(colours, len(slots)))
    parts = zip(slots, headings, facts, values, bars, strict=True)
    return [draw_section(rng, canvas, slot, heading, fact, value, bar) for slot, heading, fact, value, bar in parts]


def draw_section(
    rng: Random, canvas: Canvas, slot: Slot, heading: str, fact: str, value: str, bar: str | None
) -> Section:
    """Heading, then lines of common words with the fact somewhere in them."""
    x0, y0, x1, y1 = slot.box
    indent = slot.body.cap * 1.4 if bar else 0.0
    style = canvas.fit(heading, slot.heading, x1 - x0 - indent)
    ink = canvas.text(x0 + indent, y0, heading, style)
    top = y0 + style.cap * 1.3 + slot.body.cap * 0.9
    pitch = slot.body.cap * rng.uniform(1.75, 2.1)
    num_lines = max(1, min(rng.randint(2, 4), int((y1 - top - slot.body.cap * 0.6) / pitch)))
    lines = fill_lines(rng, canvas, slot.body, min(x1 - x0 - indent, slot.body.cap * 34), num_lines, fact, value)
    found = None
    for line in lines:
        x = x0 + indent
        for text in line:
            piece = canvas.text(x, top, text, slot.body)
            found = piece if text == value else found
            x = piece.box[2] + slot.body.cap * 0.55
        top += pitch
    if bar:
        canvas.rect((x0, y0, x0 + slot.body.cap * 0.7, top - pitch + slot.body.cap * 1.2), named(rng, bar))
    assert found is not None, "the fact of a section was not drawn"
    return Section(ink, fact, found, bar)


def fill_lines(
    rng: Random, canvas: Canvas, style: Style, width: float, num_lines: int, fact: str, value: str
) -> list[list[str]]:
    """Lines no wider than `width`; the lead and the value stand in one of them."""
    gap = style.cap * 0.55
    place = rng.randrange(num_lines)
    lines = []
    for k in range(num_lines):
        line = [rng.choice(LEADS[fact]), value] if k == place else [rng.choice(words.FILLER)]
        room = width - sum(canvas.measure(text, style) + gap for text in line)
        while True:
            word = rng.choice(words.FILLER)
            room -= canvas.measure(word, style) + gap
            if room < 0:
                break
            line.insert(0, word) if rng.random() < 0.5 else line.append(word)
        lines.append(line)
    return lines


def ask_sections(rng: Random, asker: Asker, sections: list[Section]) -> None:
    """Facts by heading and by the colour beside them."""
    for section in rng.sample(sections, min(4, len(sections))):
        evidence = [section.value, section.heading]
        asker.ask(
            "read_field",
            "reading",
            IN_SECTION,
            section.value.text,
            evidence,
            fact=section.fact,
            heading=section.heading.text,
        )
    for section in rng.sample(sections, min(3, len(sections))):
        if section.bar:
            asker.ask(
                "read_field",
                "reading",
                AT_BAR,
                section.value.text,
                [section.value],
                fact=section.fact,
                colour=section.bar,
            )
            asker.ask("read_field", "reading", HEADING_AT, section.heading.text, [section.heading], colour=section.bar)
    section = rng.choice(sections)
    evidence = [section.heading, section.value]
    asker.ask(
        "read_field",
        "reading",
        SECTION_OF,
        section.heading.text,
        evidence,
        hops=2,
        fact=section.fact,
        value=section.value.text,
    )
    if section.bar:
        asker.ask("colour", "description", BAR_COLOUR, section.bar, [section.heading], heading=section.heading.text)


def ask_order(rng: Random, asker: Asker, sections: list[Section]) -> None:
    """First and last heading, number of headings, whether there is one."""
    if len(sections) > 1:
        asker.ask("read_field", "reading", FIRST_HEADING, sections[0].heading.text, [sections[0].heading])
    if len(sections) > 1 and sections[-1].heading.box[0] - sections[0].heading.box[0] < 4:
        asker.ask("read_field", "reading", LAST_HEADING, sections[-1].heading.text, [sections[-1].heading])
    size = sections[0].heading.cap_px
    asker.ask("count", "description", NUM_SECTIONS, str(len(sections)), glyph_px=size)
    present = rng.random() < 0.5
    heading = rng.choice(sections).heading
    absent = asker.absent(words.TOPICS)
    evidence = [heading] if present else [s.heading for s in sections]
    asker.ask(
        "exists",
        "reading",
        HAS_SECTION,
        "yes" if present else "no",
        evidence,
        heading=heading.text if present else absent,
    )


KIND = Kind("document", 3, draw_document, {"reading": 10.0, "description": 1.5}, "dense text", may_turn=True)
