"""Looks of charts: newspaper, office program, survey report, dark dashboard; typefaces, palettes, grids, legends."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from arr_coc.data.drawing.lifelike.lettering import Print, width_of
from arr_coc.data.drawing.lifelike.typefaces import Typeface
from arr_coc.data.drawing.lifelike.writer import family

PALETTES = (
    ("#4472c4", "#ed7d31", "#a5a5a5", "#ffc000", "#5b9bd5", "#70ad47"),
    ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"),
    ("#436983", "#bf9c3c", "#a55a26", "#949d48", "#d1a730", "#756a7e"),
    ("#e3120b", "#006ba2", "#3ebcd2", "#379a8b", "#ebb434", "#b4ba39"),
    ("#003f5c", "#58508d", "#bc5090", "#ff6361", "#ffa600", "#2f9e8f"),
    ("#e41a1c", "#377eb8", "#4daf4a", "#984ea3", "#ff7f00", "#a65628"),
    ("#66c2a5", "#fc8d62", "#8da0cb", "#e78ac3", "#a6d854", "#ffd92f"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51", "#8ab17d"),
    ("#08519c", "#3182bd", "#6baed6", "#9ecae1", "#c6dbef", "#dfe9f5"),
    ("#54278f", "#756bb1", "#9e9ac8", "#cbc9e2", "#dadaeb", "#efedf5"),
    ("#333333", "#777777", "#aaaaaa", "#cccccc", "#555555", "#999999"),
    ("#00529b", "#c8102e", "#f2a900", "#007a53", "#6e3fa3", "#888b8d"),
)  # fmt: skip
GROUNDS = ("#ffffff", "#ffffff", "#ffffff", "#ffffff", "#f7f5f0", "#fff1e5", "#f0f4f8", "#eaeaea", "#fdfaf3")
DARKS = ("#1e1e24", "#12263a", "#222831")


@dataclass(frozen=True)
class Look:
    """How one chart looks.

    Attributes:
        ground, plot: background of the picture and of the axes.
        ink, faint: colours of text and of lines.
        colours: of the series.
        body, bold: typefaces; `cap` is the height of their capitals in pixels.
        title_scale: size of the title over the text.
        centred: title in the middle, else at the left.
        grid: along which axis values are ruled: "", "values", "both".
        spines: which edges of the axes are drawn.
        legend: "below", "right", "above", or "inside": as heads over the first bar where the layout has them.
        sign: which labels bear the unit: "all", "first", "none".
        bar: thickness of a bar over its pitch.
        edge: whether bars are outlined.
    """

    ground: str
    plot: str
    ink: str
    faint: str
    colours: tuple[str, ...]
    body: Typeface
    bold: Typeface
    title_face: Typeface
    cap: float
    title_scale: float
    centred: bool
    grid: str
    spines: tuple[str, ...]
    legend: str
    sign: str
    bar: float
    edge: bool

    @classmethod
    def chosen(cls, rng: Random, unseen: bool, cap: float) -> Look:
        dark = rng.random() < 0.08
        ground = rng.choice(DARKS if dark else GROUNDS)
        styles = rng.choice((("sans",), ("sans",), ("sans",), ("narrow",), ("serif",)))
        body, bold = family(rng, styles, unseen)
        title_face = bold if rng.random() < 0.6 else family(rng, ("serif", "sans", "narrow"), unseen)[1]
        colours = list(rng.choice(PALETTES))
        if rng.random() < 0.3:
            rng.shuffle(colours)
        return cls(
            ground, ground if rng.random() < 0.8 or dark else "#e5ecf6",
                "#e8e8ec" if dark else rng.choice(("#000000", "#222222", "#333333", "#444444")),
            "#56606c" if dark else rng.choice(("#d9d9d9", "#cccccc", "#b0b0b0", "#e4e4e4")), tuple(colours), body,
            bold, title_face, cap, rng.uniform(1.15, 1.9),
            rng.random() < 0.35, rng.choice(("", "", "values", "values", "both")),
            rng.choice(((), ("bottom",), ("left",), ("left", "bottom"), ("left", "bottom"),
                ("left", "bottom", "top", "right"))),
            rng.choice(("below", "below", "right", "above", "inside")), rng.choice(("all", "all", "first", "none")),
                rng.uniform(0.5, 0.86), rng.random() < 0.12,
        )  # fmt: skip

    def width(self, text: str, scale: float = 1.0, bold: bool = False) -> float:
        return width_of(text, Print(self.bold if bold else self.body, self.cap * scale))

    def dress(self, axes: Any, values_along: str) -> None:
        """Spines, ticks and grid; `values_along` is the axis of values, "x" or "y"."""
        axes.set_facecolor(self.plot)
        for side, spine in axes.spines.items():
            spine.set_visible(side in self.spines)
            spine.set_color(self.faint if len(self.spines) < 4 else self.ink)
        axes.tick_params(length=0 if len(self.spines) < 2 else 3, color=self.faint, pad=4)
        axes.set_axisbelow(True)
        if self.grid:
            axes.grid(
                axis="both" if self.grid == "both" else values_along,
                color=self.faint,
                linewidth=0.8,
                linestyle="--" if self.edge else "-",
            )


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out."""
    r, g, b = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return "#ffffff" if 0.3 * r + 0.59 * g + 0.11 * b < 150 else "#111111"
