"""The looks that led to an answer as a row of small cards; the one that is chosen shows its pane, wherever that lies.

Cards are radio buttons, so that the arrow keys go from look to look. A card shows the pane of the same number within
the nearest element of the class `arr-scope`, by style sheet alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from arr_coc.processor.answer import Look
from arr_coc.views.leaves import draw_leaves, fit
from arr_coc.views.overlay import data_address
from arr_coc.views.reconstruction import draw_seen
from arr_coc.views.table import printable

THUMB, MOST_LOOKS = 240, 12
RULES = ",\n".join(
    f'.arr-scope:has(.arr-looks input[value="{number}"]:checked) .arr-pane[data-look="{number}"]'
    for number in range(1, MOST_LOOKS + 1)
)
STYLE = f"""\
<style>
.arr-looks {{ border: none; margin: 0; padding: 0; min-width: 0; }}
.arr-looks legend {{ font-size: 14px; font-weight: 650; margin-bottom: .3rem; padding: 0; }}
.arr-looks > div {{ display: flex; gap: .5rem; overflow-x: auto; padding: 3px; }}
.arr-looks label {{ position: relative; flex: 0 1 150px; min-width: 96px; border-radius: 8px;
  border: 1px solid var(--border-color-primary, #8884); padding: .35rem; cursor: pointer; font-size: 12.5px;
  line-height: 1.35;
  background: var(--block-background-fill, none); color: var(--body-text-color-subdued, inherit); }}
.arr-looks label:has(:checked) {{ outline: 2px solid var(--primary-600, #0d9488); }}
.arr-looks label:has(:focus-visible) {{ outline: 3px solid #00a8e8; }}
.arr-looks input {{ position: absolute !important; opacity: 0; pointer-events: none; }}
.arr-looks img {{ display: block; width: 100%; height: 96px; object-fit: contain; margin: 0 0 .2rem !important; }}
.arr-looks b {{ display: block; color: var(--body-text-color, inherit); font-size: 14px; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }}
@supports selector(:has(*)) {{ .arr-pane {{ display: none; }} {RULES} {{ display: block; }} }}
</style>
"""


@dataclass(frozen=True)
class LookCard:
    """One look in small: its draft, a line on what it took, and, if any, what it saw as the address of a picture."""

    draft: str
    figures: str
    address: str = ""


def card_of(look: Look) -> LookCard:
    """Of several pictures the first is shown."""
    return LookCard(look.text, f"{look.num_tokens} tokens · {100 * look.confidence:.0f}% sure", thumb_address(look))


def thumb_address(look: Look) -> str:
    realization = look.realizations[0]
    height, width = realization.pyramid.levels[0].shape[-2:]
    size = fit(Image.new("L", (width, height)), THUMB).size
    return data_address(draw_leaves(draw_seen(realization, size), realization.allocation, THUMB), THUMB)


def looks_html(cards: Sequence[LookCard], title: str, group: str = "look") -> str:
    """The row, the last look chosen; `group` tells rows of one page apart."""
    last = len(cards)
    labels = "".join(look_html(card, number, group, number == last) for number, card in enumerate(cards, start=1))
    return f'{STYLE}<fieldset class="arr-looks"><legend>{escape(title)}</legend><div>{labels}</div></fieldset>'


def look_html(card: LookCard, number: int, group: str, is_chosen: bool) -> str:
    draft = escape(printable(card.draft) or "(no answer)")
    checked = " checked" * is_chosen
    image = f'<img src="{card.address}" alt="">' if card.address else ""
    return (
        f'<label><input type="radio" name="{escape(group)}" value="{number}"{checked}>'
        f'{image}Look {number}<b title="{draft}">{draft}</b>{escape(card.figures)}</label>'
    )


def panes_html(panes: Sequence[str]) -> str:
    """What belongs to each look, in their order; one is shown at a time."""
    parts = [f'<div class="arr-pane" data-look="{number}">{pane}</div>' for number, pane in enumerate(panes, start=1)]
    return "".join(parts)
