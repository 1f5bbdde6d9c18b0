"""Cards side by side: each an answer, its figures and the picture with the visual tokens over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from secrets import token_hex

from PIL import Image

from arr_coc.views.looks import LookCard, looks_html, panes_html
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
    """A heading, an answer, a line of figures, and the tokens; or those of each look, one of which is shown."""

    title: str
    answer: str
    figures: str
    tiles: Sequence[Tile]
    looks: Sequence[Card] = ()


def cards_html(picture: Image.Image, cards: Sequence[Card], evidence: Sequence[Box] = ()) -> str:
    """All cards about one picture; `evidence` in fractions of it is framed on each."""
    address, aspect = data_address(picture, SIDE), picture.width / picture.height

    def drawn(card: Card) -> str:
        return tokens_markup(address, card.tiles, evidence, aspect)

    parts = [card_html(card, drawn) for card in cards]
    legend = EVIDENCE if evidence else ""
    return f'{TOKEN_STYLE}{STYLE}<div><div class="arr-cards">{"".join(parts)}</div>{legend}</div>'


def card_html(card: Card, drawn: Callable[[Card], str]) -> str:
    """One card; of several looks a row of small cards, and the tokens of the one that is chosen."""
    if not card.looks:
        return f'<div class="arr-card">{head_html(card)}{drawn(card)}</div>'
    small = [LookCard(look.answer, look.figures) for look in card.looks]
    title = "Looks, one after the other"
    row, panes = looks_html(small, title, f"look-{token_hex(4)}"), panes_html([drawn(look) for look in card.looks])
    return f'<div class="arr-card arr-scope">{head_html(card)}{row}{panes}</div>'


def head_html(card: Card) -> str:
    answer = escape(card.answer or "(no answer)")
    return f'<div class="title">{escape(card.title)}</div><p>{answer}</p><small>{escape(card.figures)}</small>'
