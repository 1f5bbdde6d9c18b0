"""Why the answers differ: the place of the answer as each way of reading was really given it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from arr_coc.apps.asking import Asker, Reply
from arr_coc.apps.pages import EXAMPLES
from arr_coc.data.qa_file import Record
from arr_coc.pictures.opening import image_size
from arr_coc.records import Realization
from arr_coc.views.leaves import fit
from arr_coc.views.lenses import Lens, focus_on, lenses_html, levels_over, looked_at
from arr_coc.views.looks import card_of, looks_html
from arr_coc.views.overlay import SIDE, Box, level_note, realization_html
from arr_coc.views.reconstruction import draw_seen

EVIDENCE = "Where the answer stands, in the pixels that each was given"
LOOKED = "Where ARR-COC looked most, in the pixels that each was given"
HINT = "Move over the picture below, or touch it, to enlarge another place."
LOOKING = "Looking closer until it is sure …"
LOOKED_ENOUGH = "How ARR-COC came to its answer: choose a look to see it below"


def evidence_html(asker: Asker, reply: Reply, record: Record | None, compares: bool = True) -> str:
    """A column a way, ARR-COC first; of a shipped question they show its evidence, else the place looked at most. Of
    several pictures the first is shown, until the pointer is over another."""
    has_evidence = record is not None and bool(record.boxes)
    blocks = [columns_html(asker, reply, number, record, compares) for number in range(len(reply.pictures))]
    heading = EVIDENCE if has_evidence else LOOKED
    return f'<h3 class="arr-why">{heading}</h3>{"".join(blocks)}<p class="arr-note">{HINT}</p>'


def columns_html(asker: Asker, reply: Reply, number: int, record: Record | None, compares: bool) -> str:
    """The columns of one picture, ours alone unless it `compares`; `record` of the only one."""
    picture, realization = reply.pictures[number], reply.realizations[number]
    has_evidence = record is not None and bool(record.boxes)
    box, detail = evidence_of(asker, record) if record and has_evidence else (looked_at(realization), None)
    full, resized = asker.size_of(picture, None), asker.size_of(picture, realization.allocation.num_tokens)
    whole = [
        Lens(title, asker.pixels_of(picture, size), whole_caption(size, full, detail))
        for title, size in (("Plain resize", resized), ("Full resolution", full))
        if compares
    ]
    title = "ARR-COC, last look" if len(reply.looks) > 1 else "ARR-COC"
    seen = Lens(title, seen_pixels(realization), seen_caption(realization, box, detail))
    return lenses_html([seen, *whole], focus_on(box, native_size(realization)), number)


def evidence_of(asker: Asker, record: Record) -> tuple[Box, float | None]:
    """Box of the printed answer, and the height of the smallest detail that matters, in fractions of the picture."""
    width, height = image_size(EXAMPLES / record.image)
    assert record.boxes
    x0, y0, x1, y1 = record.boxes[0]
    detail = None if record.glyph_px is None else record.glyph_px / height
    return (x0 / width, y0 / height, x1 / width, y1 / height), detail


def looks_row(reply: Reply, is_busy: bool) -> str:
    """The looks so far in small; nothing where there was only one look at a fixed budget."""
    cards = [card_of(look) for look in reply.looks]
    return looks_html(cards, LOOKING if is_busy else LOOKED_ENOUGH) if cards else ""


def leaves_html(realizations: Sequence[Realization]) -> str:
    """The leaves over each picture as they show it: blurred where they are coarse."""
    parts = [f'<div data-picture="{number}">{seen_html(each)}</div>' for number, each in enumerate(realizations)]
    return "".join(parts)


def seen_html(realization: Realization) -> str:
    size = fit(Image.new("L", native_size(realization)), SIDE).size
    return realization_html(draw_seen(realization, size), realization)


def native_size(realization: Realization) -> tuple[int, int]:
    """(width, height) of level 0 in pixels."""
    height, width = realization.pyramid.levels[0].shape[-2:]
    return width, height


def seen_pixels(realization: Realization) -> Image.Image:
    return draw_seen(realization, native_size(realization), Image.Resampling.NEAREST)


def whole_caption(size: tuple[int, int], full: tuple[int, int], detail: float | None) -> str:
    if detail is not None:
        return f"smallest detail that matters: {detail * size[1]:.0f} pixels high"
    share = size[0] / full[0]
    return "all there is" if share >= 1 else f"{share:.0%} of the pixels a side, everywhere alike"


def seen_caption(realization: Realization, box: Box, detail: float | None) -> str:
    finest, coarsest = levels_over(realization.allocation, box)
    if detail is None and not bool(realization.allocation.leaves[:, 0].any()):
        return f"{level_note(0)}, everywhere"
    if detail is None:
        return f"here {level_note(finest)}, coarser where the question does not look"
    heights = sorted({round(detail * native_size(realization)[1] / 2**level) for level in (finest, coarsest)})
    return f"smallest detail that matters: {' to '.join(map(str, heights))} pixels high"
