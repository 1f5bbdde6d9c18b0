"""The figure of a comparison: picture and quadtree, score maps, tensions, looks until sure, and the table of runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

from matplotlib.figure import Figure
from PIL import Image

from arr_coc.evaluation.comparing import Comparison
from arr_coc.processor.answer import Look
from arr_coc.records import Allocation
from arr_coc.views.leaves import draw_leaves, fit, level_color
from arr_coc.views.reconstruction import draw_seen
from arr_coc.views.scores import SCORES, draw_color_bar, draw_score, frame
from arr_coc.views.sheet import INK, MUTED, RULE, Sheet, line_inches, text_inches, wrap
from arr_coc.views.table import COLUMNS, describe_tensions, estimate_note, is_look, one_line, table_rows

MARGIN, GAP, CAPTION, BAR = 0.45, 0.3, 0.52, 0.85
QUESTION_SIZE, BODY_SIZE, SMALL_SIZE = 15, 10.5, 9.5
COLUMN_WIDTHS = (0.95, 0.0, 1.1, 1.2, 0.95, 0.95, 1.15)
PANELS = ("picture", "leaves", *SCORES)
LOOKS_A_ROW, LOOK_HEIGHT, LOOK_SIDE = 5, 3.0, 640


@dataclass(frozen=True)
class Panel:
    """Where a panel lies below the header, in inches, caption not included."""

    name: str
    x: float
    y: float
    width: float
    height: float


def comparison_figure(picture: Image.Image, comparison: Comparison) -> Figure:
    """Draws everything one comparison led to on one page; its shape follows the picture's aspect."""
    panels = place_panels(picture.width / picture.height)
    width = max(panel.x + panel.width for panel in panels) + BAR + MARGIN
    question = wrap(comparison.question, width - 2 * MARGIN, QUESTION_SIZE, max_lines=4, weight="bold")
    answers = wrap_answers(comparison, width)
    header = MARGIN + len(question) * line_inches(QUESTION_SIZE) + 2 * line_inches(SMALL_SIZE) + 0.2
    body = max(panel.y + panel.height for panel in panels)
    looks = place_looks(comparison, width, picture.width / picture.height)
    strip = max((look.y + look.height + 0.15 for look in looks), default=0.0)
    table = 0.75 + sum(row_height(lines) for lines in answers) + line_inches(SMALL_SIZE)
    sheet = Sheet(width, header + body + strip + table + MARGIN)
    draw_header(sheet, comparison, question)
    for panel in panels:
        draw_panel(sheet, panel, header, picture, comparison)
    draw_bar(sheet, panels, header)
    for panel, look in zip(looks, comparison.looks, strict=True):
        draw_look(sheet, panel, header + body, picture, look)
    draw_table(sheet, comparison, answers, header + body + strip + 0.4)
    return sheet.figure


def place_panels(aspect: float) -> list[Panel]:
    """Five panels for a picture of width / height `aspect`: stacked if wide, in a row if tall, else two and three."""
    if aspect > 4.5:
        width, rows = 9.6, (1, 1, 1, 1, 1)
    elif aspect < 0.75:
        width, rows = max(5 * 2.2, min(5 * 5.2 * aspect, 15.0)) + 4 * GAP, (5,)
    else:
        width, rows = 9.6, (2, 3)
    panels: list[Panel] = []
    top = 0.0
    for num_columns in rows:
        side = (width - (num_columns - 1) * GAP) / num_columns
        height = min(max(side / aspect, 0.5), 6.5)
        for column in range(num_columns):
            panels.append(Panel(PANELS[len(panels)], MARGIN + column * (side + GAP), top + CAPTION, side, height))
        top += CAPTION + height + 0.15
    return panels


def place_looks(comparison: Comparison, width: float, aspect: float) -> list[Panel]:
    """A small panel for each look until sure, in rows below the others."""
    side = (width - 2 * MARGIN - (LOOKS_A_ROW - 1) * GAP) / LOOKS_A_ROW
    height = min(max(side / aspect, 0.5), LOOK_HEIGHT)
    panels = []
    for index in range(len(comparison.looks)):
        row, column = divmod(index, LOOKS_A_ROW)
        x, y = MARGIN + column * (side + GAP), 0.2 + row * (CAPTION + height + 0.15) + CAPTION
        panels.append(Panel(f"look {index + 1}", x, y, side, height))
    return panels


def draw_look(sheet: Sheet, panel: Panel, top: float, picture: Image.Image, look: Look) -> None:
    """What one look saw, with its leaves, under its tokens and its draft."""
    axes = sheet.axes(panel.x, top + panel.y, panel.width, panel.height)
    axes.set_anchor("NW")
    frame(axes)
    realization = look.realizations[0]
    seen = draw_seen(realization, fit(picture, LOOK_SIDE).size)
    axes.imshow(draw_leaves(seen, realization.allocation, LOOK_SIDE))
    draft = wrap(one_line(look.text) or "(empty)", panel.width, SMALL_SIZE, max_lines=1)[0]
    draw_caption(sheet, panel, top + panel.y - CAPTION + 0.06, panel.name, f"{look.num_tokens} tokens", draft)


def draw_header(sheet: Sheet, comparison: Comparison, question: list[str]) -> None:
    """The question, then the host and the tensions."""
    sheet.text(MARGIN, MARGIN, "\n".join(question), QUESTION_SIZE, weight="bold")
    below = MARGIN + len(question) * line_inches(QUESTION_SIZE) + 0.08
    facts = [f"host {comparison.host}", describe_tensions(comparison)]
    lines = [wrap(fact, sheet.width - 2 * MARGIN, SMALL_SIZE, max_lines=1)[0] for fact in facts]
    sheet.text(MARGIN, below, "\n".join(lines), SMALL_SIZE, MUTED)


def draw_panel(sheet: Sheet, panel: Panel, header: float, picture: Image.Image, comparison: Comparison) -> None:
    """One picture under its caption, at the left of the panel's box."""
    axes = sheet.axes(panel.x, header + panel.y, panel.width, panel.height)
    axes.set_anchor("NW")
    frame(axes)
    caption_y = header + panel.y - CAPTION + 0.06
    realization = comparison.realization
    if panel.name in SCORES:
        draw_score(axes, picture, realization, panel.name)
        weight = realization.tensions.weights[list(SCORES).index(panel.name)]
        draw_caption(sheet, panel, caption_y, panel.name, f"weight {weight:.2f}", SCORES[panel.name])
    elif panel.name == "leaves":
        axes.imshow(draw_leaves(picture, realization.allocation))
        num_tokens = realization.allocation.num_tokens
        draw_caption(sheet, panel, caption_y, "leaves", f"{num_tokens} token{'s' * (num_tokens > 1)}", "")
        draw_level_legend(sheet, panel, caption_y + line_inches(BODY_SIZE), realization.allocation)
    else:
        axes.imshow(fit(picture))
        width, height = comparison.image_size
        draw_caption(sheet, panel, caption_y, "picture", "", f"{width}×{height} pixels")


def draw_caption(sheet: Sheet, panel: Panel, y: float, title: str, aside: str, meaning: str) -> None:
    """A bold title with an aside on its line, and what it means below."""
    sheet.text(panel.x, y, title, BODY_SIZE, INK, weight="bold")
    sheet.text(panel.x + text_inches(title + " ", BODY_SIZE, "bold") + 0.04, y, aside, BODY_SIZE, MUTED)
    sheet.text(panel.x, y + line_inches(BODY_SIZE), meaning, SMALL_SIZE, MUTED)


def draw_level_legend(sheet: Sheet, panel: Panel, y: float, allocation: Allocation) -> None:
    """A coloured square per level with the number of its leaves, in the longest form that fits the panel."""
    counts = sorted(Counter(allocation.leaves[:, 0].tolist()).items())
    forms = ("level {}: {}", "L{}: {}", "L{}")
    for labels in ([form.format(*count) for count in counts] for form in forms):
        widths = [0.14 + text_inches(label, SMALL_SIZE) + 0.12 for label in labels]
        if sum(widths) - 0.12 <= panel.width:
            break
    for (level, _), label, x in zip(counts, labels, accumulate(widths, initial=panel.x), strict=False):
        sheet.text(x, y, "■", SMALL_SIZE, level_color(level))
        sheet.text(x + 0.14, y, label, SMALL_SIZE, MUTED)


def draw_bar(sheet: Sheet, panels: list[Panel], header: float) -> None:
    """The colour bar, right of the score maps and as high as they are together."""
    first, last = panels[-len(SCORES)], panels[-1]
    height = last.y + last.height - first.y
    draw_color_bar(sheet.axes(last.x + last.width + 0.15, header + first.y, 0.16, height))


def wrap_answers(comparison: Comparison, width: float) -> list[list[str]]:
    """The answer of every run in lines that fit the table's column."""
    column = width - 2 * MARGIN - sum(COLUMN_WIDTHS) - 0.1
    return [
        wrap(row[1], column, BODY_SIZE, max_lines=4, weight="bold") or ["(empty)"] for row in table_rows(comparison)
    ]


def row_height(lines: list[str]) -> float:
    return len(lines) * line_inches(BODY_SIZE) + 0.16


def draw_table(sheet: Sheet, comparison: Comparison, answers: list[list[str]], y: float) -> None:
    """A row per policy and look: the answer to the left, the costs right-aligned."""
    right = sheet.width - MARGIN
    draw_row(sheet, y, list(COLUMNS), SMALL_SIZE, MUTED, "normal")
    y += line_inches(SMALL_SIZE) + 0.1
    sheet.rule(MARGIN, right, y, INK, 1.0)
    for row, lines in zip(table_rows(comparison), answers, strict=True):
        cells = [row[0], "\n".join(lines), *row[2:]]
        size, color = (SMALL_SIZE, MUTED) if is_look(row) else (BODY_SIZE, INK)
        draw_row(sheet, y + 0.08, cells, size, color, "bold" if row[0] == "arr-coc" else "normal")
        y += row_height(lines)
        sheet.rule(MARGIN, right, y, RULE)
    note = estimate_note(comparison)
    if note:
        sheet.text(MARGIN, y + 0.08, note, SMALL_SIZE, MUTED)


def draw_row(sheet: Sheet, y: float, cells: list[str], size: float, color: str, weight: str) -> None:
    sheet.text(MARGIN, y, cells[0], size, color, weight=weight)
    sheet.text(MARGIN + COLUMN_WIDTHS[0], y, cells[1], size, color, weight=weight)
    x = sheet.width - MARGIN
    for cell, width in zip(reversed(cells[2:]), reversed(COLUMN_WIDTHS[2:]), strict=True):
        sheet.text(x, y, cell, size, color, weight=weight, ha="right")
        x -= width
