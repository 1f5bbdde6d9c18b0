"""A chart on its board: what stands for what, names along an axis, values at marks, a legend."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from arr_coc.data.drawing.lifelike.chart_data import ChartData
from arr_coc.data.drawing.lifelike.chart_looks import Look
from arr_coc.data.drawing.lifelike.plotting import Board, font
from arr_coc.data.records import Box

Key = tuple[int, int]


@dataclass
class Drawn:
    """A chart on its board: which text and which mark stand for what; keys are (series, category).

    `plot` is the box that plot and legend share, `below` the height in pixels of what hangs under the axes.
    """

    rng: Random
    board: Board
    look: Look
    data: ChartData
    plot: Box
    names: dict[int, Any] = field(default_factory=dict)
    series: dict[int, Any] = field(default_factory=dict)
    labels: dict[Key, Any] = field(default_factory=dict)
    marks: dict[Key, Any] = field(default_factory=dict)
    below: float = 0.0

    @property
    def legend_place(self) -> str:
        """Where a legend goes; one inside would lie over labels, so only heads over a first bar stand there."""
        return "above" if self.look.legend == "inside" else self.look.legend

    def axes(self, left: float = 0, right: float = 0, bottom: float = 0, top: float = 0) -> Any:
        """Axes inside the plot's box with room at its sides in pixels."""
        x0, y0, x1, y1 = self.plot
        axes = self.board.axes((x0 + left, y0 + top, max(x0 + left + 60, x1 - right), max(y0 + top + 40, y1 - bottom)))
        return axes

    def named(self, axes: Any, along: str, turned: float = 0.0) -> None:
        """Names of the categories as tick labels."""
        positions, look = range(len(self.data.names)), self.look
        setter = axes.set_xticks if along == "x" else axes.set_yticks
        setter(list(positions), self.data.names, fontproperties=font(look.body, look.cap), color=look.ink)
        texts = axes.get_xticklabels() if along == "x" else axes.get_yticklabels()
        for number, text in enumerate(texts):
            if turned:
                text.set(rotation=turned, ha="right" if turned < 90 else "center", rotation_mode="default")
            self.names[number] = self.board.follow(text, look.body, look.cap)

    def scale(self, axes: Any, along: str, shown: bool) -> None:
        """Round numbers along the axis of values, or none."""
        look, low_high = self.look, axes.get_xlim() if along == "x" else axes.get_ylim()
        setter = axes.set_xticks if along == "x" else axes.set_yticks
        if not shown:
            setter([])
            return
        ticks = round_ticks(*low_high)
        unit = self.data.unit if look.sign == "all" else ""
        texts = [f"{tick:,.{0 if float(tick).is_integer() else 1}f}{unit}" for tick in ticks]
        small = look.cap * 0.92
        setter(ticks, texts, fontproperties=font(look.body, small), color=look.ink)
        for text in axes.get_xticklabels() if along == "x" else axes.get_yticklabels():
            self.board.follow(text, look.body, small)

    def label(
        self,
        axes: Any,
        key: Key,
        x: float,
        y: float,
        shift: tuple[float, float],
        ha: str,
        va: str,
        colour: str,
        bold: bool = False,
    ) -> None:
        """The value at a mark."""
        look, face = self.look, self.look.bold if bold else self.look.body
        sign = look.sign == "all" or (look.sign == "first" and key in ((0, 0), (0, len(self.data.names) - 1)))
        text = self.data.printed(self.data.values[key[0]][key[1]], sign)
        artist = axes.annotate(
            text,
            (x, y),
            shift,
            textcoords="offset points",
            ha=ha,
            va=va,
            fontproperties=font(face, look.cap),
            color=colour,
        )
        self.labels[key] = self.board.follow(artist, face, look.cap)

    def legend(self, axes: Any, handles: list[Any]) -> None:
        """Names of the series beside their colours."""
        look, place = self.look, self.legend_place
        under = -(self.below + 0.6 * look.cap) / (axes.get_position().height * self.board.height)
        loc, anchor, columns = {
            "below": ("upper center", (0.5, under), 6),
            "right": ("center left", (1.01, 0.5), 1),
            "above": ("lower left", (0.0, 1.0), 6),
        }[place]
        widest = max(look.width(name) for name in self.data.series) + 4.5 * look.cap
        fitting = max(1, min(columns, len(handles), int((self.plot[2] - self.plot[0]) / widest)))
        legend = axes.legend(
            handles, self.data.series, prop=font(look.body, look.cap), loc=loc, bbox_to_anchor=anchor, ncol=fitting,
            frameon=self.rng.random() < 0.2, labelcolor=look.ink, facecolor=look.ground, handlelength=1.2,
            borderaxespad=0.2, columnspacing=1.2, handletextpad=0.5,
        )  # fmt: skip
        for number, text in enumerate(legend.get_texts()):
            self.series[number] = self.board.follow(text, look.body, look.cap)

    def legend_room(self) -> dict[str, float]:
        """Pixels to leave for a legend, by side."""
        look = self.look
        if self.legend_place == "right":
            return {"right": max(look.width(name) for name in self.data.series) + 4 * look.cap}
        rows = 1 + int(
            sum(look.width(name) + 4.5 * look.cap for name in self.data.series) / (self.plot[2] - self.plot[0])
        )
        if self.legend_place == "below":
            return {"bottom": (1.6 + 2.2 * rows) * look.cap}
        return {"top": (0.6 + 2.2 * rows) * look.cap}


def round_ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers within the limits."""
    step = 10 ** np.floor(np.log10(max(high - low, 1e-9)))
    for share in (1, 0.5, 0.25, 0.2):
        ticks = np.arange(np.ceil(low / (step * share)), high / (step * share) + 1e-9) * step * share
        if len(ticks) >= 4:
            break
    return [float(tick) for tick in ticks]
