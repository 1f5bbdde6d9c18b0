"""Labels: shelf prices, nutrition facts, parcels, medicine, jars."""

from __future__ import annotations

from random import Random

from arr_coc.data.drawing.lifelike import wordings
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import ACCENTS, TINTED_PAPERS, Rgb, bar_code, logo, square_code
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.vocabulary import date, serial
from arr_coc.data.drawing.lifelike.world import BRANDS, COUNTRIES, Money, firm, person, postal_address
from arr_coc.data.drawing.lifelike.writer import Writer, cut, writer_on

LAYOUTS = ("shelf", "nutrition", "parcel", "jar")
UNSEEN_LAYOUTS = ("medicine", "nutrition columns", "tag")
NUTRIENTS = (
    ("Energy", " kcal", 20, 600), ("Fat", " g", 0, 60), ("Saturates", " g", 0, 30), ("Carbohydrate", " g", 0, 80),
    ("Sugars", " g", 0, 60),
    ("Fibre", " g", 0, 20), ("Protein", " g", 0, 35), ("Salt", " g", 0, 4), ("Sodium", " mg", 5, 900),
    ("Calcium", " mg", 10, 400), ("Iron", " mg", 0, 15),
    ("Vitamin C", " mg", 0, 90), ("Cholesterol", " mg", 0, 120), ("Potassium", " mg", 10, 800),
)  # fmt: skip
STORAGE = ("Keep cool and dry.", "Store below 25°C.", "Refrigerate after opening.", "Keep out of reach of children.",
    "Shake well before use.",
           "Best before: see lid.", "Handle with care.", "This side up.", "Do not bend.",
           "Contains milk and nuts.")  # fmt: skip


def draw_label(rng: Random, unseen: bool, zoom: float) -> Sheet:
    layout, cap = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS), rng.uniform(9, 14) * zoom
    width = cap * {"shelf": rng.uniform(26, 40), "tag": rng.uniform(20, 28), "parcel": rng.uniform(34, 46)}.get(
        layout, rng.uniform(28, 40)
    )
    paper = rng.choice(TINTED_PAPERS if layout != "shelf" else (*TINTED_PAPERS, (255, 232, 60), (255, 214, 0)))
    writer = writer_on(rng, (width, width * 3), unseen, cap, ("sans", "sans", "narrow", "display", "serif"), paper)
    y = DRAWN[layout](writer, cap * rng.uniform(0.8, 1.8))
    writer.ask_rows(3)
    cut(writer, y + cap * rng.uniform(0.8, 2))
    if rng.random() < 0.5:
        frame = (2, 2, writer.sheet.width - 3, writer.sheet.height - 3)
        writer.box(frame, outline=writer.sheet.ink, width=rng.choice((1, 2, 3)), radius=writer.rng.choice((0, cap)))
    return writer.sheet


def shelf(writer: Writer, margin: float) -> float:
    """Goods, a large price, a small one by unit, bars."""
    rng, cap, right = writer.rng, writer.cap, writer.sheet.width - margin
    name = writer.line(
        margin,
        margin,
        f"{writer.speaker.word(BRANDS)} {writer.speaker.goods()}",
        writer.bold.sized(1.25),
        width=right - margin,
    )
    writer.sheet.ask("product", asked.PRODUCT, name.text, [name])
    y, weight = margin + cap * 2.4, rng.choice((100, 125, 200, 250, 330, 400, 500, 750, 1000))
    size = writer.line(margin, y, f"{weight} {rng.choice(('g', 'ml'))}")
    writer.sheet.ask("weight", asked.WEIGHT, size.text, [size])
    money, cents = (
        Money.chosen(rng),
        rng.choice((rng.randint(10, 900) * 5 + 4, rng.randint(0, 60) * 100 + 99, rng.randint(1, 50) * 50)),
    )
    big = writer.bold.sized(rng.uniform(3.4, 5.5))
    red: Rgb | None = (196, 16, 24) if rng.random() < 0.4 else None
    price = writer.line(right, y + cap * 1.6, money.full(cents), big, align="right", colour=red, width=right - margin)
    for _ in range(2):
        writer.sheet.ask("price", asked.LABEL_PRICE, price.text, [price], also=(money.bare(cents),))
    y += cap * 1.6 + big.cap * 1.35
    unit = writer.line(
        margin,
        y,
        f"{money.full(round(cents * 1000 / weight))} / {rng.choice(('kg', '1 kg', 'l'))}",
        writer.body.sized(0.9),
        width=(right - margin) * 0.6,
    )
    writer.sheet.ask("unit_price", asked.UNIT_COST, unit.text, [unit])
    return below_bars(writer, margin, y + cap * 2, right)


def below_bars(writer: Writer, x0: float, y: float, x1: float) -> float:
    rng, cap = writer.rng, writer.cap
    bar_code(writer, (x0, y, x0 + (x1 - x0) * rng.uniform(0.5, 0.9), y + cap * rng.uniform(1.5, 4)))
    y += cap * 4.4
    ink = writer.line(x0, y, "".join(rng.choices("0123456789", k=13)))
    writer.sheet.ask(
        "code",
        ("Which number is under the bar code?", "Read the number below the bars.", "article number"),
        ink.text,
        [ink],
    )
    return y + cap * 1.2


def nutrition(writer: Writer, margin: float) -> float:
    return facts(writer, margin, columns=1)


def nutrition_columns(writer: Writer, margin: float) -> float:
    return facts(writer, margin, columns=2)


def facts(writer: Writer, margin: float, columns: int) -> float:
    """Nutrition facts: thick rules, a row each, one amount or two."""
    rng, cap, right = writer.rng, writer.cap, writer.sheet.width - margin
    title = writer.bold.sized(rng.uniform(1.5, 2.3))
    head = writer.line(
        margin,
        margin,
        rng.choice(("Nutrition Facts", "Nutrition", "NUTRITION INFORMATION", "Typical values", "Nährwerte")),
        title,
        width=right - margin,
    )
    writer.sheet.ask("title", asked.HEADING, head.text, [head])
    y = margin + title.cap * 1.7
    serving = rng.choice((15, 25, 30, 40, 50, 100, 150, 200, 250))
    text = f"{rng.choice(('Serving size', 'Portion', 'Per serving'))} {serving} {rng.choice(('g', 'ml'))}"
    size = writer.line(margin, y, text, width=right - margin)
    writer.sheet.ask(
        "serving",
        ("What is the serving size?", "How large is a serving?", "Which serving is meant?"),
        size.text,
        [size],
    )
    y += cap * 2
    writer.sheet.rule(margin, right, round(y), rng.choice((2, 4, 7)))
    y += cap
    stops = [right] if columns == 1 else [right - (right - margin) * 0.24, right]
    for x, text in zip(stops[::-1], ("per serving", "100 g"), strict=False):
        writer.put(x, y, text, writer.body.sized(0.85), align="right", width=(right - margin) * 0.26)
    y += cap * 1.8
    return nutrients(writer, margin, y, stops) - cap * 0.5


def nutrients(writer: Writer, margin: float, y: float, stops: list[float]) -> float:
    """A row each, its amounts ending at `stops`; where the next would stand."""
    rng, right = writer.rng, stops[-1]
    pitch, ruled = writer.cap * rng.uniform(1.8, 2.3), rng.random() < 0.7
    for label, unit, low, high in sorted(
        rng.sample(NUTRIENTS, rng.randint(4, 9)), key=lambda row: NUTRIENTS.index(row)
    ):
        strong = rng.random() < 0.5
        name = writer.put(margin, y, label, writer.bold if strong else None, width=(right - margin) * 0.5)
        values = [
            f"{rng.uniform(low, high):.1f}{unit}" if high < 100 else f"{rng.randint(low, high)}{unit}" for _ in stops
        ]
        inks = [
            writer.put(x, y, value, align="right", width=(right - margin) * 0.23)
            for x, value in zip(stops, values, strict=True)
        ]
        writer.row(name, *inks)
        for ink, where in zip(inks[::-1], ("per serving", "per 100 g"), strict=False):
            shown = f"{label} {where}" if len(stops) == 2 else label
            writer.sheet.ask(
                "nutrient",
                asked.NUTRIENT,
                ink.text,
                [ink, name],
                hops=2,
                name=shown.lower() if rng.random() < 0.5 else shown,
            )
        y += pitch
        if ruled:
            writer.sheet.rule(margin, right, round(y - pitch * 0.22), 1)
    return y


def parcel(writer: Writer, margin: float) -> float:
    """From, to, routing code, weight, tracking number."""
    rng, cap, right = writer.rng, writer.cap, writer.sheet.width - margin
    carrier = writer.line(
        margin,
        margin,
        f"{writer.speaker.word(BRANDS)} {rng.choice(('Express', 'Post', 'Parcel', 'Logistics'))}",
        writer.bold.sized(1.7),
        width=(right - margin) * 0.7,
    )
    writer.sheet.ask("company", asked.CARRIER, carrier.text, [carrier])
    y = margin + cap * 3
    y = party(writer, (margin, y, right), ("FROM", asked.SENDER, "sender", 0.85))
    y = party(writer, (margin, y, right), ("TO", asked.RECEIVER, "receiver", 1.25))
    writer.sheet.rule(0, writer.sheet.width, round(y - cap * 0.6), 2)
    y = pairs(writer, margin, y, right, [
        ("Weight", f"{rng.uniform(0.1, 31):.{rng.choice((1, 2))}f} kg", "weight", asked.WEIGHT),
        ("Date", date(rng), "date", asked.WHEN_DATE),
        ("Service", rng.choice(("Standard", "Express 12:00", "Economy", "Priority", "Next day")), "read_field",
        asked.VALUE_OF),
        ("Pieces", f"{rng.randint(1, 3)} / {rng.randint(3, 9)}", "read_field", asked.VALUE_OF),
        ("Ref", serial(rng), "read_field", asked.VALUE_OF),
    ])  # fmt: skip
    return routed(writer, margin, y, right)


def party(writer: Writer, place: tuple[float, float, float], which: tuple[str, tuple[str, ...], str, float]) -> float:
    """Who sends or gets it, below a rule, with the address: label, questions, kind and size of print."""
    (x0, y, right), (label, questions, kind, size) = place, which
    rng, cap, speaker = writer.rng, writer.cap, writer.speaker
    writer.sheet.rule(0, writer.sheet.width, round(y - cap * 0.6), 2)
    writer.put(x0, y, rng.choice((label, label.title() + ":", label + ":")), writer.body.sized(0.7))
    style, x = writer.body.sized(size), x0 + cap * 4
    name = writer.line(x, y, (firm if kind == "sender" else person)(rng, speaker), style, width=right - x)
    writer.sheet.ask(kind, questions, name.text, [name])
    lines = []
    for part in [*postal_address(rng, speaker), rng.choice(COUNTRIES).upper()]:
        y += style.cap * 1.8
        lines.append(writer.line(x, y, part, style, width=right - x))
    if kind == "receiver":
        text = " ".join(ink.text for ink in lines)
        writer.sheet.ask("address", asked.RECEIVERS_ADDRESS, text, [union(lines)], glyph_px=style.cap)
    return y + style.cap * 2.6


def routed(writer: Writer, x0: float, y: float, x1: float) -> float:
    """The routing code in large print, bars, and the tracking number below them."""
    rng, cap = writer.rng, writer.cap
    text = f"{rng.choice('ABCDEGHKLMN')}{rng.randint(1, 99):02d}-{rng.randint(100, 999)}"
    code = writer.line(x0, y, text, writer.bold.sized(2.6))
    writer.sheet.ask("code", asked.ROUTING_CODE, code.text, [code])
    if rng.random() < 0.5:
        square_code(writer, x1 - cap * 6, y - cap, cap * 6)
    y += cap * 6
    bar_code(writer, (x0, y, x1, y + cap * rng.uniform(4, 7)))
    y += cap * 7.6
    digits = "".join(rng.choices("0123456789", k=rng.choice((12, 14, 16))))
    grouped = " ".join(digits[k : k + 4] for k in range(0, len(digits), 4)) if rng.random() < 0.6 else digits
    number = writer.line((x0 + x1) / 2, y, rng.choice(("", "1Z ", "JJ", "CP ")) + grouped, align="centre")
    writer.sheet.ask("tracking", asked.TRACKING, number.text, [number])
    return y + cap


def pairs(writer: Writer, x0: float, y: float, x1: float, rows: list[tuple[str, str, str, tuple[str, ...]]]) -> float:
    """Label and value, two columns of them."""
    rng, cap = writer.rng, writer.cap
    half = (x1 - x0) / 2
    for k, (label, value, kind, questions) in enumerate(rng.sample(rows, rng.randint(3, len(rows)))):
        x = x0 + half * (k % 2)
        name = writer.put(x, y, f"{label}: ", writer.body.sized(0.9), width=half * 0.45)
        ink = writer.put(name.box[2], y, value, writer.bold.sized(0.95), width=x + half - name.box[2] - cap * 0.3)
        writer.row(name, ink)
        writer.sheet.ask(kind, questions, ink.text, [ink], label=label)
        writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=label)
        y += cap * 2 if k % 2 else 0
    return y + cap * 3


def jar(writer: Writer, margin: float) -> float:
    return product(writer, margin, ("Net weight", "Best before", "Lot", "Origin", "Batch"))


def medicine(writer: Writer, margin: float) -> float:
    return product(writer, margin, ("Dose", "Lot", "EXP", "Prescribed for", "Tablets", "Active substance"))


def tag(writer: Writer, margin: float) -> float:
    return product(writer, margin, ("Size", "Colour", "Article", "Made in", "Material", "Price"))


def product(writer: Writer, margin: float, labels: tuple[str, ...]) -> float:
    """A brand, what it is, and a handful of facts."""
    rng, cap, right, middle = writer.rng, writer.cap, writer.sheet.width - margin, writer.sheet.width / 2
    accent, y = rng.choice(ACCENTS), margin
    if rng.random() < 0.6:
        writer.box((0, 0, writer.sheet.width, cap * 4.6), fill=accent)
    else:
        logo(writer, middle - cap * 1.5, y, cap * 3, accent)
        y += cap * 4
    brand = writer.line(middle, y, writer.speaker.word(BRANDS), writer.bold.sized(rng.uniform(1.8, 2.4)),
        align="centre", width=right - margin,
                        colour=(255, 255, 255) if y == margin and writer.sheet.image.getpixel((3,
                            3)) == accent else accent)  # fmt: skip
    writer.sheet.ask("brand", ("What is the brand?", "Which brand is it?", "brand"), brand.text, [brand])
    y = max(y + cap * 3.6, cap * 6)
    name = writer.line(middle, y, writer.speaker.goods(), writer.bold.sized(1.3), align="centre", width=right - margin)
    writer.sheet.ask("product", asked.PRODUCT, name.text, [name])
    y += cap * 3
    for label in rng.sample(labels, rng.randint(3, len(labels))):
        kind, questions, value = fact(rng, writer, label)
        start = writer.put(margin, y, label + rng.choice((":", " ", ": ")))
        ink = writer.put(start.box[2] + cap * 0.6, y, value, writer.bold, width=right - start.box[2] - cap * 0.6)
        writer.row(start, ink)
        writer.sheet.ask(kind, questions, ink.text, [ink], label=label)
        writer.sheet.ask("read_field", asked.VALUE_OF, ink.text, [ink], label=label)
        y += cap * rng.uniform(1.9, 2.2)
    for sentence in rng.sample(STORAGE, rng.randint(1, 2)):
        writer.line(margin, y, sentence, writer.body.sized(0.8), width=right - margin, colour=(66, 66, 70))
        y += cap * 1.7
    return below_bars(writer, margin, y + cap * 0.5, right) if rng.random() < 0.6 else y


def fact(rng: Random, writer: Writer, label: str) -> tuple[str, tuple[str, ...], str]:
    """(question kind, wordings, value) for a label."""
    if label == "Net weight":
        return "weight", asked.WEIGHT, f"{rng.randint(2, 90) * 10} g"
    if label == "Price":
        return "price", asked.LABEL_PRICE, Money.chosen(rng).full(rng.randint(5, 400) * 50 + 49)
    if label in ("Best before", "EXP"):
        return (
            "date",
            ("What is the expiry date?", "Until when is it good?", "When does it expire?", "best before"),
            date(rng),
        )
    value = {
        "Origin": rng.choice(COUNTRIES), "Made in": rng.choice(COUNTRIES),
        "Prescribed for": person(rng, writer.speaker),
        "Dose": f"{rng.randint(1, 3)} x {rng.choice(('5 mg', '10 mg', '250 mg', '2 ml', '1 tablet'))} daily",
        "Tablets": str(rng.choice((10, 14, 20, 28, 30, 50, 100))),
        "Active substance": writer.speaker.word(["Ibuprofen", "Paracetamol"]),
        "Size": rng.choice(("XS", "S", "M", "L", "XL", "38", "40", "42", "W32 L34")),
        "Colour": rng.choice(("Black", "Navy", "Sand", "Olive", "White", "Rust", "Sky blue")),
        "Material": f"{rng.randint(5, 10) * 10}% {rng.choice(('cotton', 'wool', 'linen', 'polyester'))}",
    }.get(label)  # fmt: skip
    return "read_field", wordings.FIELD, value or serial(rng)


DRAWN = {
    "shelf": shelf, "nutrition": nutrition, "parcel": parcel, "jar": jar, "medicine": medicine,
    "nutrition columns": nutrition_columns, "tag": tag,
}  # fmt: skip
KIND = LifelikeKind("label", 3, version="1", share=5, draw=draw_label, take=photographed_page, least=6)
