"""Till receipts as shops print them: 15 to 60 narrow lines, with several amounts that could be the total."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import Print, width_of
from arr_coc.data.drawing.lifelike.photography import photographed
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.till import Till
from arr_coc.data.drawing.lifelike.typefaces import choices
from arr_coc.data.drawing.lifelike.vocabulary import Speaker, clock, date, phone, serial

CURRENCIES = ("", "", "", "$", "$", "RM", "RM ", "€", "£", "USD ", "EUR ", "S$", "Rs.", "CHF ", "kr ", "R$")
TITLES = (
    "TAX INVOICE",
    "RECEIPT",
    "CASH BILL",
    "INVOICE",
    "SALES RECEIPT",
    "Receipt",
    "Tax Invoice",
    "OFFICIAL RECEIPT",
)
TOTALS = (
    "TOTAL", "Total", "GRAND TOTAL", "Grand Total", "TOTAL AMOUNT", "Total Amount", "AMOUNT DUE", "Amount Due",
    "NET TOTAL", "TOTAL SALES", "Total Incl. Tax", "TOTAL DUE", "Total Payable", "BALANCE DUE", "NETT TOTAL",
    "Rounded Total", "SUM",
)  # fmt: skip
UNSEEN_TOTALS = ("TO PAY", "Bill Total", "TOTAL (incl. VAT)", "Payable Amount")
SUBTOTALS = (
    "SUBTOTAL",
    "Subtotal",
    "SUB TOTAL",
    "Sub-Total",
    "Sub Total",
    "Total Excl. Tax",
    "NET",
    "Total before tax",
)
TAXES = ("GST", "VAT", "TAX", "GST 6%", "VAT 20%", "Sales Tax", "TAX 7%", "SST 6%", "MwSt 19%", "TVA 10%", "Total GST")
TENDERS = ("CASH", "Cash", "VISA", "MASTERCARD", "CARD", "Cash Tendered", "CASH PAID", "Debit Card", "Paid", "Tendered")
CHANGES = ("CHANGE", "Change", "Change Due", "CHANGE DUE", "Balance")
FIELDS = (
    "Invoice No", "Receipt No", "Bill No", "Ref", "Order", "Trans", "Doc No", "Slip", "Terminal", "Counter", "Table",
    "Till", "Cashier", "Served by", "Staff", "Customer", "Member", "Pax", "Salesperson", "GST No", "VAT Reg", "Reg No",
    "Tax ID",
)  # fmt: skip
PEOPLE = frozenset({"Cashier", "Served by", "Staff", "Customer", "Salesperson"})
LAYOUTS = ("name price", "quantity name price", "two lines", "code first", "table")
UNSEEN_LAYOUTS = ("price first", "three lines")


@dataclass(frozen=True)
class Item:
    name: Ink
    price: Ink
    quantity: Ink | None
    cents: int


def choose_print(rng: Random, unseen: bool, cap: float) -> tuple[Print, Print]:
    """Body and bold of a till: mono and pixel faces most often, narrow, worn in some."""
    style = rng.choices(("mono", "pixel", "narrow", "sans", "serif"), (40, 22, 16, 18, 4))[0]
    faces = choices(style, unseen)
    face = rng.choice(faces)
    family = [other for other in faces if other.package == face.package]
    body = Print(
        face,
        cap,
        stretch=rng.choice((1.0, 1.0, rng.uniform(0.68, 1.25))),
        dots=bool(face.grid_px) and rng.random() < 0.5,
        damage=rng.choice((0.0, 0.0, rng.uniform(0.02, 0.3))),
        ink=rng.choice((1.0, rng.uniform(0.55, 1.0))),
    )
    return body, body.faced(rng.choice(family))


def draw_receipt(rng: Random, unseen: bool, zoom: float) -> Sheet:
    """A receipt as a sheet in grey, the questions about it asked."""
    cap = rng.uniform(8.5, 17) * zoom
    body, bold = choose_print(rng, unseen, cap)
    columns = rng.randint(26, 46)
    char_px = width_of("0", body)
    margin = rng.uniform(0.6, 4) * cap
    width = int(min(900 * zoom, max(240, columns * char_px + 2 * margin)))
    pitch = max(body.cap * rng.uniform(1.35, 2.1), body.cap + 5)
    num_items = rng.choices((1, 2, 3, 4, 6, 8, 11, 15), (2, 3, 3, 3, 3, 2, 2, 1))[0]
    sheet = Sheet(rng, (width, int(pitch * (46 + 3 * num_items) + 12 * cap)))
    till = Till(
        sheet, Speaker(rng, unseen), body, bold, margin, width - margin, pitch, cap * rng.uniform(0.6, 5),
        rng.choice(CURRENCIES), rng.random() < 0.12, rng.random() < 0.55,
    )  # fmt: skip
    head(till)
    till.rule()
    items = draw_items(till, num_items, unseen)
    till.rule()
    foot(till, items, unseen)
    ask_items(till, items)
    ask_lines(till)
    crop(sheet, till.y + rng.uniform(0, 4) * cap)
    return sheet


def crop(sheet: Sheet, height: float) -> None:
    sheet.image = sheet.image.crop((0, 0, sheet.width, min(sheet.height, max(200, int(height)))))


def head(till: Till) -> None:
    """Who sold it, where, and when."""
    rng, sheet = till.rng, till.sheet
    align = rng.choice(("centre", "centre", "left"))
    name = till.said(till.speaker.company())
    style = (till.bold if rng.random() < 0.6 else till.body).sized(rng.choice((1, 1, 1.3, rng.uniform(1.2, 2))))
    if rng.random() < 0.15:
        till.line(till.said(till.speaker.word(["Welcome"])), align, till.bold.sized(rng.uniform(1, 2)))
    sheet.ask("company", wordings.COMPANY, name, [till.line(name, align, style)])
    if rng.random() < 0.5:
        till.line(rng.choice(("({})", "Co. Reg: {}", "(Reg No: {})", "Company No. {}")).format(serial(rng)), align)
    address = [till.line(till.said(part), align) for part in till.speaker.address()]
    sheet.ask(
        "address", wordings.ADDRESS, " ".join(ink.text for ink in address), [union(address)], glyph_px=till.body.cap
    )
    if rng.random() < 0.6:
        ask_phone(till, align)
    if rng.random() < 0.5:
        till.line(
            f"{rng.choice(('GST No', 'GST ID', 'VAT No', 'Tax No'))}{rng.choice((': ', ' : ', ' '))}{serial(rng)}",
            align,
        )
    if rng.random() < 0.5:
        till.feed(0.5)
    if rng.random() < 0.5:
        till.line(rng.choice(TITLES), "centre", till.bold)
    fields = [*rng.sample(FIELDS, rng.randint(0, 4)), "Date"]
    rng.shuffle(fields)
    for label in fields:
        draw_date(till) if label == "Date" else draw_field(till, label)


def ask_phone(till: Till, align: str) -> None:
    label, number = till.rng.choice(("Tel: ", "TEL : ", "Phone ", "Tel. ", "", "Ph: ")), phone(till.rng)
    ink = till.line(label + number, align)
    left = ink.box[0] + width_of(label, till.body) * (ink.cap_px / till.body.cap)
    till.sheet.ask("phone", wordings.PHONE, number, [Ink(number, (left, *ink.box[1:]), ink.cap_px)])


def labelled(till: Till, label: str, value: str) -> Ink:
    """Label and value on one line, near each other or apart; the value's ink."""
    rng = till.rng
    label = till.said(label) + rng.choice((":", " :", "", ".:", " -"))
    style = till.fit(f"{label}  {value}", till.body, till.right - till.left)
    till.begin()
    end = till.put(till.left, label, style).box[2]
    gap = width_of("0", style)
    wish = rng.choice((end + gap, till.left + gap * 12))
    x = max(end + gap * 0.6, min(wish, till.right - width_of(value, style)))
    ink = till.put(x, value, style)
    till.feed()
    return ink


def draw_field(till: Till, label: str) -> None:
    value = till.said(till.speaker.person()) if label in PEOPLE else serial(till.rng)
    ink = labelled(till, label, value)
    till.sheet.ask("read_field", wordings.FIELD, value, [ink], label=label)


def draw_date(till: Till) -> None:
    """Date, often with a time beside or below it, sometimes without a label."""
    rng, day, time = till.rng, date(till.rng), clock(till.rng)
    kind = rng.random()
    if kind < 0.3:
        ink = labelled(till, rng.choice(("Date", "Date", "DATE", "Invoice Date", "Bill Date")), day)
        moment = labelled(till, "Time", time) if rng.random() < 0.5 else None
    elif kind < 0.7:
        pair = labelled(till, rng.choice(("Date", "Date/Time", "Date")), f"{day} {time}")
        ink, moment = parted(till, pair, day, time)
    else:
        till.begin()
        ink = till.put(till.left, day, till.body)
        fits = width_of(f"{day}  {time}", till.body) < till.right - till.left
        moment = till.put(till.right, time, till.body, "right") if fits else None
        till.feed()
    till.sheet.ask("date", wordings.DATE, day, [ink])
    if moment is not None:
        till.sheet.ask("time", wordings.TIME, time, [moment])


def parted(till: Till, ink: Ink, first: str, second: str) -> tuple[Ink, Ink]:
    """Two inks of a line that holds two values."""
    x0, y0, x1, y1 = ink.box
    share = width_of(first, till.body) / max(1e-6, width_of(f"{first} {second}", till.body))
    middle = x0 + (x1 - x0) * share
    return Ink(first, (x0, y0, middle, y1), ink.cap_px), Ink(second, (middle, y0, x1, y1), ink.cap_px)


def draw_items(till: Till, num: int, unseen: bool) -> list[Item]:
    rng = till.rng
    layout = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS)
    if rng.random() < 0.5:
        till.begin()
        till.put(till.left, till.said(rng.choice(("Item", "Description", "Qty Item"))), till.body)
        till.put(till.right, till.said(rng.choice(("Amount", "Price", "Total", "RM", "Amt"))), till.body, "right")
        till.feed()
    return [draw_item(till, layout) for _ in range(num)]


def draw_item(till: Till, layout: str) -> Item:
    rng = till.rng
    name, quantity = till.said(till.speaker.goods()), rng.choice((1, 1, 1, 2, 3, 4, 6, 12))
    unit = rng.choice((rng.randint(20, 3000), rng.randint(1, 400) * 10, rng.randint(1000, 20000)))
    cents, mark = unit * quantity, rng.choice(("", "", "", " SR", " T", "*", " A"))
    price = till.money(cents)
    room = till.right - till.left - width_of(f"{price}{mark}  ", till.body)
    count = None
    if layout in ("two lines", "three lines", "code first"):
        if layout != "two lines":
            till.line(serial(rng))
        named = till.line(name, style=till.fit(name, till.body, till.right - till.left))
        till.begin()
        count = till.put(till.left + width_of("  ", till.body), str(quantity), till.body)
        till.put(count.box[2], rng.choice((" x ", " X ", " @ ")) + till.money(unit), till.body)
    else:
        till.begin()
        x = till.left
        if layout in ("quantity name price", "table", "price first"):
            count = till.put(x, str(quantity), till.body)
            x += width_of("000", till.body)
        named = till.put(x, name, till.fit(name, till.body, max(40.0, till.left + room - x)))
    ink = till.put(till.right - width_of(mark, till.body), price, till.body, "right")
    if mark:
        till.put(ink.box[2], mark, till.body)
    till.feed()
    return Item(named, ink, count, cents)


def foot(till: Till, items: list[Item], unseen: bool) -> None:
    """Subtotal, tax, total, what was given, change, tax summary, parting words: several amounts near each other."""
    rng, sheet = till.rng, till.sheet
    net = sum(item.cents for item in items)
    tax = round(net * rng.choice((0.05, 0.06, 0.07, 0.1, 0.19, 0.2))) if rng.random() < 0.7 else 0
    if rng.random() < 0.55:
        sheet.ask("amount", wordings.SUBTOTAL, till.money(net), [till.amount(till.said(rng.choice(SUBTOTALS)), net)])
    if rng.random() < 0.25:
        cut = -rng.randint(0, max(1, net // 5))
        sheet.ask("amount", wordings.DISCOUNT, till.money(cut), [till.amount(till.said("Discount"), cut)])
        net += cut
    if rng.random() < 0.15:
        extra = round(net * 0.1)
        sheet.ask("amount", wordings.SERVICE, till.money(extra), [till.amount(till.said("Service Charge 10%"), extra)])
        net += extra
    if tax:
        sheet.ask("amount", wordings.TAX, till.money(tax), [till.amount(till.said(rng.choice(TAXES)), tax)])
    total = net + tax
    if rng.random() < 0.3:
        rounded = round(total / 5) * 5
        sheet.ask("amount", wordings.ROUNDING, till.money(rounded - total), [till.amount("Rounding", rounded - total)])
        total = rounded
    style = (till.bold if rng.random() < 0.6 else till.body).sized(rng.choice((1, 1, 1, rng.uniform(1.1, 1.9))))
    if rng.random() < 0.3:
        till.rule()
    label = till.said(rng.choice(UNSEEN_TOTALS if unseen else TOTALS)) + rng.choice(("", "", ":", " :"))
    ink = till.amount(label, total, style)
    for _ in range(2):
        sheet.ask("total", wordings.TOTAL, till.money(total), [ink])
    pay(till, total)
    if tax and rng.random() < 0.35:
        summary(till, net, tax)
    if rng.random() < 0.5:
        till.line(f"{rng.choice(('Total Qty', 'No. of items', 'ITEMS', 'Total Items'))}: {len(items)}")
    till.feed(rng.uniform(0, 1.5))
    for _ in range(rng.randint(0, 4)):
        till.line(till.said(till.speaker.sentence()), rng.choice(("centre", "centre", "left")))
    if rng.random() < 0.25:
        bars(till)


def pay(till: Till, total: int) -> None:
    rng, sheet = till.rng, till.sheet
    if rng.random() > 0.7:
        return
    given = (
        total
        if rng.random() < 0.4
        else -(-total // rng.choice((100, 500, 1000, 5000))) * rng.choice((100, 500, 1000, 5000))
    )
    given = max(given, total)
    sheet.ask("amount", wordings.CASH, till.money(given), [till.amount(till.said(rng.choice(TENDERS)), given)])
    if given > total or rng.random() < 0.5:
        change = till.amount(till.said(rng.choice(CHANGES)), given - total)
        sheet.ask("amount", wordings.CHANGE, till.money(given - total), [change])


def summary(till: Till, net: int, tax: int) -> None:
    """A small table of taxes: more amounts."""
    till.feed(0.5)
    till.line(till.rng.choice(("GST Summary", "Tax Summary", "GST SUMMARY")))
    stops = [till.left, till.left + (till.right - till.left) * 0.68, till.right]
    for row in (("Code", "Amount", "Tax"), (till.rng.choice(("SR", "S", "A 6%")), till.money(net), till.money(tax))):
        till.begin()
        for x, text, align in zip(stops, row, ("left", "right", "right"), strict=True):
            till.put(x, text, till.body, align)
        till.feed()


def bars(till: Till) -> None:
    """A bar code and its digits."""
    rng, x = till.rng, round(till.left + (till.right - till.left) * 0.15)
    height = till.pitch * rng.uniform(1.5, 3)
    while x < till.right - (till.right - till.left) * 0.15:
        width = rng.choice((1, 1, 2, 3))
        till.sheet.pen.rectangle((x, till.y, x + width - 1, till.y + height), fill=0)
        x += width + rng.choice((1, 1, 2, 3))
    till.y += height + till.body.cap * 0.6
    till.line(serial(rng), "centre")


def ask_items(till: Till, items: list[Item]) -> None:
    rng, sheet = till.rng, till.sheet
    for item in rng.sample(items, min(4, len(items))):
        alone = sum(other.name.text == item.name.text for other in items) == 1
        if alone:
            sheet.ask(
                "item_price", wordings.PRICE, item.price.text, [item.price, item.name], hops=2, item=item.name.text
            )
        if alone and item.quantity is not None:
            evidence = [item.quantity, item.name]
            sheet.ask("quantity", wordings.QUANTITY, item.quantity.text, evidence, hops=2, item=item.name.text)
        if sum(other.cents == item.cents for other in items) == 1:
            evidence = [item.name, item.price]
            sheet.ask("item", wordings.ITEM_OF_PRICE, item.name.text, evidence, hops=2, price=item.price.text)
    sheet.ask("item", wordings.FIRST_ITEM, items[0].name.text, [items[0].name])
    sheet.ask("item", wordings.LAST_ITEM, items[-1].name.text, [items[-1].name])
    if len(items) < 9:
        sheet.ask("count", wordings.NUM_ITEMS, str(len(items)), [item.name for item in items])


def ask_lines(till: Till) -> None:
    """Lines read out by their first word: reading without understanding."""
    rng, sheet = till.rng, till.sheet
    rows = [sorted(line, key=lambda ink: ink.box[0]) for line in till.lines if line]
    firsts = [row[0].text.split()[0] for row in rows]
    for row in rng.sample(rows, min(5, len(rows))):
        start = row[0].text.split()[0]
        text = " ".join(ink.text for ink in row).replace("  ", " ").strip()
        if firsts.count(start) == 1 and len(text) > len(start):
            sheet.ask("transcribe", wordings.LINE, text, [union(row)], glyph_px=min(i.cap_px for i in row), start=start)
    if len(rows[0]) == 1:
        sheet.ask("transcribe", wordings.FIRST_LINE, rows[0][0].text, [rows[0][0]])


KIND = LifelikeKind("receipt", 0, version="2", share=30, draw=draw_receipt, take=photographed)
