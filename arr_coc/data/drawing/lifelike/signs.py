"""Signs in the street: shop fronts, street names, road signs, notices, number plates, on walls that a camera saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import textures
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, darker, lighter
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import Print, letter, width_of
from arr_coc.data.drawing.lifelike.photography import Warp, corners_of, homography, lay, warped
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.sign_words import DAYS, NOTICES, OFFERS, number_plate, opening_hours, shop_name, street_name
from arr_coc.data.drawing.lifelike.street_camera import seen_in_the_street
from arr_coc.data.drawing.lifelike.vocabulary import phone
from arr_coc.data.drawing.lifelike.world import town
from arr_coc.data.drawing.lifelike.writer import Writer, fitted, spelled, writer_on
from arr_coc.data.records import Box

LAYOUTS, UNSEEN_LAYOUTS = ("shop", "shop", "wall", "road", "car"), ("banner", "market", "shop")
STYLES = ("display", "display", "sans", "serif", "narrow", "hand")
COLOURS: dict[str, Rgb] = {
    "red": (176, 28, 34), "blue": (24, 64, 140), "green": (14, 92, 62), "white": (240, 240, 236), "black": (28, 28, 30), "yellow": (244, 196, 22),
    "brown": (92, 58, 36), "orange": (232, 120, 24), "grey": (120, 124, 128),
}  # fmt: skip


def draw_signs(rng: Random, unseen: bool, zoom: float) -> Sheet:
    """A street scene with one to five signs."""
    size = round(rng.uniform(520, 900) * zoom), round(rng.uniform(400, 720) * zoom)
    layout = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS)
    street = Street(Sheet(rng, size, "RGB"), unseen, rng.uniform(0.0, 0.12))
    DRAWN[layout](street)
    street.ask_colours()
    return street.scene


@dataclass
class Street:
    """A scene in the making: how far it is seen from the side, and the signs so far by colour."""

    scene: Sheet
    unseen: bool
    slant: float
    signs: dict[str, list[tuple[str, Box, float]]] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.signs = {}

    @property
    def rng(self) -> Random:
        return self.scene.rng

    @property
    def size(self) -> tuple[int, int]:
        return self.scene.image.size

    def cover(self, image: Image.Image, at: tuple[float, float] = (0, 0)) -> None:
        self.scene.image.paste(image, (round(at[0]), round(at[1])))

    def board(self, size: tuple[float, float], cap: float, colour: Rgb, styles: Sequence[str] = STYLES) -> Writer:
        """An empty sign."""
        return writer_on(self.rng, size, self.unseen, cap, styles, colour, readable(colour))

    def mount(self, writer: Writer, at: tuple[float, float], lit_by: float = 1.0, shadow: bool = True, colour: str = "") -> None:
        """Hangs a sign into the scene: in the scene's perspective, a little askew, weathered, over its own shadow."""
        rng, sign = self.rng, writer.sheet
        wide, tall = sign.image.size
        lean = self.slant * tall * rng.choice((-1, 1)) if not shadow else 0.0
        target = corners_of(wide, tall) + np.array(at)
        target[[1, 2], 1] += np.array([1, -1]) * self.slant * tall * 0.6 + lean
        target += np.array([[rng.gauss(0, 0.006) * wide, rng.gauss(0, 0.012) * tall] for _ in range(4)])
        warp = Warp(homography(corners_of(wide, tall), target))
        taken, mask = warped(weathered_sign(rng, sign.image), warp, self.size), Image.new("L", self.size)
        outline = [tuple(point) for point in (warp.to_picture(corners_of(wide - 2, tall - 2) + 1)).tolist()]
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        if shadow:
            self.shade(outline, rng.randint(2, 7))
        if lit_by != 1.0:
            taken = taken.point([min(255, round(value * lit_by)) for value in range(256)] * 3)
        self.scene.image.paste(taken, (0, 0), mask)
        questions, glyphs = lay(sign, warp, self.size)
        self.scene.adopt(questions, glyphs)
        lines = [ink for row in writer.rows for ink in row]
        if colour and lines:
            hull = np.array(warp.to_picture(np.array([(b[0], b[1]) for b in [union(lines)]] + [(union(lines)[2], union(lines)[3])])))
            box = (float(hull[:, 0].min()), float(hull[:, 1].min()), float(hull[:, 0].max()), float(hull[:, 1].max()))
            self.signs.setdefault(colour, []).append((" ".join(ink.text for ink in lines), box, min(ink.cap_px for ink in lines)))

    def shade(self, outline: list[tuple[float, ...]], depth: int) -> None:
        """A soft dark copy below and beside."""
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        box = (int(min(xs)) - 8, int(min(ys)) - 8, int(max(xs)) + 18, int(max(ys)) + 18)
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        ImageDraw.Draw(mask).polygon([(x - box[0] + depth, y - box[1] + depth) for x, y in outline], fill=150)
        self.scene.image.paste((12, 12, 14), box[:2], mask.filter(ImageFilter.GaussianBlur(3)))

    def ask_colours(self) -> None:
        """What the one sign of a colour says, where there are several signs."""
        if len(self.signs) > 1:
            for colour, found in self.signs.items():
                if len(found) == 1:
                    text, box, cap = found[0]
                    self.scene.ask("sign", asked.COLOURED_SIGN, text, [box], glyph_px=cap, hops=2, colour=colour)


def readable(colour: Rgb) -> Rgb:
    """Ink for a board: white, cream or gold on dark, black or blue on light."""
    dark = sum(colour) < 380
    return ((250, 250, 246), (250, 240, 210), (240, 210, 120))[sum(colour) % 3] if dark else ((20, 20, 22), (24, 40, 110), (130, 20, 26))[sum(colour) % 3]


def weathered_sign(rng: Random, image: Image.Image) -> Image.Image:
    """Dirt and fading, so that a board is no flat colour."""
    noise = textures.piece(rng, textures.cloud(14), image.size) * rng.uniform(0.01, 0.05) + textures.piece(rng, textures.grain(), image.size) * 0.015
    shade = 1 + noise + np.linspace(rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08), image.height)[:, None]
    return Image.fromarray((np.asarray(image) * shade[..., None]).clip(0, 255).astype(np.uint8))


def raised(writer: Writer, x: float, y: float, text: str, style: Print, align: str, colour: Rgb, width: float) -> Ink:
    """Letters that stand out: a shadow or an edge under them."""
    rng = writer.rng
    text, style = fitted(spelled(style.face, text), style, width)
    kind = rng.random()
    if kind < 0.6:
        line, length = letter(text, style, rng), width_of(text, style)
        left = x - {"left": 0.0, "centre": length / 2, "right": length}[align]
        for step in range(1, max(2, round(style.cap * rng.choice((0.05, 0.08, 0.12))))) if line else ():
            at = (round(left + line.left + step), round(y + style.cap + line.top + step))
            writer.pen.bitmap(at, line.mask, darker(colour, 0.65) if sum(colour) > 300 else lighter(colour, 0.5))
    return writer.put(x, y, text, style, align=align, colour=colour)


def wall(rng: Random, size: tuple[int, int]) -> Image.Image:
    return rng.choice((textures.plaster, textures.plaster, textures.bricks, textures.bricks, textures.planks, textures.stone, textures.tiles))(rng, size)


def shop(street: Street) -> None:
    """A fascia with the name, an awning perhaps, a window with words, a door with a number."""
    rng, (width, height) = street.rng, street.size
    street.cover(wall(rng, street.size))
    top = height * rng.uniform(0.08, 0.22)
    x0, x1 = width * rng.uniform(0.0, 0.08), width * rng.uniform(0.92, 1.0)
    tall = height * rng.uniform(0.14, 0.24)
    glass(street, (x0, top + tall, x1, height))
    window_words(street, (x0, top + tall, x1, height))
    if rng.random() < 0.35:
        awning(street, (x0, top + tall * 0.95, x1, top + tall * 0.95 + height * rng.uniform(0.08, 0.14)))
    name = shop_name(rng, writer_on(rng, (64, 64), street.unseen, 10).speaker)
    name = rng.choice((name, name.upper(), name))
    colour_name = rng.choice(list(COLOURS))
    writer = street.board((x1 - x0, tall), tall * rng.uniform(0.28, 0.5), jittered(rng, COLOURS[colour_name]))
    second = rng.random() < 0.5
    y = (tall - writer.cap) / 2 - (tall * 0.1 if second else 0)
    side = rng.choice(("centre", "centre", "left"))
    at = (x1 - x0) / 2 if side == "centre" else tall * 0.3
    ink = raised(writer, at, y, name, writer.bold, side, writer.sheet.ink, (x1 - x0) * 0.9)  # type: ignore[arg-type]
    writer.row(ink)
    for _ in range(2):
        writer.sheet.ask("shop", asked.SHOP_NAME, ink.text, [ink])
    writer.sheet.ask("sign", asked.SIGN_TEXT, ink.text, [ink])
    if second:
        below(writer, at, y + writer.cap * 1.45, side, (x1 - x0) * 0.8, ink)
    if rng.random() < 0.4:
        writer.box((3, 3, x1 - x0 - 4, tall - 4), outline=writer.sheet.ink, width=rng.choice((1, 2, 4)))
    street.mount(writer, (x0, top), colour=colour_name)
    if rng.random() < 0.45:
        small_sign(street, (x0, top + tall, x1, height * 0.9))


def below(writer: Writer, x: float, y: float, side: str, width: float, above: Ink) -> None:
    """A smaller line under a name: what is sold, since when, the number to call."""
    rng, small = writer.rng, writer.body.sized(rng_share(writer))
    number = phone(rng) if rng.random() < 0.5 else ""
    ink = writer.line(x, y, number or f"{rng.choice(OFFERS)}{rng.choice(('', ' - ' + rng.choice(OFFERS)))}", small, align=side, width=width)
    if number:
        writer.sheet.ask("phone", asked.SIGN_PHONE, ink.text, [ink])
    writer.sheet.ask("below", asked.SECOND_LINE, ink.text, [ink, above], hops=2, line=above.text)


def rng_share(writer: Writer) -> float:
    """A second line's size over the first's, at least legible."""
    return max(writer.rng.uniform(0.32, 0.5), min(1.0, 9 / writer.cap))


def jittered(rng: Random, colour: Rgb) -> Rgb:
    r, g, b = (max(0, min(255, part + rng.randint(-14, 14))) for part in colour)
    return r, g, b


def glass(street: Street, box: Box) -> None:
    """Shop windows: dark, with what stands behind and what is mirrored in them, between frames."""
    rng, scene = street.rng, street.scene
    x0, y0, x1, y1 = (round(edge) for edge in box)
    size = (max(8, x1 - x0), max(8, y1 - y0))
    depth = textures.piece(rng, textures.cloud(15, 5, 6), size, (1.0, 2.0))
    base = np.array(rng.choice(((46, 48, 52), (60, 54, 44), (38, 46, 54), (90, 84, 70))), np.float32)
    shade = 1 + 0.35 * depth[..., None] + np.linspace(0.25, -0.2, size[1])[:, None, None]
    image = Image.fromarray((base * shade).clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(10, 30)):
        x, y, side = rng.randrange(size[0]), size[1] - rng.randrange(1, max(2, size[1] // 2)), rng.randint(6, 40)
        colour = tuple(rng.randint(30, 190) for _ in range(3))
        pen.ellipse((x, y, x + side, y + side), fill=colour) if rng.random() < 0.5 else pen.rectangle((x, y, x + side, y + side * 2), fill=colour)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(2, 5)))
    if rng.random() < 0.6:
        shine = Image.new("L", size)
        x = rng.randrange(size[0])
        ImageDraw.Draw(shine).polygon([(x, 0), (x + size[0] // 4, 0), (x, size[1]), (x - size[0] // 4, size[1])], fill=rng.randint(20, 60))
        image.paste((230, 236, 240), (0, 0), shine.filter(ImageFilter.GaussianBlur(6)))
    scene.image.paste(image, (x0, y0))
    frame = rng.choice(((50, 50, 54), (120, 84, 52), (220, 220, 216), (30, 60, 50), (90, 30, 34)))
    for x in np.linspace(x0, x1, rng.randint(3, 5)).round().astype(int).tolist():
        scene.pen.rectangle((x - 4, y0, x + 4, y1), fill=frame)
        scene.pen.line((x + 4, y0, x + 4, y1), fill=darker(frame, 0.5))
    scene.pen.rectangle((x0, y0, x1, y0 + 6), fill=frame)


def window_words(street: Street, box: Box) -> None:
    """Letters stuck on the glass: offers, hours."""
    rng, (x0, y0, x1, y1) = street.rng, box
    if rng.random() < 0.25:
        return
    wide, tall = (x1 - x0) * rng.uniform(0.3, 0.45), (y1 - y0) * 0.55
    cap = max(9.0, min(wide / 9, tall / 5) * rng.uniform(0.6, 1.0))
    crop = (round(x0 + (x1 - x0) * rng.uniform(0.06, 0.5)), round(y0 + (y1 - y0) * rng.uniform(0.12, 0.35)))
    writer = street.board((wide, tall), cap, (60, 60, 60))
    writer.sheet.image.paste(street.scene.image.crop((crop[0], crop[1], crop[0] + writer.sheet.width, crop[1] + writer.sheet.height)))
    writer.sheet.pen = ImageDraw.Draw(writer.sheet.image)
    colour: Rgb = rng.choice(((245, 245, 240), (250, 220, 120), (240, 90, 80), (250, 250, 250)))
    first = writer.line(wide / 2, cap * 0.4, rng.choice(OFFERS), writer.bold, align="centre", colour=colour, width=wide * 0.96)
    writer.sheet.ask("window", asked.OFFER, first.text, [first])
    y, days = cap * 2.3, list(rng.sample(DAYS[:3] if rng.random() < 0.7 else DAYS[3:], rng.randint(0, 3)))
    for day in days:
        style = writer.body.sized(max(0.6, min(1.0, 9 / cap)))
        name = writer.put(wide * 0.04, y, day, style, colour=colour, width=wide * 0.42)
        hours = writer.put(wide * 0.98, y, opening_hours(rng), style, align="right", colour=colour, width=wide * 0.5)
        writer.sheet.ask("hours", asked.HOURS, hours.text, [hours, name], hops=2, day=name.text)
        y += style.cap * 2
    if y < tall * 0.9:
        writer.sheet.image = writer.sheet.image.crop((0, 0, writer.sheet.width, round(y + cap * 0.2)))
    plain = Warp(homography(corners_of(8, 8), corners_of(8, 8) + np.array(crop)))
    street.scene.image.paste(writer.sheet.image, crop)
    street.scene.adopt(*lay(writer.sheet, plain, street.size))


def awning(street: Street, box: Box) -> None:
    rng, pen, (x0, y0, x1, y1) = street.rng, street.scene.pen, box
    colours, step = (rng.choice(list(COLOURS.values())), (238, 236, 230)), (x1 - x0) / rng.randint(9, 22)
    out = (y1 - y0) * 0.35
    for k in range(round((x1 - x0) / step)):
        a, b = x0 + k * step, x0 + (k + 1) * step
        pen.polygon([(a, y0), (b, y0), (b + (b - (x0 + x1) / 2) * 0.03, y1), (a + (a - (x0 + x1) / 2) * 0.03, y1)], fill=colours[k % 2])
        pen.pieslice((a + (a - (x0 + x1) / 2) * 0.03, y1 - out * 0.5, b + (b - (x0 + x1) / 2) * 0.03, y1 + out * 0.5), 0, 180, fill=darker(colours[k % 2], 0.12))


def small_sign(street: Street, box: Box, kind: str = "") -> None:
    """A notice, a house number, a street name or a plate with a number to call."""
    rng, (x0, y0, x1, y1) = street.rng, box
    kind = kind or rng.choice(("notice", "notice", "number", "street", "call"))
    colour_name = rng.choice(("blue", "white", "green", "yellow", "red", "white", "black"))
    cap = rng.uniform(11, 22) * street.size[0] / 700
    speaker = writer_on(rng, (64, 64), street.unseen, 10).speaker
    lines: tuple[str, ...] = {
        "notice": rng.choice(NOTICES), "number": (f"{rng.randint(1, 280)}{rng.choice(('', '', 'a', 'B'))}",), "street": (street_name(rng, speaker),),
        "call": (rng.choice(("FOR SALE", "TO LET", "For rent", "Plumber", "Taxi", "Office space", "Locksmith")), phone(rng)),
    }[kind]  # fmt: skip
    writer = street.board((64, 64), cap * (1.6 if kind == "number" else 1), jittered(rng, COLOURS[colour_name]), ("sans", "narrow", "display"))
    styles = [writer.bold, *[writer.bold.sized(0.85)] * (len(lines) - 1)]
    lines = tuple(spelled(writer.bold.face, line) for line in lines)
    wide = max(width_of(line, style) for line, style in zip(lines, styles, strict=True)) + writer.cap * rng.uniform(1.4, 2.6)
    tall = writer.cap * (1.9 * len(lines) + rng.uniform(0.5, 1.2))
    wide = min(wide, street.size[0] * 0.9)
    fresh = Writer(Sheet(rng, (max(24, round(wide)), max(20, round(tall))), "RGB", writer.sheet.image.getpixel((0, 0))), writer.speaker, writer.body, writer.bold)  # type: ignore[arg-type]
    fresh.sheet.ink = writer.sheet.ink
    y = (tall - writer.cap * (1.9 * len(lines) - 0.9)) / 2
    inks = []
    for line, style in zip(lines, styles, strict=True):
        inks.append(fresh.line(wide / 2, y, line, style, align="centre", width=wide * 0.94))
        y += writer.cap * 1.9
    if rng.random() < 0.6:
        fresh.box((2, 2, wide - 3, tall - 3), outline=fresh.sheet.ink, width=rng.choice((1, 2)), radius=rng.choice((0, writer.cap * 0.4)))
    ask_small(fresh, kind, inks)
    at = x0 + max(0.0, x1 - x0 - wide) * rng.random(), y0 + max(0.0, y1 - y0 - tall) * rng.random()
    street.mount(fresh, at, colour=colour_name)


def ask_small(writer: Writer, kind: str, inks: list[Ink]) -> None:
    sheet, text = writer.sheet, " ".join(ink.text for ink in inks)
    if kind == "number":
        sheet.ask("house", asked.HOUSE_NUMBER, text, inks)
    elif kind == "street":
        sheet.ask("street", asked.STREET_NAME, text, inks)
    elif kind == "call":
        sheet.ask("phone", asked.SIGN_PHONE, inks[1].text, [inks[1]])
        sheet.ask("below", asked.SECOND_LINE, inks[1].text, [inks[1], inks[0]], hops=2, line=inks[0].text)
    else:
        sheet.ask("sign", asked.SIGN_TEXT if len(inks) == 1 else asked.SIGN_TEXT[:4], text, [union(inks)], glyph_px=inks[-1].cap_px)
        if len(inks) > 1:
            sheet.ask("below", asked.SECOND_LINE, inks[1].text, [inks[1], inks[0]], hops=2, line=inks[0].text)


def on_wall(street: Street) -> None:
    """Two to five plates and notices on a wall, none over another."""
    rng, (width, height) = street.rng, street.size
    street.cover(wall(rng, street.size))
    if rng.random() < 0.5:
        x = width * rng.uniform(0.1, 0.6)
        glass(street, (x, height * 0.55, x + width * 0.3, height))
    rows = rng.randint(2, 3)
    kinds = ["street", "number", "call", "notice", "notice", "notice"]
    rng.shuffle(kinds)
    for k in range(rows):
        y0, y1 = height * (0.05 + 0.9 * k / rows), height * (0.9 * (k + 1) / rows)
        if rng.random() < 0.5:
            small_sign(street, (width * 0.04, y0, width * 0.46, y1), kinds.pop())
            small_sign(street, (width * 0.54, y0, width * 0.96, y1), kinds.pop())
        else:
            small_sign(street, (width * 0.05, y0, width * 0.95, y1), kinds.pop())


def road(street: Street) -> None:
    """A direction sign with places and distances, sky and trees behind."""
    rng, (width, height) = street.rng, street.size
    street.cover(textures.sky(rng, street.size))
    ground = height * rng.uniform(0.6, 0.85)
    street.cover(textures.leaves(rng, (width, height - round(ground) + 40)), (0, ground - 40))
    if rng.random() < 0.5:
        street.cover(textures.stone(rng, (width, round(height * 0.14))), (0, height * 0.88))
    colour_name = rng.choice(("green", "blue", "white", "yellow", "brown"))
    num = rng.randint(2, 5)
    wide, cap = width * rng.uniform(0.5, 0.78), max(12.0, height * 0.6 / (num * 2.3) * rng.uniform(0.55, 0.8))
    tall = cap * (2.2 * num + 1)
    writer = street.board((wide, tall), cap, jittered(rng, COLOURS[colour_name]), ("display", "sans", "narrow"))
    speaker, named, metres = writer.speaker, set(), rng.random() < 0.15
    for k in range(num):
        name, far = town(rng, speaker), rng.randint(1, 30) * 50 if metres else rng.randint(1, 480)
        y = cap * (0.9 + 2.2 * k)
        place = writer.put(cap * 1.0, y, name, writer.bold, width=wide * 0.62)
        unit = rng.choice((" m",)) if metres else rng.choice(("", " km", ""))
        distance = writer.put(wide - cap, y, f"{far}{unit}", writer.bold, align="right", width=wide * 0.26)
        writer.row(place, distance)
        if place.text not in named and place.text:
            writer.sheet.ask("distance", asked.DISTANCE, distance.text, [distance, place], hops=2, place=place.text)
            writer.sheet.ask("place", asked.PLACE_AT, place.text, [place, distance], hops=2, distance=distance.text)
        named.add(place.text)
    writer.sheet.ask("first", ("Which place stands first on the sign?", "What is the first place on the sign?"), writer.rows[0][0].text, [writer.rows[0][0]])
    writer.sheet.ask("last", ("Which place stands last on the sign?", "What is the last place on the sign?"), writer.rows[-1][0].text, [writer.rows[-1][0]])
    writer.sheet.ask("count", ("How many places are on the sign?", "How many places does the sign name?"), str(num), [row[0] for row in writer.rows])
    writer.box((4, 4, wide - 5, tall - 5), outline=writer.sheet.ink, width=2, radius=cap * 0.4)
    x, y = (width - wide) * rng.uniform(0.2, 0.8), height * rng.uniform(0.06, 0.16)
    for pole in (0.2, 0.8):
        street.scene.pen.rectangle((x + wide * pole - 5, y, x + wide * pole + 5, height), fill=(120, 124, 128))
        street.scene.pen.line((x + wide * pole + 4, y, x + wide * pole + 4, height), fill=(70, 72, 76), width=2)
    street.mount(writer, (x, y), shadow=False)


def car(street: Street) -> None:
    """The back of a car or van: its plate, a firm's name and number on the bodywork."""
    rng, (width, height) = street.rng, street.size
    paint = rng.choice(((232, 232, 230), (40, 44, 52), (150, 24, 30), (36, 70, 130), (120, 124, 130), (245, 200, 40)))
    shade = textures.piece(rng, textures.cloud(16, 3, 2), street.size) * 0.06 + np.linspace(0.16, -0.22, height)[:, None]
    street.cover(textures.shaded(paint, shade + 0.012 * textures.piece(rng, textures.grain(), street.size)))
    pen = street.scene.pen
    for y in (0.12, 0.62):
        pen.line((0, height * y, width, height * (y + 0.01)), fill=darker(paint, 0.45), width=3)
    for x in (0.0, 0.88):
        pen.rounded_rectangle((width * x, height * 0.3, width * (x + 0.12), height * 0.55), 10, fill=(170, 20, 24))
    pen.rectangle((0, height * 0.86, width, height), fill=(28, 28, 30))
    if rng.random() < 0.8:
        lettered(street, paint)
    cap = width * rng.uniform(0.05, 0.085)
    colour: Rgb = rng.choice(((244, 244, 240), (248, 206, 40), (244, 244, 240)))
    text = number_plate(rng)
    writer = street.board((64, 64), cap, colour, ("narrow", "display"))
    wide = width_of(text, writer.bold) + cap * 1.6
    fresh = Writer(Sheet(rng, (round(wide), round(cap * 2.1)), "RGB", colour), writer.speaker, writer.body, writer.bold)
    fresh.sheet.ink = (16, 16, 18)
    ink = fresh.line(wide / 2, cap * 0.55, text, writer.bold, align="centre", width=wide * 0.92)
    fresh.box((1, 1, wide - 2, cap * 2.1 - 2), outline=(30, 30, 30), width=2, radius=cap * 0.2)
    fresh.sheet.ask("plate", asked.PLATE, ink.text, [ink])
    fresh.sheet.ask("plate", asked.PLATE, ink.text, [ink])
    street.mount(fresh, ((width - wide) / 2 + rng.uniform(-0.06, 0.06) * width, height * rng.uniform(0.66, 0.74)))


def lettered(street: Street, paint: Rgb) -> None:
    """A firm on the bodywork."""
    rng, (width, height) = street.rng, street.size
    writer = street.board((width * 0.72, height * 0.42), height * rng.uniform(0.06, 0.1), paint)
    part = street.scene.image.crop((round(width * 0.14), round(height * 0.16), round(width * 0.14) + writer.sheet.width, round(height * 0.16) + writer.sheet.height))
    writer.sheet.image.paste(part)
    colour: Rgb = rng.choice(((250, 250, 250), (240, 190, 30), (120, 200, 240))) if sum(paint) < 420 else rng.choice(((24, 50, 120), (150, 20, 30), (20, 90, 50), (20, 20, 20)))
    name = writer.line(width * 0.36, writer.cap * 0.4, shop_name(rng, writer.speaker), writer.bold, align="centre", colour=colour, width=width * 0.66)
    for _ in range(2):
        writer.sheet.ask("shop", ("Which firm does the car belong to?", "What is written on the car?", "Which company's car is it?"), name.text, [name])
    what = writer.line(width * 0.36, writer.cap * 2.3, rng.choice(OFFERS), writer.body.sized(0.6), align="centre", colour=colour, width=width * 0.6)
    writer.sheet.ask("below", asked.SECOND_LINE, what.text, [what, name], hops=2, line=name.text)
    number = writer.line(width * 0.36, writer.cap * 3.7, phone(rng), writer.bold.sized(0.7), align="centre", colour=colour, width=width * 0.6)
    writer.sheet.ask("phone", asked.SIGN_PHONE, number.text, [number])
    plain = Warp(homography(corners_of(8, 8), corners_of(8, 8) + np.array((round(width * 0.14), round(height * 0.16)))))
    street.scene.image.paste(writer.sheet.image, (round(width * 0.14), round(height * 0.16)))
    street.scene.adopt(*lay(writer.sheet, plain, street.size))


def banner(street: Street) -> None:
    """A long cloth across a wall."""
    rng, (width, height) = street.rng, street.size
    street.cover(wall(rng, street.size))
    colour_name, wide, tall = rng.choice(("white", "red", "yellow", "blue")), width * rng.uniform(0.75, 0.95), height * rng.uniform(0.22, 0.34)
    writer = street.board((wide, tall), tall * rng.uniform(0.2, 0.3), jittered(rng, COLOURS[colour_name]))
    name = raised(writer, wide / 2, tall * 0.16, shop_name(rng, writer.speaker), writer.bold, "centre", writer.sheet.ink, wide * 0.92)  # type: ignore[arg-type]
    writer.row(name)
    writer.sheet.ask("shop", asked.SHOP_NAME, name.text, [name])
    writer.sheet.ask("sign", ("What does the banner say first?", "What is the first line of the banner?"), name.text, [name])
    below(writer, wide / 2, tall * 0.16 + writer.cap * 1.7, "centre", wide * 0.9, name)
    street.mount(writer, ((width - wide) / 2, height * rng.uniform(0.1, 0.3)), colour=colour_name)
    for kind in ("notice", "street"):
        small_sign(street, (width * (0.05 if kind == "notice" else 0.55), height * 0.68, width * (0.45 if kind == "notice" else 0.95), height * 0.95), kind)


def market(street: Street) -> None:
    """Handwritten price boards in front of goods."""
    rng, (width, height) = street.rng, street.size
    street.cover(textures.leaves(rng, street.size))
    for _ in range(60):
        x, y, side = rng.randrange(width), rng.randint(height // 3, height), rng.randint(20, 60)
        street.scene.pen.ellipse((x, y, x + side, y + side), fill=tuple(rng.randint(60, 230) for _ in range(3)))
    street.cover(street.scene.image.filter(ImageFilter.GaussianBlur(3)))
    num = rng.randint(3, 5)
    for k in range(num):
        dark = rng.random() < 0.5
        wide, tall = width / num * 0.9, height * 0.3
        writer = street.board((wide, tall), min(wide / 7, tall * 0.2), (38, 42, 40) if dark else (246, 236, 190), ("hand",))
        name = writer.line(wide / 2, tall * 0.14, writer.speaker.word(["Apples", "Pears", "Leeks", "Plums", "Beans", "Figs", "Onions", "Cherries"]), align="centre", width=wide * 0.9)
        price = f"{rng.randint(0, 12)}.{rng.choice(('00', '50', '99', '20', '80'))}"
        ink = writer.line(wide / 2, tall * 0.5, price, writer.body.sized(1.5), align="centre", width=wide * 0.9)
        writer.sheet.ask("price", ("What do the {name} cost?", "How much are the {name}?", "Price of {name}?"), ink.text, [ink, name], hops=2, name=name.text)
        writer.sheet.ask("item", ("What costs {price}?", "Which goods are {price}?"), name.text, [name, ink], hops=2, price=ink.text)
        street.mount(writer, (width / num * (k + 0.05), height * rng.uniform(0.2, 0.55)))


DRAWN = {"shop": shop, "wall": on_wall, "road": road, "car": car, "banner": banner, "market": market}
KIND = LifelikeKind("sign", 7, version="1", share=10, draw=draw_signs, take=seen_in_the_street, least=4)
