"""What programs have around their content: title bars, status bars, task bars, rows, switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, lighter
from arr_coc.data.drawing.lifelike.screen_content import (
    APPS,
    FOLDERS,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.vocabulary import clock
from arr_coc.data.drawing.lifelike.world import BRANDS
from arr_coc.data.drawing.lifelike.writer import Writer
from arr_coc.data.records import Box

BLUES: tuple[Rgb, ...] = (
    (0, 103, 192),
    (26, 115, 232),
    (53, 132, 228),
    (0, 122, 255),
    (98, 0, 238),
    (233, 84, 32),
    (16, 124, 16),
    (84, 84, 92),
)


DESKTOPS: tuple[Rgb, ...] = (
    (0, 78, 140),
    (48, 10, 36),
    (30, 90, 100),
    (96, 110, 140),
    (58, 110, 165),
    (32, 36, 44),
    (150, 170, 190),
)


@dataclass(frozen=True)
class Theme:
    """Colours of a desktop or phone."""

    ground: Rgb
    panel: Rgb
    ink: Rgb
    faint: Rgb
    line: Rgb
    accent: Rgb
    radius: float

    @classmethod
    def chosen(cls, rng: Random) -> Theme:
        accent, radius = rng.choice(BLUES), rng.choice((0.0, 4.0, 8.0, 12.0))
        if rng.random() < 0.3:
            ground = rng.choice(((30, 30, 30), (24, 26, 32), (40, 42, 54), (18, 18, 18)))
            panel: Rgb = tuple(part + 14 for part in ground)  # type: ignore[assignment]
            return cls(ground, panel, (236, 236, 240), (160, 162, 170), (64, 66, 74), lighter(accent, 0.25), radius)
        return cls(
            (255, 255, 255),
            rng.choice(((243, 243, 243), (246, 245, 244), (236, 238, 242), (250, 250, 252))),
            (24, 24, 28),
            (104, 106, 114),
            (220, 222, 226),
            accent,
            radius,
        )


@dataclass
class Screen:
    """A window in the making: its theme, the box of its content, where the next row goes."""

    writer: Writer
    theme: Theme
    left: float
    right: float
    y: float
    unseen: bool

    @property
    def rng(self) -> Random:
        return self.writer.rng

    @property
    def cap(self) -> float:
        return self.writer.cap

    @property
    def width(self) -> float:
        return self.right - self.left


def status_bar(screen: Screen) -> None:
    """A phone's first line: clock at one side, signal and battery at the other."""
    writer, cap, theme = screen.writer, screen.cap, screen.theme
    time = writer.put(cap * 1.6, cap * 0.9, clock(screen.rng)[:5].strip(), writer.bold.sized(0.95))
    writer.sheet.ask("time", asked.CLOCK_NOW, time.text, [time])
    right = screen.right - cap * 1.4
    percent = screen.rng.randint(2, 100)
    writer.box((right - cap * 2, cap * 0.8, right, cap * 1.9), outline=theme.ink, radius=cap * 0.3)
    writer.box(
        (right - cap * 1.85, cap * 0.95, right - cap * 1.85 + cap * 1.7 * percent / 100, cap * 1.75),
        fill=theme.ink,
        radius=cap * 0.15,
    )
    if screen.rng.random() < 0.7:
        ink = writer.put(right - cap * 2.4, cap * 0.9, f"{percent}%", writer.body.sized(0.9), align="right")
        writer.sheet.ask(
            "battery",
            ("What is the charge of the battery?", "How full is the battery?", "Battery level?"),
            ink.text,
            [ink],
        )
    for k in range(4):
        x = right - cap * (7.2 if percent < 100 else 7.8) + k * cap * 0.55
        writer.box((x, cap * (1.6 - 0.25 * k), x + cap * 0.35, cap * 1.9), fill=theme.ink)
    screen.y = cap * 3.2


def window(screen: Screen, layout: str) -> None:
    """A title bar with its buttons, and perhaps a menu."""
    writer, cap, theme, rng = screen.writer, screen.cap, screen.theme, screen.rng
    tall = cap * rng.uniform(2.8, 3.6)
    coloured = rng.random() < 0.2
    writer.box((0, 0, screen.right, tall), fill=theme.accent if coloured else theme.panel)
    colour = (255, 255, 255) if coloured else theme.ink
    mac = rng.random() < 0.35
    title = window_title(rng, layout)
    if mac:
        for k, shade in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
            x = cap * (1.2 + 1.9 * k)
            writer.pen.ellipse((x, tall / 2 - cap * 0.55, x + cap * 1.1, tall / 2 + cap * 0.55), fill=shade)
    else:
        for k in range(3):
            x, y = screen.right - cap * (2.2 + 3.2 * k), tall / 2
            if k == 0:
                writer.pen.line((x, y - cap * 0.4, x + cap * 0.8, y + cap * 0.4), fill=colour, width=1)
                writer.pen.line((x, y + cap * 0.4, x + cap * 0.8, y - cap * 0.4), fill=colour, width=1)
            elif k == 1:
                writer.box((x, y - cap * 0.4, x + cap * 0.8, y + cap * 0.4), outline=colour)
            else:
                writer.pen.line((x, y, x + cap * 0.8, y), fill=colour, width=1)
    ink = writer.line(
        screen.right / 2 if mac else cap * 1.4,
        (tall - cap) / 2,
        title,
        writer.bold if mac else None,
        align="centre" if mac else "left",
        colour=colour,
        width=screen.width * 0.6,
    )
    writer.sheet.ask("title", asked.WINDOW_TITLE, ink.text, [ink])
    screen.y = tall
    if not mac and rng.random() < 0.55:
        x = cap * 1.2
        for entry in ("File", "Edit", "View", "Go", "Tools", "Window", "Help")[: rng.randint(3, 7)]:
            x = writer.put(x, screen.y + cap * 0.8, entry, colour=theme.ink).box[2] + cap * 1.8
        screen.y += cap * 2.6
    writer.sheet.pen.line((0, screen.y, screen.right, screen.y), fill=theme.line)
    screen.y += cap * 0.4


def window_title(rng: Random, layout: str) -> str:
    return {
        "files": rng.choice(FOLDERS), "settings": rng.choice(("Settings", "Preferences", "Options", "Control Centre",
        "System Settings")),
        "mail": f"Inbox ({rng.randint(1, 240)})", "bank": f"{rng.choice(BRANDS)} Banking",
        "monitor": rng.choice(("Task Manager", "System Monitor", "Activity Monitor", "Processes")),
        "dialog": rng.choice(APPS), "playlist": f"{rng.choice(BRANDS)} Music",
        "downloads": rng.choice(("Downloads", "Transfers", "File transfer")),
    }[layout]  # fmt: skip


def task_bar(screen: Screen) -> None:
    """Open programs and the clock along the bottom."""
    writer, cap, rng = screen.writer, screen.cap, screen.rng
    screen.y += cap
    colour = rng.choice(DESKTOPS)
    writer.box((0, screen.y, screen.right, screen.y + cap * 4), fill=colour)
    x = cap * 1.5
    for _ in range(rng.randint(3, 6)):
        writer.box(
            (x, screen.y + cap * 0.9, x + cap * 2.2, screen.y + cap * 3.1), fill=rng.choice(BLUES), radius=cap * 0.5
        )
        x += cap * 3.2
    time = writer.put(screen.right - cap * 1.2, screen.y + cap * 1.4, clock(rng), align="right", colour=(250, 250, 252))
    writer.sheet.ask("time", asked.CLOCK_NOW, time.text, [time])
    screen.y += cap * 2.8


def table(
    screen: Screen, heads: tuple[str, ...], shares: tuple[float, ...], rows: Sequence[tuple[str, ...]], icons: bool
) -> None:
    """Rows with a header; one of them selected."""
    writer, cap, theme, rng = screen.writer, screen.cap, screen.theme, screen.rng
    pitch, x0 = cap * rng.uniform(2.3, 3.1), screen.left + cap * (3.6 if icons else 1.2)
    room = screen.right - x0
    stops = [x0 + room * sum(shares[:k]) for k in range(len(shares))]
    for x, head in zip(stops, heads, strict=True):
        writer.put(x, screen.y + (pitch - cap) / 2, head, writer.body.sized(0.95), colour=theme.faint)
    screen.y += pitch
    writer.pen.line((screen.left, screen.y, screen.right, screen.y), fill=theme.line)
    selected, striped = rng.randrange(len(rows)) if rng.random() < 0.6 else -1, rng.random() < 0.3
    for number, row in enumerate(rows):
        whole = (screen.left, screen.y, screen.right, screen.y + pitch)
        if number == selected:
            writer.box(whole, fill=theme.accent)
        elif striped and number % 2:
            writer.box(whole, fill=theme.panel)
        colour: Rgb = (255, 255, 255) if number == selected else theme.ink
        if icons:
            icon(screen, screen.left + cap * 1.2, screen.y + pitch / 2, cap)
        inks = [
            writer.put(
                x,
                screen.y + (pitch - cap) / 2,
                text,
                colour=colour if k == 0 or number == selected else theme.faint,
                width=room * shares[k] - cap * 0.8,
            )
            for k, (x, text) in enumerate(zip(stops, row, strict=True))
        ]
        writer.row(*inks)
        ask_row(writer, heads, inks, [other[0] for other in rows])
        if number == selected:
            writer.sheet.ask(
                "selected",
                ("Which row is selected?", "Which entry is highlighted?", "What is selected?"),
                inks[0].text,
                [inks[0], whole],
            )
        screen.y += pitch


def ask_row(writer: Writer, heads: tuple[str, ...], inks: list[Ink], names: list[str]) -> None:
    if sum(name.startswith(inks[0].text) for name in names) != 1:
        return
    for head, ink in list(zip(heads, inks, strict=True))[1:]:
        if ink.text and writer.rng.random() < 0.45:
            writer.sheet.ask(
                "cell", asked.FILE_FIELD, ink.text, [ink, inks[0]], hops=2, column=head.lower(), row=inks[0].text
            )


def icon(screen: Screen, x: float, y: float, cap: float) -> None:
    pen, rng = screen.writer.pen, screen.rng
    if rng.random() < 0.5:
        pen.polygon([(x, y - cap * 0.7), (x + cap * 0.6, y - cap * 0.7), (x + cap * 0.8, y - cap * 0.4),
            (x + cap * 1.6, y - cap * 0.4), (x + cap * 1.6, y + cap * 0.7), (x, y + cap * 0.7)],
                    fill=rng.choice(((247, 200, 80), (96, 160, 230))))  # fmt: skip
    else:
        pen.rectangle(
            (x + cap * 0.2, y - cap * 0.8, x + cap * 1.3, y + cap * 0.7),
            fill=(252, 252, 252),
            outline=rng.choice(BLUES),
        )
        pen.rectangle((x + cap * 0.2, y, x + cap * 1.3, y + cap * 0.5), fill=rng.choice(BLUES))


def switch(screen: Screen, x: float, y: float, on: bool) -> Box:
    writer, cap, theme = screen.writer, screen.cap, screen.theme
    box = (x, y - cap * 0.9, x + cap * 3.4, y + cap * 0.9)
    writer.box(box, fill=theme.accent if on else theme.line, radius=cap * 0.9)
    knob = x + (cap * 1.7 if on else cap * 0.1)
    writer.pen.ellipse((knob, y - cap * 0.75, knob + cap * 1.5, y + cap * 0.75), fill=(255, 255, 255))
    return box


def forget(writer: Writer, box: Box) -> None:
    """Drops what a window will cover: characters, rows and questions."""
    writer.sheet.forget(box)
    writer.rows = [row for row in writer.rows if all(apart(ink.box, box) for ink in row)]


def apart(a: Box, b: Box) -> bool:
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
