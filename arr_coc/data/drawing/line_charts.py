"""Line charts: one line with printed values, or several with a legend and their last values."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import lay_page
from arr_coc.data.drawing.bar_charts import Plot, draw_frame, spread_values
from arr_coc.data.drawing.canvas import Canvas, Ink, Point, Style
from arr_coc.data.drawing.colours import Colour, named
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

VALUE_AT = ("What is the value in {month}?", "Which value does the line have in {month}?", "How much is it in {month}?")
MONTH_OF = ("In which month is the value {value}?", "Which month has the value {value}?")
HIGHEST = ("Which month has the highest value?", "In which month is the line highest?")
LOWEST = ("Which month has the lowest value?", "In which month is the line lowest?")
MORE = ("Which month has more, {a} or {b}?", "Is the line higher in {a} or {b}?")
RISES = ("Does the line rise from {a} to {b}?", "Is the value in {b} higher than in {a}?")
LINE_COLOUR = ("What colour is the line?", "Which colour does the line have?")
NUM_POINTS = ("How many points does the line have?", "How many months are shown?")
LAST_VALUE = ("What is the last value of {name}?", "Which value does {name} end with?")
LAST_OF_COLOUR = ("What is the last value of the {colour} line?", "Which value does the {colour} line end with?")
NAME_OF_COLOUR = ("What does the {colour} line stand for?", "What is the name of the {colour} line?")
COLOUR_OF_NAME = ("What colour is the line for {name}?", "Which colour does {name} have in the legend?")
HIGHEST_END = ("Which line ends highest?", "Which name has the highest last value?")
LOWEST_END = ("Which line ends lowest?", "Which name has the lowest last value?")
END_COLOUR = ("What colour is the line that ends highest?", "Which colour has the line that ends highest?")
NUM_LINES = ("How many lines are there?", "How many lines does the chart have?")
HAS_NAME = ("Is there a line for {name}?", "Does the legend list {name}?")
HIGHER = ("Does the {a} line end higher than the {b} line?", "Is the end of the {a} line above the {b} one?")


@dataclass(frozen=True)
class Axes:
    """Where the points lie: x of each month, the printed months, the axis, lowest and highest point."""

    xs: tuple[float, ...]
    months: tuple[Ink, ...]
    floor: float
    base: float
    ceiling: float

    def y(self, share: float) -> float:
        return self.base - share * (self.base - self.ceiling)


@dataclass(frozen=True)
class Series:
    """One of several lines: its name in the legend, the value printed at its end."""

    name: Ink
    colour: str
    last: Ink
    value: int


def draw_line_chart(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a line chart and asks about it."""
    page = lay_page(rng, canvas, plain, (0.5, 3.2))
    asker = Asker(rng, canvas)
    plot = draw_frame(rng, asker, page)
    if rng.random() < 0.5:
        draw_single(rng, asker, plot)
    else:
        draw_several(rng, asker, plot)
    asker.ask_picture("line_chart")
    asker.ask_page(page)
    return asker


def draw_axes(rng: Random, canvas: Canvas, plot: Plot, right: float) -> Axes:
    """Axis lines and the names of the months below."""
    x0, y0, x1, y1 = plot.box
    cap = plot.body.cap
    num_points = max(3, min(rng.randint(4, 8), int((x1 - x0 - right) / (cap * 3.8))))
    first = rng.randrange(12)
    floor, ceiling = y1 - cap * 2.0, y0 + cap * 2.0
    pitch = (x1 - x0 - right) / num_points
    xs = tuple(x0 + (k + 0.5) * pitch for k in range(num_points))
    canvas.line([(x0, y0), (x0, floor), (x1 - right, floor)], plot.axis)
    names = (words.MONTHS[(first + k) % 12] for k in range(num_points))
    months = tuple(
        canvas.text(x, floor + cap * 0.6, name, plot.body, "centre") for x, name in zip(xs, names, strict=True)
    )
    return Axes(xs, months, floor, floor - cap * 1.7 - dot_radius(canvas), ceiling)


def dot_radius(canvas: Canvas) -> float:
    return max(4.0, min(canvas.width, canvas.height) / 110)


def draw_path(canvas: Canvas, points: list[Point], shade: Colour) -> None:
    """A line with a disc at every point, thick enough that a glimpse tells its colour."""
    canvas.line(points, shade, dot_radius(canvas) * 0.75)
    for x, y in points:
        canvas.disc(x, y, dot_radius(canvas), shade)


def draw_single(rng: Random, asker: Asker, plot: Plot) -> None:
    """One line; its values are printed at the points."""
    canvas = asker.canvas
    axes = draw_axes(rng, canvas, plot, 0.0)
    values = spread_values(rng, len(axes.xs))
    colour = rng.choice(plot.colours)
    scale = max(values) * 1.1
    points = [(x, axes.y(value / scale)) for x, value in zip(axes.xs, values, strict=True)]
    draw_path(canvas, points, named(rng, colour))
    labels = [label_point(canvas, plot.body, points[k], values, k) for k in range(len(values))]
    ask_points(rng, asker, axes, values, labels)
    ask_line(rng, asker, axes, values, colour)


def label_point(canvas: Canvas, style: Style, point: Point, values: list[int], k: int) -> Ink:
    """Prints a value beside its point, on the side where the line is not."""
    x, y = point
    away = dot_radius(canvas) + style.cap * 0.35
    left, right = values[max(0, k - 1)], values[min(len(values) - 1, k + 1)]
    if left >= values[k] <= right:
        return canvas.text(x, y + away, str(values[k]), style, "centre")
    if left <= values[k] >= right:
        return canvas.text(x, y - away - style.cap, str(values[k]), style, "centre")
    align, shift = ("right", -0.5) if right > left else ("left", 0.5)
    return canvas.text(x + shift * away, y - away - style.cap * 0.7, str(values[k]), style, align)


def ask_points(rng: Random, asker: Asker, axes: Axes, values: list[int], labels: list[Ink]) -> None:
    """Values by month and months by value."""
    months = axes.months
    for k in rng.sample(range(len(values)), min(4, len(values))):
        asker.ask(
            "point_value", "charts", VALUE_AT, labels[k].text, [labels[k], months[k]], hops=2, month=months[k].text
        )
    k = rng.randrange(len(values))
    asker.ask("point_name", "charts", MONTH_OF, months[k].text, [months[k], labels[k]], hops=2, value=labels[k].text)
    for wordings, best in ((HIGHEST, max(values)), (LOWEST, min(values))):
        k = values.index(best)
        asker.ask(
            "highest_point" if wordings is HIGHEST else "lowest_point",
            "charts",
            wordings,
            months[k].text,
            [months[k], labels[k].box],
        )


def ask_line(rng: Random, asker: Asker, axes: Axes, values: list[int], colour: str) -> None:
    """Comparisons along the line, its colour, the number of its points."""
    a, b = rng.sample(range(len(values)), 2)
    months = axes.months
    spots: list[Box] = [spot(axes, k) for k in (a, b)]
    winner = months[a if values[a] > values[b] else b].text
    asker.ask(
        "compare", "charts", MORE, winner, [months[a], months[b], *spots], hops=3, a=months[a].text, b=months[b].text
    )
    a, b = sorted(rng.sample(range(len(values)), 2))
    answer = "yes" if values[b] > values[a] else "no"
    spots = [spot(axes, k) for k in (a, b)]
    asker.ask(
        "compare", "charts", RISES, answer, [months[a], months[b], *spots], hops=3, a=months[a].text, b=months[b].text
    )
    asker.ask("colour", "charts", LINE_COLOUR, colour)
    asker.ask("count", "charts", NUM_POINTS, str(len(values)), list(months), glyph_px=months[0].cap_px)


def spot(axes: Axes, k: int) -> Box:
    """The strip of the plot above one month."""
    half = (axes.xs[1] - axes.xs[0]) / 2
    return axes.xs[k] - half, axes.ceiling, axes.xs[k] + half, axes.floor


def draw_several(rng: Random, asker: Asker, plot: Plot) -> None:
    """Two to four lines with a legend above and the last value of each at its end."""
    canvas, cap = asker.canvas, plot.body.cap
    num_lines = max(2, min(rng.randint(2, 4), int(plot.width / (cap * 8.0)), int(plot.height / (cap * 5.5))))
    num_lines = num_lines if plot.height > 22 * cap else 2
    colours = rng.sample(plot.colours, num_lines)
    shades = [named(rng, colour) for colour in colours]
    names, top = draw_legend(rng, canvas, plot, shades)
    x0, _, x1, y1 = plot.box
    below = Plot((x0, top, x1, y1), plot.body, plot.axis, plot.colours)
    axes = draw_axes(rng, canvas, below, cap * 4.0)
    lasts = end_values(rng, num_lines, (axes.base - axes.ceiling) / cap)
    order = list(zip(names, colours, shades, lasts, strict=True))
    series = []
    for name, colour, shade, value in order:
        shares = [rng.uniform(0.05, 1.0) for _ in axes.xs[:-1]] + [value / 110]
        points = [(x, axes.y(share)) for x, share in zip(axes.xs, shares, strict=True)]
        draw_path(canvas, points, shade)
        x, y = points[-1]
        last = canvas.text(x + dot_radius(canvas) + cap * 0.4, y - cap / 2, str(value), plot.body)
        series.append(Series(name, colour, last, value))
    ask_series(rng, asker, series)
    ask_ends(rng, asker, series)


def end_values(rng: Random, num: int, room: float) -> list[int]:
    """Last values so far apart that their labels don't touch; `room` is the plot's height in cap heights."""
    steps = range(5) if room > 11 else (0, 2, 4) if room > 6 else (0, 4)
    base = rng.sample(steps, num)
    return [8 + step * 21 + rng.randint(0, 6) for step in base]


def draw_legend(rng: Random, canvas: Canvas, plot: Plot, shades: list[Colour]) -> tuple[list[Ink], float]:
    """A coloured bar and a name for each line, in rows; returns the height below."""
    x0, y, x1, _ = plot.box
    style: Style = plot.body
    x, names = x0, []
    for name, shade in zip(words.distinct(rng, words.CATEGORIES, len(shades), 6), shades, strict=True):
        if x > x0 and x + style.cap * 2.2 + canvas.measure(name, style) > x1:
            x, y = x0, y + style.cap * 1.9
        canvas.rect((x, y + style.cap * 0.1, x + style.cap * 1.6, y + style.cap * 0.9), shade)
        ink = canvas.text(x + style.cap * 2.1, y, name, style)
        names.append(ink)
        x = ink.box[2] + style.cap * 1.5
    return names, y + style.cap * 2.4


def ask_series(rng: Random, asker: Asker, series: list[Series]) -> None:
    """Names, colours and last values."""
    for s in series:
        asker.ask("line_name", "charts", NAME_OF_COLOUR, s.name.text, [s.name], colour=s.colour)
        asker.ask("point_value", "charts", LAST_OF_COLOUR, s.last.text, [s.last], colour=s.colour)
    for s in rng.sample(series, 2):
        asker.ask("line_colour", "charts", COLOUR_OF_NAME, s.colour, [s.name], name=s.name.text)
        asker.ask("point_value", "charts", LAST_VALUE, s.last.text, [s.last, s.name], hops=2, name=s.name.text)
    asker.ask("count", "charts", NUM_LINES, str(len(series)))
    present = rng.random() < 0.5
    name = rng.choice(series).name
    absent = asker.absent(words.CATEGORIES)
    evidence = [name] if present else [s.name for s in series]
    asker.ask("exists", "charts", HAS_NAME, "yes" if present else "no", evidence, name=name.text if present else absent)


def ask_ends(rng: Random, asker: Asker, series: list[Series]) -> None:
    """Which line ends highest or lowest."""
    order = sorted(series, key=lambda s: s.value)
    asker.ask("highest_line", "charts", HIGHEST_END, order[-1].name.text, [order[-1].name, order[-1].last], hops=2)
    asker.ask("lowest_line", "charts", LOWEST_END, order[0].name.text, [order[0].name, order[0].last], hops=2)
    asker.ask("line_colour", "charts", END_COLOUR, order[-1].colour, [order[-1].last.box])
    a, b = rng.sample(series, 2)
    asker.ask(
        "compare", "charts", HIGHER, "yes" if a.value > b.value else "no", [a.last, b.last], a=a.colour, b=b.colour
    )


KIND = Kind("line_chart", 6, draw_line_chart, {"charts": 8.0, "description": 0.5}, "charts", may_turn=True)
