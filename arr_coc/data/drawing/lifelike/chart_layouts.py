"""Bars across, columns, stacks, lines, pies and dots, drawn by matplotlib with every label followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from arr_coc.data.drawing.lifelike.chart_board import Drawn
from arr_coc.data.drawing.lifelike.chart_looks import readable_on
from arr_coc.data.drawing.lifelike.plotting import font


def name_room(drawn: Drawn) -> float:
    return max(drawn.look.width(name) for name in drawn.data.names) + 1.2 * drawn.look.cap


def across(drawn: Drawn) -> None:
    """Bars from left to right, one or several a category."""
    data, look, num = drawn.data, drawn.look, len(drawn.data.series)
    room = drawn.legend_room() if num > 1 else {}
    room["right"] = room.get("right", 0) + 0.5 * look.cap
    drawn.below = 2 * look.cap if look.sign == "none" else 0.0
    axes = drawn.axes(left=name_room(drawn), **{**room, "bottom": room.get("bottom", 0) + drawn.below})
    thick, handles = look.bar / num, []
    for s, values in enumerate(data.values):
        places = np.arange(len(values)) + (s - (num - 1) / 2) * thick
        bars = axes.barh(
            places,
            values,
            thick * 0.94,
            color=look.colours[s % 6],
            edgecolor=look.ink if look.edge else "none",
            linewidth=0.7,
        )
        handles.append(bars)
        inside = drawn.rng.random() < 0.3
        for n, (bar, value) in enumerate(zip(bars, values, strict=True)):
            drawn.marks[s, n] = bar
            fits = inside and value > 0.25 * max(map(max, data.values))
            colour = readable_on(look.colours[s % 6]) if fits else look.ink
            drawn.label(
                axes,
                (s, n),
                value,
                places[n],
                (-4, 0) if fits else (4, 0),
                "right" if fits else "left",
                "center_baseline",
                colour,
            )
    axes.set_ylim(len(data.names) - 0.45, -0.55)
    axes.set_xlim(0, max(map(max, data.values)) * 1.16)
    finish(drawn, axes, "x", look.sign == "none", handles)
    drawn.named(axes, "y")


def finish(drawn: Drawn, axes: Any, along: str, shown: bool, handles: list[Any]) -> None:
    drawn.look.dress(axes, along)
    drawn.scale(axes, along, shown)
    if len(handles) > 1:
        drawn.legend(axes, handles)


def columns(drawn: Drawn) -> None:
    """Upright columns, one or several a category, labelled or to be read off the axis."""
    data, look, num = drawn.data, drawn.look, len(drawn.data.series)
    labelled = drawn.rng.random() < 0.85 and fits_columns(drawn, num)
    room = drawn.legend_room() if num > 1 else {}
    turned, below = turned_names(drawn, room.get("right", 0))
    axes = drawn.axes(
        left=4.5 * look.cap, **{**room, "bottom": room.get("bottom", 0) + below, "right": room.get("right", 0)}
    )
    thick, handles = look.bar / num, []
    for s, values in enumerate(data.values):
        places = np.arange(len(values)) + (s - (num - 1) / 2) * thick
        bars = axes.bar(
            places,
            values,
            thick * 0.94,
            color=look.colours[s % 6],
            edgecolor=look.ink if look.edge else "none",
            linewidth=0.7,
        )
        handles.append(bars)
        for n, bar in enumerate(bars):
            drawn.marks[s, n] = bar
            if labelled:
                drawn.label(axes, (s, n), places[n], values[n], (0, 3), "center", "bottom", look.ink)
    axes.set_ylim(0, max(map(max, data.values)) * 1.14)
    finish(drawn, axes, "y", not labelled or drawn.rng.random() < 0.5, handles)
    drawn.named(axes, "x", turned)


def fits_columns(drawn: Drawn, num: int) -> bool:
    """Whether the longest label is narrower than a column."""
    data, look = drawn.data, drawn.look
    widest = max(look.width(data.printed(value, look.sign == "all")) for row in data.values for value in row)
    return (
        widest
        < (drawn.plot[2] - drawn.plot[0] - 6 * look.cap)
        / (len(data.names) * num)
        * (look.bar if num > 1 else 1.0)
        * 1.02
    )


def turned_names(drawn: Drawn, right: float) -> tuple[float, float]:
    """(angle of the names under the columns, room for them): level where they fit."""
    look, data = drawn.look, drawn.data
    widest = max(look.width(name) for name in data.names)
    pitch = (drawn.plot[2] - drawn.plot[0] - 4.5 * look.cap - right) / len(data.names)
    angle = 0.0 if widest < pitch * 0.95 else 90.0 if pitch < 2.6 * look.cap else 45.0
    drawn.below = {0.0: 2.4 * look.cap, 45.0: 0.72 * widest + 2.2 * look.cap, 90.0: widest + 2.2 * look.cap}[angle]
    return angle, drawn.below


def stacked(drawn: Drawn) -> None:
    """Bars of shares one behind the other, with their values inside: how surveys are printed."""
    data, look = drawn.data, drawn.look
    room = drawn.legend_room()
    headed = look.legend in ("above", "inside")
    axes = drawn.axes(
        left=name_room(drawn), top=2.4 * look.cap if headed else 0, **{k: v for k, v in room.items() if k != "top"}
    )
    ends, handles = np.zeros(len(data.names)), []
    for s, values in enumerate(data.values):
        bars = axes.barh(
            range(len(values)),
            values,
            look.bar,
            left=ends,
            color=look.colours[s % 6],
            edgecolor=look.ground,
            linewidth=0.8,
        )
        handles.append(bars)
        for n, value in enumerate(values):
            drawn.marks[s, n] = bars[n]
            if value >= 4:
                drawn.label(
                    axes,
                    (s, n),
                    ends[n] + value / 2,
                    n,
                    (0, 0),
                    "center",
                    "center_baseline",
                    readable_on(look.colours[s % 6]),
                )
        if headed:
            head_of(drawn, axes, s, ends[0], values[0])
        ends = ends + values
    axes.set_ylim(len(data.names) - 0.45, -0.55)
    axes.set_xlim(0, max(100.0, float(ends.max())))
    look.dress(axes, "x")
    axes.set_xticks([])
    axes.grid(False)
    if not headed:
        drawn.legend(axes, handles)
    drawn.named(axes, "y")


def head_of(drawn: Drawn, axes: Any, s: int, start: float, value: float) -> None:
    """A series' name over the first bar."""
    look = drawn.look
    artist = axes.annotate(
        drawn.data.series[s], (start + value / 2, -0.5), (0, 5), textcoords="offset points", ha="center", va="bottom",
            fontproperties=font(look.bold, look.cap * 0.95),
        color=look.colours[s % 6] if look.sign == "first" else look.ink, annotation_clip=False,
    )  # fmt: skip
    drawn.series[s] = drawn.board.follow(artist, look.bold, look.cap * 0.95)


def stacked_columns(drawn: Drawn) -> None:
    """Upright stacks."""
    data, look = drawn.data, drawn.look
    room = drawn.legend_room()
    turned, below = turned_names(drawn, room.get("right", 0))
    axes = drawn.axes(left=4.5 * look.cap, **{**room, "bottom": room.get("bottom", 0) + below})
    ends, handles = np.zeros(len(data.names)), []
    tall = max(sum(row[n] for row in data.values) for n in range(len(data.names)))
    for s, values in enumerate(data.values):
        bars = axes.bar(
            range(len(values)),
            values,
            look.bar,
            bottom=ends,
            color=look.colours[s % 6],
            edgecolor=look.ground,
            linewidth=0.8,
        )
        handles.append(bars)
        for n, value in enumerate(values):
            drawn.marks[s, n] = bars[n]
            if value > tall * 0.07 and fits_columns(drawn, 1):
                drawn.label(
                    axes,
                    (s, n),
                    n,
                    ends[n] + value / 2,
                    (0, 0),
                    "center",
                    "center_baseline",
                    readable_on(look.colours[s % 6]),
                )
        ends = ends + values
    axes.set_ylim(0, tall * 1.05)
    finish(drawn, axes, "y", drawn.rng.random() < 0.5, handles)
    drawn.named(axes, "x", turned)


def lines(drawn: Drawn) -> None:
    """Several lines over time; values at the ends or at every point."""
    data, look, rng = drawn.data, drawn.look, drawn.rng
    direct = rng.random() < 0.45 and len(data.series) > 1
    ends = max(look.width(name) for name in data.series) + 2 * look.cap if direct else 0
    room = drawn.legend_room() if len(data.series) > 1 and not direct else {}
    turned, below = turned_names(drawn, room.get("right", 0) + ends)
    axes = drawn.axes(
        left=4.5 * look.cap,
        top=room.get("top", 0),
        right=room.get("right", 0) + ends + look.cap * 2,
        bottom=room.get("bottom", 0) + below,
    )
    every, marker, handles = rng.random() < 0.6, rng.choice(("o", "o", "s", "^", "", "D")), []
    for s, values in enumerate(data.values):
        line = axes.plot(
            range(len(values)),
            values,
            color=look.colours[s % 6],
            marker=marker,
            linewidth=rng.uniform(1.3, 3),
            markersize=rng.uniform(3, 6),
        )[0]
        handles.append(line)
    low, high = min(map(min, data.values)), max(map(max, data.values))
    margin = max(high - low, 0.1 * abs(high), 1e-6) * 0.16
    axes.set_ylim(0 if low > 0 and rng.random() < 0.5 else low - margin, high + margin)
    axes.set_xlim(-0.4, len(data.names) - 0.6)
    for s, values in enumerate(data.values):
        points = range(len(values)) if every else (0, len(values) - 1)
        for n in points:
            over = all(values[n] >= other[n] for other in data.values) or rng.random() < 0.5
            drawn.label(
                axes,
                (s, n),
                n,
                values[n],
                (0, 6 if over else -6),
                "center",
                "bottom" if over else "top",
                look.colours[s % 6] if len(data.series) > 1 else look.ink,
                True,
            )
        if direct:
            artist = axes.annotate(data.series[s], (len(values) - 1, values[-1]), (look.cap * 1.6, 0),
                textcoords="offset points", ha="left", va="center_baseline",
                                   fontproperties=font(look.bold, look.cap), color=look.colours[s % 6],
                                       annotation_clip=False)  # fmt: skip
            drawn.series[s] = drawn.board.follow(artist, look.bold, look.cap)
    look.dress(axes, "y")
    drawn.scale(axes, "y", not every or rng.random() < 0.5)
    if len(data.series) > 1 and not direct:
        drawn.legend(axes, handles)
    drawn.named(axes, "x", turned)


def pie(drawn: Drawn, hole: float = 0.0) -> None:
    """A circle of shares; names beside the slices or in a legend."""
    data, look, rng = drawn.data, drawn.look, drawn.rng
    x0, y0, x1, y1 = drawn.plot
    beside = rng.random() < 0.6
    legend = 0 if beside else max(look.width(name) for name in data.names) + 4 * look.cap
    side = min(x1 - x0 - legend - (2 * name_room(drawn) if beside else 0), y1 - y0 - 5 * look.cap)
    side = max(side, 90)
    middle = (x0 + x1 - legend) / 2
    axes = drawn.board.axes((middle - side / 2, (y0 + y1 - side) / 2, middle + side / 2, (y0 + y1 + side) / 2))
    colours = [look.colours[n % 6] for n in range(len(data.names))]
    wedges = axes.pie(data.values[0], colors=colours, startangle=rng.choice((90, 0, rng.randint(0, 360))),
        counterclock=rng.random() < 0.4, radius=1.0,
                      wedgeprops={"width": 1 - hole, "edgecolor": look.ground, "linewidth": 1.2})[0]  # fmt: skip
    axes.set_xlim(-1.02, 1.02)
    axes.set_ylim(-1.02, 1.02)
    for n, wedge in enumerate(wedges):
        drawn.marks[0, n] = wedge
        angle = np.deg2rad((wedge.theta1 + wedge.theta2) / 2)
        where = (1 + hole) / 2 if hole else 0.64
        outside = data.values[0][n] < 6
        at = 1.1 if outside and not beside else where
        if not (outside and beside):
            drawn.label(
                axes,
                (0, n),
                at * np.cos(angle),
                at * np.sin(angle),
                (0, 0),
                "center",
                "center_baseline",
                look.ink if at > 1 else readable_on(colours[n]),
                True,
            )
        if beside:
            place = axes.annotate(data.names[n], (1.06 * np.cos(angle), 1.06 * np.sin(angle)), (0, 0),
                textcoords="offset points", annotation_clip=False,
                                  ha="left" if np.cos(angle) > 0 else "right", va="center_baseline",
                                      fontproperties=font(look.body, look.cap), color=look.ink)  # fmt: skip
            drawn.names[n] = drawn.board.follow(place, look.body, look.cap)
    if not beside:
        box = axes.legend(
            wedges,
            data.names,
            prop=font(look.body, look.cap),
            loc="center left",
            bbox_to_anchor=(1.1, 0.5),
            frameon=False,
            labelcolor=look.ink,
            handlelength=1.1,
        )
        for n, text in enumerate(box.get_texts()):
            drawn.names[n] = drawn.board.follow(text, look.body, look.cap)


def donut(drawn: Drawn) -> None:
    pie(drawn, drawn.rng.uniform(0.45, 0.65))


def dots(drawn: Drawn) -> None:
    """Two or three dots on a line for each category."""
    lollipops(drawn, stems=False)


def lollipops(drawn: Drawn, stems: bool = True) -> None:
    data, look = drawn.data, drawn.look
    room = drawn.legend_room() if len(data.series) > 1 else {}
    axes = drawn.axes(left=name_room(drawn), **{**room, "right": room.get("right", 0) + 2 * look.cap})
    low, high, handles = min(map(min, data.values)), max(map(max, data.values)), []
    for n in range(len(data.names)):
        column = [row[n] for row in data.values]
        axes.plot(
            (0 if stems else min(column), max(column)),
            (n, n),
            color=look.faint if not stems else look.colours[0],
            linewidth=2,
            zorder=1,
        )
    for s, values in enumerate(data.values):
        handles.append(
            axes.scatter(values, range(len(values)), s=(look.cap * 0.9) ** 2, color=look.colours[s % 6], zorder=2)
        )
        for n, value in enumerate(values):
            column = [row[n] for row in data.values]
            shift, ha = (look.cap * 0.8, "left") if value == max(column) else (-look.cap * 0.8, "right")
            if min(column) < value < max(column):
                drawn.label(axes, (s, n), value, n, (0, look.cap * 0.7), "center", "bottom", look.ink)
            else:
                drawn.label(axes, (s, n), value, n, (shift, 0), ha, "center_baseline", look.ink)
    span = max(high - low, 1.0)
    axes.set_xlim(
        -0.14 * high if stems and len(data.series) > 1 else 0 if stems else low - 0.2 * span, high + 0.2 * span
    )
    axes.set_ylim(len(data.names) - 0.45, -0.55)
    finish(drawn, axes, "x", look.sign == "none", handles)
    drawn.named(axes, "y")
