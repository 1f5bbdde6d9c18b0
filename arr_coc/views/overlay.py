"""Visual tokens over the picture as HTML: hovering over one (or touching it) tells its level and scores; no script."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

from PIL import Image

from arr_coc.records import Allocation, Realization
from arr_coc.views.leaves import fit, level_color
from arr_coc.views.scores import SCORES

Box = tuple[float, float, float, float]

SIDE, QUALITY = 1000, 82
STYLE = """\
<style>
.arr-tokens { position: relative; width: 100%; line-height: 0; container-type: inline-size; }
.arr-tokens img { width: 100%; display: block; border-radius: 6px; margin: 0; }
.arr-tokens i { position: absolute; display: block; box-sizing: border-box; border: 1px solid var(--tint);
  background: color-mix(in srgb, var(--tint) 13%, transparent); }
.arr-tokens i:hover { background: color-mix(in srgb, var(--tint) 38%, transparent); z-index: 3;
  outline: 2px solid var(--tint); }
.arr-tokens i:hover::after { content: attr(data-tip); position: absolute; z-index: 4; left: 0; top: calc(100% + 6px);
  width: max-content; max-width: min(260px, 46cqw); padding: .45rem .6rem; border-radius: 6px; background: #15181d;
  color: #f4f6f8; font: 500 12px/1.45 ui-sans-serif, system-ui, sans-serif; white-space: pre-line;
  pointer-events: none; box-shadow: 0 4px 14px #0006; }
.arr-tokens i.right:hover::after { left: auto; right: 0; }
.arr-tokens i.low:hover::after { top: auto; bottom: calc(100% + 6px); }
.arr-tokens b { position: absolute; display: block; box-sizing: border-box; border: 3px solid #00a8e8;
  border-radius: 2px; pointer-events: none; z-index: 2; }
.arr-legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-top: .55rem; font-size: 13px; }
.arr-legend span { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; }
.arr-legend span::before { content: ""; width: .8em; height: .8em; border-radius: 2px; background: var(--tint); }
.arr-legend span.frame::before { background: none; border: 3px solid #00a8e8; box-sizing: border-box; }
</style>
"""


@dataclass(frozen=True)
class Tile:
    """A visual token as drawn: its box in fractions of the picture, its colour and what is said of it."""

    box: Box
    color: str
    note: str


def realization_html(picture: Image.Image, realization: Realization, evidence: Sequence[Box] = ()) -> str:
    """The leaves with level and scores, and a legend of levels; `evidence` in fractions of the picture."""
    tiles = leaf_tiles(realization.allocation, leaf_notes(realization))
    return tokens_html(picture, tiles, evidence) + legend_html(realization.allocation, bool(evidence))


def tokens_html(picture: Image.Image, tiles: Sequence[Tile], evidence: Sequence[Box] = ()) -> str:
    """Picture, tiles and evidence frames with their style; the width is the container's."""
    return STYLE + tokens_markup(data_address(picture), tiles, evidence)


def tokens_markup(address: str, tiles: Sequence[Tile], evidence: Sequence[Box] = ()) -> str:
    """The same without the style, of a picture by its address."""
    marks = [tile_html(tile) for tile in tiles] + [f'<b style="{place(box)}"></b>' for box in evidence]
    image = f'<img src="{address}" alt="The picture with the visual tokens over it">'
    return f'<div class="arr-tokens">{image}{"".join(marks)}</div>'


def leaf_tiles(allocation: Allocation, notes: Sequence[str]) -> list[Tile]:
    """One tile a leaf, coarse ones first, so that fine borders lie on top."""
    boxes, levels = allocation.boxes().tolist(), allocation.leaves[:, 0].tolist()
    tiles = [
        (-level, Tile((x0, y0, x1, y1), level_color(level), note))
        for (x0, y0, x1, y1), level, note in zip(boxes, levels, notes, strict=True)
    ]
    return [tile for _, tile in sorted(tiles, key=lambda entry: entry[0])]


def leaf_notes(realization: Realization) -> list[str]:
    """Per leaf its level and its three scores; a leaf that was never considered has those of its parent."""
    scores = {
        tuple(cell): [float(getattr(maps, name)[index]) for name in SCORES]
        for maps in realization.scores
        for index, cell in enumerate(maps.cells.tolist())
    }
    notes = []
    for level, row, col in realization.allocation.leaves.tolist():
        own, parent = scores.get((level, row, col)), scores.get((level + 1, row // 2, col // 2))
        notes.append(
            level_note(level) + score_note(own, "") + ("" if own else score_note(parent, "scores of its parent"))
        )
    return notes


def level_note(level: int) -> str:
    return f"level {level}: " + ("native resolution" if level == 0 else f"1/{2**level} of native resolution")


def score_note(values: Sequence[float] | None, head: str) -> str:
    """Lines for a tooltip; empty for None."""
    if values is None:
        return ""
    lines = [head] * bool(head) + [f"{name} {value:+.2f}" for name, value in zip(SCORES, values, strict=True)]
    return "\n" + "\n".join(lines)


def legend_html(allocation: Allocation, has_evidence: bool = False) -> str:
    """Colour and number of the leaves of each level."""
    counts = sorted(Counter(allocation.leaves[:, 0].tolist()).items())
    parts = [f'<span style="--tint:{level_color(level)}">level {level}: {count}</span>' for level, count in counts]
    parts += ['<span class="frame">evidence</span>'] * has_evidence
    return f'<div class="arr-legend">{"".join(parts)}</div>'


def tile_html(tile: Tile) -> str:
    x0, y0, x1, y1 = tile.box
    side = " ".join(["right"] * (x0 + x1 > 1) + ["low"] * (y0 + y1 > 1))
    return f'<i class="{side}" style="--tint:{tile.color};{place(tile.box)}" data-tip="{escape(tile.note)}"></i>'


def place(box: Box) -> str:
    """CSS position of a box in fractions."""
    x0, y0, x1, y1 = (100 * side for side in box)
    return f"left:{x0:.3f}%;top:{y0:.3f}%;width:{x1 - x0:.3f}%;height:{y1 - y0:.3f}%"


def data_address(picture: Image.Image, max_side: int = SIDE) -> str:
    """The picture as a JPEG within the page; smaller pictures are enlarged to `max_side` like in every view."""
    file = BytesIO()
    fit(picture, max_side).save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
