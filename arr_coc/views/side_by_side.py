"""Cards side by side: each an answer, its figures and the picture with the visual tokens over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from arr_coc.views.overlay import STYLE as TOKEN_STYLE
from arr_coc.views.overlay import Box, Tile, data_address, tokens_markup

STYLE = """\
<style>
.arr-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 1rem; }
.arr-card { border: 1px solid var(--border-color-primary, #8884); border-radius: 10px; padding: .8rem; min-width: 0;
  background: var(--block-background-fill, none); }
.arr-card .title { font-size: 13px; font-weight: 600; color: var(--body-text-color-subdued, inherit);
  overflow-wrap: anywhere; }
.arr-card p { margin: .1rem 0 .35rem !important; font-size: 1.2rem; font-weight: 650; overflow-wrap: anywhere; }
.arr-card small { display: block; margin-bottom: .6rem; font-size: 12.5px;
  color: var(--body-text-color-subdued, inherit); }
</style>
"""
SIDE = 720
EVIDENCE = '<div class="arr-legend"><span class="frame">evidence: where the answer stands</span></div>'


@dataclass(frozen=True)
class Card:
    """A heading, an answer, a line of figures, and the tokens."""

    title: str
    answer: str
    figures: str
    tiles: Sequence[Tile]


def cards_html(picture: Image.Image, cards: Sequence[Card], evidence: Sequence[Box] = ()) -> str:
    """All cards about one picture; `evidence` in fractions of it is framed on each."""
    address, aspect = data_address(picture, SIDE), picture.width / picture.height
    parts = [
        f'<div class="arr-card">{head_html(card)}{tokens_markup(address, card.tiles, evidence, aspect)}</div>'
        for card in cards
    ]
    legend = EVIDENCE if evidence else ""
    return f'{TOKEN_STYLE}{STYLE}<div><div class="arr-cards">{"".join(parts)}</div>{legend}</div>'


def head_html(card: Card) -> str:
    answer = escape(card.answer or "(no answer)")
    return f'<div class="title">{escape(card.title)}</div><p>{answer}</p><small>{escape(card.figures)}</small>'
