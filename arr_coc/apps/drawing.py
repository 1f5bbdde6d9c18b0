"""Boxes drawn by hand on a picture, as evidence or as a region to look at, and answers typed as accepted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from arr_coc.apps.uploads import check_picture
from arr_coc.data.records import Box
from arr_coc.pictures.opening import open_image
from arr_coc.quoting import shortened
from arr_coc.views.overlay import data_address

BETWEEN = "|"
MOST_BOXES, SHOWN_SIDE = 20, 1000
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
HTML = """\
<div class="arr-canvas" role="img" aria-label="Drag over the picture to draw a box; the fields below take numbers">
{{#if value}}<img src="{{value.address}}" alt="" draggable="false" data-width="{{value.width}}"
 data-height="{{value.height}}">{{else}}<p>Choose a picture, then open this part.</p>{{/if}}<b hidden></b></div>
"""
CSS = """\
.arr-canvas { position: relative; display: inline-block; max-width: 100%; line-height: 0; touch-action: none;
  cursor: crosshair; user-select: none; }
.arr-canvas img { display: block; max-width: 100%; max-height: 60vh; }
.arr-canvas p { line-height: 1.5; margin: 0; color: var(--body-text-color-subdued); }
.arr-canvas b { position: absolute; border: 3px solid #00a8e8; box-sizing: border-box; pointer-events: none; }
.arr-canvas b[hidden] { display: none; }
"""
SCRIPT = """\
let start = null;
const place = event => {
  const image = element.querySelector('img'), frame = image.getBoundingClientRect();
  const share = (value, low, size) => Math.min(1, Math.max(0, (value - low) / size));
  return [share(event.clientX, frame.left, frame.width), share(event.clientY, frame.top, frame.height)];
};
const corners = end => [0, 1].map(axis => [Math.min(start[axis], end[axis]), Math.max(start[axis], end[axis])]);
element.addEventListener('pointerdown', event => {
  if (!element.querySelector('img') || event.button) return;
  start = place(event);
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', event => {
  if (!start) return;
  const mark = element.querySelector('b'), [x, y] = corners(place(event));
  mark.hidden = false;
  mark.style.left = `${100 * x[0]}%`; mark.style.width = `${100 * (x[1] - x[0])}%`;
  mark.style.top = `${100 * y[0]}%`; mark.style.height = `${100 * (y[1] - y[0])}%`;
});
element.addEventListener('pointerup', event => {
  if (!start) return;
  const image = element.querySelector('img'), [x, y] = corners(place(event));
  start = null;
  element.querySelector('b').hidden = true;
  const pixels = [x[0] * image.dataset.width, y[0] * image.dataset.height, x[1] * image.dataset.width,
    y[1] * image.dataset.height].map(Math.round);
  if (pixels[2] > pixels[0] && pixels[3] > pixels[1]) trigger('select', { index: pixels, value: pixels.join(' ') });
});
"""


def parse_answers(text: str) -> tuple[str, ...]:
    """Accepted answers of a field, "|" between them."""
    return tuple(part.strip() for part in (text or "").split(BETWEEN) if part.strip())


def parse_boxes(text: str, size: tuple[int, int], name: str) -> tuple[Box, ...]:
    """Boxes of a field: x0 y0 x1 y1 in pixels of the picture, a semicolon or a new line between boxes.

    Raises:
        ValueError: what is no box, lies outside of the picture of `size` (width, height), or too many; begins with
            `name`.
    """
    parts = [part.strip() for part in re.split(r"[;\n]", text or "") if part.strip()]
    if len(parts) > MOST_BOXES:
        raise ValueError(f"{name}: {len(parts)} boxes are too many; draw at most {MOST_BOXES}")
    return tuple(parse_box(part, size, name) for part in parts)


def parse_box(text: str, size: tuple[int, int], name: str) -> Box:
    words = re.split(r"[\s,]+", text.strip("[]() "))
    if len(words) != 4 or not all(NUMBER.fullmatch(word) for word in words):
        raise ValueError(f'{name}: "{shortened(text)}" is no box; write x0 y0 x1 y1 in pixels, or draw it')
    x0, y0, x1, y1 = map(float, words)
    width, height = size
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise ValueError(f'{name}: the box "{shortened(text)}" does not lie in the picture of {width}x{height} pixels')
    return x0, y0, x1, y1


def boxes_text(boxes: Sequence[Box]) -> str:
    """What `parse_boxes` reads."""
    return "; ".join(" ".join(f"{side:g}" for side in box) for box in boxes)


def as_fractions(boxes: Sequence[Box], size: tuple[int, int]) -> tuple[Box, ...]:
    width, height = size
    return tuple((x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in boxes)


def as_pixels(boxes: Sequence[Box], size: tuple[int, int]) -> tuple[Box, ...]:
    """In tenths of a pixel, which neither leaves the picture nor makes a box flat."""
    width, height = size
    sides = [(x0 * width, y0 * height, x1 * width, y1 * height) for x0, y0, x1, y1 in boxes]
    return tuple(
        (max(0.0, round(x0, 1)), max(0.0, round(y0, 1)), min(width, round(x1, 1)), min(height, round(y1, 1)))
        for x0, y0, x1, y1 in sides
    )


def build_drawing(picture: gr.Image) -> tuple[gr.Textbox, gr.Textbox, gr.Textbox]:
    """Fields for the accepted answer, the evidence and the region, and the picture to draw on, folded away."""
    accepted = gr.Textbox(
        label="Accepted answer (optional)",
        info="every answer is scored by exact match; several with | between them; shipped questions know theirs",
        elem_id="accepted",
    )
    with gr.Accordion("Draw boxes: evidence, or a region to look at", open=False, elem_id="drawing") as fold:
        kind = gr.Radio(["evidence", "region to look at"], value="evidence", label="A drawn box is", elem_id="box-kind")
        canvas = gr.HTML(None, html_template=HTML, css_template=CSS, js_on_load=SCRIPT, elem_id="canvas")
        evidence = gr.Textbox(
            label="Evidence, in pixels",
            info="where the answer stands: x0 y0 x1 y1; more boxes after ;",
            elem_id="drawn-evidence",
        )
        region = gr.Textbox(
            label="Region to look at, in pixels",
            info="adds ARR-COC that looks here instead of where the question points",
            elem_id="drawn-region",
        )
    quick: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
    fold.expand(canvas_of, picture, canvas, **quick)
    picture.change(canvas_of, picture, canvas, **quick)
    canvas.select(add_box, [kind, evidence, region], [evidence, region], **quick)
    return accepted, evidence, region


def canvas_of(path: str | None) -> dict[str, Any] | None:
    """What the canvas shows of a picture; nothing where there is none that can be read."""
    try:
        picture = open_image(check_picture(path))
    except ValueError:
        return None
    width, height = picture.size
    return {"address": data_address(picture, min(SHOWN_SIDE, max(picture.size))), "width": width, "height": height}


def add_box(kind: str, evidence: str, region: str, event: gr.SelectData) -> tuple[str, str]:
    """Both fields, the drawn box at the end of the one that is chosen."""
    box = " ".join(str(int(side)) for side in event.index)
    if kind == "evidence":
        return joined(evidence, box), region
    return evidence, joined(region, box)


def joined(text: str, box: str) -> str:
    return f"{text.strip().rstrip(';')}; {box}" if text.strip() else box
