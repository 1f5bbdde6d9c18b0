"""Charts as newspapers and surveys print them: a headline, a plot by matplotlib, a source; and what is asked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import chart_layouts as layouts
from arr_coc.data.drawing.lifelike import wordings_of_kinds as asked
from arr_coc.data.drawing.lifelike.chart_board import Drawn, Key
from arr_coc.data.drawing.lifelike.chart_data import ChartData, amounts, over_time, percentages, survey
from arr_coc.data.drawing.lifelike.chart_looks import Look
from arr_coc.data.drawing.lifelike.kinds import LifelikeKind
from arr_coc.data.drawing.lifelike.lettering import Print
from arr_coc.data.drawing.lifelike.plotting import Board, plain_matplotlib
from arr_coc.data.drawing.lifelike.saved import saved_or_printed
from arr_coc.data.drawing.lifelike.sheet import Sheet, union
from arr_coc.data.drawing.lifelike.typefaces import Typeface
from arr_coc.data.drawing.lifelike.vocabulary import Speaker
from arr_coc.data.drawing.lifelike.writer import spelled, wrapped
from arr_coc.data.records import Box

LAYOUTS: dict[str, Callable[[Drawn], None]] = {
    "survey": layouts.stacked, "across": layouts.across, "columns": layouts.columns,
    "stacked columns": layouts.stacked_columns, "lines": layouts.lines,
    "pie": layouts.pie, "dots": layouts.dots,
}  # fmt: skip
WEIGHTS = (22, 22, 20, 8, 16, 6, 6)
UNSEEN_LAYOUTS: dict[str, Callable[[Drawn], None]] = {
    "donut": layouts.donut, "lollipops": layouts.lollipops, "grouped": layouts.across, "columns": layouts.columns,
    "lines": layouts.lines, "survey": layouts.stacked,
}  # fmt: skip
MOST_LISTED = 24


def draw_chart(rng: Random, unseen: bool, zoom: float) -> Sheet:
    """Data, look and layout of a seed as a sheet, the questions asked."""
    name = rng.choice(list(UNSEEN_LAYOUTS)) if unseen else rng.choices(list(LAYOUTS), WEIGHTS)[0]
    data = chosen_data(rng, Speaker(rng, unseen), name)
    look = Look.chosen(rng, unseen, rng.uniform(8, 12.5) * zoom)
    with plain_matplotlib():
        drawn, frame = composed(rng, data, look, name)
        (UNSEEN_LAYOUTS if unseen else LAYOUTS)[name](drawn)
        apart(drawn)
        sheet, inks = drawn.board.render(rng)
        marks = {key: drawn.board.extent(mark) for key, mark in drawn.marks.items() if name not in ("pie", "donut")}
    ask(sheet, drawn, inks, marks, frame)
    return sheet


def chosen_data(rng: Random, speaker: Speaker, layout: str) -> ChartData:
    if layout == "survey":
        return survey(rng, speaker)
    if layout in ("pie", "donut"):
        data = survey(rng, speaker)
        values = [row[0] for row in data.values]
        return ChartData(data.title, data.subtitle, data.series, [""], [values], "%", 0, data.source, data.note)
    if layout == "lines":
        return over_time(rng, speaker, rng.choices((1, 2, 3, 4), (3, 3, 2, 1))[0])
    if layout == "dots":
        return percentages(rng, speaker, rng.choice((2, 2, 3)), rng.randint(3, 9))
    if layout == "stacked columns":
        return amounts(rng, speaker, rng.randint(2, 4), rng.randint(3, 7))
    if layout == "columns" and rng.random() < 0.3:
        return over_time(rng, speaker, 1)
    num_series = (
        rng.randint(2, 3)
        if layout == "grouped"
        else 1
        if layout == "lollipops"
        else rng.choices((1, 2, 3), (6, 3, 1))[0]
    )
    make = percentages if rng.random() < 0.6 else amounts
    return make(rng, speaker, num_series, rng.randint(3, 12 if num_series == 1 else 6))


Frame = dict[str, list[Any]]


def composed(rng: Random, data: ChartData, look: Look, layout: str) -> tuple[Drawn, Frame]:
    """The board with headline, subtitle, source and note; the box between them is the plot's."""
    cap = look.cap
    lying = layout in ("survey", "across", "dots", "lollipops", "grouped")
    width = round(cap * (rng.uniform(38, 70) if lying else rng.uniform(46, 84)))
    per_name = (2.2 if len(data.series) == 1 or layout == "survey" else 1.4 * len(data.series) + 0.9) * rng.uniform(
        1.0, 1.6
    )
    tall = cap * (per_name * len(data.names) + 4) if lying else width * rng.uniform(0.42, 0.75)
    margin, room = cap * rng.uniform(1, 2.4), width - 2 * cap * 2
    parts = [
        ("title", data.title, look.title_face, look.title_scale),
        ("subtitle", data.subtitle if rng.random() < 0.75 or layout == "survey" else "", look.body, 1.0),
    ]
    texts = [
        (kind, wrapped(spelled(face, text), Print(face, cap * scale), room), face, scale)
        for kind, text, face, scale in parts
    ]
    small = rng.uniform(0.78, 0.95)
    foot = [(kind, wrapped(spelled(look.body, text), Print(look.body, cap * small), room), look.body, small)
            for kind, text in (("note", data.note if rng.random() < 0.4 else ""),
                ("source", data.source if rng.random() < 0.85 else ""))]  # fmt: skip
    top = margin + sum(len(parts) * cap * scale * 1.75 + 0.7 * cap for _, parts, _, scale in texts if parts) + cap
    end = margin + sum(len(parts) * cap * small * 1.8 for _, parts, _, _ in foot) + cap * 0.8
    needed = 2.4 * cap * (2 + len(data.series)) if len(data.series) > 1 else 2 * cap
    height = round(top + tall + end + needed)
    board = Board((width, height), look.ground)
    if rng.random() < 0.15:
        board.figure.patch.set(edgecolor=look.faint, linewidth=2)
    frame: Frame = {"title": [], "subtitle": [], "note": [], "source": []}
    written(board, texts, frame, margin, look, margin)
    written(board, foot, frame, height - end + cap * 0.8, look, margin)
    plot = (margin, top, width - margin, height - end)
    return Drawn(rng, board, look, data, plot), frame


def written(
    board: Board, texts: list[tuple[str, list[str], Typeface, float]], frame: Frame, y: float, look: Look, left: float
) -> None:
    for kind, parts, face, scale in texts:
        centred = look.centred and kind in ("title", "subtitle")
        for part in parts:
            colour = look.ink if kind != "subtitle" or look.edge else "#6a6a6a" if look.ink != "#e8e8ec" else "#b0b0b8"
            x = board.width / 2 if centred else left
            frame[kind].append(board.text(x, y, part, face, look.cap * scale, colour, "center" if centred else "left"))
            y += look.cap * scale * (1.75 if kind in ("title", "subtitle") else 1.8)
        y += 0.7 * look.cap if parts and kind in ("title", "subtitle") else 0


def apart(drawn: Drawn) -> None:
    """Leaves out labels that would cover one another, or run out of the picture; legends lie apart by themselves."""
    loose = {number: text for number, text in drawn.series.items() if hasattr(text, "xyann")}
    kept: list[Box] = [drawn.board.extent(text) for text in loose.values()]
    for key, text in list(drawn.labels.items()):
        box = drawn.board.extent(text)
        inside = box[0] >= 0 and box[2] <= drawn.board.width
        if inside and not any(
            box[0] < b[2] and b[0] < box[2] and box[1] + 2 < b[3] and b[1] + 2 < box[3] for b in kept
        ):
            kept.append(box)
        else:
            drawn.board.drop(drawn.labels.pop(key))
    for number, text in loose.items():
        box = drawn.board.extent(text)
        if any(box[0] < b[2] and b[0] < box[2] and box[1] + 3 < b[3] and b[1] + 3 < box[3] for b in kept if b != box):
            drawn.board.drop(drawn.series.pop(number))


def ask(sheet: Sheet, drawn: Drawn, inks: dict[Any, Ink], marks: dict[Key, Box], frame: Frame) -> None:
    """Everything that can be asked of what was printed."""
    names = {n: inks[text] for n, text in drawn.names.items() if text in inks}
    series = {s: inks[text] for s, text in drawn.series.items() if text in inks}
    labels = {key: inks[text] for key, text in drawn.labels.items() if text in inks}
    for kind, wordings in (("title", asked.CHART_TITLE), ("note", asked.NOTE), ("source", asked.SOURCE)):
        lines = [inks[text] for text in frame[kind] if text in inks]
        if lines:
            sheet.ask(
                kind,
                wordings,
                " ".join(ink.text for ink in lines),
                [union(lines)],
                glyph_px=lines[0].cap_px,
                group="reading",
            )
    told = Told(sheet, drawn.data, names, series, labels, marks)
    told.values()
    told.lists()
    told.extremes()
    told.differences()
    if len(drawn.data.names) < 13:
        sheet.ask("count", asked.NUM_CATEGORIES, str(len(drawn.data.names)), list(names.values()), group="charts")
    if len(series) == len(drawn.data.series) > 1:
        sheet.ask("count", asked.NUM_SERIES, str(len(series)), list(series.values()), group="charts")


class Told:
    """Questions about the numbers of a chart."""

    def __init__(
        self, sheet: Sheet, data: ChartData, names: dict[int, Ink], series: dict[int, Ink], labels: dict[Key, Ink],
            marks: dict[Key, Box]
    ) -> None:  # fmt: skip
        self.sheet, self.data, self.names, self.series, self.labels, self.marks = (
            sheet,
            data,
            names,
            series,
            labels,
            marks,
        )
        self.rng, self.single = sheet.rng, len(data.series) == 1

    def evidence(self, key: Key) -> list[Ink]:
        """The label, then the names by which it is found."""
        return [
            piece
            for piece in (self.labels.get(key), self.names.get(key[1]), self.series.get(key[0]))
            if piece is not None
        ]

    def values(self) -> None:
        """Values by name, names by value."""
        keys = [key for key in self.labels if key[1] in self.names and (self.single or key[0] in self.series)]
        for s, n in self.rng.sample(keys, min(6, len(keys))):
            label, percent = self.labels[s, n], self.data.unit == "%"
            wordings: tuple[str, ...]
            slots: dict[str, Any]
            also = (label.text.rstrip("%"),) if label.text.endswith("%") else (label.text + "%",) if percent else ()
            if self.single:
                wordings, slots = asked.CHART_PERCENT if percent else asked.CHART_VALUE, {"name": self.names[n].text}
            else:
                wordings = asked.SERIES_PERCENT if percent else asked.SERIES_VALUE
                slots = {"name": self.names[n].text, "series": self.series[s].text}
            self.sheet.ask(
                "value", wordings, label.text, self.evidence((s, n)), hops=2, group="charts", also=also, **slots
            )
            if (
                self.single
                and [ink.text for ink in self.labels.values()].count(label.text) == 1
                and self.rng.random() < 0.5
            ):
                self.sheet.ask(
                    "name",
                    asked.WHICH_HAS,
                    self.names[n].text,
                    [self.names[n], label],
                    hops=2,
                    group="charts",
                    value=label.text,
                )

    def lists(self) -> None:
        """All numbers, of the chart, of a series, of a category, as they are read."""
        percent = self.data.unit == "%"
        if 2 <= len(self.labels) <= MOST_LISTED:
            self.transcribe(asked.ALL_PERCENTAGES if percent else asked.ALL_VALUES, list(self.labels.values()))
        for s, ink in self.series.items():
            row = [label for key, label in self.labels.items() if key[0] == s]
            if not self.single and len(row) == len(self.data.names):
                self.transcribe(asked.ALL_OF_SERIES, row, series=ink.text)
        for n, ink in self.names.items():
            row = [label for key, label in self.labels.items() if key[1] == n]
            if len(row) == len(self.data.series) > 1 and self.rng.random() < 0.4:
                self.transcribe(asked.ALL_OF_CATEGORY, row, name=ink.text)

    def transcribe(self, wordings: tuple[str, ...], inks: list[Ink], **slots: Any) -> None:
        """From top to bottom, in a line from left to right."""
        step = max(ink.cap_px for ink in inks) * 1.2
        inks = sorted(inks, key=lambda ink: (round((ink.box[1] + ink.box[3]) / 2 / step), ink.box[0]))
        self.sheet.ask(
            "transcribe", wordings, ", ".join(ink.text for ink in inks), inks, group="charts", hops=2, **slots
        )

    def extremes(self) -> None:
        data = self.data
        if self.single:
            self.extreme(data.values[0], 0, asked.CHART_HIGHEST, asked.CHART_LOWEST)
        else:
            for s in self.series:
                self.extreme(data.values[s], s, asked.SERIES_HIGHEST, asked.SERIES_LOWEST)
        if len(self.labels) == len(data.series) * len(data.names):
            numbers = {key: data.values[key[0]][key[1]] for key in self.labels}
            for best, wordings in ((max, asked.CHART_MAXIMUM), (min, asked.CHART_MINIMUM)):
                key = best(numbers, key=lambda key: numbers[key])
                self.sheet.ask(
                    "extreme",
                    wordings,
                    self.labels[key].text,
                    [self.labels[key], *self.labels.values()],
                    hops=3,
                    group="charts",
                )

    def extreme(self, values: list[float], s: int, highest: tuple[str, ...], lowest: tuple[str, ...]) -> None:
        slots: dict[str, Any] = {} if self.single else {"series": self.series[s].text}
        for best, wordings in ((max(values), highest), (min(values), lowest)):
            n = values.index(best)
            if values.count(best) == 1 and n in self.names:
                bars: list[Ink | Box] = [box for key, box in self.marks.items() if key[0] == s]
                bars = bars or [ink for key, ink in self.labels.items() if key[0] == s]
                if bars:
                    glyph_px = self.names[n].cap_px
                    self.sheet.ask(
                        "extreme",
                        wordings,
                        self.names[n].text,
                        [self.names[n], *bars],
                        hops=3,
                        group="charts",
                        glyph_px=glyph_px,
                        **slots,
                    )

    def differences(self) -> None:
        """Between two categories of one series."""
        for s in range(len(self.data.series)):
            found = [n for n in self.names if (s, n) in self.labels]
            if len(found) < 2 or (not self.single and s not in self.series):
                continue
            one, other = self.rng.sample(found, 2)
            a, b = self.data.values[s][one], self.data.values[s][other]
            if a < b:
                one, other, a, b = other, one, b, a
            of = "" if self.single else f" for {self.series[s].text}"
            slots: dict[str, Any] = {"one": self.names[one].text, "other": self.names[other].text + of}
            evidence = [*self.evidence((s, one)), *self.evidence((s, other))]
            gap = round(a - b, self.data.decimals)
            self.sheet.ask(
                "arithmetic",
                asked.CHART_DIFFERENCE,
                f"{gap:,.{self.data.decimals}f}",
                evidence,
                hops=3,
                group="arithmetic",
                **slots,
            )
            if a > b:
                pair = [self.names[one].text, self.names[other].text]
                self.rng.shuffle(pair)
                slots = {"one": pair[0], "other": pair[1] + of}
                self.sheet.ask(
                    "compare",
                    asked.CHART_COMPARE,
                    self.names[one].text,
                    [self.names[one], *evidence],
                    hops=3,
                    group="charts",
                    **slots,
                )


KIND = LifelikeKind("chart", 6, version="1", share=14, draw=draw_chart, take=saved_or_printed, least=6)
