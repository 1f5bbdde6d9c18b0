"""Prints on a sheet in a document's own typefaces; what is too wide is set smaller; rows can be read out afterwards."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from PIL import ImageDraw

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike import wordings
from arr_coc.data.drawing.lifelike.lettering import Print, load, width_of
from arr_coc.data.drawing.lifelike.sheet import Colour, Sheet, union
from arr_coc.data.drawing.lifelike.typefaces import Typeface, choices
from arr_coc.data.drawing.lifelike.vocabulary import Speaker
from arr_coc.data.records import Box

SMALLEST_SHARE = 0.6
IN_PLAIN_LETTERS = {
    "€": "EUR", "£": "GBP", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "–": "-", "—": "-", "•": "*", "×": "x",
    "’": "'", "°": " deg", "…": "...", "æ": "ae", "›": ">", "·": "-", "½": "1/2",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def has(face: Typeface, char: str) -> bool:
    """Whether a typeface draws a character, told by its box being unlike the one it draws for what it lacks."""
    if char.isascii():
        return True
    font = load(face, 32)
    lacking = font.getmask("\uffff"), font.getmask("\u0378")
    drawn = font.getmask(char)
    return drawn.size != (0, 0) and all(bytes(drawn) != bytes(other) for other in lacking)


def spelled(face: Typeface, text: str) -> str:
    """The text with what the typeface lacks in plain letters."""
    return text if text.isascii() else "".join(char if has(face, char) else plain(char) for char in text)


def plain(char: str) -> str:
    bare = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return IN_PLAIN_LETTERS.get(char, bare)


def family(rng: Random, styles: Sequence[str], unseen: bool) -> tuple[Typeface, Typeface]:
    """A regular typeface of one of the styles, and a bolder one of its package, or the same where there is none."""
    faces = choices(rng.choice(list(styles)), unseen)
    regular = [face for face in faces if not is_bold(face)] or list(faces)
    face = rng.choice(regular)
    root = face.stem.split("-")[0].split("_")[0][:5]
    bolder = [other for other in faces if other.package == face.package and is_bold(other) and other.stem[:5] == root]
    return face, rng.choice(bolder) if bolder else face


def is_bold(face: Typeface) -> bool:
    return any(
        mark in face.stem for mark in ("Bold", "Black", "Heavy", "Semibold", "75F", "77F", "_RB", "Bd", "_B", "cmunbx")
    )


@dataclass
class Writer:
    """A sheet, the side of the split, and the two typefaces of running text and emphasis."""

    sheet: Sheet
    speaker: Speaker
    body: Print
    bold: Print
    rows: list[list[Ink]] = field(default_factory=list)

    @property
    def rng(self) -> Random:
        return self.sheet.rng

    @property
    def cap(self) -> float:
        return self.body.cap

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        return self.sheet.pen

    def put(
        self, x: float, y: float, text: str, style: Print | None = None, align: str = "left",
        colour: Colour | None = None, width: float | None = None,
    ) -> Ink:  # fmt: skip
        """Prints a line at cap height y, at most `width` pixels wide: smaller where it must be, cut where it must."""
        style = style or self.body
        text = spelled(style.face, text)
        if width is not None:
            text, style = fitted(text, style, width)
        return self.sheet.text(x, y, text, style, align, colour)

    def row(self, *inks: Ink) -> None:
        """Notes inks that a reader would read out as one line."""
        self.rows.append(list(inks))

    def line(self, x: float, y: float, text: str, style: Print | None = None, **options: object) -> Ink:
        """`put`, noted as a row of its own."""
        ink = self.put(x, y, text, style, **options)  # type: ignore[arg-type]
        self.row(ink)
        return ink

    def paragraph(
        self, x: float, y: float, width: float, text: str, style: Print | None = None, pitch: float = 1.75,
        colour: Colour | None = None, align: str = "left",
    ) -> list[Ink]:  # fmt: skip
        """Running text in lines of at most `width`; each a row."""
        style = style or self.body
        inks = []
        for part in wrapped(spelled(style.face, text), style, width):
            inks.append(self.line(x, y, part, style, colour=colour, width=width, align=align))
            y += style.cap * pitch
        return inks

    def box(
        self, box: Box, fill: Colour | None = None, outline: Colour | None = None, width: int = 1, radius: float = 0
    ) -> None:
        if box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
            self.pen.rounded_rectangle(box, radius, fill=fill, outline=outline, width=width)

    def ask_rows(self, most: int = 4) -> None:
        """Rows read out by how they begin, and what stands below what: reading without understanding."""
        rows = [sorted(row, key=lambda ink: ink.box[0]) for row in self.rows if row and row[0].text.split()]
        rows.sort(key=lambda row: row[0].box[1])
        texts = [" ".join(" ".join(ink.text for ink in row).split()) for row in rows]
        starts = [text.split()[0] for text in texts]
        caps = [min(ink.cap_px for ink in row) for row in rows]
        for number in self.rng.sample(range(len(rows)), min(most, len(rows))):
            text, start = texts[number], starts[number]
            if starts.count(start) == 1 and text != start:
                self.sheet.ask(
                    "transcribe", wordings.LINE, text, [union(rows[number])], glyph_px=caps[number], start=start
                )
            elif texts.count(text) == 1 and number + 1 < len(rows) and aligned(rows[number], rows[number + 1]):
                below = number + 1
                self.sheet.ask(
                    "below", wordings.BELOW, texts[below], [union(rows[below]), union(rows[number])],
                    glyph_px=min(caps[number], caps[below]), hops=2, line=text,
                )  # fmt: skip


def aligned(above: list[Ink], below: list[Ink]) -> bool:
    """Whether one row stands right under the other: they share a column and no row fits between."""
    apart = below[0].box[1] - above[0].box[3]
    shares = min(above[-1].box[2], below[-1].box[2]) > max(above[0].box[0], below[0].box[0])
    return shares and -1 <= apart < 2.2 * above[0].cap_px


def fitted(text: str, style: Print, width: float) -> tuple[str, Print]:
    """Text and style no wider than `width`: set smaller down to a share, then whole words are left out."""
    while (length := width_of(text, style)) * SMALLEST_SHARE > width and " " in text:
        text = text.rsplit(" ", 1)[0].rstrip(",;:-(")
    return text, style if length <= width else style.sized(max(0.35, width / length * 0.99))


def wrapped(text: str, style: Print, width: float) -> list[str]:
    lines, current = [], ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if current and width_of(longer, style) > width:
            lines.append(current)
            longer = word
        current = longer
    return [*lines, current] if current else lines


def writer_on(
    rng: Random, size: tuple[float, float], unseen: bool, cap: float,
        styles: Sequence[str] = ("sans", "sans", "serif", "narrow"),
    paper: Colour = (255, 255, 255), ink: Colour = (20, 20, 22),
) -> Writer:  # fmt: skip
    """An empty coloured sheet with typefaces chosen."""
    sheet = Sheet(rng, (max(64, round(size[0])), max(64, round(size[1]))), "RGB", paper)
    sheet.ink = ink
    regular, bolder = family(rng, styles, unseen)
    return Writer(sheet, Speaker(rng, unseen), Print(regular, cap), Print(bolder, cap))


def cut(writer: Writer, height: float) -> None:
    """Leaves off what lies below."""
    sheet = writer.sheet
    sheet.image = sheet.image.crop((0, 0, sheet.width, min(sheet.height, max(64, round(height)))))
    sheet.pen = ImageDraw.Draw(sheet.image)
