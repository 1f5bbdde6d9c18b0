"""Receipts: a shop, its items with quantity and price, totals, a code at the foot."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import Page, lay_page, rule_page
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import named
from arr_coc.data.drawing.fonts import FAMILIES
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker

TOTAL = ("What is the total?", "How much is the total?", "Which total is printed on the receipt?")
SUBTOTAL = ("What is the subtotal?", "How much is the subtotal?")
TAX = ("What is the tax?", "How much is the tax?")
DATE = ("What is the date on the receipt?", "Which date is printed?", "When was the receipt printed?")
TIME = ("What is the time on the receipt?", "Which time is printed?")
SHOP = ("What is the name of the shop?", "Transcribe the name of the shop.", "Which shop is it?")
CODE = (
    "What is the code in the small print at the foot?",
    "Which reference code is at the bottom?",
    "Read the small code at the foot.",
)
LARGE_CODE = ("What is the code at the foot?", "Which reference code is at the bottom?")
PRICE = ("What is the price of {item}?", "How much is {item}?", "How much does {item} cost?")
QUANTITY = ("What is the quantity of {item}?", "How many {item} were bought?", "How many {item} are on the receipt?")
ITEM_OF_PRICE = ("Which item costs {price}?", "What was bought for {price}?")
FIRST_ITEM = ("What is the first item?", "Which item is listed first?")
LAST_ITEM = ("What is the last item?", "Which item is listed last?")
MARKED_ITEM = ("Which item has the {colour} mark?", "What is the item with the {colour} dot?")
MARKED_PRICE = ("What is the price at the {colour} mark?", "How much is the item with the {colour} dot?")
HAS_ITEM = ("Is {item} on the receipt?", "Was {item} bought?")
DEARER = ("Which costs more, {a} or {b}?", "What is more expensive, {a} or {b}?")
CHEAPER = ("Which costs less, {a} or {b}?", "What is cheaper, {a} or {b}?")
SUM = ("How many {a} and {b} in all?", "What is the quantity of {a} plus {b}?")


@dataclass(frozen=True)
class Entry:
    """One line of the receipt: its three inks and the colour of the dot beside it, if any."""

    name: Ink
    quantity: Ink
    price: Ink
    cents: int
    mark: str | None

    @property
    def inks(self) -> tuple[Ink, Ink, Ink]:
        return self.name, self.quantity, self.price


@dataclass(frozen=True)
class Roll:
    """Measures of a receipt.

    Attributes:
        left, right: where its content begins and ends.
        pitch: from line to line.
        body, bold: its styles.
        colours: of the dots beside items.
        shop: how many times larger than the body the shop's name may be, least and most.
        small_print: whether the code at the foot is smaller than the body.
    """

    left: float
    right: float
    pitch: float
    body: Style
    bold: Style
    colours: tuple[str, ...]
    shop: tuple[float, float] = (1.6, 2.6)
    small_print: bool = True


def draw_receipt(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a receipt and asks about it."""
    page = lay_page(rng, canvas, plain, (0.3, 1.1))
    if not plain and rng.random() < 0.12:
        rule_page(rng, canvas, page)
    asker = Asker(rng, canvas)
    roll, num_items = measure_roll(rng, page, rng.choice(("mono", "sans", "mono", "serif", "stix")))
    y = draw_head(rng, asker, page, roll)
    bottom = draw_foot(rng, asker, page, roll)
    free = max(0.0, bottom - y - (num_items + 3.6) * roll.pitch)
    y += free * 0.5 * rng.random()
    entries, y = draw_entries(rng, canvas, roll, y, num_items, bottom)
    y += max(0.0, bottom - y - 3.6 * roll.pitch) * rng.choice((0.0, 0.0, rng.random()))
    draw_totals(rng, asker, roll, y, entries, bottom)
    ask_entries(rng, asker, entries)
    ask_pairs(rng, asker, entries)
    asker.ask_picture("receipt")
    asker.ask_page(page)
    return asker


def measure_roll(rng: Random, page: Page, family_name: str) -> tuple[Roll, int]:
    """Picks sizes so that at least three items fit."""
    family = FAMILIES[family_name]
    widest = 22 if family_name == "mono" else 19
    cap = max(9.2, min(rng.uniform(9.5, max(14.5, page.width / 48)), page.width / widest, page.height / 26))
    left, right = page.frame[0] + cap * 1.2, page.frame[2] - cap * 1.2
    pitch = cap * 1.75
    spare = page.height - cap * 2.4 - 9.2 * pitch
    num_items = max(3, min(rng.randint(4, 12), int(spare / pitch)))
    stretch = min(2.4, max(1.0, (page.height - cap * 2.4) / ((num_items + 9.2) * pitch)))
    body = Style(family[0], cap, page.ink)
    return Roll(left, right, pitch * rng.uniform(1.0, stretch), body, body.faced(family[1]), page.colours), num_items


def draw_head(rng: Random, asker: Asker, page: Page, roll: Roll) -> float:
    """Shop name, date and time; returns the height below them."""
    canvas, width = asker.canvas, roll.right - roll.left
    shop = rng.choice(words.SHOPS)
    if rng.random() < 0.5:
        shop = shop.upper()
    style = canvas.fit(shop, roll.bold.sized(min(48.0, roll.body.cap * rng.uniform(*roll.shop))), width)
    y = page.frame[1] + roll.body.cap * 1.3
    ink = canvas.text((roll.left + roll.right) / 2, y, shop, style, "centre")
    asker.ask("transcribe", "reading", SHOP, shop, [ink])
    y += style.cap + max(roll.pitch * 0.7, style.cap * 0.4 + 4 + abs(canvas.angle) * 2)
    date = canvas.text(roll.left, y, words.date(rng), roll.body)
    asker.ask("read_field", "reading", DATE, date.text, [date])
    clock = words.time(rng)
    if canvas.measure(clock, roll.body) + date.box[2] + roll.body.cap < roll.right:
        time = canvas.text(roll.right, y, clock, roll.body, "right")
        asker.ask("read_field", "reading", TIME, time.text, [time])
    y += roll.pitch
    canvas.line([(roll.left, y), (roll.right, y)], page.ink)
    return y + roll.pitch * 0.55


def draw_foot(rng: Random, asker: Asker, page: Page, roll: Roll) -> float:
    """The code at the bottom, mostly in small print; returns the height above it."""
    code = words.code(rng)
    label = rng.choice(("Ref", "No.", "Code", "Slip"))
    style = roll.body.sized(9.2) if roll.small_print else roll.body
    y = page.frame[3] - roll.body.cap * 1.3 - style.cap
    total = asker.canvas.measure(f"{label} {code}", style)
    x = roll.left if rng.random() < 0.5 else (roll.left + roll.right - total) / 2
    tag = asker.canvas.text(x, y, label, style)
    ink = asker.canvas.text(tag.box[2] + style.cap * 0.8, y, code, style)
    if roll.small_print:
        asker.ask("small_print", "reading", CODE, code, [ink])
    else:
        asker.ask("read_field", "reading", LARGE_CODE, code, [ink])
    return y - roll.body.cap * 0.7


def draw_entries(
    rng: Random, canvas: Canvas, roll: Roll, y: float, num_items: int, bottom: float
) -> tuple[list[Entry], float]:
    """The items; leaves room for three lines of totals above `bottom`."""
    num_items = max(2, min(num_items, int((bottom - y - 3.6 * roll.pitch) / roll.pitch)))
    names = words.distinct(rng, words.ITEMS, num_items, 7)
    cents = rng.sample(range(60, 2000, 5) if rng.random() < 0.5 else range(101, 4000), num_items)
    marks = mark_colours(rng, num_items, roll.colours)
    gutter = roll.body.cap * 1.6 if any(marks) else 0.0
    mid = roll.left + gutter + (roll.right - roll.left - gutter) * 0.6
    entries = []
    for name, amount, mark in zip(names, cents, marks, strict=True):
        quantity = rng.randint(1, 9)
        if mark:
            canvas.disc(roll.left + gutter * 0.35, y + roll.body.cap / 2, gutter * 0.35, named(rng, mark))
        entries.append(
            Entry(
                canvas.text(roll.left + gutter, y, name, roll.body),
                canvas.text(mid, y, str(quantity), roll.body),
                canvas.text(roll.right, y, f"{amount / 100:.2f}", roll.body, "right"),
                amount,
                mark,
            )
        )
        y += roll.pitch
    return entries, y


def mark_colours(rng: Random, num_items: int, colours: tuple[str, ...]) -> list[str | None]:
    """Coloured dots for some items of some receipts, each colour once; without colours there are none."""
    marks: list[str | None] = [None] * num_items
    if colours and rng.random() < 0.6:
        chosen = rng.sample(range(num_items), min(num_items, rng.randint(2, 4)))
        for index, colour in zip(chosen, rng.sample(colours, len(chosen)), strict=True):
            marks[index] = colour
    return marks


def draw_totals(rng: Random, asker: Asker, roll: Roll, y: float, entries: list[Entry], bottom: float) -> None:
    """Subtotal, tax and total, as many of them as fit."""
    canvas = asker.canvas
    subtotal = sum(entry.cents for entry in entries)
    tax = round(subtotal * rng.choice((5, 7, 8, 10, 20)) / 100)
    canvas.line([(roll.left, y - roll.pitch * 0.2), (roll.right, y - roll.pitch * 0.2)], roll.body.colour)
    y += roll.pitch * 0.25
    large = roll.bold.sized(min(roll.body.cap * rng.uniform(1.0, 1.6), roll.pitch * 0.75))
    total = rng.choice(("TOTAL", "Total"))
    rows: list[tuple[str, int, tuple[str, ...], Style]] = [(total, subtotal, TOTAL, large)]
    if bottom - y >= 2.6 * roll.pitch:
        taxed = [("Subtotal", subtotal, SUBTOTAL, roll.body), ("Tax", tax, TAX, roll.body)]
        rows = [*taxed, (total, subtotal + tax, TOTAL, large)]
    for label, amount, wordings, style in rows:
        tag = canvas.text(roll.left, y, label, style)
        ink = canvas.text(roll.right, y, f"{amount / 100:.2f}", style, "right")
        asker.ask("read_field", "reading", wordings, ink.text, [ink, tag])
        y += roll.pitch


def ask_entries(rng: Random, asker: Asker, entries: list[Entry]) -> None:
    """Lookups of one item."""
    for entry in rng.sample(entries, min(3, len(entries))):
        asker.ask(
            "read_field", "reading", PRICE, entry.price.text, [entry.price, entry.name], hops=2, item=entry.name.text
        )
    entry = rng.choice(entries)
    asker.ask(
        "read_field",
        "reading",
        QUANTITY,
        entry.quantity.text,
        [entry.quantity, entry.name],
        hops=2,
        item=entry.name.text,
    )
    entry = rng.choice(entries)
    asker.ask(
        "read_field",
        "reading",
        ITEM_OF_PRICE,
        entry.name.text,
        [entry.name, entry.price],
        hops=2,
        price=entry.price.text,
    )
    for wordings, entry in ((FIRST_ITEM, entries[0]), (LAST_ITEM, entries[-1])):
        asker.ask("read_field", "reading", wordings, entry.name.text, [entry.name])
    for entry in entries:
        if entry.mark:
            asker.ask("read_field", "reading", MARKED_ITEM, entry.name.text, [entry.name], colour=entry.mark)
            asker.ask("read_field", "reading", MARKED_PRICE, entry.price.text, [entry.price], colour=entry.mark)
    entry = rng.choice(entries)
    bought = rng.random() < 0.5
    absent = asker.absent(words.ITEMS)
    evidence = [entry.name] if bought else [e.name for e in entries]
    asker.ask(
        "yes_no", "reading", HAS_ITEM, "yes" if bought else "no", evidence, item=entry.name.text if bought else absent
    )


def ask_pairs(rng: Random, asker: Asker, entries: list[Entry]) -> None:
    """Comparison of two prices, sum of two quantities."""
    order = rng.sample(entries, min(4, len(entries)))
    for (a, b), wordings in zip(pairwise(order), (DEARER, CHEAPER), strict=False):
        dearer, cheaper = (a, b) if a.cents > b.cents else (b, a)
        answer = (dearer if wordings is DEARER else cheaper).name.text
        evidence = [a.name, a.price, b.name, b.price]
        asker.ask("compare", "reading", wordings, answer, evidence, hops=3, a=a.name.text, b=b.name.text)
    for a, b in pairwise(rng.sample(entries, min(4, len(entries)))):
        total = str(int(a.quantity.text) + int(b.quantity.text))
        evidence = [a.quantity, a.name, b.quantity, b.name]
        asker.ask("arithmetic", "arithmetic", SUM, total, evidence, hops=3, a=a.name.text, b=b.name.text)


KIND = Kind(
    "receipt", 1, draw_receipt, {"reading": 10.0, "description": 1.5, "arithmetic": 2.0}, "dense text", may_turn=True
)
