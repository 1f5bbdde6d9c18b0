"""Street scenes: houses with numbers and shop boards, signs on posts, cars and a bus with their plates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.backgrounds import blurred
from arr_coc.data.drawing.canvas import Canvas, Ink, Style
from arr_coc.data.drawing.colours import PALETTE, VIVID, Colour, contrasting, jitter, named, with_article
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.records import Box

SIGN_TEXT = ("What does the {colour} sign say?", "What is written on the {colour} sign?", "Read the {colour} sign.")
SIGN_COLOUR = ("What colour is the sign that says {text}?", "Which colour has the sign {text}?")
HOUSE_NUMBER = ("What is the number of the {colour} house?", "Which number is on the {colour} house?")
HOUSE_OF_NUMBER = ("What colour is the house with number {number}?", "Which colour has house number {number}?")
BOARD_TEXT = ("Which shop is in the {colour} house?", "What does the board on the {colour} house say?")
PLATE = (
    "What is the plate of the {colour} {vehicle}?",
    "Which plate does the {colour} {vehicle} have?",
    "Read the plate of the {colour} {vehicle}.",
)
BUS_LINE = ("What is the line number of the bus?", "Which number does the bus show?")
VEHICLE_COLOUR = ("What colour is the {vehicle}?", "Which colour does the {vehicle} have?")
COUNT = ("How many {things} are there?", "How many {things} does the picture show?")
COUNT_COLOUR = ("How many {colour} {things} are there?", "What is the number of {colour} {things}?")
EXISTS = ("Is there {colour} {thing}?", "Does the picture show {colour} {thing}?")
IS_DAY = ("Is it day or night?", "Does the picture show day or night?")
NEXT_TO = ("Is the {a} house left of the {b} house?", "Does the {a} house stand left of the {b} one?")

HOUSE_COLOURS = ("red", "blue", "yellow", "orange", "purple", "pink", "brown", "white")
GRASS: Colour = (120, 170, 90)
ROAD: Colour = (92, 92, 96)


@dataclass(frozen=True)
class Thing:
    """A house, sign, car or bus: its colour's name, its box, and what is written on it."""

    what: str
    colour: str
    box: Box
    number: Ink | None = None
    text: Ink | None = None

    @property
    def side(self) -> float:
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True)
class Strip:
    """One street from left to right: ground line of the houses, road, height of its sky."""

    top: float
    ground: float
    road: float
    bottom: float
    unit: float


def draw_street(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a street and asks about it."""
    night = rng.random() < 0.4
    paint_sky(rng, canvas, plain, night)
    asker = Asker(rng, canvas)
    face = rng.choice(("sans-bold", "serif-bold", "sans", "mono-bold"))
    house_colours, car_colours, sign_colours = shuffled(rng, HOUSE_COLOURS), shuffled(rng, VIVID), shuffled(rng, VIVID)
    boards, signs = shuffled(rng, words.BOARDS), shuffled(rng, words.SIGNS)
    things: list[Thing] = []
    for strip in lay_strips(rng, canvas):
        paint_ground(canvas, strip)
        houses, gaps = place_houses(rng, canvas, strip)
        things += [draw_house(rng, canvas, box, house_colours, boards, face) for box in houses if house_colours]
        things += [draw_sign(rng, canvas, strip, gap, sign_colours, signs, face) for gap in gaps if sign_colours]
        things += draw_traffic(rng, canvas, strip, car_colours, face)
    ask_houses(rng, asker, [t for t in things if t.what == "house"])
    ask_signs(rng, asker, [t for t in things if t.what == "sign"])
    ask_vehicles(rng, asker, [t for t in things if t.what in ("car", "bus")])
    ask_numbers(rng, asker, things)
    asker.ask("day_or_night", "description", IS_DAY, "night" if night else "day")
    asker.ask_picture("street")
    return asker


def shuffled(rng: Random, names: Sequence[str]) -> list[str]:
    return rng.sample(list(names), len(names))


def paint_sky(rng: Random, canvas: Canvas, plain: bool, night: bool) -> None:
    base: Colour = (22, 26, 58) if night else jitter(rng, (168, 208, 240), 14)
    if plain:
        canvas.image.paste(base, (0, 0, *canvas.image.size))
        return
    canvas.image.paste(blurred(rng, canvas.image.size, base, 14, rng.randint(2, 6)))


def lay_strips(rng: Random, canvas: Canvas) -> list[Strip]:
    """One street, or several one above the other in a tall picture."""
    num = max(1, min(3, round(canvas.height / canvas.width / 1.6)))
    height = canvas.height / num
    strips = []
    for k in range(num):
        top, bottom = k * height, (k + 1) * height
        unit = min(height * 0.25, canvas.width * 0.3)
        strips.append(Strip(top, bottom - unit * 1.05, bottom - unit * 0.9, bottom, unit))
    return strips


def paint_ground(canvas: Canvas, strip: Strip) -> None:
    """Grass, road, and the dashes on it."""
    canvas.rect((0, strip.ground, canvas.width, strip.road), GRASS)
    canvas.rect((0, strip.road, canvas.width, strip.bottom), ROAD)
    dash = strip.unit * 0.35
    y = strip.bottom - strip.unit * 0.1
    for k in range(int(canvas.width / dash / 2) + 1):
        canvas.rect((2 * k * dash, y, (2 * k + 1) * dash, y + max(2.0, strip.unit * 0.03)), (235, 235, 225))


def place_houses(rng: Random, canvas: Canvas, strip: Strip) -> tuple[list[Box], list[float]]:
    """Boxes of houses, and the middles of the gaps where signs stand."""
    room = strip.ground - strip.top
    width = max(100.0, min(room * rng.uniform(0.4, 0.7), canvas.width * rng.uniform(0.24, 0.36), 300.0))
    gap = max(78.0, width * rng.uniform(0.25, 0.5))
    houses, gaps = [], []
    spare = (canvas.width - 8 + gap) % (width + gap)
    x = 4 + rng.random() * spare
    if x > 90:
        gaps.append(x / 2)
    while x + width <= canvas.width - 2:
        height = min(room * 0.9, width * rng.uniform(0.8, 1.4))
        houses.append((x, strip.ground - height, x + width, strip.ground))
        if x + width + 78 <= canvas.width:
            gaps.append(x + width + min(gap, canvas.width - x - width) / 2)
        x += width + gap
    return houses, gaps


def draw_house(rng: Random, canvas: Canvas, box: Box, colours: list[str], boards: list[str], face: str) -> Thing:
    """Walls, roof, windows, a door with a number plate beside it, on some houses a board."""
    colour = colours.pop()
    shade = named(rng, colour)
    x0, y0, x1, y1 = box
    width, eaves = x1 - x0, y0 + (y1 - y0) * 0.26
    wall = (x0 + width * 0.06, eaves, x1 - width * 0.06, y1)
    canvas.rect(wall, shade, (60, 60, 60))
    canvas.polygon([(x0, eaves), ((x0 + x1) / 2, y0), (x1, eaves)], (96, 60, 50))
    board = None
    height = y1 - eaves
    if rng.random() < 0.6:
        plate = (wall[0] + width * 0.04, eaves + height * 0.06, wall[2] - width * 0.04, eaves + height * 0.28)
        board = write_on(canvas, plate, boards.pop(), face, (250, 250, 246))
    else:
        for left in (0.14, 0.62):
            pane = (x0 + width * left, eaves + height * 0.1, x0 + width * (left + 0.24), eaves + height * 0.38)
            canvas.rect(pane, (196, 226, 244), (50, 50, 50))
    canvas.rect((x0 + width * 0.14, y1 - height * 0.52, x0 + width * 0.36, y1), (70, 48, 36))
    plate = (x0 + width * 0.46, y1 - height * 0.5, x0 + width * 0.86, y1 - height * 0.2)
    number = write_on(canvas, plate, str(rng.randint(1, 199)), face, (30, 60, 140), rng.choice((9.6, 11.0, 13.0)))
    canvas.mark("house", box)
    return Thing("house", colour, box, number, board)


def write_on(canvas: Canvas, box: Box, text: str, face: str, fill: Colour, cap: float = 60.0) -> Ink:
    """A plate with text in its middle, never smaller than small print."""
    x0, y0, x1, y1 = box
    style = canvas.fit(text, Style(face, min(cap, (y1 - y0) * 0.55), contrasting(fill)), (x1 - x0) * 0.9)
    style = style.sized(max(9.2, style.cap))
    half_w = max((x1 - x0) / 2 if cap == 60.0 else 0.0, canvas.measure(text, style) / 2 + style.cap * 0.5)
    half_h = max((y1 - y0) / 2 if cap == 60.0 else 0.0, style.cap * 0.95)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    canvas.rect((x - half_w, y - half_h, x + half_w, y + half_h), fill, contrasting(fill))
    return canvas.text(x, y - style.cap / 2, text, style, "centre")


def draw_sign(
    rng: Random, canvas: Canvas, strip: Strip, x: float, colours: list[str], texts: list[str], face: str
) -> Thing:
    """A coloured board on a post between two houses."""
    colour, text = colours.pop(), texts.pop()
    shade = named(rng, colour)
    cap = rng.choice((9.4, 10.5, 12.0, 15.0))
    style = canvas.fit(text, Style(face, cap, contrasting(shade)), 70.0)
    style = style.sized(max(9.2, style.cap))
    half = max(canvas.measure(text, style) / 2 + style.cap * 0.6, 26.0)
    middle = strip.ground - rng.uniform(0.25, 0.8) * (strip.ground - strip.top)
    box = (x - half, middle - max(18.0, style.cap * 1.4), x + half, middle + max(18.0, style.cap * 1.4))
    canvas.rect((x - 3, middle, x + 3, strip.ground), (80, 80, 80))
    canvas.rect(box, shade, contrasting(shade), 2)
    canvas.mark("sign", box)
    return Thing("sign", colour, box, None, canvas.text(x, middle - style.cap / 2, text, style, "centre"))


def draw_traffic(rng: Random, canvas: Canvas, strip: Strip, colours: list[str], face: str) -> list[Thing]:
    """Cars, sometimes a bus, one after the other on the road."""
    length = max(96.0, strip.unit * rng.uniform(1.1, 1.5))
    slots = int((canvas.width - 8) / (length * 1.2))
    num = min(slots, rng.randint(0, 3) if strip.top else rng.randint(1, 4), len(colours))
    things: list[Thing] = []
    bus_at = rng.randrange(num * 2) if num and strip.top == 0.0 else -1
    palette = [rng.choice(colours) for _ in range(num)] if rng.random() < 0.4 else colours[:num]
    del colours[:num]
    for k, slot in enumerate(sorted(rng.sample(range(slots), num))):
        x = 4 + slot * length * 1.2 + rng.random() * length * 0.1
        box = (x, strip.bottom - strip.unit * 0.72, x + length, strip.bottom - strip.unit * 0.16)
        things.append((draw_bus if k == bus_at else draw_car)(rng, canvas, box, palette[k], face))
    return things


def draw_wheels(canvas: Canvas, box: Box, radius: float) -> None:
    x0, _, x1, y1 = box
    for x in (x0 + (x1 - x0) * 0.24, x0 + (x1 - x0) * 0.76):
        canvas.disc(x, y1, radius, (24, 24, 24))
        canvas.disc(x, y1, radius * 0.45, (180, 180, 180))


def draw_car(rng: Random, canvas: Canvas, box: Box, colour: str, face: str) -> Thing:
    """Body, roof, windows, wheels, and a white plate on the door."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    shade = named(rng, colour)
    waist = y0 + height * 0.34
    canvas.polygon(
        [(x0 + width * 0.18, waist), (x0 + width * 0.3, y0), (x0 + width * 0.7, y0), (x0 + width * 0.84, waist)], shade
    )
    window = [
        (x0 + width * 0.26, waist),
        (x0 + width * 0.34, y0 + height * 0.07),
        (x0 + width * 0.66, y0 + height * 0.07),
        (x0 + width * 0.76, waist),
    ]
    canvas.polygon(window, (206, 230, 244))
    canvas.rect((x0, waist, x1, y1), shade)
    plate = write_on(
        canvas,
        (x0 + width * 0.15, waist, x1 - width * 0.15, y1 - height * 0.1),
        words.code(rng, length=5),
        face,
        (250, 250, 250),
        9.6,
    )
    draw_wheels(canvas, box, height * 0.2)
    canvas.mark("car", box)
    return Thing("car", colour, box, plate)


def draw_bus(rng: Random, canvas: Canvas, box: Box, colour: str, face: str) -> Thing:
    """A long box with windows, its line number in the front window, and a plate."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    y0 -= height * 0.35
    canvas.rect((x0, y0, x1, y1), named(rng, colour), (40, 40, 40))
    for left in (x0 + width * 0.06, x0 + width * 0.27):
        canvas.rect((left, y0 + height * 0.14, left + width * 0.16, y0 + height * 0.5), (206, 230, 244))
    line = write_on(
        canvas,
        (x0 + width * 0.5, y0 + height * 0.12, x1 - width * 0.04, y0 + height * 0.52),
        words.number(rng, rng.randint(1, 3)),
        face,
        (20, 20, 20),
        12.0,
    )
    plate = write_on(
        canvas,
        (x0 + width * 0.2, y0 + height * 0.66, x1 - width * 0.2, y1 - height * 0.1),
        words.code(rng, length=5),
        face,
        (250, 250, 250),
        9.6,
    )
    draw_wheels(canvas, (x0, y0, x1, y1), height * 0.2)
    canvas.mark("bus", (x0, y0, x1, y1))
    return Thing("bus", colour, (x0, y0, x1, y1), plate, line)


def ask_houses(rng: Random, asker: Asker, houses: list[Thing]) -> None:
    """Numbers and boards by colour, colours by number, order from left to right."""
    for house in rng.sample(houses, min(4, len(houses))):
        assert house.number is not None
        asker.ask("house_number", "reading", HOUSE_NUMBER, house.number.text, [house.number], colour=house.colour)
        if house.text:
            asker.ask("sign_text", "reading", BOARD_TEXT, house.text.text, [house.text], colour=house.colour)
    if not houses:
        return
    house = rng.choice(houses)
    assert house.number is not None
    if sum(h.number is not None and h.number.text == house.number.text for h in houses) == 1:
        asker.ask(
            "colour",
            "scenes",
            HOUSE_OF_NUMBER,
            house.colour,
            [house.number, house.box],
            hops=2,
            number=house.number.text,
        )
    if len(houses) > 1:
        a, b = rng.sample(houses, 2)
        if abs(a.box[0] - b.box[0]) > a.side / 2:
            size = min(a.side, b.side) * asker.canvas.zoom / 2
            answer = "yes" if a.box[0] < b.box[0] else "no"
            asker.ask("yes_no", "scenes", NEXT_TO, answer, [a.box, b.box], glyph_px=size, a=a.colour, b=b.colour)


def ask_signs(rng: Random, asker: Asker, signs: list[Thing]) -> None:
    """Text of a sign by its colour and the other way round."""
    for sign in rng.sample(signs, min(4, len(signs))):
        assert sign.text is not None
        asker.ask("sign_text", "reading", SIGN_TEXT, sign.text.text, [sign.text], colour=sign.colour)
        asker.ask("colour", "scenes", SIGN_COLOUR, sign.colour, [sign.text, sign.box], hops=2, text=sign.text.text)


def ask_vehicles(rng: Random, asker: Asker, vehicles: list[Thing]) -> None:
    """Plates, line number, colours."""
    zoom = asker.canvas.zoom
    for v in vehicles:
        assert v.number is not None
        if sum((o.what, o.colour) == (v.what, v.colour) for o in vehicles) == 1:
            asker.ask("plate", "reading", PLATE, v.number.text, [v.number], colour=v.colour, vehicle=v.what)
        if sum(o.what == v.what for o in vehicles) == 1:
            asker.ask("colour", "scenes", VEHICLE_COLOUR, v.colour, [v.box], glyph_px=v.side * zoom / 2, vehicle=v.what)
        if v.text:
            asker.ask("bus_line", "reading", BUS_LINE, v.text.text, [v.text])


def ask_numbers(rng: Random, asker: Asker, things: list[Thing]) -> None:
    """Counts by what it is and by colour, existence."""
    zoom = asker.canvas.zoom
    for what in ("house", "car", "sign"):
        some = [t for t in things if t.what == what]
        if some:
            size = min(t.side for t in some) * zoom / 2
            asker.ask("count", "scenes", COUNT, str(len(some)), [t.box for t in some], glyph_px=size, things=what + "s")
    cars = [t for t in things if t.what == "car"]
    if cars:
        colour, number = Counter(t.colour for t in cars).most_common(1)[0]
        boxes = [t.box for t in cars if t.colour == colour]
        asker.ask(
            "count",
            "scenes",
            COUNT_COLOUR,
            str(number),
            boxes,
            glyph_px=cars[0].side * zoom / 2,
            colour=colour,
            things="cars",
        )
    for what in ("house", "car", "sign"):
        some = [t for t in things if t.what == what]
        if not some:
            continue
        present = rng.random() < 0.5
        absent = [name for name in PALETTE if name not in {t.colour for t in some}]
        colour = rng.choice(some).colour if present else rng.choice(absent)
        boxes = [t.box for t in some if t.colour == colour]
        size = min(t.side for t in some) * zoom / 2
        asker.ask(
            "exists",
            "scenes",
            EXISTS,
            "yes" if present else "no",
            boxes,
            glyph_px=size,
            colour=with_article(colour),
            thing=what,
        )


KIND = Kind("street", 8, draw_street, {"scenes": 6.0, "reading": 4.0, "description": 1.5}, "natural")
