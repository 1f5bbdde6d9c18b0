"""Forms: coloured sections with a large heading, and the same small fields in each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import Page, lay_page
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import Colour, contrasting, named, tint
from arr_coc.data.drawing.fonts import FAMILIES
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

IN_SECTION = (
    "What is the {field} in the section {heading}?",
    "Which {field} is in the section {heading}?",
    "Read the {field} of {heading}.",
    "{heading}: what is the {field}?",
)
IN_BOX = (
    "What is the {field} in the {colour} box?",
    "Which {field} is in the {colour} section?",
    "Read the {field} in the {colour} box.",
)
SECTION_OF = ("Which section has the {field} {value}?", "In which section is the {field} {value}?")
HEADING_OF = ("What is the heading of the {colour} box?", "Which heading does the {colour} section have?")
COLOUR_OF = ("What colour is the section {heading}?", "Which colour does the box {heading} have?")
NUM_SECTIONS = ("How many sections does the form have?", "How many coloured boxes are there?")
IS_VALUE = ("Is {value} the {field} in the section {heading}?", "Does {heading} have the {field} {value}?")
TITLE = ("What is the title of the form?", "Transcribe the title.")
FORM_NUMBER = ("What is the form number?", "Which number is in the small print at the foot?")

FIELDS: dict[str, Callable[[Random], str]] = {
    "Name": lambda rng: rng.choice(words.NAMES),
    "Surname": lambda rng: rng.choice(words.SURNAMES),
    "City": lambda rng: rng.choice(words.CITIES),
    "Code": words.code,
    "Phone": words.phone,
    "Age": lambda rng: str(rng.randint(18, 89)),
    "Date": words.date,
    "Room": lambda rng: words.number(rng, 3),
    "Time": words.time,
}


@dataclass(frozen=True)
class Section:
    """A coloured box of the form: its heading and its fields, label and value each."""

    heading: Ink
    colour: str
    box: Box
    fields: dict[str, tuple[Ink, Ink]]


def draw_form(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a form and asks about it."""
    page = lay_page(rng, canvas, plain, (0.33, 3.0))
    asker = Asker(rng, canvas)
    family = FAMILIES[rng.choice(tuple(FAMILIES))]
    body = Style(
        family[0],
        max(9.2, min(rng.uniform(9.3, max(14.5, page.width / 50)), page.width / 24, page.height / 20)),
        page.ink,
    )
    top, bottom = draw_edges(rng, asker, page, body.faced(family[1]))
    boxes = section_boxes(rng, page, body.cap, top, bottom)
    names = pick_fields(rng, boxes[0], body)
    values = {name: distinct_values(rng, FIELDS[name], len(boxes)) for name in names}
    headings = words.distinct(rng, words.SECTIONS, len(boxes))
    colours = rng.sample(page.colours, len(boxes))
    look = rng.randrange(3)
    sections = [
        draw_section(
            canvas,
            box,
            heading,
            (colour, named(rng, colour)),
            look,
            body,
            rng.random(),
            {n: values[n][k] for n in names},
        )
        for k, (box, heading, colour) in enumerate(zip(boxes, headings, colours, strict=True))
    ]
    ask_sections(rng, asker, sections)
    asker.ask_picture("form")
    asker.ask_page(page)
    return asker


def distinct_values(rng: Random, draw: Callable[[Random], str], num: int) -> list[str]:
    """`num` different values of a field."""
    values: list[str] = []
    while len(values) < num:
        value = draw(rng)
        if value not in values:
            values.append(value)
    return values


def draw_edges(rng: Random, asker: Asker, page: Page, bold: Style) -> tuple[float, float]:
    """Title above and small print below; returns the heights between which the sections lie."""
    x0, y0, x1, y1 = page.frame
    pad, canvas = bold.cap * 1.2, asker.canvas
    title = rng.choice(words.TITLES)
    style = canvas.fit(title, bold.sized(min(60.0, bold.cap * rng.uniform(1.2, 2.4))), page.width - 2 * pad)
    ink = canvas.text(x0 + pad, y0 + pad, title, style)
    asker.ask("transcribe", "reading", TITLE, title, [ink])
    small = Style(bold.face.removesuffix("-bold"), 9.2, page.ink)
    code = words.code(rng)
    y = y1 - pad - small.cap
    tag = canvas.text(x0 + pad, y, "Form", small)
    number = canvas.text(tag.box[2] + small.cap * 0.8, y, code, small)
    asker.ask("small_print", "reading", FORM_NUMBER, code, [number])
    return y0 + pad + style.cap * 1.3 + bold.cap, y - bold.cap


def section_boxes(rng: Random, page: Page, cap: float, top: float, bottom: float) -> list[Box]:
    """Boxes on a grid of columns and rows; every one has room for a heading and two fields."""
    pad = cap * 1.2
    left, right = page.frame[0] + pad, page.frame[2] - pad
    most_cols = max(1, min(3, int((right - left) / (cap * 17))))
    most_rows = max(1, min(4, int((bottom - top) / (cap * 7.2))))
    cols = rng.randint(1, most_cols)
    rows = rng.randint(1 if cols > 1 else min(2, most_rows), most_rows)
    gap = cap * 0.9
    width, height = (right - left + gap) / cols, (bottom - top + gap) / rows
    boxes = [
        (left + c * width, top + r * height, left + (c + 1) * width - gap, top + (r + 1) * height - gap)
        for r in range(rows)
        for c in range(cols)
    ]
    return boxes[:6]


def pick_fields(rng: Random, box: Box, body: Style) -> list[str]:
    """Names of the fields that every section has, as many as fit."""
    fits = int((box[3] - box[1] - body.cap * 3.4) / (body.cap * 1.8))
    return rng.sample(tuple(FIELDS), max(1, min(rng.randint(2, 6), fits)))


def draw_section(
    canvas: Canvas,
    box: Box,
    heading: str,
    colour: tuple[str, Colour],
    look: int,
    body: Style,
    shift: float,
    values: dict[str, str],
) -> Section:
    """One box; `look` 0 has a coloured band, 1 a coloured border, 2 is filled with a pale shade.

    `shift`, 0..1, moves and spreads the fields where there is room.
    """
    x0, y0, x1, y1 = box
    name, shade = colour
    pad = body.cap * 0.7
    style = body.faced(body.face + "-bold")
    style = canvas.fit(
        heading, style.sized(min(46.0, max(body.cap * 2.2, (y1 - y0) * 0.11), (y1 - y0) * 0.22)), x1 - x0 - 2 * pad
    )
    band = style.cap + 1.4 * pad
    canvas.rect(box, tint(shade, 0.45) if look == 2 else None, shade, 2 if look == 0 else 5)
    if look == 0:
        canvas.rect((x0, y0, x1, y0 + band), shade)
        style = style.coloured(contrasting(shade))
    ink = canvas.text(x0 + pad * 1.3, y0 + 0.7 * pad + (0 if look == 0 else pad * 0.4), heading, style)
    y = y0 + band + pad * 1.1 + abs(canvas.angle) * body.cap * 0.15
    pitch = min(body.cap * (1.9 + 3 * shift), (y1 - pad * 0.6 - y) / len(values))
    y += (y1 - pad * 0.6 - y - pitch * len(values)) * (shift * 7 % 1)
    longest = max(canvas.measure(f"{label}: {value}", body) for label, value in values.items()) + body.cap * 2
    x = x0 + pad * 1.3 + shift * max(0.0, x1 - x0 - 2 * pad - longest)
    fields = {}
    for label, value in values.items():
        tag = canvas.text(x, y, f"{label}:", body)
        fields[label] = (tag, canvas.text(tag.box[2] + body.cap * 0.9, y, value, body))
        y += pitch
    return Section(ink, name, box, fields)


def field_of(tag: Ink) -> str:
    """A field as a question calls it."""
    return tag.text.removesuffix(":").lower()


def ask_sections(rng: Random, asker: Asker, sections: list[Section]) -> None:
    """Lookups by heading and by colour, and what a glimpse tells of the sections."""
    pairs = [(section, label) for section in sections for label in section.fields]
    for section, label in rng.sample(pairs, min(5, len(pairs))):
        tag, value = section.fields[label]
        heading = section.heading.text
        asker.ask(
            "read_field",
            "reading",
            IN_SECTION,
            value.text,
            [value, tag, section.heading],
            field=field_of(tag),
            heading=heading,
        )
    for section, label in rng.sample(pairs, min(4, len(pairs))):
        tag, value = section.fields[label]
        asker.ask("read_field", "reading", IN_BOX, value.text, [value, tag], field=field_of(tag), colour=section.colour)
    section, label = rng.choice(pairs)
    tag, value = section.fields[label]
    asker.ask(
        "read_field",
        "reading",
        SECTION_OF,
        section.heading.text,
        [section.heading, value],
        hops=2,
        field=field_of(tag),
        value=value.text,
    )
    section = rng.choice(sections)
    asker.ask("read_field", "reading", HEADING_OF, section.heading.text, [section.heading], colour=section.colour)
    section = rng.choice(sections)
    asker.ask("colour", "description", COLOUR_OF, section.colour, [section.heading], heading=section.heading.text)
    asker.ask("count", "description", NUM_SECTIONS, str(len(sections)))
    if len(sections) > 1:
        ask_value(rng, asker, sections)


def ask_value(rng: Random, asker: Asker, sections: list[Section]) -> None:
    """Yes or no: is a value that is printed somewhere in this section or in another one?"""
    section, other = rng.sample(sections, 2)
    label = rng.choice(tuple(section.fields))
    tag, value = section.fields[label]
    true = rng.random() < 0.5
    shown = value.text if true else other.fields[label][1].text
    heading = section.heading.text
    evidence = [value, tag, section.heading]
    asker.ask(
        "yes_no",
        "reading",
        IS_VALUE,
        "yes" if true else "no",
        evidence,
        hops=2,
        field=field_of(tag),
        heading=heading,
        value=shown,
    )


KIND = Kind("form", 2, draw_form, {"reading": 11.0, "description": 1.5}, "mixed", may_turn=True)
