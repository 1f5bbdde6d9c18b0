"""Receipts as one till prints them: one typeface, black on white. The speedrun learns to read these."""

from __future__ import annotations

from random import Random

from arr_coc.data.drawing.backgrounds import Page, lay_page
from arr_coc.data.drawing.canvas import Canvas, Style
from arr_coc.data.drawing.fonts import FAMILIES
from arr_coc.data.drawing.kinds import Kind
from arr_coc.data.drawing.questions import Asker
from arr_coc.data.drawing.receipts import Roll, ask_entries, draw_entries, draw_foot, draw_head, draw_totals

COLUMNS, ROWS = 22, 22
MOST_ITEMS = 6


def draw_till_receipt(rng: Random, canvas: Canvas, plain: bool) -> Asker:
    """Draws a receipt and asks for what is printed on it: nothing is compared, added or told by colour."""
    page = lay_page(rng, canvas, plain, (0.3, 1.1))
    asker = Asker(rng, canvas)
    roll = measure_till_roll(page)
    y = draw_head(rng, asker, page, roll)
    bottom = draw_foot(rng, asker, page, roll)
    entries, y = draw_entries(rng, canvas, roll, y, rng.randint(3, MOST_ITEMS), bottom)
    draw_totals(rng, asker, roll, y, entries, bottom)
    ask_entries(rng, asker, entries)
    return asker


def measure_till_roll(page: Page) -> Roll:
    """Print as large as a line of `COLUMNS` capitals, or a roll of `ROWS` lines, allows."""
    regular, bold = FAMILIES["mono"]
    cap = min(page.width / COLUMNS, page.height / ROWS)
    body = Style(regular, cap, page.ink)
    left, right = page.frame[0] + cap * 1.2, page.frame[2] - cap * 1.2
    return Roll(left, right, cap * 1.5, body, body.faced(bold), colours=(), shop=(1.0, 1.3), small_print=False)


KIND = Kind("till_receipt", 100, draw_till_receipt, {"reading": 1.0}, "dense text", by_name=True, always_plain=True)
