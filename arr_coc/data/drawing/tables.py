"""Tables: named rows and columns, some rows tinted, cells of numbers, words and codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import Page, lay_page
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import Colour, contrasting, named, tint
from arr_coc.data.drawing.fonts import FAMILIES
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

CELL = (
    "What is the {column} of {row}?",
    "Which {column} does {row} have?",
    "What is in row {row}, column {column}?",
    "{row}: what is the {column}?",
)
CELL_OF_COLOUR = ("What is the {column} in the {colour} row?", "Which {column} is in the {colour} row?")
ROW_OF_COLOUR = ("What is the name of the {colour} row?", "Which row is {colour}?")
ROW_COLOUR = ("What colour is the row {row}?", "Which colour does the row {row} have?")
ROW_OF_CELL = ("Which row has the {column} {value}?", "Whose {column} is {value}?")
FIRST_CELL = ("What is the {column} in the first row?", "Which {column} is in the top row?")
LAST_CELL = ("What is the {column} in the last row?", "Which {column} is in the bottom row?")
MORE = ("Who has more {column}, {a} or {b}?", "Who has the higher {column}, {a} or {b}?")
LESS = ("Who has less {column}, {a} or {b}?", "Who has the lower {column}, {a} or {b}?")
HIGHEST = ("Which row has the highest {column}?", "Who has the most {column}?")
LOWEST = ("Which row has the lowest {column}?", "Who has the least {column}?")
HAS_ROW = ("Is there a row {row}?", "Does the table list {row}?")
NUM_ROWS = ("How many rows are there below the header?", "How many rows does the table list?")
NUM_COLUMNS = ("How many columns does the table have?", "How many columns are there?")
TITLE = ("What is the title of the table?", "Transcribe the title of the table.")
SUM = ("What is the {column} of {a} plus {b}?", "How many {column} do {a} and {b} have in all?")
NOTE = ("What is the code in the small print below the table?", "Which code is in the small print?")
HEADER_COLOUR = ("What colour is the header of the table?", "Which colour does the top row have?")

NUMBERS = ("Points", "Stock", "Score", "Weight", "Speed", "Orders", "Visits", "Sales")
DIGITS = ("Goals", "Wins", "Pets", "Cups", "Trips", "Tests")
TEXTS: dict[str, Callable[[Random], str]] = {
    "City": lambda rng: rng.choice(words.CITIES),
    "Code": words.code,
    "Time": words.time,
    "Friend": lambda rng: rng.choice(words.NAMES),
    "Item": lambda rng: rng.choice(words.ITEMS),
}


@dataclass(frozen=True)
class Column:
    """A drawn column: heading and cells from top to bottom; kind is "digit", "number" or "text"."""

    heading: Ink
    kind: str
    cells: tuple[Ink, ...]


@dataclass(frozen=True)
class Grid:
    """Where the cells are: left edges of the columns, heights of the lines, header first."""

    lefts: tuple[float, ...]
    tops: tuple[float, ...]
    right: float
    bottom: float

    def row(self, index: int) -> Box:
        ends = (*self.tops[1:], self.bottom)
        return self.lefts[0], self.tops[index], self.right, ends[index]


@dataclass(frozen=True)
class Look:
    """Styles of a table and the colours of its header and rows; None where a row is not tinted."""

    body: Style
    bold: Style
    header: str | None
    rows: tuple[str | None, ...]
    ruled: bool


def draw_table(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a table and asks about it."""
    page = lay_page(rng, canvas, plain, (0.4, 3.5))
    asker = Asker(rng, canvas)
    family = FAMILIES[rng.choice(("sans", "serif", "mono", "stix"))]
    cap = max(9.2, min(rng.uniform(9.4, max(14.0, page.width / 55)), page.width / 27, page.height / 19))
    body = Style(family[0], cap, page.ink)
    top, bottom = draw_edges(rng, asker, page, body, body.faced(family[1]))
    grid = lay_grid(rng, page, cap, top, bottom)
    look = choose_look(rng, page, body, body.faced(family[1]), len(grid.tops) - 1)
    paint_rows(rng, canvas, grid, look, page)
    names, columns = write_cells(rng, canvas, grid, look)
    ask_cells(rng, asker, names, columns, look)
    ask_rows(rng, asker, names, columns, look, grid)
    for column in columns:
        ask_numbers(rng, asker, names, column)
    asker.ask_picture("table")
    asker.ask_page(page)
    return asker


def draw_edges(rng: Random, asker: Asker, page: Page, body: Style, bold: Style) -> tuple[float, float]:
    """Title above, small print below; returns the heights between."""
    x0, y0, x1, y1 = page.frame
    canvas, pad = asker.canvas, body.cap * 1.2
    title = rng.choice(words.TITLES)
    style = bold.sized(min(56.0, max(body.cap * rng.uniform(1.4, 2.4), page.height * 0.04)))
    style = canvas.fit(title, style, x1 - x0 - 2 * pad)
    ink = canvas.text(x0 + pad, y0 + pad, title, style)
    asker.ask("transcribe", "tables", TITLE, title, [ink])
    small = body.sized(9.2)
    y = y1 - pad - small.cap
    tag = canvas.text(x0 + pad, y, rng.choice(("Note", "Sheet", "Ref")), small)
    code = canvas.text(tag.box[2] + small.cap * 0.8, y, words.code(rng), small)
    asker.ask("small_print", "tables", NOTE, code.text, [code])
    return y0 + pad + style.cap * 1.3 + body.cap, y - body.cap * 1.1


def lay_grid(rng: Random, page: Page, cap: float, top: float, bottom: float) -> Grid:
    """Edges of columns and lines; sometimes the table leaves part of the page free."""
    left, right = page.frame[0] + cap * 1.2, page.frame[2] - cap * 1.2
    cols = max(2, min(rng.randint(2, 5), int((right - left) / (cap * 7.6))))
    rows = max(2, min(rng.randint(3, 7), int((bottom - top) / (cap * 1.9)) - 1))
    pitch = min((bottom - top) / (rows + 1), cap * rng.uniform(1.9, 5.0))
    top += rng.random() * (bottom - top - pitch * (rows + 1))
    width = (right - left) / cols
    tops = tuple(top + k * pitch for k in range(rows + 1))
    return Grid(tuple(left + c * width for c in range(cols)), tops, right, top + pitch * (rows + 1))


def choose_look(rng: Random, page: Page, body: Style, bold: Style, num_rows: int) -> Look:
    """Header colour and tinted rows."""
    header = rng.choice(page.colours) if rng.random() < 0.75 else None
    rows: list[str | None] = [None] * num_rows
    if rng.random() < 0.65:
        tinted = rng.sample(range(num_rows), rng.randint(1, min(4, num_rows)))
        free = [name for name in page.colours if name not in (header, "grey", "brown")]
        for index, name in zip(tinted, rng.sample(free, len(tinted)), strict=True):
            rows[index] = name
    return Look(body, bold, header, tuple(rows), rng.random() < 0.6)


def paint_rows(rng: Random, canvas: Canvas, grid: Grid, look: Look, page: Page) -> None:
    """Header band, tinted rows, lines."""
    for index, name in enumerate((look.header, *look.rows)):
        if name:
            shade = named(rng, name)
            canvas.rect(grid.row(index), shade if index == 0 else tint(shade, 0.48))
    line: Colour = (150, 150, 150) if look.ruled else page.ink
    for y in (*grid.tops, grid.bottom) if look.ruled else (grid.tops[1],):
        canvas.line([(grid.lefts[0], y), (grid.right, y)], line)
    if look.ruled:
        for x in (*grid.lefts, grid.right):
            canvas.line([(x, grid.tops[0]), (x, grid.bottom)], line)


def write_cells(rng: Random, canvas: Canvas, grid: Grid, look: Look) -> tuple[Column, list[Column]]:
    """Texts of all cells; the first column names the rows."""
    num_rows = len(grid.tops) - 1
    rows = words.distinct(rng, words.NAMES, num_rows, 6)
    columns = [write_column(canvas, grid, look, 0, "Name", "text", rows)]
    kinds = rng.choices(("digit", "number", "text"), k=len(grid.lefts) - 1)
    if "digit" not in kinds and (len(kinds) > 1 or rng.random() < 0.5):
        kinds[rng.randrange(len(kinds))] = "digit"
    used: set[str] = set()
    for index, kind in enumerate(kinds, start=1):
        heading = rng.choice(
            [h for h in {"digit": DIGITS, "number": NUMBERS, "text": tuple(TEXTS)}[kind] if h not in used]
        )
        used.add(heading)
        columns.append(write_column(canvas, grid, look, index, heading, kind, column_values(rng, kind, heading, rows)))
    return columns[0], columns[1:]


def column_values(rng: Random, kind: str, heading: str, rows: list[str]) -> list[str]:
    """Different values, except for single digits."""
    if kind == "digit":
        return [str(rng.randint(0, 9)) for _ in rows]
    if kind == "number":
        return [str(value) for value in rng.sample(range(10, rng.choice((100, 1000))), len(rows))]
    values: list[str] = []
    while len(values) < len(rows):
        value = TEXTS[heading](rng)
        if value not in values and value not in rows:
            values.append(value)
    return values


def write_column(
    canvas: Canvas, grid: Grid, look: Look, index: int, heading: str, kind: str, values: list[str]
) -> Column:
    """Heading and cells of one column, at the left of their boxes."""
    edges = (*grid.lefts, grid.right)
    x, width = edges[index] + look.body.cap * 0.6, edges[index + 1] - edges[index] - look.body.cap * 0.9
    pitch = grid.tops[1] - grid.tops[0]
    bold = look.bold.sized(min(look.body.cap * 1.35, pitch * 0.6, 30.0))
    if look.header:
        bold = bold.coloured(contrasting(named(Random(0), look.header)))
    bold = canvas.fit(heading, bold, width)
    head = canvas.text(x, grid.tops[0] + (pitch - bold.cap) / 2, heading, bold)
    cells = []
    for top, value in zip(grid.tops[1:], values, strict=True):
        style = canvas.fit(value, look.body, width)
        cells.append(canvas.text(x, top + (pitch - style.cap) / 2, value, style))
    return Column(head, kind, tuple(cells))


def ask_cells(rng: Random, asker: Asker, names: Column, columns: list[Column], look: Look) -> None:
    """Lookups of one cell by row and column, by the row's colour, by its place."""
    pairs = [(column, row) for column in columns for row in range(len(names.cells))]
    for column, row in rng.sample(pairs, min(5, len(pairs))):
        cell, name = column.cells[row], names.cells[row]
        evidence = [cell, name, column.heading]
        asker.ask("read_cell", "tables", CELL, cell.text, evidence, hops=2, row=name.text, column=column.heading.text)
    tinted = [(column, row) for column, row in pairs if look.rows[row]]
    for column, row in rng.sample(tinted, min(3, len(tinted))):
        cell, colour = column.cells[row], look.rows[row] or ""
        evidence = [cell, column.heading]
        asker.ask("read_cell", "tables", CELL_OF_COLOUR, cell.text, evidence, colour=colour, column=column.heading.text)
    for wordings, row in ((FIRST_CELL, 0), (LAST_CELL, -1)):
        column = rng.choice(columns)
        evidence = [column.cells[row], column.heading]
        asker.ask("read_cell", "tables", wordings, column.cells[row].text, evidence, column=column.heading.text)
    column, row = rng.choice([pair for pair in pairs if pair[0].kind != "digit"] or [(columns[0], 0)])
    if sum(cell.text == column.cells[row].text for cell in column.cells) == 1:
        evidence = [names.cells[row], column.cells[row], column.heading]
        heading, value, owner = column.heading.text, column.cells[row].text, names.cells[row].text
        asker.ask("row_name", "tables", ROW_OF_CELL, owner, evidence, hops=2, column=heading, value=value)


def ask_rows(rng: Random, asker: Asker, names: Column, columns: list[Column], look: Look, grid: Grid) -> None:
    """Colours and numbers of rows and columns, whether a row is there."""
    for row, colour in enumerate(look.rows):
        if colour:
            asker.ask("row_name", "tables", ROW_OF_COLOUR, names.cells[row].text, [names.cells[row]], colour=colour)
            asker.ask("colour", "tables", ROW_COLOUR, colour, [names.cells[row]], row=names.cells[row].text)
    size = (grid.tops[1] - grid.tops[0]) * asker.canvas.zoom
    asker.ask(
        "count",
        "tables",
        NUM_ROWS,
        str(len(names.cells)),
        list(names.cells),
        glyph_px=min(size, names.cells[0].cap_px * 1.5),
    )
    asker.ask("count", "description", NUM_COLUMNS, str(len(columns) + 1), [grid.row(0)], glyph_px=names.heading.cap_px)
    if look.header:
        asker.ask("colour", "description", HEADER_COLOUR, look.header)
    present = rng.random() < 0.5
    name = rng.choice(names.cells)
    absent = asker.absent(words.NAMES)
    evidence = [name] if present else list(names.cells)
    asker.ask("exists", "tables", HAS_ROW, "yes" if present else "no", evidence, row=name.text if present else absent)


def ask_numbers(rng: Random, asker: Asker, names: Column, column: Column) -> None:
    """Comparisons, extremes and sums within one column of numbers."""
    if column.kind == "text":
        return
    values = [int(cell.text) for cell in column.cells]
    order = rng.sample(range(len(values)), min(3, len(values)))
    for (a, b), wordings in zip(pairwise(order), (MORE, LESS), strict=False):
        if values[a] != values[b]:
            winner = a if (values[a] > values[b]) == (wordings is MORE) else b
            ask_pair(asker, names, column, (a, b), ("compare", "tables"), wordings, names.cells[winner].text)
    if column.kind == "digit":
        for a, b in pairwise(rng.sample(range(len(values)), min(4, len(values)))):
            total = str(values[a] + values[b])
            ask_pair(asker, names, column, (a, b), ("arithmetic", "arithmetic"), SUM, total)
    for wordings, best in ((HIGHEST, max(values)), (LOWEST, min(values))):
        if values.count(best) == 1 and rng.random() < 0.5:
            name = names.cells[values.index(best)]
            evidence = [name, *column.cells, column.heading]
            asker.ask("extreme", "tables", wordings, name.text, evidence, hops=3, column=column.heading.text)


def ask_pair(
    asker: Asker,
    names: Column,
    column: Column,
    rows: tuple[int, int],
    kind_group: tuple[str, str],
    wordings: tuple[str, ...],
    answer: str,
) -> None:
    """A question about the cells of one column in two rows."""
    a, b = rows
    evidence = [column.cells[a], names.cells[a], column.cells[b], names.cells[b], column.heading]
    names_of = names.cells[a].text, names.cells[b].text
    asker.ask(*kind_group, wordings, answer, evidence, hops=3, column=column.heading.text, a=names_of[0], b=names_of[1])


KIND = Kind("table", 4, draw_table, {"tables": 15.0, "description": 1.5, "arithmetic": 2.0}, "mixed", may_turn=True)
