"""Shop fronts: a fascia with a name, glass with words on it, an awning, small signs beside."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import textures
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, darker
from arr_coc.data.drawing.lifelike.lettering import width_of
from arr_coc.data.drawing.lifelike.photography import Warp, corners_of, homography, lay
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.sign_words import (
    DAYS,
    NOTICES,
    OFFERS,
    opening_hours,
    shop_name,
    street_name,
)
from arr_coc.data.drawing.lifelike.street import COLOURS, Street, jittered, raised, wall
from arr_coc.data.drawing.lifelike.vocabulary import phone
from arr_coc.data.drawing.lifelike.writer import Writer, spelled, writer_on
from arr_coc.data.records import Box


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
    second = rng.random() < 0.5
    cap = tall * rng.uniform(0.26, 0.36 if second else 0.5)
    writer = street.board((x1 - x0, tall), cap, jittered(rng, COLOURS[colour_name]))
    y = (tall - cap) / 2 - (tall * 0.16 if second else 0)
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
    ink = writer.line(
        x,
        y,
        number or f"{rng.choice(OFFERS)}{rng.choice(('', ' - ' + rng.choice(OFFERS)))}",
        small,
        align=side,
        width=width,
    )
    if number:
        writer.sheet.ask("phone", asked.SIGN_PHONE, ink.text, [ink])
    writer.sheet.ask("below", asked.SECOND_LINE, ink.text, [ink, above], hops=2, line=above.text)


def rng_share(writer: Writer) -> float:
    """A second line's size over the first's, at least legible."""
    return max(writer.rng.uniform(0.32, 0.5), min(1.0, 9 / writer.cap))


def glass(street: Street, box: Box) -> None:
    """Shop windows: dark, with what stands behind and what is mirrored in them, between frames."""
    rng, scene = street.rng, street.scene
    x0, y0, x1, y1 = (round(edge) for edge in box)
    size = (max(8, x1 - x0), max(8, y1 - y0))
    depth = textures.piece(rng, textures.cloud(15, 5, 8), size, (1.0, 2.0))
    base = np.array(rng.choice(((46, 48, 52), (60, 54, 44), (38, 46, 54), (90, 84, 70))), np.float32)
    shade = 1 + 0.35 * depth[..., None] + np.linspace(0.25, -0.2, size[1])[:, None, None]
    image = Image.fromarray((base * shade).clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(10, 30)):
        x, y, side = rng.randrange(size[0]), size[1] - rng.randrange(1, max(2, size[1] // 2)), rng.randint(6, 40)
        grey = rng.randint(40, 150)
        colour = tuple(max(0, grey + rng.randint(-30, 40)) for _ in range(3))
        pen.ellipse((x, y, x + side, y + side), fill=colour) if rng.random() < 0.5 else pen.rectangle(
            (x, y, x + side, y + side * 2), fill=colour
        )
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(2, 5)))
    if rng.random() < 0.6:
        shine = Image.new("L", size)
        x = rng.randrange(size[0])
        ImageDraw.Draw(shine).polygon(
            [(x, 0), (x + size[0] // 4, 0), (x, size[1]), (x - size[0] // 4, size[1])], fill=rng.randint(20, 60)
        )
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
    writer.sheet.image.paste(
        street.scene.image.crop((crop[0], crop[1], crop[0] + writer.sheet.width, crop[1] + writer.sheet.height))
    )
    writer.sheet.pen = ImageDraw.Draw(writer.sheet.image)
    colour: Rgb = rng.choice(((245, 245, 240), (250, 220, 120), (240, 90, 80), (250, 250, 250)))
    first = writer.line(
        wide / 2, cap * 0.4, rng.choice(OFFERS), writer.bold, align="centre", colour=colour, width=wide * 0.96
    )
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
        pen.polygon(
            [(a, y0), (b, y0), (b + (b - (x0 + x1) / 2) * 0.03, y1), (a + (a - (x0 + x1) / 2) * 0.03, y1)],
            fill=colours[k % 2],
        )
        pen.pieslice(
            (a + (a - (x0 + x1) / 2) * 0.03, y1 - out * 0.5, b + (b - (x0 + x1) / 2) * 0.03, y1 + out * 0.5),
            0,
            180,
            fill=darker(colours[k % 2], 0.12),
        )


def small_sign(street: Street, box: Box, kind: str = "") -> None:
    """A notice, a house number, a street name or a plate with a number to call."""
    rng, (x0, y0, x1, y1) = street.rng, box
    kind = kind or rng.choice(("notice", "notice", "number", "street", "call"))
    colour_name = rng.choice(("blue", "white", "green", "yellow", "red", "white", "black"))
    cap = rng.uniform(11, 22) * street.size[0] / 700
    speaker = writer_on(rng, (64, 64), street.unseen, 10).speaker
    lines: tuple[str, ...] = {
        "notice": rng.choice(NOTICES), "number": (f"{rng.randint(1, 280)}{rng.choice(('', '', 'a', 'B'))}",),
        "street": (street_name(rng, speaker),),
        "call": (rng.choice(("FOR SALE", "TO LET", "For rent", "Plumber", "Taxi", "Office space", "Locksmith")),
        phone(rng)),
    }[kind]  # fmt: skip
    writer = street.board(
        (64, 64),
        cap * (1.6 if kind == "number" else 1),
        jittered(rng, COLOURS[colour_name]),
        ("sans", "narrow", "display"),
    )
    styles = [writer.bold, *[writer.bold.sized(0.85)] * (len(lines) - 1)]
    lines = tuple(spelled(writer.bold.face, line) for line in lines)
    wide = max(width_of(line, style) for line, style in zip(lines, styles, strict=True)) + writer.cap * rng.uniform(
        1.4, 2.6
    )
    tall = writer.cap * (1.9 * len(lines) + rng.uniform(0.5, 1.2))
    wide = min(wide, street.size[0] * 0.9)
    paper = writer.sheet.image.getpixel((0, 0))
    size = max(24, round(wide)), max(20, round(tall))
    sheet = Sheet(rng, size, "RGB", paper)  # type: ignore[arg-type]
    fresh = Writer(sheet, writer.speaker, writer.body, writer.bold)
    fresh.sheet.ink = writer.sheet.ink
    y = (tall - writer.cap * (1.9 * len(lines) - 0.9)) / 2
    inks = []
    for line, style in zip(lines, styles, strict=True):
        inks.append(fresh.line(wide / 2, y, line, style, align="centre", width=wide * 0.94))
        y += writer.cap * 1.9
    if rng.random() < 0.6:
        fresh.box(
            (2, 2, wide - 3, tall - 3),
            outline=fresh.sheet.ink,
            width=rng.choice((1, 2)),
            radius=rng.choice((0, writer.cap * 0.4)),
        )
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
        sheet.ask(
            "sign",
            asked.SIGN_TEXT if len(inks) == 1 else asked.SIGN_TEXT[:4],
            text,
            [union(inks)],
            glyph_px=inks[-1].cap_px,
        )
        if len(inks) > 1:
            sheet.ask("below", asked.SECOND_LINE, inks[1].text, [inks[1], inks[0]], hops=2, line=inks[0].text)
