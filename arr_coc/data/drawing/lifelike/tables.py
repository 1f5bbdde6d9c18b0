"""Tables on a page or a screen, with rules or without: league tables, timetables, statistics, price lists, rotas."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import ACCENTS, Rgb, lighter, paper_choice
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import Print, width_of
from arr_coc.data.drawing.lifelike.photographed_pages import photographed_page
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.vocabulary import Speaker, date, serial
from arr_coc.data.drawing.lifelike.world import BRANDS, COUNTRIES, JOBS, Money, distinct, firm, person, town
from arr_coc.data.drawing.lifelike.writer import Writer, cut, wrapped, writer_on

RULES = ("full", "rows", "head and foot", "zebra", "none", "none")
CLUBS = ("FC ", "SV ", "", "", "Real ", "AC ")
UNSEEN_RULES = ("columns", "dotted")
SOURCES = (
    "National Statistics Office",
    "Company data",
    "Eurostat",
    "own survey",
    "Annual report",
    "Ministry of Health",
    "World Bank",
    "OECD",
)


@dataclass(frozen=True)
class Column:
    """A heading and a cell for each row; `numbers` where cells can be compared."""

    head: str
    cells: list[str]
    numbers: list[float] | None = None
    unit: str = ""


@dataclass(frozen=True)
class Content:
    """What a table says: the first column names the rows."""

    title: str
    key: str
    columns: list[Column]


def number_column(rng: Random, head: str, num: int, low: float, high: float, form: str = "{:.0f}") -> Column:
    """Numbers, no two alike where there is room."""
    numbers: list[float] = []
    while len(numbers) < num:
        wish = float(form.format(rng.uniform(low, high)).replace(",", "").rstrip("%"))
        if wish not in numbers or rng.random() < 0.1:
            numbers.append(wish)
    return Column(head, [form.format(number) for number in numbers], numbers)


def statistics(rng: Random, speaker: Speaker, num: int) -> Content:
    """Numbers by country, year after year or by topic."""
    first = Column("Country", rng.sample(COUNTRIES, num))
    topic = rng.choice(
        (
            "Population (m)",
            "Exports",
            "Energy use",
            "Tourist arrivals",
            "Unemployment rate",
            "GDP per head",
            "Renewables",
        )
    )
    form, low, high = rng.choice((("{:.1f}", 1, 99), ("{:,.0f}", 100, 90_000), ("{:.0f}%", 1, 99), ("{:.2f}", 0, 10)))
    start = rng.randint(1998, 2022)
    columns = [number_column(rng, str(start + k), num, low, high, form) for k in range(rng.randint(2, 5))]
    return Content(f"{topic} by country", "country", [first, *columns])


def league(rng: Random, speaker: Speaker, num: int) -> Content:
    teams = distinct(
        num,
        lambda: f"{rng.choice(CLUBS)}{town(rng, speaker)}{rng.choice(('', '', ' United', ' City', ' 04'))}",
    )
    played = rng.randint(8, 34)
    columns = [Column("Team", teams), Column("P", [str(played)] * num), number_column(rng, "W", num, 1, played + 5),
        number_column(rng, "D", num, 0, 14),
               number_column(rng, "Goals", num, 8, 90), number_column(rng, "Points", num, 5, 99)]  # fmt: skip
    return Content(rng.choice(("League table", "Standings", "Division 2", "Final table")), "team", columns)


def timetable(rng: Random, speaker: Speaker, num: int) -> Content:
    def times() -> list[str]:
        minute = rng.randint(300, 900)
        found = []
        for _ in range(num):
            minute += rng.randint(2, 40)
            found.append(f"{minute // 60 % 24:02d}:{minute % 60:02d}")
        return found

    lines = [
        f"{rng.choice(('Bus', 'Line', 'RE', 'S', 'IC', 'No.'))} {rng.randint(1, 99)}" for _ in range(rng.randint(2, 5))
    ]
    stops = Column("Stop", distinct(num, lambda: town(rng, speaker)))
    return Content(
        f"Timetable {rng.choice(('weekdays', 'Saturday', 'summer', date(rng)))}",
        "stop",
        [stops, *(Column(line, times()) for line in dict.fromkeys(lines))],
    )


def prices(rng: Random, speaker: Speaker, num: int) -> Content:
    money, cents = Money.chosen(rng), [rng.randint(20, 9000) * 5 for _ in range(num)]
    columns = [Column(rng.choice(("Item", "Product", "Article")), distinct(num, speaker.goods))]
    if rng.random() < 0.6:
        columns.append(Column(rng.choice(("Code", "Art. no.", "SKU")), [serial(rng) for _ in range(num)]))
    if rng.random() < 0.6:
        columns.append(number_column(rng, rng.choice(("Stock", "Pieces", "Qty")), num, 0, 400))
    columns.append(Column("Price", [money.full(c) for c in cents], [c / 100 for c in cents]))
    return Content(
        rng.choice(("Price list", "Stock list", "Catalogue", "Inventory", "Menu")), columns[0].head.lower(), columns
    )


def rota(rng: Random, speaker: Speaker, num: int) -> Content:
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][: rng.randint(3, 7)]
    shift = ("early", "late", "night", "off", "8-16", "9-17", "14-22", "home", "x", "-")
    people = Column("Name", distinct(num, lambda: person(rng, speaker)))
    return Content(
        rng.choice(("Duty roster", "Staff plan", "Week 34", "Shift plan")),
        "person",
        [people, *(Column(day, [rng.choice(shift) for _ in range(num)]) for day in days)],
    )


def results(rng: Random, speaker: Speaker, num: int) -> Content:
    columns = [
        Column("Name", distinct(num, lambda: person(rng, speaker))),
            Column("Club", [town(rng, speaker) for _ in range(num)]),
        number_column(rng, "Age", num, 15, 80), number_column(rng,
            rng.choice(("Score", "Points", "Time (s)", "Distance (m)")), num, 9, 99, "{:.2f}"),
    ]  # fmt: skip
    return Content(rng.choice(("Results", "Final ranking", "Qualifying round", "Exam results")), "person", columns)


def finances(rng: Random, speaker: Speaker, num: int) -> Content:
    rows = rng.sample(("Revenue", "Cost of sales", "Gross profit", "Staff costs", "Marketing", "Rent", "Depreciation",
        "Interest", "Tax", "Net income",
                       "Research", "Other income", "Dividends", "Cash flow", "Investments", "Total assets"),
                       min(num, 16))  # fmt: skip
    start = rng.randint(2005, 2024)
    heads = (
        [f"Q{k} {start}" for k in range(1, 5)]
        if rng.random() < 0.4
        else [str(start + k) for k in range(rng.randint(2, 4))]
    )
    return Content(f"{firm(rng, speaker)}: key figures", "item",
        [Column(rng.choice(("EUR m", "in thousands", "$ million", "Position")), rows),
                   *(number_column(rng, head, len(rows), 3, 9900, "{:,.0f}") for head in heads)])  # fmt: skip


def projects(rng: Random, speaker: Speaker, num: int) -> Content:
    columns = [
        Column("Project", distinct(num, lambda: f"{rng.choice(BRANDS)} {speaker.word(words.TOPICS)}")),
            Column("Lead", [person(rng, speaker) for _ in range(num)]),
        Column("Due", [date(rng) for _ in range(num)]), Column("Status",
            [rng.choice(("open", "done", "late", "on hold", "planned")) for _ in range(num)]),
        number_column(rng, "Hours", num, 4, 600),
    ]  # fmt: skip
    return Content(rng.choice(("Projects", "Open work", "Plan", rng.choice(JOBS))), "project", columns)


CONTENTS = (statistics, league, timetable, prices, rota, results, finances, projects)


def draw_table(rng: Random, unseen: bool, zoom: float) -> Sheet:
    """A title, the table, a source."""
    cap = rng.uniform(8, 12.5) * zoom
    paper, ink = paper_choice(rng)
    probe = writer_on(rng, (64, 64), unseen, cap, ("sans", "sans", "serif", "narrow", "mono"), paper, ink)
    content = rng.choice(CONTENTS)(rng, probe.speaker, rng.choices((3, 4, 5, 6, 8, 10, 14), (2, 3, 4, 4, 3, 2, 1))[0])
    gap, margin = cap * rng.uniform(1.2, 3), cap * rng.uniform(1.5, 4)
    widths = [
        max(width_of(text, probe.bold) for text in (column.head, *column.cells)) + gap for column in content.columns
    ]
    size = (max(sum(widths) + 2 * margin, cap * 26), cap * (len(content.columns[0].cells) * 3.6 + 24))
    writer = Writer(Sheet(rng, (round(size[0]), round(size[1])), "RGB", paper), probe.speaker, probe.body, probe.bold)
    writer.sheet.ink = ink
    y = title(writer, content, margin)
    grid = Grid(
        writer,
        content,
        widths,
        margin,
        gap,
        cap * rng.uniform(1.8, 3.1),
        rng.choice(ACCENTS),
        rng.choice(UNSEEN_RULES if unseen else RULES),
    )
    inks, y = grid.draw(y)
    y = source(writer, margin, y)
    ask_cells(writer, content, inks)
    writer.ask_rows(3)
    cut(writer, y + margin * 0.7)
    return writer.sheet


def title(writer: Writer, content: Content, margin: float) -> float:
    rng, cap, y = writer.rng, writer.cap, margin
    if rng.random() < 0.85:
        style = writer.bold.sized(rng.uniform(1.1, 1.8))
        number = rng.choice(("", "", f"Table {rng.randint(1, 9)}. ", f"Table {rng.randint(1, 6)}: "))
        parts = wrapped(number + content.title, style, writer.sheet.width - 2 * margin)
        inks = writer.paragraph(margin, y, writer.sheet.width - 2 * margin, number + content.title, style)
        if len(parts) == 1:
            writer.sheet.ask("title", asked.HEADING, inks[0].text, [inks[0]])
        y += style.cap * 1.75 * len(parts) + cap * 0.8
    return y


@dataclass
class Grid:
    """How the cells are laid out and ruled."""

    writer: Writer
    content: Content
    widths: list[float]
    left: float
    gap: float
    pitch: float
    accent: Rgb
    rules: str

    def draw(self, y: float) -> tuple[list[list[Ink]], float]:
        """Inks by column (the heading first), and where the table ends."""
        writer, top = self.writer, y
        right = self.left + sum(self.widths)
        columns, num = self.content.columns, len(self.content.columns[0].cells)
        strong = self.rules in ("full", "zebra") and writer.rng.random() < 0.7
        if strong:
            fill = self.accent if writer.rng.random() < 0.5 else lighter(self.accent, 0.8)
            writer.box((self.left, y, right, y + self.pitch), fill=fill)
        colour = (255, 255, 255) if strong and sum(fill) < 420 else None
        for row in range(1, num + 1):
            if self.rules == "zebra" and row % 2 == 0:
                writer.box(
                    (self.left, y + row * self.pitch, right, y + (row + 1) * self.pitch), fill=lighter(self.accent, 0.9)
                )
        inks: list[list[Ink]] = []
        x = self.left
        for column, width in zip(columns, self.widths, strict=True):
            inks.append(self.column(column, x, width, y, colour))
            x += width
        self.lines(top, y + self.pitch * (num + 1), right, num)
        for row in range(num + 1):
            writer.row(*(column[row] for column in inks))
        return inks, y + self.pitch * (num + 1)

    def column(self, column: Column, x: float, width: float, y: float, colour: Rgb | None) -> list[Ink]:
        writer, flush = self.writer, column.numbers is not None
        at, align = (x + width - self.gap / 2, "right") if flush else (x + self.gap / 2, "left")
        inks = []
        for row, text in enumerate((column.head, *column.cells)):
            style: Print = writer.bold if row == 0 else writer.body
            shade = colour if row == 0 else None
            inks.append(
                writer.put(
                    at,
                    y + row * self.pitch + (self.pitch - writer.cap) / 2,
                    text,
                    style,
                    align=align,
                    colour=shade,
                    width=width - self.gap * 0.4,
                )
            )
        return inks

    def lines(self, top: float, bottom: float, right: float, num: int) -> None:
        sheet, left, rules = self.writer.sheet, self.left, self.rules
        if rules in ("full", "rows", "dotted"):
            for row in range(1, num + 1):
                sheet.rule(left, right, round(top + row * self.pitch), 1, 2 if rules == "dotted" else 0)
        if rules in ("full", "head and foot", "columns", "rows"):
            for y, width in ((top, 2), (top + self.pitch, 1), (bottom, 2)):
                sheet.rule(left, right, round(y), width if rules == "head and foot" else 1)
        if rules in ("full", "columns"):
            edges = [left, *(left + sum(self.widths[: k + 1]) for k in range(len(self.widths)))]
            for x in edges if rules == "full" else edges[1:-1]:
                sheet.pen.line((x, top, x, bottom), fill=sheet.ink)


def source(writer: Writer, margin: float, y: float) -> float:
    rng, cap = writer.rng, writer.cap
    if rng.random() < 0.5:
        y += cap * 1.1
        year = rng.choice(("", f", {rng.randint(1999, 2026)}"))
        text = f"{rng.choice(('Source:', 'Source', 'Data:', 'Quelle:'))} {rng.choice(SOURCES)}{year}"
        ink = writer.line(margin, y, text, writer.body.sized(0.85), width=writer.sheet.width - 2 * margin)
        writer.sheet.ask("source", asked.SOURCE, ink.text, [ink])
        y += cap
    return y


def ask_cells(writer: Writer, content: Content, inks: list[list[Ink]]) -> None:
    """Cells by row and column, rows by cell, extremes, differences."""
    rng, sheet, num = writer.rng, writer.sheet, len(content.columns[0].cells)
    for _ in range(7):
        k, row = rng.randrange(1, len(inks)), rng.randrange(1, num + 1)
        cell, name, head = inks[k][row], inks[0][row], inks[k][0]
        if not (cell.text and name.text and head.text):
            continue
        sheet.ask("cell", asked.CELL, cell.text, [cell, name, head], hops=2, row=name.text, column=head.text)
        if [ink.text for ink in inks[k]].count(cell.text) == 1 and rng.random() < 0.5:
            sheet.ask(
                "row_of",
                asked.ROW_OF,
                name.text,
                [name, cell, head],
                hops=2,
                key=content.key,
                value=cell.text,
                column=head.text,
            )
    for column, drawn in zip(content.columns, inks, strict=True):
        if column.numbers is not None and rng.random() < 0.6:
            ask_extremes(writer, content, column.numbers, drawn, inks[0])
    if num < 12:
        sheet.ask("count", asked.NUM_ROWS, str(num), [ink for ink in inks[0][1:]])
    sheet.ask("heading", asked.COLUMN_HEAD, inks[-1][0].text, [inks[-1][0]])


def ask_extremes(writer: Writer, content: Content, numbers: list[float], drawn: list[Ink], names_: list[Ink]) -> None:
    rng, sheet, head = writer.rng, writer.sheet, drawn[0].text
    for best, row_words, value_words in (
        (max(numbers), asked.HIGHEST_ROW, asked.HIGHEST_VALUE),
        (min(numbers), asked.LOWEST_ROW, asked.LOWEST_VALUE),
    ):
        row = numbers.index(best) + 1
        if numbers.count(best) == 1 and rng.random() < 0.6:
            sheet.ask(
                "extreme", row_words, names_[row].text, [names_[row], *drawn[1:]], hops=3, key=content.key, column=head
            )
        sheet.ask("extreme", value_words, drawn[row].text, [drawn[row], *drawn[1:]], hops=3, column=head)
    one, other = rng.sample(range(len(numbers)), 2)
    gap = round(abs(numbers[one] - numbers[other]), 2)
    evidence = [drawn[one + 1], drawn[other + 1], names_[one + 1], names_[other + 1]]
    text = f"{gap:,.0f}" if gap == int(gap) else f"{gap:g}"
    if gap < 1000:
        sheet.ask(
            "arithmetic",
            asked.ROW_DIFFERENCE,
            text,
            evidence,
            hops=3,
            group="arithmetic",
            column=head,
            one=names_[one + 1].text,
            other=names_[other + 1].text,
        )


KIND = LifelikeKind("table", 5, version="1", share=8, draw=draw_table, take=photographed_page)
