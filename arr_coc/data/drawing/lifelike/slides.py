"""Slides of talks: a title, points, columns, large numbers, an agenda, a quotation; a footer with page and date."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from arr_coc.data.drawing import words
from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import textures
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.chart_data import MEASURES, THINGS
from arr_coc.data.drawing.lifelike.furniture import ACCENTS, Rgb, darker, lighter, logo
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.saved import saved_or_off_screen
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.slide_words import ENDS, HEADS, OBJECTS, OPENINGS, QUOTES, TITLES
from arr_coc.data.drawing.lifelike.vocabulary import clock, date
from arr_coc.data.drawing.lifelike.world import BRANDS, COUNTRIES, JOBS, firm, person, town
from arr_coc.data.drawing.lifelike.writer import Writer, writer_on

LAYOUTS = ("points", "points", "columns", "numbers", "agenda")
UNSEEN_LAYOUTS = ("quotation", "timeline", "cards")
NTH = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass
class Slide:
    """A slide in the making."""

    writer: Writer
    accent: Rgb
    ink: Rgb
    left: float
    right: float
    y: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left


def draw_slide(rng: Random, unseen: bool, zoom: float) -> Sheet:
    cap, layout = rng.uniform(10, 15) * zoom, rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS)
    width = cap * rng.uniform(48, 72)
    height = width * rng.choice((0.5625, 0.5625, 0.75))
    accent = rng.choice(ACCENTS)
    dark = rng.random() < 0.25
    paper: Rgb = (
        darker(accent, 0.6)
        if dark
        else rng.choice(((255, 255, 255), (255, 255, 255), (250, 248, 244), lighter(accent, 0.94)))
    )
    ink: Rgb = (245, 245, 248) if dark else rng.choice(((30, 30, 36), (50, 52, 60), (20, 24, 40)))
    writer = writer_on(rng, (width, height), unseen, cap, ("sans", "sans", "sans", "serif", "narrow"), paper, ink)
    if rng.random() < 0.3:
        faded(writer, paper, lighter(accent, 0.75) if not dark else accent)
    margin = width * rng.uniform(0.05, 0.09)
    slide = Slide(
        writer,
        lighter(accent, 0.5) if dark else accent,
        ink,
        margin,
        width - margin,
        margin * 0.8,
        height - margin * 0.9,
    )
    decorated(slide)
    title(slide)
    DRAWN[layout](slide)
    footer(slide)
    writer.ask_rows(4)
    return writer.sheet


def faded(writer: Writer, top: Rgb, low: Rgb) -> None:
    """A ground that changes from corner to corner."""
    ramp = Image.linear_gradient("L").resize(writer.sheet.image.size)
    writer.sheet.image.paste(Image.composite(Image.new("RGB", ramp.size, low), Image.new("RGB", ramp.size, top), ramp))


def decorated(slide: Slide) -> None:
    """A bar at an edge, a mark in the corner."""
    writer, rng, kind = slide.writer, slide.writer.rng, slide.writer.rng.random()
    width, height, cap = writer.sheet.width, writer.sheet.height, writer.cap
    if kind < 0.25:
        writer.box((0, 0, width, cap * 0.7), fill=slide.accent)
    elif kind < 0.45:
        writer.box((0, 0, slide.left * 0.4, height), fill=slide.accent)
    elif kind < 0.6:
        writer.box((0, height - cap * 0.6, width, height), fill=slide.accent)
    if rng.random() < 0.35:
        side = cap * 2.6
        logo(writer, width - side - cap, cap, side, slide.accent)
        slide.right -= cap * 2


def title(slide: Slide) -> None:
    writer, rng = slide.writer, slide.writer.rng
    text = rng.choice(TITLES).format(
        thing=rng.choice(THINGS),
        brand=writer.speaker.word(BRANDS),
        year=rng.randint(2012, 2027),
        place=town(rng, writer.speaker),
    )
    style = writer.bold.sized(rng.uniform(1.5, 2.2))
    ink = writer.line(
        slide.left, slide.y, text, style, colour=slide.accent if rng.random() < 0.6 else None, width=slide.width
    )
    for _ in range(2):
        writer.sheet.ask("title", asked.SLIDE_TITLE, ink.text, [ink])
    slide.y += style.cap * 1.9
    if rng.random() < 0.4:
        writer.sheet.pen.line(
            (slide.left, slide.y, slide.left + slide.width * rng.choice((0.2, 1.0)), slide.y),
            fill=slide.accent,
            width=rng.choice((1, 2, 4)),
        )
    slide.y += writer.cap * 1.2


def point(rng: Random, writer: Writer) -> str:
    if rng.random() < 0.2:
        measure, unit, low, high, decimals = rng.choice(MEASURES)
        return f"{measure}: {rng.uniform(low, high):,.{decimals}f} ({unit})"
    end = rng.choice(ENDS).format(
        date=date(rng),
        place=town(rng, writer.speaker),
        name=person(rng, writer.speaker),
        n=rng.randint(2, 60),
        q=rng.randint(1, 4),
    )
    return f"{rng.choice(OPENINGS)} {rng.choice(OBJECTS)} {end}".strip()


def bullets(slide: Slide, left: float, width: float, most: int, large: bool = False) -> list[list[Ink]]:
    """Points with their marks, wrapped; as many as there is room for."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    room = (slide.bottom - cap * 2 - slide.y) / (most * cap)
    style = writer.body.sized(min(1.7, max(1.0, room / rng.uniform(3.6, 5.5)))) if large else writer.body
    cap = style.cap
    mark, pitch, y = rng.choice("•-–›1"), rng.uniform(1.8, 2.2), slide.y
    gap = cap * rng.uniform(0.8, max(0.9, min(2.4, room * writer.cap / cap - 2.6)))
    points: list[list[Ink]] = []
    for number in range(most):
        text = point(rng, writer)
        if y + cap * pitch * 2 > slide.bottom - cap * 2:
            break
        writer.put(left, y, f"{number + 1}." if mark == "1" else mark, style, colour=slide.accent)
        inks = writer.paragraph(left + cap * 1.8, y, width - cap * 1.8, text, style, pitch=pitch)
        points.append(inks)
        y += cap * pitch * len(inks) + gap
    for number, inks in enumerate(points if large else []):
        writer.sheet.ask(
            "point",
            asked.BULLET,
            " ".join(ink.text for ink in inks),
            [union(inks)],
            glyph_px=cap,
            hops=2,
            nth=NTH[number],
        )
    return points


def points(slide: Slide) -> None:
    share = 1.0
    if slide.writer.rng.random() < 0.35:
        share = slide.writer.rng.uniform(0.5, 0.62)
        illustrated(slide, slide.left + slide.width * (share + 0.04))
    found = bullets(slide, slide.left, slide.width * share, slide.writer.rng.randint(3, 6), large=True)
    slide.writer.sheet.ask(
        "count", asked.NUM_BULLETS, str(len(found)), [union(inks) for inks in found], glyph_px=slide.writer.cap
    )


def illustrated(slide: Slide, left: float) -> None:
    """A photograph of no matter what beside the points."""
    rng = slide.writer.rng
    size = max(16, round(slide.right - left)), max(16, round((slide.bottom - slide.y) * rng.uniform(0.6, 0.9)))
    photo = rng.choice((textures.leaves, textures.wood, textures.sky, textures.stone, textures.bricks))(rng, size)
    slide.writer.sheet.image.paste(photo, (round(left), round(slide.y)))


def columns(slide: Slide) -> None:
    """Two or three heads, points below each."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    num, start = rng.choice((2, 2, 3)), slide.y
    room = slide.width / num
    for k, name in enumerate(rng.sample(HEADS, num)):
        slide.y, x = start, slide.left + k * room
        head = writer.line(x, slide.y, name, writer.bold.sized(1.2), colour=slide.accent, width=room - cap * 2)
        slide.y += cap * 3.2
        found = bullets(slide, x, room - cap * 2, rng.randint(2, 4))
        if found:
            writer.sheet.ask(
                "point",
                asked.UNDER_HEAD,
                " ".join(ink.text for ink in found[0]),
                [union(found[0]), head],
                glyph_px=cap,
                hops=2,
                name=head.text,
            )


def numbers(slide: Slide) -> None:
    """Two to four large figures, each with what it counts."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    num = rng.randint(2, 4)
    room, y = slide.width / num, slide.y + (slide.bottom - slide.y) * rng.uniform(0.12, 0.3)
    for k, (name, unit, low, high, decimals) in enumerate(rng.sample(MEASURES, num)):
        x = slide.left + (k + 0.5) * room
        value = f"{rng.uniform(low, high):,.{decimals}f}" + rng.choice(("", "", "%", "k", "+"))
        ink = writer.line(
            x, y, value, writer.bold.sized(rng.uniform(2.6, 3.6)), align="centre", colour=slide.accent, width=room * 0.9
        )
        label = writer.line(x, y + cap * 5.4, name, align="centre", width=room * 0.9)
        if rng.random() < 0.6:
            writer.line(x, y + cap * 7.4, unit, writer.body.sized(0.8), align="centre", width=room * 0.9)
        writer.sheet.ask("value", asked.BIG_NUMBER, ink.text, [ink, label], hops=2, name=label.text)
        writer.sheet.ask(
            "label",
            ("What does {value} stand for?", "What is {value}?"),
            label.text,
            [label, ink],
            hops=2,
            value=ink.text,
        )
    slide.y = y + cap * 10
    if slide.y < slide.bottom - cap * 6:
        bullets(slide, slide.left, slide.width, 2)


def agenda(slide: Slide) -> None:
    """Times or dates, what happens, who speaks."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    pitch, times = max(cap * 2.4, (slide.bottom - slide.y - cap * 2) / rng.uniform(6, 9)), rng.random() < 0.7
    whens = list(
        dict.fromkeys(f"{8 + k}:{rng.choice(('00', '15', '30', '45'))}" if times else date(rng) for k in range(7))
    )
    whats = rng.sample(JOBS + THINGS, len(whens))
    for when, what in zip(whens, whats, strict=True):
        if slide.y + pitch > slide.bottom - cap * 2:
            break
        time = writer.put(slide.left, slide.y, when, writer.bold, colour=slide.accent)
        topic = writer.put(slide.left + cap * (8 if times else 14), slide.y, what, width=slide.width * 0.45)
        who = (
            writer.put(slide.right, slide.y, person(rng, writer.speaker), align="right", width=slide.width * 0.3)
            if rng.random() < 0.5
            else None
        )
        writer.row(time, topic, *([who] if who else []))
        writer.sheet.ask(
            "when", asked.WHEN_OF if times else asked.DATE_OF, time.text, [time, topic], hops=2, name=topic.text
        )
        writer.sheet.ask("what", asked.WHAT_AT, topic.text, [topic, time], hops=2, time=time.text)
        if who:
            writer.sheet.ask(
                "who",
                ("Who speaks about {name}?", "Who presents {name}?"),
                who.text,
                [who, topic],
                hops=2,
                name=topic.text,
            )
        slide.y += pitch


def quotation(slide: Slide) -> None:
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    text = rng.choice(QUOTES)
    inks = writer.paragraph(
        slide.left + cap * 2, slide.y + cap * 2, slide.width - cap * 4, text, writer.body.sized(1.5)
    )
    writer.sheet.ask(
        "quotation",
        ("What does the quotation say?", "Read the quotation."),
        " ".join(ink.text for ink in inks),
        [union(inks)],
        glyph_px=cap * 1.5,
    )
    slide.y += cap * (4 + 2.7 * len(inks))
    who = writer.line(slide.left + cap * 2, slide.y, f"{person(rng, writer.speaker)}", writer.bold, colour=slide.accent)
    writer.sheet.ask("who", ("Who said it?", "Who is quoted?", "From whom is the quotation?"), who.text, [who])
    slide.y += cap * 4
    if slide.y < slide.bottom - cap * 4:
        bullets(slide, slide.left, slide.width, 2)


def timeline(slide: Slide) -> None:
    """Years along a line."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    num, start = rng.randint(3, 5), rng.randint(1950, 2020)
    room, y = slide.width / num, slide.y + (slide.bottom - slide.y) * 0.35
    writer.pen.line((slide.left, y, slide.right, y), fill=slide.accent, width=3)
    for k, what in enumerate(rng.sample(JOBS + THINGS, num)):
        x = slide.left + (k + 0.5) * room
        writer.pen.ellipse((x - cap * 0.6, y - cap * 0.6, x + cap * 0.6, y + cap * 0.6), fill=slide.accent)
        year = writer.put(
            x, y - cap * 3, str(start + k * rng.randint(2, 3) + k), writer.bold.sized(1.2), align="centre"
        )
        topic = writer.put(x, y + cap * 1.8, what, align="centre", width=room * 0.92)
        writer.sheet.ask("when", asked.DATE_OF, year.text, [year, topic], hops=2, name=topic.text)
        writer.sheet.ask(
            "what",
            ("What happened in {time}?", "What stands at {time}?"),
            topic.text,
            [topic, year],
            hops=2,
            time=year.text,
        )
    slide.y = y + cap * 5
    bullets(slide, slide.left, slide.width, 2)


def cards(slide: Slide) -> None:
    """Boxes side by side with a name, a place and a number."""
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    num = rng.randint(2, 3)
    room = slide.width / num
    for k in range(num):
        x0, x1 = slide.left + k * room, slide.left + (k + 1) * room - cap
        writer.box(
            (x0, slide.y, x1, slide.y + cap * 11),
            fill=lighter(slide.accent, 0.85),
            outline=slide.accent,
            radius=cap * 0.5,
        )
        dark: Rgb = (30, 30, 36)
        who = writer.line(
            x0 + cap,
            slide.y + cap * 1.5,
            person(rng, writer.speaker),
            writer.bold,
            colour=dark,
            width=x1 - x0 - cap * 2,
        )
        for line, (kind, questions, text) in enumerate((
            ("job", ("What does {name} do?", "What is the task of {name}?"), rng.choice(JOBS)),
            ("place", ("Where is {name}?", "From where is {name}?"), rng.choice(COUNTRIES)),
            ("phone", ("What is the extension of {name}?", "Which number has {name}?"),
            f"ext. {rng.randint(100, 9999)}"),
        )):  # fmt: skip
            ink = writer.line(x0 + cap, slide.y + cap * (4 + 2.2 * line), text, colour=dark, width=x1 - x0 - cap * 2)
            writer.sheet.ask(kind, questions, ink.text, [ink, who], hops=2, name=who.text)
    slide.y += cap * 13
    bullets(slide, slide.left, slide.width, 2)


def footer(slide: Slide) -> None:
    writer, rng, cap = slide.writer, slide.writer.rng, slide.writer.cap
    small, y, faint = writer.body.sized(0.72), writer.sheet.height - cap * 1.9, (140, 142, 150)
    left = rng.choice(
        (
            "",
            firm(rng, writer.speaker),
            person(rng, writer.speaker),
            f"{writer.speaker.word(words.TOPICS)} Conference {rng.randint(2008, 2026)}",
            date(rng),
        )
    )
    if left:
        ink = writer.line(slide.left, y, left, small, colour=faint, width=slide.width * 0.6)
        writer.sheet.ask("footer", asked.SMALL_PRINT, ink.text, [ink])
    if rng.random() < 0.7:
        ink = writer.put(slide.right, y, str(rng.randint(2, 64)), small, align="right", colour=faint)
        writer.sheet.ask("page", asked.SLIDE_NUMBER, ink.text, [ink])
    if rng.random() < 0.3:
        writer.put((slide.left + slide.right) / 2, y, clock(rng), small, align="centre", colour=faint)


DRAWN = {
    "points": points, "columns": columns, "numbers": numbers, "agenda": agenda, "quotation": quotation,
    "timeline": timeline, "cards": cards,
}  # fmt: skip
KIND = LifelikeKind("slide", 9, version="1", share=6, draw=draw_slide, take=saved_or_off_screen, least=5)
