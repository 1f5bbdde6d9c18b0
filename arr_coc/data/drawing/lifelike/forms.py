"""Forms: questions in print, answers typed or written by hand, boxes for letters, boxes to tick."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import ACCENTS, Rgb, lighter, paper_choice, signature
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import Print
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.typefaces import choices
from arr_coc.data.drawing.lifelike.vocabulary import Speaker, clock, date, phone, serial
from arr_coc.data.drawing.lifelike.world import (
    COUNTRIES,
    FIRST_NAMES,
    JOBS,
    LAST_NAMES,
    account,
    email,
    firm,
    person,
    postal_address,
    town,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.writer import Writer, cut, spelled, writer_on
from arr_coc.data.records import Box

LAYOUTS = ("cells", "lines", "combs")
UNSEEN_LAYOUTS = ("boxes below", "table")
TITLES = (
    "Application Form", "REGISTRATION", "Membership application", "Claim form", "Change of address",
    "Medical history", "Visitor form",
    "Customs declaration", "Order form", "Expense report", "Leave request", "Accident report", "Rental agreement",
    "Job application",
    "Survey", "Anmeldung", "School enrolment", "Warranty card", "Library card", "Parking permit application",
    "Booking request",
)  # fmt: skip
NOTES = ("Please complete in block letters.", "Fields marked * are required.", "For office use only",
    "Please print clearly.", "Part A - personal details",
         "Return this form within 14 days.", "Tick as appropriate.")  # fmt: skip
OPTIONS = (
    ("Sex", ("Male", "Female", "Other")), ("Title", ("Mr", "Mrs", "Ms", "Dr")),
    ("Marital status", ("Single", "Married", "Divorced", "Widowed")),
    ("Payment", ("Cash", "Card", "Transfer", "Cheque")), ("Employment",
    ("Full-time", "Part-time", "Student", "Retired")),
    ("Delivery", ("Standard", "Express", "Collect")), ("Reason", ("New", "Renewal", "Replacement")),
    ("Smoker", ("Yes", "No")),
    ("Language", ("English", "French", "German", "Spanish")), ("Newsletter", ("Yes", "No")),
    ("Room", ("Single", "Double", "Suite")),
    ("Contact by", ("Phone", "Post", "Email")), ("Housing", ("Own", "Rent", "Family")),
)  # fmt: skip


def values(rng: Random, speaker: Speaker) -> dict[str, str]:
    """What people fill in, by label."""
    street, place = postal_address(rng, speaker)
    return {
        "Name": person(rng, speaker), "Surname": speaker.word(LAST_NAMES).replace("_", " "),
        "First name": speaker.word(FIRST_NAMES),
        "Date of birth": date(rng), "Address": street, "Postcode and town": place,
        "Nationality": rng.choice(COUNTRIES), "Phone": phone(rng),
        "Email": email(rng, speaker.word(LAST_NAMES)), "Occupation": speaker.word(["Teacher", "Nurse", "Driver",
        "Engineer", "Clerk", "Cook", "Painter"]),
        "Employer": firm(rng, speaker), "Passport no.": serial(rng), "Policy number": serial(rng),
        "Place of birth": town(rng, speaker),
        "Emergency contact": person(rng, speaker), "Date": date(rng), "Time": clock(rng),
        "Account number": account(rng),
        "Vehicle registration": f"{rng.choice('ABCDEFGH')}{rng.choice('KLMNPR')} {rng.randint(100, 9999)}",
        "Purpose": rng.choice(JOBS), "Age": str(rng.randint(16, 92)),
        "Height": f"{rng.randint(150, 199)} cm", "Weight": f"{rng.randint(48, 120)} kg",
        "Number of persons": str(rng.randint(1, 9)), "Department": rng.choice(JOBS),
        "Member since": str(rng.randint(1980, 2026)), "Reference": serial(rng), "Signature date": date(rng),
        "Doctor": person(rng, speaker), "City": town(rng, speaker),
    }  # fmt: skip


@dataclass
class Form:
    """A form in the making: how it is filled in, and where the next row goes."""

    writer: Writer
    pen: Print
    pen_colour: Rgb
    accent: Rgb
    left: float
    right: float
    y: float

    @property
    def width(self) -> float:
        return self.right - self.left


def draw_form(rng: Random, unseen: bool, zoom: float) -> Sheet:
    cap, layout = rng.uniform(8, 12) * zoom, rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS)
    width = cap * rng.uniform(50, 72)
    paper, ink = paper_choice(rng)
    writer = writer_on(rng, (width, width * 2), unseen, cap, ("sans", "sans", "serif", "narrow"), paper, ink)
    margin = width * rng.uniform(0.04, 0.08)
    written = rng.random() < 0.6
    pen = Print(
        rng.choice(choices("hand" if written else rng.choice(("mono", "sans")), unseen)),
        cap * (rng.uniform(1.1, 1.5) if written else 1.0),
    )
    colour: Rgb = rng.choice(((24, 40, 130), (30, 30, 34), (16, 60, 150))) if written else ink
    form = Form(writer, pen, colour, rng.choice(ACCENTS), margin, width - margin, margin)
    heading(form)
    answers = values(rng, writer.speaker)
    labels = rng.sample(list(answers), rng.randint(6, 12))
    fill(form, layout, [(label, answers[label]) for label in labels])
    for label, options in rng.sample(OPTIONS, rng.randint(1, 4)):
        ticks(form, label, options)
    closing(form)
    writer.ask_rows(3)
    cut(writer, form.y + margin * 0.6)
    return writer.sheet


def heading(form: Form) -> None:
    writer, rng, cap = form.writer, form.writer.rng, form.writer.cap
    style, banded = writer.bold.sized(rng.uniform(1.5, 2.3)), rng.random() < 0.35
    if banded:
        writer.box((0, 0, writer.sheet.width, form.y + style.cap * 2), fill=form.accent)
    centred = rng.random() < 0.4
    x = (form.left + form.right) / 2 if centred else form.left
    ink = writer.line(
        x,
        form.y,
        rng.choice(TITLES),
        style,
        align="centre" if centred else "left",
        colour=(255, 255, 255) if banded else None,
        width=form.width,
    )
    writer.sheet.ask("title", asked.HEADING, ink.text, [ink])
    if rng.random() < 0.4:
        writer.put(form.right, form.y, f"Form {rng.choice('ABCDKLT')}{rng.randint(1, 999)}", writer.body.sized(0.8),
            align="right",
                   colour=(255, 255, 255) if banded else None)  # fmt: skip
    form.y += style.cap * 1.6 + cap * (2.4 if banded else 1.2)
    if rng.random() < 0.6:
        writer.line(form.left, form.y, rng.choice(NOTES), writer.body.sized(0.85))
        form.y += cap * 2.4


def fill(form: Form, layout: str, entries: list[tuple[str, str]]) -> None:
    """All entries, one or two in a row."""
    rng = form.writer.rng
    while entries:
        pair = entries[: rng.choice((1, 2, 2)) if layout != "combs" else 1]
        del entries[: len(pair)]
        column = form.width / len(pair)
        for k, (label, value) in enumerate(pair):
            cell = (
                form.left + k * column,
                form.left + (k + 1) * column - (0 if layout in ("cells", "table") else form.writer.cap),
            )
            FILLED[layout](form, cell, label, value)
        form.y += form.writer.cap * HEIGHTS[layout]


def said(form: Form, label: str, ink: Ink) -> None:
    if ink.text:
        form.writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=label)
        if form.writer.rng.random() < 0.15:
            form.writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=label.lower())


def in_cell(form: Form, cell: tuple[float, float], label: str, value: str) -> None:
    """A ruled cell with its label small in the corner."""
    writer, cap = form.writer, form.writer.cap
    writer.box((cell[0], form.y, cell[1], form.y + cap * HEIGHTS["cells"]), outline=writer.sheet.ink)
    name = writer.put(
        cell[0] + cap * 0.4, form.y + cap * 0.4, label, writer.body.sized(0.72), colour=lighter(form.accent, 0.1)
    )
    ink = writer.put(
        cell[0] + cap * 0.9,
        form.y + cap * 1.75,
        value,
        form.pen,
        colour=form.pen_colour,
        width=cell[1] - cell[0] - cap * 1.4,
    )
    writer.row(name, ink)
    said(form, label, ink)


def on_line(form: Form, cell: tuple[float, float], label: str, value: str) -> None:
    """A label, then a line or dots that carry the value."""
    writer, cap, rng = form.writer, form.writer.cap, form.writer.rng
    name = writer.put(cell[0], form.y + cap * 0.8, label + ":", width=(cell[1] - cell[0]) * 0.45)
    start = name.box[2] + cap * 0.5
    writer.sheet.rule(start, cell[1], round(form.y + cap * 2.1), 1, 2 if int(form.left) % 2 else 0)
    lift = rng.uniform(-0.15, 0.15) * cap
    ink = writer.put(
        start + cap * 0.5,
        form.y + cap * 1.85 - form.pen.cap + lift,
        value,
        form.pen,
        colour=form.pen_colour,
        width=cell[1] - start - cap * 0.6,
    )
    writer.row(name, ink)
    said(form, label, ink)


def in_combs(form: Form, cell: tuple[float, float], label: str, value: str) -> None:
    """One letter to a box."""
    writer, cap = form.writer, form.writer.cap
    name = writer.put(cell[0], form.y + cap * 1.1, label, width=form.width * 0.27)
    start, side = cell[0] + form.width * 0.29, cap * 2.05
    text = spelled(form.pen.face, value).upper()[: int((cell[1] - start) / side)].strip()
    style = form.pen.sized(1.15 * cap / form.pen.cap)
    for k in range(min(int((cell[1] - start) / side), len(text) + 4)):
        box = (start + k * side, form.y + cap * 0.5, start + (k + 1) * side, form.y + cap * 2.75)
        writer.box(box, fill=(255, 255, 255), outline=lighter(form.accent, 0.3))
        if k < len(text) and text[k] != " ":
            writer.put((box[0] + box[2]) / 2, form.y + cap, text[k], style, align="centre", colour=form.pen_colour)
    whole: Box = (start, form.y + cap * 0.5, start + len(text) * side, form.y + cap * 2.75)
    ink = Ink(text, whole, style.cap)
    writer.row(name, ink)
    said(form, label, ink)


def in_box_below(form: Form, cell: tuple[float, float], label: str, value: str) -> None:
    """The label above a rounded field, as web forms are printed."""
    writer, cap = form.writer, form.writer.cap
    writer.put(cell[0], form.y, label, writer.bold.sized(0.85), width=cell[1] - cell[0])
    writer.box(
        (cell[0], form.y + cap * 1.5, cell[1], form.y + cap * 3.9),
        fill=lighter(form.accent, 0.92),
        outline=(150, 150, 156),
        radius=cap * 0.4,
    )
    ink = writer.put(
        cell[0] + cap * 0.7,
        form.y + cap * 2.7 - form.pen.cap / 2,
        value,
        form.pen,
        colour=form.pen_colour,
        width=cell[1] - cell[0] - cap * 1.4,
    )
    said(form, label, ink)


def in_table(form: Form, cell: tuple[float, float], label: str, value: str) -> None:
    """A shaded label cell beside a white one."""
    writer, cap = form.writer, form.writer.cap
    middle, bottom = cell[0] + (cell[1] - cell[0]) * 0.36, form.y + cap * HEIGHTS["table"]
    writer.box((cell[0], form.y, middle, bottom), fill=lighter(form.accent, 0.85), outline=writer.sheet.ink)
    writer.box((middle, form.y, cell[1], bottom), outline=writer.sheet.ink)
    name = writer.put(cell[0] + cap * 0.5, form.y + cap * 0.9, label, writer.bold, width=middle - cell[0] - cap)
    ink = writer.put(
        middle + cap * 0.6,
        form.y + cap * 1.4 - form.pen.cap / 2,
        value,
        form.pen,
        colour=form.pen_colour,
        width=cell[1] - middle - cap * 1.2,
    )
    writer.row(name, ink)
    said(form, label, ink)


FILLED = {"cells": in_cell, "lines": on_line, "combs": in_combs, "boxes below": in_box_below, "table": in_table}
HEIGHTS = {"cells": 3.6, "lines": 2.7, "combs": 3.2, "boxes below": 4.8, "table": 2.8}


def ticks(form: Form, label: str, options: tuple[str, ...]) -> None:
    """Options with a box each; one is marked."""
    writer, cap, rng = form.writer, form.writer.cap, form.writer.rng
    form.y += cap
    name = writer.put(form.left, form.y, label + rng.choice((":", "", "?")), writer.bold)
    x, chosen, round_ = name.box[2] + cap * 1.5, rng.choice(options), rng.random() < 0.3
    evidence: list[Box] = []
    for option in options:
        box = (x, form.y - cap * 0.15, x + cap * 1.3, form.y + cap * 1.15)
        writer.box(box, outline=writer.sheet.ink, fill=(255, 255, 255), radius=cap * 0.65 if round_ else 0)
        if option == chosen:
            mark(form, box)
        ink = writer.put(x + cap * 1.8, form.y, option)
        whole = (x, ink.box[1], ink.box[2], ink.box[3])
        evidence.append(whole)
        if option == chosen:
            writer.sheet.ask("ticked", asked.TICKED, ink.text, [ink, whole], hops=2, glyph_px=cap, label=label)
        x = ink.box[2] + cap * rng.uniform(1.5, 2.5)
    other = rng.choice(options)
    if options != ("Yes", "No") and "Other" not in other:
        at = evidence[options.index(other)]
        writer.sheet.ask(
            "yes_no", asked.IS_TICKED, "yes" if other == chosen else "no", [at], hops=2, glyph_px=cap, option=other
        )
    form.y += cap * 1.8


def mark(form: Form, box: Box) -> None:
    """A cross or a tick by hand, a little over the edge."""
    x0, y0, x1, y1 = box
    width, out = max(2, round(form.writer.cap / 5)), form.writer.cap * 0.2
    if form.writer.rng.random() < 0.6:
        form.writer.pen.line((x0 - out, y0, x1, y1 + out), fill=form.pen_colour, width=width)
        form.writer.pen.line((x0, y1, x1 + out, y0 - out), fill=form.pen_colour, width=width)
    else:
        form.writer.pen.line(
            [(x0, (y0 + y1) / 2), ((x0 + x1) / 2, y1), (x1 + out * 2, y0 - out)], fill=form.pen_colour, width=width
        )


def closing(form: Form) -> None:
    """Place and date, a signature on its line."""
    writer, cap, rng = form.writer, form.writer.cap, form.writer.rng
    form.y += cap * 3.4
    if rng.random() < 0.7:
        x0 = form.left + form.width * rng.uniform(0, 0.5)
        x1 = x0 + form.width * 0.42
        signature(writer, x0 + cap, form.y - cap * 0.4, form.width * 0.3, form.pen_colour)
        writer.sheet.rule(x0, x1, round(form.y + cap * 0.6), 1)
        writer.put(
            x0,
            form.y + cap * 1.2,
            rng.choice(("Signature", "Signature of applicant", "Signed", "Unterschrift")),
            writer.body.sized(0.75),
        )
        form.y += cap * 2.2
    else:
        text = f"{rng.choice(('Page', 'Sheet'))} {rng.randint(1, 4)} / {rng.randint(4, 8)}"
        writer.line(form.right, form.y, text, writer.body.sized(0.8), align="right")
        form.y += cap


KIND = LifelikeKind("form", 4, version="1", share=6, draw=draw_form, take=photographed_page)
