"""Screenshots: file managers, settings, mail, bank accounts, dialogs, system monitors, players, on desktops and phones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import Rgb, lighter
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.saved import saved_or_off_screen
from arr_coc.data.drawing.lifelike.screen_content import (
    APPS, DEVICES, EXTENSIONS, FOLDERS, SETTINGS, SUBJECTS, TASKS, dialogs, file_name, file_size, stamp,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.vocabulary import clock, date
from arr_coc.data.drawing.lifelike.world import BRANDS, SHOWS, Money, firm, person
from arr_coc.data.drawing.lifelike.writer import Writer, cut, wrapped, writer_on
from arr_coc.data.records import Box

UNSEEN_LAYOUTS, LAYOUTS = ("playlist", "downloads"), ("files", "settings", "mail", "bank", "dialog", "monitor")
BLUES: tuple[Rgb, ...] = ((0, 103, 192), (26, 115, 232), (53, 132, 228), (0, 122, 255), (98, 0, 238), (233, 84, 32), (16, 124, 16), (84, 84, 92))
DESKTOPS: tuple[Rgb, ...] = ((0, 78, 140), (48, 10, 36), (30, 90, 100), (96, 110, 140), (58, 110, 165), (32, 36, 44), (150, 170, 190))


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
            (255, 255, 255), rng.choice(((243, 243, 243), (246, 245, 244), (236, 238, 242), (250, 250, 252))), (24, 24, 28), (104, 106, 114), (220, 222, 226), accent, radius
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


def draw_screen(rng: Random, unseen: bool, zoom: float) -> Sheet:
    layout, cap, theme = rng.choice(UNSEEN_LAYOUTS if unseen else LAYOUTS), rng.uniform(8, 12) * zoom, Theme.chosen(rng)
    phone = layout in ("settings", "mail", "bank", "playlist") and rng.random() < 0.5
    width = cap * (rng.uniform(34, 44) if phone else rng.uniform(56, 92))
    writer = writer_on(rng, (width, width * 2.4), unseen, cap, ("sans",), theme.ground, theme.ink)
    screen = Screen(writer, theme, 0.0, width, 0.0, unseen)
    status_bar(screen) if phone else window(screen, layout)
    DRAWN[layout](screen)
    if not phone and rng.random() < 0.4:
        task_bar(screen)
    writer.ask_rows(3)
    cut(writer, screen.y + cap * 1.2)
    return writer.sheet


def status_bar(screen: Screen) -> None:
    """A phone's first line: clock at one side, signal and battery at the other."""
    writer, cap, theme = screen.writer, screen.cap, screen.theme
    time = writer.put(cap * 1.6, cap * 0.9, clock(screen.rng)[:5].strip(), writer.bold.sized(0.95))
    writer.sheet.ask("time", asked.CLOCK_NOW, time.text, [time])
    right = screen.right - cap * 1.4
    percent = screen.rng.randint(2, 100)
    writer.box((right - cap * 2, cap * 0.8, right, cap * 1.9), outline=theme.ink, radius=cap * 0.3)
    writer.box((right - cap * 1.85, cap * 0.95, right - cap * 1.85 + cap * 1.7 * percent / 100, cap * 1.75), fill=theme.ink, radius=cap * 0.15)
    if screen.rng.random() < 0.7:
        ink = writer.put(right - cap * 2.4, cap * 0.9, f"{percent}%", writer.body.sized(0.9), align="right")
        writer.sheet.ask("battery", ("What is the charge of the battery?", "How full is the battery?", "Battery level?"), ink.text, [ink])
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
    ink = writer.line(screen.right / 2 if mac else cap * 1.4, (tall - cap) / 2, title, writer.bold if mac else None, align="centre" if mac else "left", colour=colour, width=screen.width * 0.6)
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
        "files": rng.choice(FOLDERS), "settings": rng.choice(("Settings", "Preferences", "Options", "Control Centre", "System Settings")),
        "mail": f"Inbox ({rng.randint(1, 240)})", "bank": f"{rng.choice(BRANDS)} Banking", "monitor": rng.choice(("Task Manager", "System Monitor", "Activity Monitor", "Processes")),
        "dialog": rng.choice(APPS), "playlist": f"{rng.choice(BRANDS)} Music", "downloads": rng.choice(("Downloads", "Transfers", "File transfer")),
    }[layout]  # fmt: skip


def task_bar(screen: Screen) -> None:
    """Open programs and the clock along the bottom."""
    writer, cap, rng = screen.writer, screen.cap, screen.rng
    screen.y += cap
    colour = rng.choice(DESKTOPS)
    writer.box((0, screen.y, screen.right, screen.y + cap * 4), fill=colour)
    x = cap * 1.5
    for _ in range(rng.randint(3, 6)):
        writer.box((x, screen.y + cap * 0.9, x + cap * 2.2, screen.y + cap * 3.1), fill=rng.choice(BLUES), radius=cap * 0.5)
        x += cap * 3.2
    time = writer.put(screen.right - cap * 1.2, screen.y + cap * 1.4, clock(rng), align="right", colour=(250, 250, 252))
    writer.sheet.ask("time", asked.CLOCK_NOW, time.text, [time])
    screen.y += cap * 2.8


def table(screen: Screen, heads: tuple[str, ...], shares: tuple[float, ...], rows: list[tuple[str, ...]], icons: bool) -> None:
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
            writer.put(x, screen.y + (pitch - cap) / 2, text, colour=colour if k == 0 or number == selected else theme.faint, width=room * shares[k] - cap * 0.8)
            for k, (x, text) in enumerate(zip(stops, row, strict=True))
        ]
        writer.row(*inks)
        ask_row(writer, heads, inks, [other[0] for other in rows])
        if number == selected:
            writer.sheet.ask("selected", ("Which row is selected?", "Which entry is highlighted?", "What is selected?"), inks[0].text, [inks[0], whole])
        screen.y += pitch


def ask_row(writer: Writer, heads: tuple[str, ...], inks: list[Ink], names: list[str]) -> None:
    if sum(name.startswith(inks[0].text) for name in names) != 1:
        return
    for head, ink in list(zip(heads, inks, strict=True))[1:]:
        if ink.text and writer.rng.random() < 0.45:
            writer.sheet.ask("cell", asked.FILE_FIELD, ink.text, [ink, inks[0]], hops=2, column=head.lower(), row=inks[0].text)


def icon(screen: Screen, x: float, y: float, cap: float) -> None:
    pen, rng = screen.writer.pen, screen.rng
    if rng.random() < 0.5:
        pen.polygon([(x, y - cap * 0.7), (x + cap * 0.6, y - cap * 0.7), (x + cap * 0.8, y - cap * 0.4), (x + cap * 1.6, y - cap * 0.4), (x + cap * 1.6, y + cap * 0.7), (x, y + cap * 0.7)],
                    fill=rng.choice(((247, 200, 80), (96, 160, 230))))  # fmt: skip
    else:
        pen.rectangle((x + cap * 0.2, y - cap * 0.8, x + cap * 1.3, y + cap * 0.7), fill=(252, 252, 252), outline=rng.choice(BLUES))
        pen.rectangle((x + cap * 0.2, y, x + cap * 1.3, y + cap * 0.5), fill=rng.choice(BLUES))


def files(screen: Screen) -> None:
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    if rng.random() < 0.6:
        path = rng.choice((" > ", " / ", " › ")).join(rng.sample(FOLDERS, rng.randint(2, 3)))
        writer.box((cap, screen.y + cap * 0.3, screen.right - cap, screen.y + cap * 2.7), fill=theme.ground, outline=theme.line, radius=theme.radius / 2)
        writer.line(cap * 1.8, screen.y + cap, path, width=screen.width * 0.8)
        screen.y += cap * 3.4
    bottom = screen.y
    if rng.random() < 0.5:
        side, y = screen.width * 0.2, screen.y + cap
        writer.box((0, screen.y, side, writer.sheet.height), fill=theme.panel)
        for name in rng.sample(FOLDERS, rng.randint(4, 8)):
            icon(screen, cap, y + cap / 2, cap * 0.9)
            writer.put(cap * 3.1, y, name, width=side - cap * 3.6)
            y += cap * 2.6
        screen.left, bottom = side, y
    rows = [(file_name(rng, writer.speaker), stamp(rng), rng.choice(list(EXTENSIONS.values())), file_size(rng)) for _ in range(rng.randint(5, 14))]
    rows = [(name, when, EXTENSIONS.get(name.rsplit(".", 1)[-1], kind), size) for name, when, kind, size in rows]
    if screen.width < cap * 60:
        table(screen, ("Name", "Modified", "Size"), (0.48, 0.34, 0.18), [(a, b, d) for a, b, _, d in rows], True)
    else:
        table(screen, ("Name", "Date modified", "Type", "Size"), (0.4, 0.26, 0.2, 0.14), rows, True)
    screen.left, screen.y = 0.0, max(screen.y, bottom)
    if rng.random() < 0.5:
        screen.y += cap
        count = writer.line(cap, screen.y, f"{len(rows)} items", writer.body.sized(0.9), colour=theme.faint)
        writer.sheet.ask("count", ("How many items are in the folder?", "How many files are listed?"), str(len(rows)), [count])
        screen.y += cap


def settings(screen: Screen) -> None:
    """Names at the left, values or switches at the right, in groups."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    head = writer.line(cap * 1.6, screen.y + cap, rng.choice(("Settings", "General", "Display", "Privacy", "Network", "Account", "Sound", "About this device")), writer.bold.sized(rng.uniform(1.4, 2)))
    writer.sheet.ask("heading", asked.HEADING, head.text, [head])
    screen.y += cap * 4.4
    pitch, lined = cap * rng.uniform(3, 4.2), rng.random() < 0.7
    for name, options in rng.sample(SETTINGS, rng.randint(5, 11)):
        if rng.random() < 0.12:
            screen.y += cap * 1.4
            writer.line(cap * 1.6, screen.y, rng.choice(("CONNECTIONS", "Advanced", "More", "System", "Notifications")), writer.bold.sized(0.85), colour=theme.accent)
            screen.y += cap * 2
        label = writer.put(cap * 1.8, screen.y + (pitch - cap) / 2, name, width=screen.width * 0.55)
        middle = screen.y + pitch / 2
        if options:
            value = options(rng, writer.speaker)
            ink = writer.put(screen.right - cap * 2, middle - cap / 2, value, align="right", colour=theme.faint, width=screen.width * 0.36)
            writer.row(label, ink)
            writer.sheet.ask("setting", asked.SETTING, ink.text, [ink, label], hops=2, name=label.text)
        else:
            on = rng.random() < 0.5
            box = switch(screen, screen.right - cap * 5.2, middle, on)
            writer.sheet.ask("yes_no", asked.IS_ON, "on" if on else "off", [box, label], hops=2, also=("yes" if on else "no",), name=label.text)
        screen.y += pitch
        if lined:
            writer.pen.line((cap * 1.6, screen.y, screen.right, screen.y), fill=theme.line)


def switch(screen: Screen, x: float, y: float, on: bool) -> Box:
    writer, cap, theme = screen.writer, screen.cap, screen.theme
    box = (x, y - cap * 0.9, x + cap * 3.4, y + cap * 0.9)
    writer.box(box, fill=theme.accent if on else theme.line, radius=cap * 0.9)
    knob = x + (cap * 1.7 if on else cap * 0.1)
    writer.pen.ellipse((knob, y - cap * 0.75, knob + cap * 1.5, y + cap * 0.75), fill=(255, 255, 255))
    return box


def mail(screen: Screen) -> None:
    """Senders, subjects, times."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    for subject in rng.sample(SUBJECTS, rng.randint(4, 8)):
        who, when = person(rng, writer.speaker), rng.choice((clock(rng), date(rng), "Yesterday", f"{rng.randint(1, 28)} May"))
        x, new = cap * 1.4, rng.random() < 0.4
        if rng.random() < 0.9:
            writer.pen.ellipse((x, screen.y + cap * 0.8, x + cap * 3.2, screen.y + cap * 4), fill=rng.choice(BLUES))
            writer.put(x + cap * 1.6, screen.y + cap * 1.9, who[0], writer.bold, align="centre", colour=(255, 255, 255))
        x += cap * 4.4
        style = writer.bold if new else writer.body
        time = writer.put(screen.right - cap * 1.4, screen.y + cap, when, writer.body.sized(0.85), align="right", colour=theme.accent if new else theme.faint)
        name = writer.put(x, screen.y + cap, who, style, width=time.box[0] - x - cap)
        topic = writer.line(x, screen.y + cap * 3, subject, style, width=screen.right - x - cap)
        writer.line(x, screen.y + cap * 4.9, writer.speaker.sentence(), writer.body.sized(0.9), colour=theme.faint, width=screen.right - x - cap * 2)
        writer.sheet.ask("subject", asked.SUBJECT_OF, topic.text, [topic, name], hops=2, name=name.text)
        writer.sheet.ask("sender", asked.SENDER_OF, name.text, [name, topic], hops=2, subject=topic.text)
        writer.sheet.ask("time", ("When did {name} write?", "At what time came the message from {name}?"), time.text, [time, name], hops=2, name=name.text)
        screen.y += cap * 6.6
        writer.pen.line((x, screen.y, screen.right, screen.y), fill=theme.line)


def bank(screen: Screen) -> None:
    """A balance and what was paid."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    money = Money.chosen(rng)
    writer.box((cap, screen.y + cap, screen.right - cap, screen.y + cap * 8), fill=theme.accent, radius=theme.radius)
    writer.put(cap * 2.4, screen.y + cap * 2.4, rng.choice(("Current balance", "Available", "Balance", "Total balance")), colour=(255, 255, 255))
    ink = writer.line(cap * 2.4, screen.y + cap * 4.6, money.full(rng.randint(-50_000, 2_000_000)), writer.bold.sized(1.9), colour=(255, 255, 255), width=screen.width * 0.8)
    writer.sheet.ask("balance", asked.BALANCE, ink.text, [ink])
    screen.y += cap * 9.6
    pitch, names = cap * rng.uniform(3.4, 4.6), set()
    for _ in range(rng.randint(4, 8)):
        name, cents = firm(rng, writer.speaker), rng.choice((-1, -1, -1, 1)) * rng.randint(100, 400_000)
        who = writer.put(cap * 2, screen.y + cap * 0.6, name, writer.bold if rng.random() < 0.3 else None, width=screen.width * 0.5)
        paid = writer.put(screen.right - cap * 2, screen.y + cap * 0.6, money.full(cents), align="right", colour=(20, 140, 70) if cents > 0 else None, width=screen.width * 0.36)
        writer.put(cap * 2, screen.y + cap * 2.3, date(rng), writer.body.sized(0.8), colour=theme.faint)
        writer.row(who, paid)
        if who.text not in names:
            questions = ("What was the amount for {name}?", "How much is booked for {name}?", "What was paid to or by {name}?")
            writer.sheet.ask("amount", questions, paid.text, [paid, who], hops=2, also=(money.bare(cents),), name=who.text)
        names.add(who.text)
        screen.y += pitch
        writer.pen.line((cap * 2, screen.y, screen.right - cap * 2, screen.y), fill=theme.line)


def dialog(screen: Screen) -> None:
    """A message and its buttons over a desktop or a window of rows."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    files(screen)
    title, text, buttons = dialogs(rng, writer.speaker)
    wide = min(screen.width * 0.62, cap * 42)
    lines = wrapped(text, writer.body, wide - cap * 3)
    tall = cap * (7.5 + 1.9 * len(lines))
    x, y = (screen.width - wide) / 2, max(cap * 6, (screen.y - tall) / 2)
    forget(writer, (x - 4, y - 4, x + wide + 4, y + tall + 4))
    writer.box((x + 4, y + 5, x + wide + 5, y + tall + 6), fill=tuple(part // 2 for part in theme.line), radius=theme.radius)  # type: ignore[arg-type]
    writer.box((x, y, x + wide, y + tall), fill=theme.panel, outline=theme.line, radius=theme.radius)
    head = writer.line(x + cap * 1.5, y + cap * 1.4, title, writer.bold.sized(1.1), width=wide - cap * 3)
    writer.sheet.ask("title", ("What is the title of the dialog?", "What is the heading of the message?"), head.text, [head])
    said = writer.paragraph(x + cap * 1.5, y + cap * 3.8, wide - cap * 3, text, pitch=1.9)
    writer.sheet.ask("message", asked.MESSAGE, " ".join(ink.text for ink in said), [union(said)], glyph_px=cap)
    at, chosen = x + wide - cap * 1.4, rng.randrange(len(buttons))
    for number, name in enumerate(reversed(buttons)):
        room = max(cap * 6, len(name) * cap * 0.95 + cap * 2)
        box = (at - room, y + tall - cap * 3.4, at, y + tall - cap * 0.9)
        strong = number == chosen
        writer.box(box, fill=theme.accent if strong else theme.ground, outline=theme.accent if strong else theme.line, radius=min(theme.radius, cap))
        ink = writer.put((box[0] + box[2]) / 2, (box[1] + box[3] - cap) / 2, name, align="centre", colour=(255, 255, 255) if strong else theme.ink, width=room)
        if strong:
            writer.sheet.ask("button", asked.BUTTONS, ink.text, [ink, box])
        at -= room + cap
    screen.y = max(screen.y, y + tall + cap)


def forget(writer: Writer, box: Box) -> None:
    """Drops what a window will cover: characters, rows and questions."""
    writer.sheet.forget(box)
    writer.rows = [row for row in writer.rows if all(apart(ink.box, box) for ink in row)]


def apart(a: Box, b: Box) -> bool:
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def monitor(screen: Screen) -> None:
    rng = screen.rng
    names = list(dict.fromkeys(rng.choice((rng.choice(APPS), rng.choice(TASKS))) for _ in range(rng.randint(6, 12))))
    rows = [(name, str(rng.randint(1, 65000)), f"{rng.uniform(0, 99):.1f}%", f"{rng.uniform(1, 900):.1f} MB") for name in names]
    table(screen, ("Name", "PID", "CPU", "Memory"), (0.46, 0.16, 0.16, 0.22), rows, rng.random() < 0.4)


def playlist(screen: Screen) -> None:
    rng, speaker = screen.rng, screen.writer.speaker
    rows = [(f"{rng.choice(SHOWS)}", person(rng, speaker), f"{rng.randint(1, 7)}:{rng.randint(0, 59):02d}") for _ in range(rng.randint(5, 10))]
    table(screen, ("Title", "Artist", "Length"), (0.5, 0.36, 0.14), list({row[0]: row for row in rows}.values()), False)


def downloads(screen: Screen) -> None:
    rng, speaker = screen.rng, screen.writer.speaker
    rows = [(file_name(rng, speaker), file_size(rng), rng.choice(("Done", "Paused", f"{rng.randint(1, 99)}%", "Failed")), rng.choice(DEVICES)) for _ in range(rng.randint(4, 9))]
    table(screen, ("File", "Size", "Status", "Device"), (0.42, 0.16, 0.16, 0.26), rows, True)


DRAWN: dict[str, Callable[[Screen], None]] = {
    "files": files, "settings": settings, "mail": mail, "bank": bank, "dialog": dialog, "monitor": monitor, "playlist": playlist, "downloads": downloads,
}  # fmt: skip
KIND = LifelikeKind("screen", 8, version="1", share=10, draw=draw_screen, take=saved_or_off_screen, least=6)
