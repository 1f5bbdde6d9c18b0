"""Charts: bars, upright or lying, with category and value labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import Page, lay_page
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import Colour, named
from arr_coc.data.drawing.fonts import FAMILIES
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

VALUE_OF = ("What is the value of {name}?", "Which value does the bar {name} have?", "How much is {name}?")
VALUE_OF_COLOUR = ("What is the value of the {colour} bar?", "Which value does the {colour} bar have?")
COLOUR_OF = ("What colour is the bar {name}?", "Which colour does {name} have?")
NAME_OF_COLOUR = ("What is the name of the {colour} bar?", "Which category does the {colour} bar stand for?")
NAME_OF_VALUE = ("Which bar has the value {value}?", "Which category has the value {value}?")
HIGHEST = ("Which bar is the highest?", "Which category has the highest value?", "What has the largest bar?")
LOWEST = ("Which bar is the lowest?", "Which category has the lowest value?", "What has the smallest bar?")
HIGHEST_COLOUR = ("What colour is the highest bar?", "Which colour does the largest bar have?")
HIGHEST_VALUE = ("What is the value of the highest bar?", "What is the highest value?")
LOWEST_VALUE = ("What is the value of the lowest bar?", "What is the lowest value?")
MORE = ("Which has more, {a} or {b}?", "Which bar is higher, {a} or {b}?")
LESS = ("Which has less, {a} or {b}?", "Which bar is lower, {a} or {b}?")
COLOUR_HIGHER = ("Is the {a} bar higher than the {b} bar?", "Does the {a} bar have more than the {b} bar?")
HAS_NAME = ("Is there a bar for {name}?", "Does the chart show {name}?")
TITLE = ("What is the title of the chart?", "Transcribe the title of the chart.")
NUM_BARS = ("How many bars are there?", "How many bars does the chart have?")
SOURCE = ("Which source code is in the small print?", "What is the code in the small print?")


@dataclass(frozen=True)
class Bar:
    """One bar: its category, its value label (where one is printed), its colour's name."""

    name: Ink
    label: Ink | None
    value: int
    colour: str
    box: Box


@dataclass(frozen=True)
class Plot:
    """The area inside the axes, in layout pixels, how text in it looks, colours that stand out."""

    box: Box
    body: Style
    axis: Colour
    colours: tuple[str, ...]

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


def draw_bar_chart(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a bar chart and asks about it."""
    page = lay_page(rng, canvas, plain, (0.4, 3.2))
    asker = Asker(rng, canvas)
    upright = page.width > page.height * 0.8 and rng.random() < 0.75
    plot = draw_frame(rng, asker, page)
    bars = draw_bars(rng, canvas, plot, upright)
    ask_values(rng, asker, bars)
    ask_extremes(asker, bars)
    ask_pairs(rng, asker, bars)
    asker.ask_picture("bar_chart")
    asker.ask_page(page)
    return asker


def draw_frame(rng: Random, asker: Asker, page: Page) -> Plot:
    """Title above, small print below; returns the area between them."""
    family = FAMILIES[rng.choice(tuple(FAMILIES))]
    body = Style(family[0], max(9.2, min(rng.uniform(9.2, 14.0), page.width / 26, page.height / 18)), page.ink)
    x0, y0, x1, y1 = page.frame
    canvas, pad = asker.canvas, body.cap * 1.2
    title = rng.choice(words.CATEGORIES) + rng.choice((" per year", " sold", " by city", " in use", " owned", " made"))
    largest = min(56.0, max(body.cap * 1.2, page.height * 0.07))
    style = body.faced(family[1]).sized(min(largest, body.cap * rng.uniform(1.4, 2.6)))
    style = canvas.fit(title, style, page.width - 2 * pad)
    ink = canvas.text((x0 + x1) / 2, y0 + pad, title, style, "centre")
    asker.ask("transcribe", "charts", TITLE, title, [ink])
    bottom = y1 - pad
    if rng.random() < 0.6:
        small = body.sized(9.2)
        tag = canvas.text(x0 + pad, bottom - small.cap, "Source", small)
        code = canvas.text(tag.box[2] + small.cap * 0.8, bottom - small.cap, words.code(rng), small)
        asker.ask("small_print", "charts", SOURCE, code.text, [code])
        bottom -= small.cap * 2.2
    return Plot((x0 + pad, y0 + pad + style.cap * 1.3 + body.cap, x1 - pad, bottom), body, page.ink, page.colours)


def draw_bars(rng: Random, canvas: Canvas, plot: Plot, upright: bool) -> list[Bar]:
    """Bars with their labels; values are different whole numbers, far enough apart to be told by sight."""
    room = plot.width / (plot.body.cap * 5.2) if upright else plot.height / (plot.body.cap * 3.4)
    num_bars = max(2, min(rng.randint(3, 7), int(room)))
    longest = plot.width / num_bars / plot.body.cap * 1.12 if upright else 6
    names = words.distinct(rng, words.CATEGORIES, num_bars, int(max(4, min(6, longest))))
    values = spread_values(rng, num_bars)
    colours = rng.sample(plot.colours, num_bars)
    printed = rng.random() < 0.88
    draw = draw_upright if upright else draw_lying
    scale = max(values) * rng.uniform(1.02, 1.25)
    slots = zip(names, values, colours, strict=True)
    return [
        draw(canvas, plot, (k, num_bars), name, value, value / scale, (colour, named(rng, colour)), printed)
        for k, (name, value, colour) in enumerate(slots)
    ]


def spread_values(rng: Random, num: int) -> list[int]:
    """Different numbers, each at least 6% of the range away from the next."""
    steps = rng.sample(range(2, 17), num)
    top = rng.choice((1, 1, 1, 10))
    return [step * 6 * top + rng.randint(0, 2 * top) for step in steps]


def draw_upright(
    canvas: Canvas,
    plot: Plot,
    slot: tuple[int, int],
    name: str,
    value: int,
    share: float,
    colour: tuple[str, Colour],
    printed: bool,
) -> Bar:
    """A bar that stands on the axis, its category below and its value above."""
    x0, y0, x1, y1 = plot.box
    cap, pitch = plot.body.cap, plot.width / slot[1]
    floor, ceiling = y1 - cap * 2.0, y0 + cap * 1.8
    middle = x0 + (slot[0] + 0.5) * pitch
    box = (middle - pitch * 0.33, floor - share * (floor - ceiling), middle + pitch * 0.33, floor)
    canvas.rect(box, colour[1])
    canvas.mark("bar", box)
    canvas.line([(x0, floor), (x1, floor)], plot.axis)
    tag = canvas.text(middle, floor + cap * 0.6, name, canvas.fit(name, plot.body, pitch * 0.98), "centre")
    label = canvas.text(middle, box[1] - cap * 1.6, str(value), plot.body, "centre") if printed else None
    return Bar(tag, label, value, colour[0], box)


def draw_lying(
    canvas: Canvas,
    plot: Plot,
    slot: tuple[int, int],
    name: str,
    value: int,
    share: float,
    colour: tuple[str, Colour],
    printed: bool,
) -> Bar:
    """A bar that grows to the right, its category at the left and its value at its end."""
    x0, y0, x1, y1 = plot.box
    cap, pitch = plot.body.cap, plot.height / slot[1]
    wall, end = x0 + cap * 6.2, x1 - cap * 3.4
    middle = y0 + (slot[0] + 0.5) * pitch
    box = (wall, middle - pitch * 0.33, wall + share * (end - wall), middle + pitch * 0.33)
    canvas.rect(box, colour[1])
    canvas.mark("bar", box)
    canvas.line([(wall, y0), (wall, y1)], plot.axis)
    tag = canvas.text(wall - cap * 0.6, middle - cap / 2, name, canvas.fit(name, plot.body, cap * 5.6), "right")
    label = canvas.text(box[2] + cap * 0.5, middle - cap / 2, str(value), plot.body) if printed else None
    return Bar(tag, label, value, colour[0], box)


def ask_values(rng: Random, asker: Asker, bars: list[Bar]) -> None:
    """Lookups of one bar by its category, its colour or its value."""
    for bar in rng.sample(bars, min(3, len(bars))):
        if bar.label:
            asker.ask(
                "bar_value", "charts", VALUE_OF, bar.label.text, [bar.label, bar.name], hops=2, name=bar.name.text
            )
    for bar in rng.sample(bars, min(3, len(bars))):
        if bar.label:
            asker.ask("bar_value", "charts", VALUE_OF_COLOUR, bar.label.text, [bar.label], colour=bar.colour)
    for bar in rng.sample(bars, 2):
        asker.ask("bar_name", "charts", NAME_OF_COLOUR, bar.name.text, [bar.name], colour=bar.colour)
    for bar in rng.sample(bars, 2):
        asker.ask("bar_colour", "charts", COLOUR_OF, bar.colour, [bar.name, bar.box], name=bar.name.text)
    bar = rng.choice(bars)
    if bar.label:
        asker.ask(
            "bar_name", "charts", NAME_OF_VALUE, bar.name.text, [bar.name, bar.label], hops=2, value=bar.label.text
        )
    shown = rng.random() < 0.5
    absent = asker.absent(words.CATEGORIES)
    evidence = [bar.name] if shown else [b.name for b in bars]
    asker.ask("exists", "charts", HAS_NAME, "yes" if shown else "no", evidence, name=bar.name.text if shown else absent)


def ask_extremes(asker: Asker, bars: list[Bar]) -> None:
    """Highest and lowest bar, and how many there are."""
    order = sorted(bars, key=lambda bar: bar.value)
    low, high = order[0], order[-1]
    asker.ask("highest_bar", "charts", HIGHEST, high.name.text, [high.name, high.box])
    asker.ask("lowest_bar", "charts", LOWEST, low.name.text, [low.name, low.box])
    asker.ask("bar_colour", "charts", HIGHEST_COLOUR, high.colour, [high.box])
    if high.label and low.label:
        asker.ask("bar_value", "charts", HIGHEST_VALUE, high.label.text, [high.label])
        asker.ask("bar_value", "charts", LOWEST_VALUE, low.label.text, [low.label])
    asker.ask("count", "charts", NUM_BARS, str(len(bars)))


def ask_pairs(rng: Random, asker: Asker, bars: list[Bar]) -> None:
    """Comparison of two bars, by name and by colour."""
    order = rng.sample(bars, min(3, len(bars)))
    for (a, b), wordings in zip(pairwise(order), (MORE, LESS), strict=False):
        high, low = (a, b) if a.value > b.value else (b, a)
        answer = (high if wordings is MORE else low).name.text
        evidence: list[Ink | Box] = [a.name, b.name, a.box, b.box]
        asker.ask("compare", "charts", wordings, answer, evidence, hops=3, a=a.name.text, b=b.name.text)
    a, b = rng.sample(bars, 2)
    answer = "yes" if a.value > b.value else "no"
    asker.ask("compare", "charts", COLOUR_HIGHER, answer, [a.box, b.box], a=a.colour, b=b.colour)


KIND = Kind("bar_chart", 5, draw_bar_chart, {"charts": 12.0, "description": 1.0}, "charts", may_turn=True)
