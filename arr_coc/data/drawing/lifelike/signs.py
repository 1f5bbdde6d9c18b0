"""Signs in the street: shop fronts, street names, road signs, notices, number plates, on walls that a camera saw."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import ImageFilter

from arr_coc.data.drawing.lifelike import textures
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, darker
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import width_of
from arr_coc.data.drawing.lifelike.photography import Warp, corners_of, homography, lay
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.shop_fronts import below, glass, shop, small_sign
from arr_coc.data.drawing.lifelike.sign_words import (
    OFFERS,
    number_plate,
    shop_name,
)
from arr_coc.data.drawing.lifelike.street import COLOURS, Street, jittered, raised, wall
from arr_coc.data.drawing.lifelike.street_camera import seen_in_the_street
from arr_coc.data.drawing.lifelike.vocabulary import GOODS, phone
from arr_coc.data.drawing.lifelike.world import town
from arr_coc.data.drawing.lifelike.writer import Writer

LAYOUTS, UNSEEN_LAYOUTS = ("shop", "shop", "wall", "road", "car"), ("banner", "market", "shop")


def draw_signs(rng: Random, unseen: bool, zoom: float) -> Sheet:
    """A street scene with one to five signs."""
    size = round(rng.uniform(520, 900) * zoom), round(rng.uniform(400, 720) * zoom)
    layout = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS)
    street = Street(Sheet(rng, size, "RGB"), unseen, rng.uniform(0.0, 0.12))
    DRAWN[layout](street)
    street.ask_colours()
    return street.scene


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
    writer.sheet.ask(
        "first",
        ("Which place stands first on the sign?", "What is the first place on the sign?"),
        writer.rows[0][0].text,
        [writer.rows[0][0]],
    )
    writer.sheet.ask(
        "last",
        ("Which place stands last on the sign?", "What is the last place on the sign?"),
        writer.rows[-1][0].text,
        [writer.rows[-1][0]],
    )
    writer.sheet.ask(
        "count",
        ("How many places are on the sign?", "How many places does the sign name?"),
        str(num),
        [row[0] for row in writer.rows],
    )
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
    shade = (
        textures.piece(rng, textures.cloud(16, 3, 2), street.size) * 0.06 + np.linspace(0.16, -0.22, height)[:, None]
    )
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
    writer = street.board((width * 0.72, height * 0.42), height * rng.uniform(0.055, 0.078), paint)
    part = street.scene.image.crop(
        (
            round(width * 0.14),
            round(height * 0.16),
            round(width * 0.14) + writer.sheet.width,
            round(height * 0.16) + writer.sheet.height,
        )
    )
    writer.sheet.image.paste(part)
    colour: Rgb = (
        rng.choice(((250, 250, 250), (240, 190, 30), (120, 200, 240)))
        if sum(paint) < 420
        else rng.choice(((24, 50, 120), (150, 20, 30), (20, 90, 50), (20, 20, 20)))
    )
    bodywork(writer, width, colour)
    plain = Warp(homography(corners_of(8, 8), corners_of(8, 8) + np.array((round(width * 0.14), round(height * 0.16)))))
    street.scene.image.paste(writer.sheet.image, (round(width * 0.14), round(height * 0.16)))
    street.scene.adopt(*lay(writer.sheet, plain, street.size))


def bodywork(writer: Writer, width: float, colour: Rgb) -> None:
    """Its name, what it does and its number, one below the other."""
    rng = writer.rng
    name = writer.line(
        width * 0.36,
        writer.cap * 0.4,
        shop_name(rng, writer.speaker),
        writer.bold,
        align="centre",
        colour=colour,
        width=width * 0.66,
    )
    for _ in range(2):
        writer.sheet.ask(
            "shop",
            ("Which firm does the car belong to?", "What is written on the car?", "Which company's car is it?"),
            name.text,
            [name],
        )
    what = writer.line(
        width * 0.36,
        writer.cap * 2.3,
        rng.choice(OFFERS),
        writer.body.sized(0.6),
        align="centre",
        colour=colour,
        width=width * 0.6,
    )
    writer.sheet.ask("below", asked.SECOND_LINE, what.text, [what, name], hops=2, line=name.text)
    number = writer.line(
        width * 0.36,
        writer.cap * 3.7,
        phone(rng),
        writer.bold.sized(0.7),
        align="centre",
        colour=colour,
        width=width * 0.6,
    )
    writer.sheet.ask("phone", asked.SIGN_PHONE, number.text, [number])


def banner(street: Street) -> None:
    """A long cloth across a wall."""
    rng, (width, height) = street.rng, street.size
    street.cover(wall(rng, street.size))
    colour_name, wide, tall = (
        rng.choice(("white", "red", "yellow", "blue")),
        width * rng.uniform(0.75, 0.95),
        height * rng.uniform(0.22, 0.34),
    )
    writer = street.board((wide, tall), tall * rng.uniform(0.2, 0.3), jittered(rng, COLOURS[colour_name]))
    name = raised(
        writer,
        wide / 2,
        tall * 0.16,
        shop_name(rng, writer.speaker),
        writer.bold,
        "centre",
        writer.sheet.ink,  # type: ignore[arg-type]
        wide * 0.92,
    )
    writer.row(name)
    writer.sheet.ask("shop", asked.SHOP_NAME, name.text, [name])
    writer.sheet.ask(
        "sign", ("What does the banner say first?", "What is the first line of the banner?"), name.text, [name]
    )
    below(writer, wide / 2, tall * 0.16 + writer.cap * 1.7, "centre", wide * 0.9, name)
    street.mount(writer, ((width - wide) / 2, height * rng.uniform(0.1, 0.3)), colour=colour_name)
    for kind in ("notice", "street"):
        small_sign(
            street,
            (
                width * (0.05 if kind == "notice" else 0.55),
                height * 0.68,
                width * (0.45 if kind == "notice" else 0.95),
                height * 0.95,
            ),
            kind,
        )


def market(street: Street) -> None:
    """Handwritten price boards in front of goods."""
    rng, (width, height) = street.rng, street.size
    street.cover(textures.leaves(rng, street.size))
    for _ in range(60):
        x, y, side = rng.randrange(width), rng.randint(height // 3, height), rng.randint(20, 60)
        street.scene.pen.ellipse((x, y, x + side, y + side), fill=tuple(rng.randint(60, 230) for _ in range(3)))
    street.cover(street.scene.image.filter(ImageFilter.GaussianBlur(3)))
    num, used = rng.randint(3, 5), set[str]()
    for k in range(num):
        dark = rng.random() < 0.5
        wide, tall = width / num * 0.9, height * 0.3
        writer = street.board(
            (wide, tall), min(wide / 7, tall * 0.2), (38, 42, 40) if dark else (246, 236, 190), ("hand",)
        )
        goods, price = writer.speaker.word(GOODS), f"{rng.randint(0, 12)}.{rng.choice(('00', '50', '99', '20', '80'))}"
        if {goods, price} & used:
            continue
        used |= {goods, price}
        name = writer.line(wide / 2, tall * 0.14, goods, align="centre", width=wide * 0.9)
        ink = writer.line(wide / 2, tall * 0.5, price, writer.body.sized(1.5), align="centre", width=wide * 0.9)
        writer.sheet.ask(
            "price",
            ("What do the {name} cost?", "How much are the {name}?", "Price of {name}?"),
            ink.text,
            [ink, name],
            hops=2,
            name=name.text,
        )
        writer.sheet.ask(
            "item", ("What costs {price}?", "Which goods are {price}?"), name.text, [name, ink], hops=2, price=ink.text
        )
        street.mount(writer, (width / num * (k + 0.05), height * rng.uniform(0.2, 0.55)))


DRAWN = {"shop": shop, "wall": on_wall, "road": road, "car": car, "banner": banner, "market": market}
KIND = LifelikeKind("sign", 7, version="1", share=10, draw=draw_signs, take=seen_in_the_street, least=4)
