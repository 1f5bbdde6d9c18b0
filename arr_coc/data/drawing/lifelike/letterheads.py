"""The upper part of a bill: who sends it, to whom, under which number, when."""

from __future__ import annotations

from dataclasses import dataclass

from arr_coc.data.drawing.lifelike import wordings
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import (
    Rgb,
    lighter,
    logo,
)
from arr_coc.data.drawing.lifelike.lettering import width_of
from arr_coc.data.drawing.lifelike.sheet import union
from arr_coc.data.drawing.lifelike.vocabulary import date, phone, serial
from arr_coc.data.drawing.lifelike.world import (
    Money,
    email,
    firm,
    person,
    postal_address,
    website,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.writer import Writer

TITLES = (
    "INVOICE",
    "Invoice",
    "TAX INVOICE",
    "Bill",
    "STATEMENT",
    "Proforma Invoice",
    "Rechnung",
    "Facture",
    "Commercial Invoice",
)


HEADS = ("name left", "name right", "centred", "band")


UNSEEN_HEADS = ("side band", "title first")


NUMBER_LABELS = (
    "Invoice No.",
    "Invoice #",
    "Invoice number",
    "No.",
    "Rechnungsnr.",
    "Document no.",
    "Our ref.",
    "Bill No.",
)


DATE_LABELS = ("Date", "Invoice date", "Date of issue", "Issued", "Datum", "Bill date")


DUE_LABELS = ("Due date", "Due", "Payment due", "Pay by", "Payable until", "Due on")


OTHER_LABELS = (
    "Customer no.",
    "Order no.",
    "PO number",
    "VAT ID",
    "Contract",
    "Your ref.",
    "Project",
    "Delivery note",
    "Account",
)


@dataclass
class Bill:
    """A page in the making: margins, accent colour, how amounts are printed, where the next line goes."""

    writer: Writer
    money: Money
    accent: Rgb
    left: float
    right: float
    y: float

    @property
    def width(self) -> float:
        return self.right - self.left


def head(bill: Bill, layout: str) -> None:
    """Name, address and title, in one of several arrangements."""
    writer, rng, cap = bill.writer, bill.writer.rng, bill.writer.cap
    name, big = firm(rng, writer.speaker), writer.bold.sized(rng.uniform(1.4, 2.4))
    title_style, title = writer.bold.sized(rng.uniform(1.8, 3.2)), rng.choice(TITLES)
    x, align, colour = bill.left, "left", bill.accent
    if layout in ("band", "side band"):
        edge = writer.sheet.width if layout == "band" else bill.left * 0.6
        height = bill.y + big.cap * 2.4 if layout == "band" else writer.sheet.height
        writer.box((0, 0, edge, height), fill=bill.accent)
    if layout == "band":
        colour = (255, 255, 255)
    if layout == "name right":
        x, align = bill.right, "right"
    if layout == "centred":
        x, align = (bill.left + bill.right) / 2, "centre"
    if layout == "title first":
        writer.line(bill.left, bill.y, title, title_style, colour=bill.accent, width=bill.width)
        bill.y += title_style.cap * 1.9
    mark = layout != "centred" and align == "left" and rng.random() < 0.5
    if mark:
        logo(
            writer,
            x,
            bill.y - big.cap * 0.3,
            big.cap * 1.7,
            bill.accent if colour != (255, 255, 255) else lighter(bill.accent, 0.6),
        )
        x += big.cap * 2.3
    shown = writer.line(x, bill.y, name, big, align=align, colour=colour, width=bill.width * 0.62)
    writer.sheet.ask("company", asked.ISSUER, shown.text, [shown])
    if layout not in ("title first", "centred"):
        other = "right" if align == "left" else "left"
        at = bill.right if other == "right" else bill.left
        writer.line(at, bill.y, title, title_style, align=other, colour=colour, width=bill.width * 0.32)
    bill.y += max(big.cap * (2.4 if layout == "band" else 1.9), title_style.cap * 1.9) + (
        cap if layout == "band" else 0
    )
    contact(bill, name, bill.left if mark else x, align)
    if layout == "centred":
        bill.y += cap
        writer.line(x, bill.y, title, title_style, align="centre", width=bill.width)
        bill.y += title_style.cap * 1.8


def contact(bill: Bill, name: str, x: float, align: str) -> None:
    writer, rng, cap = bill.writer, bill.writer.rng, bill.writer.cap
    small, pitch = writer.body.sized(rng.uniform(0.8, 1)), cap * rng.uniform(1.6, 1.95)
    address = []
    for part in postal_address(rng, writer.speaker):
        address.append(writer.line(x, bill.y, part, small, align=align, width=bill.width * 0.6))
        bill.y += pitch
    where = " ".join(ink.text for ink in address)
    writer.sheet.ask("address", wordings.ADDRESS, where, [union(address)], glyph_px=small.cap)
    entries = [
        ("phone", wordings.PHONE, "Tel. ", phone(rng)),
        ("email", asked.EMAIL, "", email(rng, name)),
        ("website", asked.WEBSITE, "", website(rng, name)),
    ]
    for kind, questions, label, value in entries[: rng.randint(0, 3)]:
        start = writer.put(x, bill.y, label, small) if label and align == "left" else None
        ink = writer.put(start.box[2] if start else x, bill.y, value, small, align=align)
        writer.row(*([start, ink] if start else [ink]))
        writer.sheet.ask(kind, questions, ink.text, [ink])
        bill.y += pitch
    bill.y += cap * rng.uniform(0.5, 2)


def parties(bill: Bill) -> None:
    """The customer's address at one side, number and dates at the other."""
    writer, rng, cap = bill.writer, bill.writer.rng, bill.writer.cap
    pitch, top = cap * rng.uniform(1.7, 2.1), bill.y
    swapped, half = rng.random() < 0.3, bill.left + bill.width * rng.uniform(0.5, 0.6)
    x = half if swapped else bill.left
    if rng.random() < 0.75:
        writer.line(
            x,
            bill.y,
            rng.choice(("Bill to", "BILL TO:", "Invoice to", "Customer", "To:", "Sold to", "Client")),
            writer.bold,
            colour=bill.accent,
        )
        bill.y += pitch
    who = firm(rng, writer.speaker) if rng.random() < 0.5 else person(rng, writer.speaker)
    shown = writer.line(x, bill.y, who, writer.bold if rng.random() < 0.3 else None, width=bill.width * 0.42)
    writer.sheet.ask("customer", asked.RECIPIENT, shown.text, [shown])
    for part in postal_address(rng, writer.speaker):
        bill.y += pitch
        writer.line(x, bill.y, part, width=bill.width * 0.42)
    end, bill.y = bill.y + pitch, top
    fields(bill, bill.left if swapped else half, half - cap * 2 if swapped else bill.right, pitch)
    bill.y = max(end, bill.y) + cap * rng.uniform(0.8, 2.5)


def fields(bill: Bill, x0: float, x1: float, pitch: float) -> None:
    """Number, dates and references, labels and values in two columns."""
    writer, rng = bill.writer, bill.writer.rng
    rows: list[tuple[str, tuple[str, ...], str, str]] = [
        ("invoice_number", asked.INVOICE_NUMBER, rng.choice(NUMBER_LABELS), serial(rng)),
        ("date", asked.INVOICE_DATE, rng.choice(DATE_LABELS), date(rng)),
    ]
    if rng.random() < 0.75:
        rows.append(("due_date", asked.DUE_DATE, rng.choice(DUE_LABELS), date(rng)))
    rows += [
        ("read_field", asked.VALUE_OF, label, serial(rng)) for label in rng.sample(OTHER_LABELS, rng.randint(0, 3))
    ]
    rng.shuffle(rows)
    colon, style = rng.choice((":", "", "", " :")), rng.choice((writer.body, writer.bold))
    flush = rng.random() < 0.5
    column = max(width_of(label + colon + "  ", style) for _, _, label, _ in rows)
    for kind, questions, label, value in rows:
        name = writer.put(x0, bill.y, label + colon, style, width=(x1 - x0) * 0.55)
        at = x1 if flush else min(x0 + column, x0 + (x1 - x0) * 0.6)
        ink = writer.put(
            at, bill.y, value, align="right" if flush else "left", width=x1 - name.box[2] if flush else x1 - at
        )
        writer.row(name, ink)
        writer.sheet.ask(kind, questions, ink.text, [ink], label=label)
        if kind != "read_field":
            writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=label)
        bill.y += pitch
