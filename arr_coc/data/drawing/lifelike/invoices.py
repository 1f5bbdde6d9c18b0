"""Invoices, bills and statements: who asks whom for how much, by when, to which account."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import (
    ACCENTS,
    STAMPS,
    Rgb,
    lighter,
    paper_choice,
    signature,
    stamped,
)
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.letterheads import HEADS, UNSEEN_HEADS, Bill, head, parties
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.vocabulary import date, serial
from arr_coc.data.drawing.lifelike.world import (
    BANKS,
    BRANDS,
    JOBS,
    TOWNS,
    Money,
    account,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.writer import Writer, cut, writer_on

RULES = ("full", "rows", "head band", "zebra", "none")
UNSEEN_RULES = ("columns", "double")
TOTAL_LABELS = (
    "Total",
    "TOTAL",
    "Total due",
    "Amount due",
    "Balance due",
    "Grand total",
    "Invoice total",
    "Gesamtbetrag",
    "Total TTC",
)
UNSEEN_TOTALS = ("To pay", "Sum payable", "Net payable")
TERMS = (
    "Please pay within 14 days.", "Payment terms: 30 days net.", "Thank you for your business.",
    "Late payments bear interest of 5%.",
    "Goods remain our property until paid in full.", "Please quote the invoice number with your payment.",
    "All prices in local currency.", "No signature required.",
)  # fmt: skip


def draw_invoice(rng: Random, unseen: bool, zoom: float) -> Sheet:
    cap = rng.uniform(8, 12.5) * zoom
    width = cap * rng.uniform(56, 84)
    paper, ink = paper_choice(rng)
    styles = ("sans", "sans", "sans", "serif", "narrow", "mono")
    writer = writer_on(rng, (width, width * 2.2), unseen, cap, styles, paper, ink)
    margin = width * rng.uniform(0.045, 0.1)
    accent = rng.choice(ACCENTS) if rng.random() < 0.65 else ink
    bill = Bill(writer, Money.chosen(rng), accent, margin, width - margin, margin * rng.uniform(0.6, 1.2))
    head(bill, rng.choice(UNSEEN_HEADS if unseen else HEADS))
    parties(bill)
    total = positions(
        bill, rng.choice(UNSEEN_RULES if unseen else RULES), rng.choice(UNSEEN_TOTALS if unseen else TOTAL_LABELS)
    )
    foot(bill)
    writer.ask_rows()
    least = width * rng.choice((0, 0, 1.41))
    cut(writer, max(bill.y + margin, min(least, writer.sheet.height)))
    if rng.random() < 0.18:
        stamp(bill, unseen, total)
    return writer.sheet


@dataclass(frozen=True)
class Position:
    name: str
    quantity: float
    unit: int

    @property
    def cents(self) -> int:
        return round(self.quantity * self.unit)


def chosen_positions(rng: Random, writer: Writer) -> list[Position]:
    found: dict[str, Position] = {}
    for _ in range(rng.choices((1, 2, 3, 4, 5, 7, 10, 14), (2, 3, 4, 4, 4, 3, 2, 1))[0]):
        name = writer.speaker.goods() if rng.random() < 0.5 else rng.choice(JOBS)
        if rng.random() < 0.25:
            name += rng.choice(
                (
                    f" {date(rng)}",
                    f", {writer.speaker.goods().lower()}",
                    f" ({serial(rng)})",
                    f" - {rng.choice(JOBS).lower()}",
                )
            )
        unit = rng.choice((rng.randint(50, 9000), rng.randint(1, 900) * 100, rng.randint(500, 400_000)))
        found[name] = Position(name, rng.choice((1, 1, 1, 2, 3, 4, 5, 8, 10, 12, 24, 0.5, 1.5, 7.5)), unit)
    return list(found.values())


def positions(bill: Bill, rules: str, total_label: str) -> Ink:
    """The table of what is charged, and the sums below it; the total's ink."""
    writer, rng, cap = bill.writer, bill.writer.rng, bill.writer.cap
    items, pitch = chosen_positions(rng, writer), cap * rng.uniform(1.9, 2.9)
    heads = list(rng.choice((
        ("Description", "Qty", "Unit price", "Amount"), ("Item", "Quantity", "Price", "Total"),
        ("Details", "Hours", "Rate", "Amount"),
        ("Leistung", "Menge", "Einzelpreis", "Betrag"), ("DESCRIPTION", "QTY", "PRICE", "TOTAL"),
    )))  # fmt: skip
    coded = rng.random() < 0.3
    stops = [
        bill.left + cap * 0.6 + (bill.width * 0.08 if coded else 0),
        *(bill.left + bill.width * share for share in (0.62, 0.81, 0.985)),
    ]
    top = bill.y
    if rules in ("full", "head band", "zebra"):
        fill = bill.accent if rules == "head band" or rng.random() < 0.5 else lighter(bill.accent, 0.82)
        writer.box((bill.left, top, bill.right, top + pitch), fill=fill)
        colour: Rgb | None = (255, 255, 255) if sum(fill) < 420 else None
    else:
        colour = None
    if coded:
        writer.put(
            bill.left + cap * 0.6,
            top + (pitch - cap) / 2,
            rng.choice(("#", "Pos", "No")),
            writer.bold,
            colour=colour,
            width=bill.width * 0.06,
        )
    writer.row(*(
        writer.put(x, top + (pitch - cap) / 2, text, writer.bold, align="left" if k == 0 else "right", colour=colour,
            width=bill.width * 0.17)
        for k, (x, text) in enumerate(zip(stops, heads, strict=True))
    ))  # fmt: skip
    if rules in ("rows", "none", "columns", "double"):
        for k in range(2 if rules == "double" else 1):
            writer.sheet.rule(bill.left, bill.right, top + pitch - 2 + 3 * k, rng.choice((1, 2)))
    signed = rng.random() < 0.4
    bill.y = top + pitch
    for number, item in enumerate(items):
        if rules == "zebra" and number % 2:
            writer.box((bill.left, bill.y, bill.right, bill.y + pitch), fill=lighter(bill.accent, 0.9))
        position(bill, item, stops, pitch, number + 1 if coded else 0, signed, items)
        bill.y += pitch
        if rules in ("full", "rows"):
            writer.sheet.rule(bill.left, bill.right, round(bill.y), 1)
    lines_around(bill, rules, top, stops, pitch)
    return sums(bill, sum(item.cents for item in items), total_label, signed or rng.random() < 0.4)


def lines_around(bill: Bill, rules: str, top: float, stops: list[float], pitch: float) -> None:
    writer = bill.writer
    if rules in ("full", "columns"):
        writer.box((bill.left, top, bill.right, bill.y), outline=writer.sheet.ink)
        for x in (bill.left + bill.width * share for share in (0.5, 0.635, 0.825)):
            writer.pen.line((x, top, x, bill.y), fill=writer.sheet.ink)
    elif rules != "none":
        writer.sheet.rule(bill.left, bill.right, round(bill.y), 1)


def position(
    bill: Bill, item: Position, stops: list[float], pitch: float, number: int, signed: bool, items: list[Position]
) -> None:
    writer, rng, money = bill.writer, bill.writer.rng, bill.money
    y, shown = bill.y + (pitch - writer.cap) / 2, money.full if signed else money.bare
    if number:
        writer.put(bill.left + writer.cap * 0.6, y, str(number))
    room = bill.left + bill.width * 0.49 - stops[0]
    name = writer.put(stops[0], y, item.name, width=room)
    count = writer.put(stops[1], y, f"{item.quantity:g}", align="right")
    unit = writer.put(stops[2], y, money.bare(item.unit), align="right", width=bill.width * 0.17)
    amount = writer.put(stops[3], y, shown(item.cents), align="right", width=bill.width * 0.16)
    writer.row(name, count, unit, amount)
    if sum(other.name.startswith(name.text) for other in items) == 1 and rng.random() < 0.8:
        also = (money.bare(item.cents),) if signed else ()
        writer.sheet.ask(
            "item_price", asked.LINE_AMOUNT, amount.text, [amount, name], hops=2, also=also, item=name.text
        )
        writer.sheet.ask("unit_price", asked.UNIT_PRICE, unit.text, [unit, name], hops=2, item=name.text)
        writer.sheet.ask("quantity", asked.ORDERED, count.text, [count, name], hops=2, item=name.text)


def sums(bill: Bill, net: int, total_label: str, signed: bool) -> Ink:
    """Subtotal, discount, tax, shipping, total, paid: a block at the right."""
    writer, rng, money, cap = bill.writer, bill.writer.rng, bill.money, bill.writer.cap
    rows: list[tuple[str, int, tuple[str, ...]]] = [
        (rng.choice(("Subtotal", "Net amount", "Sub-total", "Zwischensumme", "Net")), net, wordings.SUBTOTAL)
    ]
    total = net
    if rng.random() < 0.2:
        rows.append(("Discount", -round(net * 0.05), wordings.DISCOUNT))
        total += rows[-1][1]
    if rng.random() < 0.25:
        rows.append((rng.choice(("Shipping", "Delivery", "Postage")), rng.randint(3, 40) * 50, asked.VALUE_OF))
        total += rows[-1][1]
    rate = rng.choice((5, 7, 8, 10, 19, 20, 21, 25))
    if rng.random() < 0.8:
        rows.append(
            (
                rng.choice((f"VAT {rate}%", f"Tax ({rate}%)", f"MwSt. {rate}%", f"TVA {rate} %", f"Sales tax {rate}%")),
                round(total * rate / 100),
                wordings.TAX,
            )
        )
        total += rows[-1][1]
    x0, pitch = bill.left + bill.width * rng.uniform(0.5, 0.66), cap * rng.uniform(1.8, 2.3)
    bill.y += cap * 0.8
    shown = money.full if signed else money.bare
    for label, cents, questions in rows if len(rows) > 1 or rng.random() < 0.3 else []:
        ink = sum_line(bill, x0, label, shown(cents), False)
        writer.sheet.ask("amount", questions, ink.text, [ink], also=(money.bare(cents),), label=label)
        bill.y += pitch
    big = rng.random() < 0.5
    if rng.random() < 0.5:
        writer.sheet.rule(x0, bill.right, round(bill.y - cap * 0.2), rng.choice((1, 2)))
        bill.y += cap * 0.5
    elif rng.random() < 0.4:
        writer.box((x0 - cap, bill.y - cap * 0.6, bill.right, bill.y + cap * 1.9), fill=lighter(bill.accent, 0.85))
    ink = sum_line(bill, x0, total_label, money.full(total), True, 1.35 if big else 1.0)
    for _ in range(2):
        writer.sheet.ask("total", asked.INVOICE_TOTAL, ink.text, [ink], also=(money.bare(total),))
    bill.y += pitch * (1.5 if big else 1.1) + cap
    return ink


def sum_line(bill: Bill, x0: float, label: str, value: str, strong: bool, size: float = 1.0) -> Ink:
    writer = bill.writer
    style = (writer.bold if strong else writer.body).sized(size)
    room = bill.right - x0 - bill.width * 0.015
    name = writer.put(x0, bill.y, label, style, width=room * 0.52)
    ink = writer.put(bill.left + bill.width * 0.985, bill.y, value, style, align="right", width=room * 0.46)
    writer.row(name, ink)
    return ink


def foot(bill: Bill) -> None:
    """Bank, terms, signature."""
    writer, rng, cap = bill.writer, bill.writer.rng, bill.writer.cap
    small, pitch = writer.body.sized(rng.uniform(0.8, 1)), cap * 1.8
    bill.y += cap * rng.uniform(0, 3)
    if rng.random() < 0.7:
        bank = f"{writer.speaker.word(BRANDS + TOWNS)} {rng.choice(BANKS)}"
        for label, value, kind, questions in (
            ("Bank: ", bank, "bank", asked.BANK),
            (rng.choice(("IBAN: ", "Account: ", "A/C ")), account(rng), "account", asked.ACCOUNT),
        ):
            name = writer.put(bill.left, bill.y, label, small)
            ink = writer.put(name.box[2], bill.y, value, small, width=bill.width * 0.7)
            writer.row(name, ink)
            writer.sheet.ask(kind, questions, ink.text, [ink])
            bill.y += pitch
    for sentence in rng.sample(TERMS, rng.randint(0, 3)):
        writer.line(bill.left, bill.y, sentence, small, width=bill.width)
        bill.y += pitch
    if rng.random() < 0.2:
        signature(writer, bill.left + bill.width * 0.6, bill.y, bill.width * 0.2)
        bill.y += cap * 3


def stamp(bill: Bill, unseen: bool, total: Ink) -> None:
    """A stamp over the upper part of the page, away from the total."""
    writer, rng = bill.writer, bill.writer.rng
    text, cap = rng.choice(STAMPS), writer.cap * rng.uniform(1.8, 3)
    x = bill.left + bill.width * rng.uniform(0.3, 0.6)
    y = min(total.box[1] - cap * 4, writer.sheet.height * rng.uniform(0.15, 0.4))
    if y > cap * 3:
        colour = rng.choice(((178, 30, 40), (30, 50, 150), (20, 110, 60)))
        box = stamped(writer, text, (x, y), cap, rng.uniform(-22, 22), colour, unseen)
        writer.sheet.ask("stamp", asked.STAMP, text, [box], glyph_px=cap)


KIND = LifelikeKind("invoice", 1, version="1", share=8, draw=draw_invoice, take=photographed_page)
