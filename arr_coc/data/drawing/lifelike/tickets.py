"""Tickets: for trains and planes, concerts and cinemas, car parks; labels small above their values, a stub torn off."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import ACCENTS, TINTED_PAPERS, Rgb, bar_code, lighter, logo, square_code
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.vocabulary import clock, date, serial
from arr_coc.data.drawing.lifelike.world import BRANDS, HALLS, SHOWS, Money, person, town
from arr_coc.data.drawing.lifelike.writer import Writer, spelled, writer_on

Wordings = tuple[str, ...]
LAYOUTS = ("journey", "event", "parking")
UNSEEN_LAYOUTS = ("cinema", "pass")
CARRIERS = ("Airways", "Railways", "Express", "Lines", "Bus", "Ferries", "Rail", "Air", "Coaches", "Metro")
CLASSES = ("Economy", "2nd class", "1st class", "Business", "Standard", "Saver", "Flex", "2. Klasse", "Y", "Adult")
CATEGORIES = ("Adult", "Child", "Reduced", "Student", "Senior", "Normal", "Full price", "Family")


@dataclass(frozen=True)
class Entry:
    """A label and its value, the question about it, and how large the value is set."""

    label: str
    value: str
    kind: str = "read_field"
    questions: Wordings = asked.VALUE_OF
    size: float = 1.0


def journey(rng: Random, writer: Writer) -> tuple[str, list[Entry]]:
    title = f"{writer.speaker.word(BRANDS)} {rng.choice(CARRIERS)}"
    start, end = town(rng, writer.speaker), town(rng, writer.speaker)
    entries = [
        Entry(rng.choice(("FROM", "From", "Von", "Departure")), start, "from", asked.PLACE_FROM, 1.6),
        Entry(rng.choice(("TO", "To", "Nach", "Destination")), end, "to", asked.PLACE_TO, 1.6),
        Entry(
            rng.choice(("PASSENGER", "Name", "Passenger name")), person(rng, writer.speaker), "name", asked.PASSENGER
        ),
        Entry(rng.choice(("DATE", "Date", "Travel date")), date(rng), "date", asked.WHEN_DATE),
        Entry(rng.choice(("DEPARTS", "Time", "Dep.", "Boarding")), clock(rng), "time", asked.WHEN_TIME),
        Entry(rng.choice(("SEAT", "Seat")), f"{rng.randint(1, 48)}{rng.choice('ABCDEF')}", "seat", asked.SEAT, 1.3),
    ]
    others = [
        Entry("Gate", f"{rng.choice('ABCD')}{rng.randint(1, 60)}", size=1.3), Entry("Coach", str(rng.randint(1, 22))),
        Entry("Platform", f"{rng.randint(1, 18)}{rng.choice(('', '', 'a', 'b'))}"), Entry("Class", rng.choice(CLASSES)),
        Entry(rng.choice(("Train", "Flight", "Service")),
            f"{rng.choice(('IC', 'RE', 'EX', 'LX', 'TK', 'BA'))} {rng.randint(10, 9999)}"),
        Entry("Group", str(rng.randint(1, 6))), Entry("Booking", serial(rng)), Entry("Ticket no.", serial(rng)),
    ]  # fmt: skip
    return title, entries + rng.sample(others, rng.randint(2, 5))


def event(rng: Random, writer: Writer) -> tuple[str, list[Entry]]:
    title = rng.choice(SHOWS) if rng.random() < 0.6 else f"{writer.speaker.word(BRANDS)} {rng.choice(SHOWS)}"
    money = Money.chosen(rng)
    price = money.full(rng.randint(8, 900) * rng.choice((10, 50, 100)))
    entries = [
        Entry(
            rng.choice(("VENUE", "Venue", "Ort")),
            f"{rng.choice(HALLS)}, {town(rng, writer.speaker)}",
            "venue",
            asked.VENUE,
            1.15,
        ),
        Entry(rng.choice(("DATE", "Date")), date(rng), "date", asked.WHEN_DATE, 1.15),
        Entry(rng.choice(("TIME", "Starts", "Begin")), clock(rng), "time", asked.WHEN_TIME, 1.15),
        Entry(rng.choice(("PRICE", "Price", "Total")), price, "price", asked.TICKET_PRICE),
        Entry(rng.choice(("SEAT", "Seat", "Platz")), str(rng.randint(1, 60)), "seat", asked.SEAT, 1.3),
    ]
    others = [
        Entry("Row", rng.choice((str(rng.randint(1, 40)), rng.choice("ABCDEFGHKLM"))), size=1.3),
            Entry("Block", f"{rng.choice('ABCDEFG')}{rng.randint(1, 9)}"),
        Entry("Doors", clock(rng)), Entry("Category", rng.choice(CATEGORIES)), Entry("Order", serial(rng)),
            Entry("Entrance", rng.choice(("North", "West", "Main", "Gate 3", "B"))),
    ]  # fmt: skip
    return title, entries + rng.sample(others, rng.randint(2, 4))


def parking(rng: Random, writer: Writer) -> tuple[str, list[Entry]]:
    money = Money.chosen(rng)
    plate = f"{''.join(rng.choices('ABCDEFGHJKLMNPRSTUVWXYZ', k=rng.randint(1, 3)))} {rng.randint(10, 9999)}"
    entries = [
        Entry(
            rng.choice(("Valid until", "PARK UNTIL", "Expires")),
            clock(rng),
            "time",
            ("Until when may I park?", "Until when is it valid?", "When does it expire?"),
            1.8,
        ),
        Entry(rng.choice(("Date", "DATE")), date(rng), "date", asked.WHEN_DATE, 1.2),
        Entry(
            rng.choice(("Fee paid", "PAID", "Amount", "Tarif")),
            money.full(rng.randint(2, 300) * 10),
            "price",
            asked.TICKET_PRICE,
            1.2,
        ),
        Entry(rng.choice(("Plate", "Registration", "Vehicle")), plate, "plate", asked.PLATE),
        Entry(rng.choice(("Zone", "Car park", "Location")), f"{town(rng, writer.speaker)} {rng.randint(1, 99)}"),
    ]
    others = [
        Entry("Entered", clock(rng)),
        Entry("Machine", serial(rng)),
        Entry("Ticket", serial(rng)),
        Entry("Tariff", rng.choice("ABCD")),
    ]
    return rng.choice(("PARKING TICKET", "Pay & Display", "CAR PARK", "City Parking", "P")), entries + rng.sample(
        others, rng.randint(1, 3)
    )


CONTENTS = {"journey": journey, "event": event, "parking": parking, "cinema": event, "pass": journey}


def draw_ticket(rng: Random, unseen: bool, zoom: float) -> Sheet:
    layout, cap = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS), rng.uniform(9, 14) * zoom
    upright = layout in ("parking", "pass")
    width = cap * (rng.uniform(24, 32) if upright else rng.uniform(50, 68))
    styles = ("sans", "sans", "narrow", "mono", "display") if layout != "parking" else ("mono", "sans", "narrow")
    paper = rng.choice(TINTED_PAPERS)
    accent: Rgb = rng.choice(ACCENTS)
    writer = writer_on(rng, (width, width * 2.2), unseen, cap, styles, paper)
    if rng.random() < 0.3:
        waves(writer, lighter(accent, 0.75))
    title, entries = CONTENTS[layout](rng, writer)
    y = top = head(writer, title, accent, layout)
    stub = None if upright or rng.random() < 0.35 else width * rng.uniform(0.7, 0.78)
    margin = cap * rng.uniform(1, 2.2)
    columns = 1 if layout == "parking" and rng.random() < 0.5 else 2 if upright else rng.choice((3, 4))
    y, inks = grid(writer, entries, (margin, y, (stub or width) - margin), columns, accent)
    y = codes(writer, margin, y, (stub or width) - margin, upright)
    if stub:
        y = tear(writer, stub, top, y, entries, accent)
    fine_print(writer, layout, margin, y, (stub or width) - margin)
    writer.ask_rows(2)
    bottom = min(writer.sheet.height, round(y + cap * 3))
    writer.sheet.image = writer.sheet.image.crop((0, 0, writer.sheet.width, bottom))
    return writer.sheet


def waves(writer: Writer, colour: Rgb) -> None:
    """Fine curves behind the print, as on securities."""
    rng, (width, height) = writer.rng, writer.sheet.image.size
    for y in range(0, height, rng.randint(7, 14)):
        writer.pen.arc((-width * 0.3, y, width * 1.3, y + width * 0.6), 200, 340, fill=colour)


def head(writer: Writer, title: str, accent: Rgb, layout: str) -> float:
    """A band or a line of title; where it ends."""
    rng, cap, width = writer.rng, writer.cap, writer.sheet.width
    big = writer.bold.sized(rng.uniform(1.5, 2.4))
    banded = rng.random() < 0.65
    tall = big.cap * 2.2
    if banded:
        writer.box((0, 0, width, tall), fill=accent)
    colour: Rgb = (255, 255, 255) if banded else accent
    x = cap * 1.6
    if rng.random() < 0.4:
        logo(writer, x, tall * 0.25, tall * 0.5, lighter(accent, 0.5) if banded else accent)
        x += tall * 0.7
    centred = rng.random() < 0.25
    ink = writer.line(
        width / 2 if centred else x,
        (tall - big.cap) / 2,
        title,
        big,
        align="centre" if centred else "left",
        colour=colour,
        width=width * 0.66,
    )
    questions = asked.EVENT if layout in ("event", "cinema") else asked.HEADING
    writer.sheet.ask("title", questions, ink.text, [ink])
    if not centred and rng.random() < 0.5:
        kind = rng.choice(("BOARDING PASS", "TICKET", "E-Ticket", "Admit one", "Ticket")) if layout != "parking" else ""
        writer.put(
            width - cap * 1.4, (tall - cap) / 2, kind, writer.bold, align="right", colour=colour, width=width * 0.24
        )
    return tall + cap * 1.4


def grid(
    writer: Writer, entries: list[Entry], frame: tuple[float, float, float], columns: int, accent: Rgb
) -> tuple[float, list[Ink]]:
    """Labels above their values, or beside them, in columns."""
    rng, cap = writer.rng, writer.cap
    x0, y, x1 = frame
    beside, tinted = columns == 1 and rng.random() < 0.6, rng.random() < 0.6
    label_style, column, inks = writer.body.sized(rng.uniform(0.7, 0.85)), (x1 - x0) / columns, []
    for start in range(0, len(entries), columns):
        row = entries[start : start + columns]
        below = y + label_style.cap * 1.9
        for k, entry in enumerate(row):
            x, room = x0 + k * column, column * (0.94 if k + 1 < len(row) or columns > 1 else 1)
            label = writer.put(
                x,
                y,
                entry.label,
                label_style,
                colour=accent if tinted else (110, 110, 114),
                width=room * (0.4 if beside else 1),
            )
            at = x0 + (x1 - x0) * 0.45 if beside else x
            ink = writer.put(
                at, y if beside else below, entry.value, writer.bold.sized(entry.size), width=x + room - at
            )
            inks.append(ink)
            ask_entry(writer, entry, label, ink, entries)
        tallest = max(entry.size for entry in row) * cap
        y = (y if beside else below) + tallest + cap * rng.uniform(1.1, 1.7)
    return y, inks


def ask_entry(writer: Writer, entry: Entry, label: Ink, ink: Ink, entries: list[Entry]) -> None:
    if not ink.text:
        return
    writer.sheet.ask(entry.kind, entry.questions, ink.text, [ink], label=entry.label)
    writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=entry.label)
    if sum(other.value == entry.value for other in entries) == 1 and writer.rng.random() < 0.25:
        writer.sheet.ask("label", asked.LABEL_OF, label.text, [label, ink], hops=2, value=ink.text)


def codes(writer: Writer, x0: float, y: float, x1: float, upright: bool) -> float:
    """A bar code with its digits, a square one, or none."""
    rng, cap, kind = writer.rng, writer.cap, writer.rng.random()
    if kind < 0.4:
        box = (x0, y, x0 + (x1 - x0) * rng.uniform(0.4, 0.8), y + cap * rng.uniform(2.5, 4.5))
        bar_code(writer, box)
        number = serial(rng)
        ink = writer.line(x0, box[3] + cap * 0.5, number, writer.body.sized(0.85))
        writer.sheet.ask(
            "code", ("Which number is under the bar code?", "Read the number below the bars."), ink.text, [ink]
        )
        return box[3] + cap * 2.2
    if kind < 0.65:
        side = cap * rng.uniform(6, 9)
        square_code(writer, x0 if upright else x1 - side, y - (0 if upright else min(y, side * 0.2)), side)
        return y + side + cap * 0.6
    return y


def tear(writer: Writer, x: float, top: float, y: float, entries: list[Entry], accent: Rgb) -> float:
    """The stub: a perforation, and some entries again."""
    rng, cap = writer.rng, writer.cap
    for hole in range(0, writer.sheet.height, round(cap)):
        writer.pen.ellipse((x - 2, hole, x + 2, hole + 4), fill=(130, 130, 130))
    at, room = top, writer.sheet.width - x - cap * 2
    small = writer.body.sized(0.75)
    for entry in rng.sample(entries, min(len(entries), rng.randint(2, 4))):
        writer.put(x + cap, at, entry.label, small, colour=accent, width=room)
        writer.put(x + cap, at + small.cap * 1.8, spelled(writer.bold.face, entry.value), writer.bold, width=room)
        at += small.cap * 1.8 + cap * 2.3
    return max(y, at)


SMALL_PRINT = {
    "journey": ("Please be at the gate 20 minutes before departure.", "Not transferable.", "Valid with photo ID only."),
    "event": (
        "Not transferable. Keep until exit.",
        "No refund. No exchange.",
        "Void if detached.",
        "General conditions apply.",
    ),
    "parking": (
        "Place face up behind the windscreen.",
        "Not transferable.",
        "Display clearly.",
        "Keep for your records.",
    ),
}
SMALL_PRINT |= {"cinema": SMALL_PRINT["event"], "pass": SMALL_PRINT["journey"]}


def fine_print(writer: Writer, layout: str, x0: float, y: float, x1: float) -> None:
    if writer.rng.random() < 0.6:
        text, style = writer.rng.choice(SMALL_PRINT[layout]), writer.body.sized(0.72)
        writer.line(x0, y + writer.cap * 0.4, text, style, width=x1 - x0, colour=(90, 90, 94))


KIND = LifelikeKind("ticket", 2, version="1", share=5, draw=draw_ticket, take=photographed_page)
