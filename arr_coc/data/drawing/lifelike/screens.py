"""Screenshots: files, settings, mail, bank accounts, dialogs, system monitors, players, on desktops and phones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.furniture import darker
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.saved import saved_or_off_screen
from arr_coc.data.drawing.lifelike.screen_content import (
    APPS,
    DEVICES,
    EXTENSIONS,
    FOLDERS,
    SETTINGS,
    SUBJECTS,
    TASKS,
    dialogs,
    file_name,
    file_size,
    stamp,
)  # fmt: skip
from arr_coc.data.drawing.lifelike.screen_frame import (
    BLUES,
    Screen,
    Theme,
    forget,
    icon,
    status_bar,
    switch,
    table,
    task_bar,
    window,
)
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.vocabulary import clock, date
from arr_coc.data.drawing.lifelike.world import SHOWS, Money, firm, person
from arr_coc.data.drawing.lifelike.writer import cut, wrapped, writer_on

UNSEEN_LAYOUTS, LAYOUTS = ("playlist", "downloads"), ("files", "settings", "mail", "bank", "dialog", "monitor")


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


def files(screen: Screen) -> None:
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    if rng.random() < 0.6:
        path = rng.choice((" > ", " / ", " › ")).join(rng.sample(FOLDERS, rng.randint(2, 3)))
        writer.box(
            (cap, screen.y + cap * 0.3, screen.right - cap, screen.y + cap * 2.7),
            fill=theme.ground,
            outline=theme.line,
            radius=theme.radius / 2,
        )
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
    rows = [
        (file_name(rng, writer.speaker), stamp(rng), rng.choice(list(EXTENSIONS.values())), file_size(rng))
        for _ in range(rng.randint(5, 14))
    ]
    rows = [(name, when, EXTENSIONS.get(name.rsplit(".", 1)[-1], kind), size) for name, when, kind, size in rows]
    if screen.width < cap * 60:
        table(screen, ("Name", "Modified", "Size"), (0.48, 0.34, 0.18), [(a, b, d) for a, b, _, d in rows], True)
    else:
        table(screen, ("Name", "Date modified", "Type", "Size"), (0.4, 0.26, 0.2, 0.14), rows, True)
    screen.left, screen.y = 0.0, max(screen.y, bottom)
    if rng.random() < 0.5:
        screen.y += cap
        count = writer.line(cap, screen.y, f"{len(rows)} items", writer.body.sized(0.9), colour=theme.faint)
        writer.sheet.ask(
            "count", ("How many items are in the folder?", "How many files are listed?"), str(len(rows)), [count]
        )
        screen.y += cap


def settings(screen: Screen) -> None:
    """Names at the left, values or switches at the right, in groups."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    head = writer.line(
        cap * 1.6,
        screen.y + cap,
        rng.choice(("Settings", "General", "Display", "Privacy", "Network", "Account", "Sound", "About this device")),
        writer.bold.sized(rng.uniform(1.4, 2)),
    )
    writer.sheet.ask("heading", asked.HEADING, head.text, [head])
    screen.y += cap * 4.4
    pitch, lined = cap * rng.uniform(3, 4.2), rng.random() < 0.7
    for name, options in rng.sample(SETTINGS, rng.randint(5, 11)):
        if rng.random() < 0.12:
            screen.y += cap * 1.4
            writer.line(
                cap * 1.6,
                screen.y,
                rng.choice(("CONNECTIONS", "Advanced", "More", "System", "Notifications")),
                writer.bold.sized(0.85),
                colour=theme.accent,
            )
            screen.y += cap * 2
        label = writer.put(cap * 1.8, screen.y + (pitch - cap) / 2, name, width=screen.width * 0.55)
        middle = screen.y + pitch / 2
        if options:
            value = options(rng, writer.speaker)
            ink = writer.put(
                screen.right - cap * 2,
                middle - cap / 2,
                value,
                align="right",
                colour=theme.faint,
                width=screen.width * 0.36,
            )
            writer.row(label, ink)
            writer.sheet.ask("setting", asked.SETTING, ink.text, [ink, label], hops=2, name=label.text)
        else:
            on = rng.random() < 0.5
            box = switch(screen, screen.right - cap * 5.2, middle, on)
            writer.sheet.ask(
                "yes_no",
                asked.IS_ON,
                "on" if on else "off",
                [box, label],
                hops=2,
                also=("yes" if on else "no",),
                name=label.text,
            )
        screen.y += pitch
        if lined:
            writer.pen.line((cap * 1.6, screen.y, screen.right, screen.y), fill=theme.line)


def mail(screen: Screen) -> None:
    """Senders, subjects, times."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    for subject in rng.sample(SUBJECTS, rng.randint(4, 8)):
        who, when = (
            person(rng, writer.speaker),
            rng.choice((clock(rng), date(rng), "Yesterday", f"{rng.randint(1, 28)} May")),
        )
        x, new = cap * 1.4, rng.random() < 0.4
        if rng.random() < 0.9:
            writer.pen.ellipse((x, screen.y + cap * 0.8, x + cap * 3.2, screen.y + cap * 4), fill=rng.choice(BLUES))
            writer.put(x + cap * 1.6, screen.y + cap * 1.9, who[0], writer.bold, align="centre", colour=(255, 255, 255))
        x += cap * 4.4
        style = writer.bold if new else writer.body
        time = writer.put(
            screen.right - cap * 1.4,
            screen.y + cap,
            when,
            writer.body.sized(0.85),
            align="right",
            colour=theme.accent if new else theme.faint,
        )
        name = writer.put(x, screen.y + cap, who, style, width=time.box[0] - x - cap)
        topic = writer.line(x, screen.y + cap * 3, subject, style, width=screen.right - x - cap)
        writer.line(
            x,
            screen.y + cap * 4.9,
            writer.speaker.sentence(),
            writer.body.sized(0.9),
            colour=theme.faint,
            width=screen.right - x - cap * 2,
        )
        writer.sheet.ask("subject", asked.SUBJECT_OF, topic.text, [topic, name], hops=2, name=name.text)
        writer.sheet.ask("sender", asked.SENDER_OF, name.text, [name, topic], hops=2, subject=topic.text)
        writer.sheet.ask(
            "time",
            ("When did {name} write?", "At what time came the message from {name}?"),
            time.text,
            [time, name],
            hops=2,
            name=name.text,
        )
        screen.y += cap * 6.6
        writer.pen.line((x, screen.y, screen.right, screen.y), fill=theme.line)


def bank(screen: Screen) -> None:
    """A balance and what was paid."""
    rng, writer, cap, theme = screen.rng, screen.writer, screen.cap, screen.theme
    money = Money.chosen(rng)
    writer.box((cap, screen.y + cap, screen.right - cap, screen.y + cap * 8), fill=theme.accent, radius=theme.radius)
    writer.put(
        cap * 2.4,
        screen.y + cap * 2.4,
        rng.choice(("Current balance", "Available", "Balance", "Total balance")),
        colour=(255, 255, 255),
    )
    ink = writer.line(
        cap * 2.4,
        screen.y + cap * 4.6,
        money.full(rng.randint(-50_000, 2_000_000)),
        writer.bold.sized(1.9),
        colour=(255, 255, 255),
        width=screen.width * 0.8,
    )
    writer.sheet.ask("balance", asked.BALANCE, ink.text, [ink])
    screen.y += cap * 9.6
    pitch, names = cap * rng.uniform(3.4, 4.6), set()
    for _ in range(rng.randint(4, 8)):
        name, cents = firm(rng, writer.speaker), rng.choice((-1, -1, -1, 1)) * rng.randint(100, 400_000)
        who = writer.put(
            cap * 2, screen.y + cap * 0.6, name, writer.bold if rng.random() < 0.3 else None, width=screen.width * 0.5
        )
        paid = writer.put(
            screen.right - cap * 2,
            screen.y + cap * 0.6,
            money.full(cents),
            align="right",
            colour=(20, 140, 70) if cents > 0 else None,
            width=screen.width * 0.36,
        )
        writer.put(cap * 2, screen.y + cap * 2.3, date(rng), writer.body.sized(0.8), colour=theme.faint)
        writer.row(who, paid)
        if who.text not in names:
            questions = (
                "What was the amount for {name}?",
                "How much is booked for {name}?",
                "What was paid to or by {name}?",
            )
            writer.sheet.ask(
                "amount", questions, paid.text, [paid, who], hops=2, also=(money.bare(cents),), name=who.text
            )
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
    writer.box((x + 4, y + 5, x + wide + 5, y + tall + 6), fill=darker(theme.line, 0.5), radius=theme.radius)
    writer.box((x, y, x + wide, y + tall), fill=theme.panel, outline=theme.line, radius=theme.radius)
    head = writer.line(x + cap * 1.5, y + cap * 1.4, title, writer.bold.sized(1.1), width=wide - cap * 3)
    writer.sheet.ask(
        "title", ("What is the title of the dialog?", "What is the heading of the message?"), head.text, [head]
    )
    said = writer.paragraph(x + cap * 1.5, y + cap * 3.8, wide - cap * 3, text, pitch=1.9)
    writer.sheet.ask("message", asked.MESSAGE, " ".join(ink.text for ink in said), [union(said)], glyph_px=cap)
    at, chosen = x + wide - cap * 1.4, rng.randrange(len(buttons))
    for number, name in enumerate(reversed(buttons)):
        room = max(cap * 6, len(name) * cap * 0.95 + cap * 2)
        box = (at - room, y + tall - cap * 3.4, at, y + tall - cap * 0.9)
        strong = number == chosen
        writer.box(
            box,
            fill=theme.accent if strong else theme.ground,
            outline=theme.accent if strong else theme.line,
            radius=min(theme.radius, cap),
        )
        ink = writer.put(
            (box[0] + box[2]) / 2,
            (box[1] + box[3] - cap) / 2,
            name,
            align="centre",
            colour=(255, 255, 255) if strong else theme.ink,
            width=room,
        )
        if strong:
            writer.sheet.ask("button", asked.BUTTONS, ink.text, [ink, box])
        at -= room + cap
    screen.y = max(screen.y, y + tall + cap)


def monitor(screen: Screen) -> None:
    rng = screen.rng
    names = list(dict.fromkeys(rng.choice((rng.choice(APPS), rng.choice(TASKS))) for _ in range(rng.randint(6, 12))))
    rows = [
        (name, str(rng.randint(1, 65000)), f"{rng.uniform(0, 99):.1f}%", f"{rng.uniform(1, 900):.1f} MB")
        for name in names
    ]
    table(screen, ("Name", "PID", "CPU", "Memory"), (0.46, 0.16, 0.16, 0.22), rows, rng.random() < 0.4)


def playlist(screen: Screen) -> None:
    rng, speaker = screen.rng, screen.writer.speaker
    rows = [
        (f"{rng.choice(SHOWS)}", person(rng, speaker), f"{rng.randint(1, 7)}:{rng.randint(0, 59):02d}")
        for _ in range(rng.randint(5, 10))
    ]
    table(screen, ("Title", "Artist", "Length"), (0.5, 0.36, 0.14), list({row[0]: row for row in rows}.values()), False)


def downloads(screen: Screen) -> None:
    rng, speaker = screen.rng, screen.writer.speaker
    rows = [
        (
            file_name(rng, speaker),
            file_size(rng),
            rng.choice(("Done", "Paused", f"{rng.randint(1, 99)}%", "Failed")),
            rng.choice(DEVICES),
        )
        for _ in range(rng.randint(4, 9))
    ]
    table(screen, ("File", "Size", "Status", "Device"), (0.42, 0.16, 0.16, 0.26), rows, True)


DRAWN: dict[str, Callable[[Screen], None]] = {
    "files": files, "settings": settings, "mail": mail, "bank": bank, "dialog": dialog, "monitor": monitor,
    "playlist": playlist, "downloads": downloads,
}  # fmt: skip
KIND = LifelikeKind("screen", 8, version="1", share=10, draw=draw_screen, take=saved_or_off_screen, least=6)
