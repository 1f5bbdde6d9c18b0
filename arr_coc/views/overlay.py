"""Visual tokens over the picture as HTML: hovering over one, or moving to it with the arrow keys, tells what it is."""

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
EXTREME = 5.0
"""Sides' ratio from which a picture that fits the window would be a thread: it scrolls in its frame instead."""

SHARPNESS = ("as sharp as full resolution", "half as sharp", "a quarter as sharp", "an eighth as sharp")
STYLE = """\
<style>
.arr-view { max-width: 100%; max-height: 76vh; border-radius: 6px; }
.arr-view:is(.extreme, .zoomed) { overflow: auto; cursor: grab; }
.arr-tokens { position: relative; line-height: 0; container-type: inline-size; margin: 0 auto;
  width: calc(var(--zoom, 1) * max(min(100%, 74vh * var(--aspect, 1)), min(100%, 120px), 60px * var(--aspect, 1))); }
.arr-tokens img { width: 100%; display: block; border-radius: 6px; margin: 0; }
.arr-tokens i { position: absolute; display: block; box-sizing: border-box;
  border: 1px solid color-mix(in srgb, var(--tint) 50%, transparent);
  background: color-mix(in srgb, var(--tint) 13%, transparent); transition: border-color .15s; }
.arr-tokens i.fine { border-color: transparent; background: none; }
.arr-tokens:hover i { border-color: transparent; }
.arr-tokens i:is(:hover, :focus-visible) { background: color-mix(in srgb, var(--tint) 20%, transparent); z-index: 3;
  outline: 2px solid var(--tint); }
.arr-tokens i:is(:hover, :focus-visible)::after { content: attr(data-tip); position: absolute; z-index: 4; left: 0;
  top: calc(100% + 6px);
  width: max-content; max-width: min(260px, 46cqw); padding: .45rem .6rem; border-radius: 6px; background: #15181d;
  color: #f4f6f8; font: 500 12px/1.45 ui-sans-serif, system-ui, sans-serif; white-space: pre-line;
  pointer-events: none; box-shadow: 0 4px 14px #0006; }
.arr-tokens i.right::after { left: auto !important; right: 0; }
.arr-tokens i.low::after { top: auto !important; bottom: calc(100% + 6px); }
.arr-tokens b { position: absolute; display: block; outline: 3px solid #00a8e8; outline-offset: 1px;
  border-radius: 2px; pointer-events: none; z-index: 2; }
.arr-legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-top: .55rem; font-size: 13px; }
.arr-legend span { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; }
.arr-legend span::before { content: ""; width: .8em; height: .8em; border-radius: 2px; background: var(--tint); }
.arr-legend span.fine::before { background: none; border: 1px dashed currentColor; box-sizing: border-box; }
.arr-legend span.frame::before { background: none; border: 3px solid #00a8e8; box-sizing: border-box; }
.arr-zoom { display: flex; gap: .35rem; margin: .45rem 0 0; }
.arr-zoom button { min-width: 2rem; height: 2rem; padding: 0 .5rem; border-radius: 6px; font-size: 14px;
  cursor: pointer; border: 1px solid var(--border-color-primary, #8888); background: var(--block-background-fill, none);
  color: inherit; }
</style>
"""
ZOOM = """\
<div class="arr-zoom"><button type="button" data-zoom="1.5" aria-label="Zoom in">+</button>\
<button type="button" data-zoom="0.6667" aria-label="Zoom out">−</button>\
<button type="button" data-zoom="0">fit</button></div>"""


@dataclass(frozen=True)
class Tile:
    """A visual token as drawn: its box in fractions of the picture, its colour and what is said of it.

    A tile of the finest level has no line and no tint: nothing lies over the print that is read there.
    """

    box: Box
    color: str
    note: str
    is_finest: bool = False


def realization_html(picture: Image.Image, realization: Realization, evidence: Sequence[Box] = ()) -> str:
    """The leaves with sharpness and scores, and a legend in words; `evidence` in fractions of the picture."""
    tiles = leaf_tiles(realization.allocation, leaf_notes(realization))
    return tokens_html(picture, tiles, evidence) + legend_html(realization.allocation, bool(evidence))


def tokens_html(picture: Image.Image, tiles: Sequence[Tile], evidence: Sequence[Box] = ()) -> str:
    """Picture, tiles and evidence frames with their style and buttons to zoom; it fits container and window."""
    aspect = picture.width / picture.height
    return f"{STYLE}<div>{tokens_markup(data_address(picture), tiles, evidence, aspect)}{ZOOM}</div>"


def tokens_markup(address: str, tiles: Sequence[Tile], evidence: Sequence[Box] = (), aspect: float = 1.0) -> str:
    """The same without the style, of a picture by its address; `aspect` is its width over its height."""
    marks = [tile_html(tile, is_first=number == 0) for number, tile in enumerate(tiles)]
    marks += [f'<b style="{place(box)}"></b>' for box in evidence]
    image = f'<img src="{address}" alt="The picture with the visual tokens over it">'
    kind = " extreme" if max(aspect, 1 / aspect) > EXTREME else ""
    label = f"{len(tiles)} visual tokens; the arrow keys go from one to the next"
    return (
        f'<div class="arr-view{kind}"><div class="arr-tokens" role="group" aria-label="{label}" '
        f'style="--aspect:{aspect:.4f}">{image}{"".join(marks)}</div></div>'
    )


MEANING = {"propositional": "detail lost", "perspectival": "stands out", "participatory": "asked for"}
"""Of the scores, for a tooltip."""


def leaf_tiles(allocation: Allocation, notes: Sequence[str]) -> list[Tile]:
    """One tile a leaf, coarse ones first, so that what lies on top is fine."""
    boxes, levels = allocation.boxes().tolist(), allocation.leaves[:, 0].tolist()
    finest = bare_level(allocation)
    tiles = [
        (-level, Tile((x0, y0, x1, y1), level_color(level), note, level == finest))
        for (x0, y0, x1, y1), level, note in zip(boxes, levels, notes, strict=True)
    ]
    return [tile for _, tile in sorted(tiles, key=lambda entry: entry[0])]


def bare_level(allocation: Allocation) -> int | None:
    """The level without line and tint: the finest, unless the whole picture was glimpsed at one coarse level."""
    levels = set(allocation.leaves[:, 0].tolist())
    return min(levels) if len(levels) > 1 or 0 in levels else None


def leaf_notes(realization: Realization) -> list[str]:
    """Per leaf its sharpness and its three scores; a leaf that was never considered has those of its parent."""
    scores = {
        tuple(cell): [float(getattr(maps, name)[index]) for name in SCORES]
        for maps in realization.scores
        for index, cell in enumerate(maps.cells.tolist())
    }
    notes = []
    for level, row, col in realization.allocation.leaves.tolist():
        own, parent = scores.get((level, row, col)), scores.get((level + 1, row // 2, col // 2))
        inherited = "" if own else score_note(parent, "as the larger cell around it scored")
        notes.append(level_note(level) + score_note(own, "") + inherited)
    return notes


def level_note(level: int) -> str:
    """How sharp a level shows the picture, in words."""
    return SHARPNESS[level] if level < len(SHARPNESS) else f"1/{2**level} as sharp"


def score_note(values: Sequence[float] | None, head: str) -> str:
    """Lines for a tooltip; empty for None."""
    if values is None:
        return ""
    named = [f"{MEANING[name]} ({name}) {value:+.2f}" for name, value in zip(SCORES, values, strict=True)]
    lines = [head] * bool(head) + named
    return "\n" + "\n".join(lines)


def legend_html(allocation: Allocation, has_evidence: bool = False) -> str:
    """Colour, sharpness in words and number of the leaves of each level; see `bare_level`."""
    counts, bare = sorted(Counter(allocation.leaves[:, 0].tolist()).items()), bare_level(allocation)
    kinds = {bare: ' class="fine"'}
    parts = [
        f'<span{kinds.get(level, "")} style="--tint:{level_color(level)}">{level_note(level)}: {count}</span>'
        for level, count in counts
    ]
    parts += ['<span class="frame">evidence</span>'] * has_evidence
    return f'<div class="arr-legend">{"".join(parts)}</div>'


def tile_html(tile: Tile, is_first: bool = False) -> str:
    """One tile; the first can be reached by Tab, the others from there by the arrow keys (apps/script.js)."""
    x0, y0, x1, y1 = tile.box
    side = " ".join(["right"] * (x0 + x1 > 1) + ["low"] * (y0 + y1 > 1) + ["fine"] * tile.is_finest)
    note = escape(tile.note)
    return (
        f'<i class="{side}" style="--tint:{tile.color};{place(tile.box)}" role="img" '
        f'tabindex="{0 if is_first else -1}" aria-label="{note}" data-tip="{note}"></i>'
    )


def place(box: Box) -> str:
    """CSS position of a box in fractions."""
    x0, y0, x1, y1 = (100 * side for side in box)
    return f"left:{x0:.3f}%;top:{y0:.3f}%;width:{x1 - x0:.3f}%;height:{y1 - y0:.3f}%"


def data_address(picture: Image.Image, max_side: int = SIDE) -> str:
    """The picture as a JPEG within the page; smaller pictures are enlarged to `max_side` like in every view."""
    file = BytesIO()
    fit(picture, max_side).save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
