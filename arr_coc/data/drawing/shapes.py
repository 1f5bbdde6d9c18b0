"""Scenes of coloured shapes, each with a small letter or digit in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin, tau
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import backdrop
from arr_coc.data.drawing.canvas import Canvas, Ink, Point, Style
from arr_coc.data.drawing.colours import VIVID, Colour, contrasting, named, with_article
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import FORMS, Box

COUNT_COLOUR = ("How many {colour} shapes are there?", "How many shapes are {colour}?")
COUNT_FORM = ("How many {form}s are there?", "What is the number of {form}s?")
COUNT_ALL = ("How many shapes are there?", "How many shapes does the picture show?")
EXISTS = ("Is there {colour} {form}?", "Does the picture show {colour} {form}?")
COLOUR_OF = ("What colour is the {form}?", "Which colour does the {form} have?")
FORM_OF = ("Which shape is {colour}?", "What shape is the {colour} one?")
TAG_IN = (
    "What is written in the {colour} {form}?",
    "Which text is in the {colour} {form}?",
    "Read the label in the {colour} {form}.",
)
TAG_OWNER = ("Which shape holds the label {tag}?", "In which shape is {tag} written?")
TAG_COLOUR = ("What colour is the shape with the label {tag}?", "Which colour has the shape marked {tag}?")
LEFT_OF = ("Is the {a} left of the {b}?", "Does the {a} lie to the left of the {b}?")
ABOVE = ("Is the {a} above the {b}?", "Does the {a} lie higher than the {b}?")
LARGEST = ("What colour is the largest shape?", "Which colour has the biggest shape?")
BACKGROUND = ("What colour is the background?", "Which colour lies behind the shapes?")
SUM = ("How many {a} and {b} shapes in all?", "What is the number of {a} plus {b} shapes?")

GROUNDS = ("white", "grey", "black", "yellow", "blue", "green", "pink")


@dataclass(frozen=True)
class Shape:
    """A drawn shape: what it is, where, how large, and what is written in it."""

    form: str
    colour: str
    x: float
    y: float
    radius: float
    tag: Ink | None

    @property
    def name(self) -> str:
        return f"{self.colour} {self.form}"

    @property
    def box(self) -> Box:
        return self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius


def outline(form: str, turn: float) -> list[Point]:
    """Corners of a shape in the unit circle; empty for the circle itself."""
    if form == "circle":
        return []
    if form == "star":
        return [
            (r * sin(turn + k * tau / 10), -r * cos(turn + k * tau / 10))
            for k in range(10)
            for r in ((1.0, 0.48)[k % 2],)
        ]
    if form == "cross":
        a, b = 0.36, 0.95
        points = [
            (-a, -b),
            (a, -b),
            (a, -a),
            (b, -a),
            (b, a),
            (a, a),
            (a, b),
            (-a, b),
            (-a, a),
            (-b, a),
            (-b, -a),
            (-a, -a),
        ]
        return [(x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn)) for x, y in points]
    if form == "heart":
        ts = [k * tau / 40 for k in range(40)]
        return [(sin(t) ** 3, -(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 16) for t in ts]
    if form == "square":
        return [(0.8 * x, 0.8 * y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    if form == "diamond":
        return [(0.0, -1.0), (0.72, 0.0), (0.0, 1.0), (-0.72, 0.0)]
    sides = {"triangle": 3, "hexagon": 6}[form]
    return [(sin(turn + k * tau / sides), -cos(turn + k * tau / sides)) for k in range(sides)]


def draw_shapes(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a scene of shapes and asks about it."""
    ground = backdrop(rng, canvas, plain, GROUNDS)
    asker = Asker(rng, canvas)
    colours = rng.sample([name for name in VIVID if name != ground and (ground or name != "grey")], rng.randint(2, 5))
    forms = rng.sample(FORMS, rng.randint(2, 5))
    places = scatter(rng, canvas, rng.randint(3, 9))
    tagged = rng.random() < 0.8
    tags = distinct_tags(rng, len(places))
    face = rng.choice(("sans-bold", "mono-bold", "serif-bold", "sans"))
    shapes = []
    for (x, y, radius), tag in zip(places, tags, strict=True):
        form, colour = rng.choice(forms), rng.choice(colours)
        shade = named(rng, colour)
        paint(rng, canvas, form, (x, y, radius), shade)
        shapes.append(
            Shape(
                form,
                colour,
                x,
                y,
                radius,
                write_tag(rng, canvas, form, (x, y, radius), tag, face, shade) if tagged else None,
            )
        )
    ask_counts(rng, asker, shapes)
    ask_looks(rng, asker, shapes)
    ask_tags(rng, asker, shapes)
    ask_places(rng, asker, shapes)
    asker.ask_picture("shapes")
    if ground:
        asker.ask("colour", "description", BACKGROUND, ground)
    return asker


def scatter(rng: Random, canvas: Canvas, num: int) -> list[tuple[float, float, float]]:
    """Up to `num` places (x, y, radius) that do not touch, as many as fit; at least one."""
    side = min(canvas.width, canvas.height)
    largest = min(side * 0.24, (canvas.width * canvas.height / num) ** 0.5 * 0.42)
    places: list[tuple[float, float, float]] = []
    for _ in range(num * 12):
        if len(places) == num:
            break
        radius = max(20.0, largest * rng.uniform(0.45, 1.0))
        x = rng.uniform(radius + 6, canvas.width - radius - 6)
        y = rng.uniform(radius + 6, canvas.height - radius - 6)
        if all((x - a) ** 2 + (y - b) ** 2 > (radius + r + 5) ** 2 for a, b, r in places):
            places.append((x, y, radius))
    return places


def distinct_tags(rng: Random, num: int) -> list[str]:
    """Different labels, one kind per picture: a digit, a letter, two digits, or a short code."""
    kind = rng.randrange(4)
    if kind == 0:
        return [str(digit) for digit in rng.sample(range(1, 10), num)]
    if kind == 1:
        return rng.sample(words.CODE_LETTERS, num)
    if kind == 2:
        return [str(value) for value in rng.sample(range(10, 100), num)]
    return [f"{letter}{rng.randint(1, 9)}" for letter in rng.sample(words.CODE_LETTERS, num)]


def paint(rng: Random, canvas: Canvas, form: str, place: tuple[float, float, float], shade: Colour) -> None:
    """Fills one shape."""
    x, y, radius = place
    turn = rng.uniform(-0.25, 0.25) if form in ("star", "triangle", "hexagon", "cross") else 0.0
    points = outline(form, turn)
    if points:
        canvas.polygon([(x + radius * px, y + radius * py) for px, py in points], shade)
    else:
        canvas.disc(x, y, radius, shade)
    canvas.mark(form, (x - radius, y - radius, x + radius, y + radius))


def write_tag(
    rng: Random, canvas: Canvas, form: str, place: tuple[float, float, float], tag: str, face: str, shade: Colour
) -> Ink:
    """Writes a label in the middle of a shape."""
    x, y, radius = place
    room = radius * {"star": 0.8, "triangle": 0.85, "cross": 0.9, "heart": 1.0, "diamond": 0.9}.get(form, 1.25)
    cap = max(9.2, min(rng.choice((9.5, 10.5, 12.0, 14.0, 18.0, 24.0)), radius * 0.55))
    style = canvas.fit(tag, Style(face, cap, contrasting(shade)), room)
    style = style.sized(max(9.2, style.cap))
    return canvas.text(x, y - style.cap / 2, tag, style, "centre")


def ask_counts(rng: Random, asker: Asker, shapes: list[Shape]) -> None:
    """Numbers of shapes by colour, by form, of all."""
    by_colour, by_form = Counter(s.colour for s in shapes), Counter(s.form for s in shapes)
    size = min(s.radius for s in shapes) * asker.canvas.zoom
    for colour in rng.sample(sorted(by_colour), min(2, len(by_colour))):
        boxes = [s.box for s in shapes if s.colour == colour]
        asker.ask("count", "scenes", COUNT_COLOUR, str(by_colour[colour]), boxes, glyph_px=size, colour=colour)
    for form in rng.sample(sorted(by_form), min(2, len(by_form))):
        form_boxes = [s.box for s in shapes if s.form == form]
        name = "crosse" if form == "cross" else form
        asker.ask("count", "scenes", COUNT_FORM, str(by_form[form]), form_boxes, glyph_px=size, form=name)
    asker.ask("count", "scenes", COUNT_ALL, str(len(shapes)), glyph_px=size)
    for a, b in pairwise(rng.sample(sorted(by_colour), min(3, len(by_colour)))):
        both = [s.box for s in shapes if s.colour in (a, b)]
        asker.ask(
            "arithmetic", "arithmetic", SUM, str(by_colour[a] + by_colour[b]), both, glyph_px=size, hops=3, a=a, b=b
        )


def ask_looks(rng: Random, asker: Asker, shapes: list[Shape]) -> None:
    """Existence, colour of a form, form of a colour, the largest one."""
    zoom = asker.canvas.zoom
    names = {(s.colour, s.form) for s in shapes}
    colours, forms = sorted({s.colour for s in shapes}), sorted({s.form for s in shapes})
    absent = [(c, f) for c in colours for f in forms if (c, f) not in names] or [("black", f) for f in forms]
    size = min(s.radius for s in shapes) * zoom
    for _ in range(2):
        present = rng.random() < 0.5
        colour, form = rng.choice(sorted(names)) if present else rng.choice(absent)
        boxes = [s.box for s in shapes if (s.colour, s.form) == (colour, form)]
        asker.ask(
            "exists",
            "scenes",
            EXISTS,
            "yes" if present else "no",
            boxes,
            glyph_px=size,
            colour=with_article(colour),
            form=form,
        )
    for s in shapes:
        if sum(o.form == s.form for o in shapes) == 1:
            asker.ask("colour", "scenes", COLOUR_OF, s.colour, [s.box], glyph_px=s.radius * zoom, form=s.form)
        if sum(o.colour == s.colour for o in shapes) == 1:
            asker.ask("shape", "scenes", FORM_OF, s.form, [s.box], glyph_px=s.radius * zoom, colour=s.colour)
    order = sorted(shapes, key=lambda s: s.radius)
    if len(order) > 1 and order[-1].radius > order[-2].radius * 1.15:
        asker.ask("colour", "scenes", LARGEST, order[-1].colour, [order[-1].box], glyph_px=order[-1].radius * zoom)


def ask_tags(rng: Random, asker: Asker, shapes: list[Shape]) -> None:
    """What is written where."""
    unique = [s for s in shapes if s.tag and sum(o.name == s.name for o in shapes) == 1]
    for s in rng.sample(unique, min(4, len(unique))):
        assert s.tag is not None
        asker.ask("read_tag", "scenes", TAG_IN, s.tag.text, [s.tag], colour=s.colour, form=s.form)
    tagged = [(s, s.tag) for s in shapes if s.tag]
    for (s, tag), wordings in zip(rng.sample(tagged, min(2, len(tagged))), (TAG_OWNER, TAG_COLOUR), strict=False):
        answer, kind = (s.form, "shape") if wordings is TAG_OWNER else (s.colour, "colour")
        asker.ask(kind, "scenes", wordings, answer, [tag, s.box], hops=2, tag=tag.text)


def ask_places(rng: Random, asker: Asker, shapes: list[Shape]) -> None:
    """Left of, above: for shapes that have a name of their own and are clearly apart."""
    unique = [s for s in shapes if sum(o.name == s.name for o in shapes) == 1]
    if len(unique) < 2:
        return
    for a, b in pairwise(rng.sample(unique, min(3, len(unique)))):
        size = min(a.radius, b.radius) * asker.canvas.zoom
        beside = abs(a.x - b.x) > abs(a.y - b.y)
        answer = "yes" if (a.x < b.x if beside else a.y < b.y) else "no"
        wordings = LEFT_OF if beside else ABOVE
        asker.ask("yes_no", "scenes", wordings, answer, [a.box, b.box], glyph_px=size, a=a.name, b=b.name)


KIND = Kind("shapes", 7, draw_shapes, {"scenes": 9.0, "description": 1.0, "arithmetic": 1.0}, "natural")
