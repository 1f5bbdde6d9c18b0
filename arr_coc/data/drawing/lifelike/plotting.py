"""A matplotlib figure whose every text is followed: its own extents become inks and places of characters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import cos, radians, sin
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike.lettering import advance, cap_ratio
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.typefaces import Typeface, file_of
from arr_coc.data.drawing.lifelike.writer import spelled
from arr_coc.data.records import Box

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

DPI = 100
MEASURED_PX = 64
LEFT_ALONE = ("backend", "backend_fallback", "toolbar", "date")
"""Settings that draw nothing; reading the first chooses a backend."""


@contextmanager
def plain_matplotlib() -> Iterator[None]:
    """matplotlib as it is without the user's own settings, and without reading dollar signs as formulas."""
    import matplotlib

    own = {
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if key.split(".")[0] not in LEFT_ALONE and matplotlib.rcParams[key] != value
    }
    with matplotlib.rc_context({**own, "text.parse_math": False, "axes.unicode_minus": False}):
        yield


@lru_cache(maxsize=1)
def shared_figure() -> Figure:
    """One figure with its canvas, cleared for each chart: making one costs more than clearing it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


@lru_cache(maxsize=512)
def properties(face: Typeface, tenth_points: int) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=str(file_of(face)), size=tenth_points / 10)


def font(face: Typeface, cap: float) -> FontProperties:
    """The typeface with capitals `cap` pixels high."""
    return properties(face, max(30, round(cap / cap_ratio(face) * 72 / DPI * 10)))


class Board:
    """A figure of (width, height) in pixels; y grows downwards in everything that this class takes and gives."""

    def __init__(self, size: tuple[int, int], background: str) -> None:
        self.width, self.height = size
        self.figure = shared_figure()
        self.figure.clear()
        self.figure.set_size_inches(self.width / DPI, self.height / DPI)
        self.figure.set_facecolor(background)
        self.texts: list[tuple[Text, Typeface, float]] = []

    def axes(self, box: Box) -> Any:
        """Axes whose frame is a box in pixels."""
        x0, y0, x1, y1 = box
        return self.figure.add_axes(
            (x0 / self.width, 1 - y1 / self.height, (x1 - x0) / self.width, (y1 - y0) / self.height)
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        face: Typeface,
        cap: float,
        colour: str,
        align: str = "left",
        **options: Any,
    ) -> Text:
        """A line whose capitals begin at height y."""
        from matplotlib.transforms import IdentityTransform

        artist = self.figure.text(
            x, self.height - y - cap, spelled(face, text), fontproperties=font(face, cap), color=colour, ha=align,
                va="baseline",
            transform=IdentityTransform(), **options,
        )  # fmt: skip
        return self.follow(artist, face, cap)

    def follow(self, artist: Text, face: Typeface, cap: float) -> Text:
        self.texts.append((artist, face, cap))
        return artist

    def drop(self, artist: Text) -> None:
        artist.set_visible(False)
        self.texts = [entry for entry in self.texts if entry[0] is not artist]

    def extent(self, artist: Text) -> Box:
        """Box of a text, or of a patch, in pixels."""
        from matplotlib.text import Annotation, Text

        renderer = self.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        if isinstance(artist, Annotation):
            artist.update_positions(renderer)
        box = (
            Text.get_window_extent(artist, renderer) if isinstance(artist, Text) else artist.get_window_extent(renderer)
        )
        return float(box.x0), float(self.height - box.y1), float(box.x1), float(self.height - box.y0)

    def render(self, rng: Random) -> tuple[Sheet, dict[Text, Ink]]:
        """The picture as a sheet that remembers every character, and the ink of every text."""
        canvas = self.figure.canvas
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
        sheet = Sheet(rng, (self.width, self.height), "RGB")
        sheet.image.paste(Image.fromarray(np.ascontiguousarray(pixels)))
        return sheet, {
            artist: self.remember(sheet, artist, face, cap) for artist, face, cap in self.texts if artist.get_text()
        }

    def remember(self, sheet: Sheet, artist: Text, face: Typeface, cap: float) -> Ink:
        """Where a text's characters lie: along its own direction, from the middle of its extent."""
        renderer = self.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        text, style, box = artist.get_text(), artist.get_fontproperties(), self.extent(artist)
        width, height, descent = renderer.get_text_width_height_descent(text, style, False)
        _, least_height, least_descent = renderer.get_text_width_height_descent("lp", style, False)
        height, descent = max(height, least_height), max(descent, least_descent)
        ends = np.cumsum([advance(face, MEASURED_PX, char) for char in text])
        ends = ends / max(ends[-1], 1e-6) * width
        along = (ends + np.concatenate([[0.0], ends[:-1]])) / 2 - width / 2
        up = descent + cap / 2 - height / 2
        turn, middle = radians(artist.get_rotation()), ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        xs = middle[0] + along * cos(turn) - up * sin(turn)
        ys = middle[1] - along * sin(turn) - up * cos(turn)
        sheet.remember(text, xs.tolist(), ys.tolist(), cap)
        return Ink(text, hugging(box, cap, descent, turn), cap)


def hugging(box: Box, cap: float, descent: float, turn: float) -> Box:
    """A level text's box without the room above its capitals; any other as it is."""
    x0, y0, x1, y1 = box
    return (x0, max(y0, y1 - descent - 1.25 * cap), x1, y1) if abs(turn) < 0.01 else box
