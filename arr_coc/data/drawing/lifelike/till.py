"""A roll of till paper: where the next line goes, and how lines, amounts and rules are printed on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from arr_coc.data.drawing.canvas import Ink
from arr_coc.data.drawing.lifelike.lettering import Print, width_of
from arr_coc.data.drawing.lifelike.sheet import Sheet
from arr_coc.data.drawing.lifelike.vocabulary import Speaker


@dataclass
class Till:
    """Where the next line goes, and how lines look."""

    sheet: Sheet
    speaker: Speaker
    body: Print
    bold: Print
    left: float
    right: float
    pitch: float
    y: float
    currency: str
    comma: bool
    upper: bool
    lines: list[list[Ink]] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def rng(self) -> Random:
        return self.sheet.rng

    def said(self, text: str) -> str:
        return text.upper() if self.upper else text

    def money(self, cents: int) -> str:
        whole, rest = divmod(abs(cents), 100)
        text = f"{whole:,}.{rest:02d}" if whole > 999 else f"{whole}.{rest:02d}"
        if self.comma:
            text = text.translate(str.maketrans(",.", ".,"))
        return f"-{text}" if cents < 0 else text

    def fit(self, text: str, style: Print, width: float) -> Print:
        length = width_of(text, style)
        return style if length <= width else style.sized(max(0.55, width / length * 0.98))

    def put(self, x: float, text: str, style: Print, align: str = "left") -> Ink:
        """Prints on the current line; what would run over the edge is set smaller, and moved if that is too little."""
        if align == "left" and x + width_of(text, style) > self.sheet.width:
            style = self.fit(text, style, self.sheet.width - x)
            x = max(0.0, min(x, self.sheet.width - width_of(text, style)))
        ink = self.sheet.text(x, self.y, text, style, align)
        self.lines[-1].append(ink)
        return ink

    def begin(self) -> None:
        self.lines.append([])

    def feed(self, share: float = 1.0) -> None:
        self.y += self.pitch * share

    def line(self, text: str, align: str = "left", style: Print | None = None) -> Ink:
        """One line of text across the roll."""
        style = self.fit(text, style or self.body, self.right - self.left)
        self.begin()
        ink = self.put({"left": self.left, "centre": self.middle, "right": self.right}[align], text, style, align)
        self.feed(max(1.0, 0.2 + style.cap / self.body.cap))
        return ink

    def rule(self) -> None:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.45:
            char = rng.choice("---=*_.")
            count = int((self.right - self.left) / max(1.0, width_of(char, self.body)))
            self.sheet.text(self.left, self.y, char * count, self.body)
        elif kind < 0.8:
            dashes = rng.choice((0, 0, 2, 4, 6))
            self.sheet.rule(self.left, self.right, self.y + self.body.cap / 2, rng.choice((1, 1, 2)), dashes)
        else:
            self.feed(-0.5)
        self.feed()

    def pair(self, label: str, value: str, style: Print | None = None) -> tuple[Ink, Ink]:
        """A label at the left, an amount at the right end."""
        style = self.fit(f"{label}  {value}", style or self.body, self.right - self.left)
        self.begin()
        inks = self.put(self.left, label, style), self.put(self.right, value, style, "right")
        self.feed(max(1.0, 0.2 + style.cap / self.body.cap))
        return inks

    def amount(self, label: str, cents: int, style: Print | None = None) -> Ink:
        """A label and an amount; the ink of the bare amount, the currency left out."""
        style = style or self.body
        sign = self.currency if self.rng.random() < 0.6 else ""
        text = self.money(cents)
        style = self.fit(f"{label}  {sign}{text}", style, self.right - self.left)
        self.begin()
        if self.rng.random() < 0.25:
            self.put(self.right - width_of(f"   {sign}{text}", style) * 1.3, label, style, "right")
        else:
            self.put(self.left, label, style)
        ink = self.put(self.right, text, style, "right")
        if sign:
            self.put(ink.box[0] - width_of(sign, style), sign, style)
        self.feed(max(1.0, 0.2 + style.cap / self.body.cap))
        return ink
