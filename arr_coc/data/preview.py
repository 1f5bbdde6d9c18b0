"""Looking at the data: contact sheets, and folders of pictures with their questions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import isinf
from pathlib import Path

from PIL import Image, ImageDraw

from arr_coc.data.drawing.colours import PALETTE, VIVID
from arr_coc.data.drawing.fonts import load_font
from arr_coc.data.drawing.lifelike.generator import lifelike
from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds
from arr_coc.data.mixture import mixture
from arr_coc.data.records import Picture, Question
from arr_coc.files.writing import replacing_folder

CAPTION_PX, GAP_PX = 13, 8
LINE_PX = CAPTION_PX + 4


def contact_sheet(
    seeds: Sequence[int],
    *,
    kind: str | None = None,
    draw_boxes: bool = True,
    num_questions: int = 3,
    columns: int = 4,
    cell_px: int = 420,
    is_lifelike: bool = False,
) -> Image.Image:
    """Pictures of the mixture side by side, each above its questions; evidence boxes in the question's colour.

    Raises:
        ValueError: no seeds, or an argument that `mixture` cannot use.
    """
    if not seeds:
        raise ValueError("seeds must not be empty")
    draw = lifelike_in_turn if is_lifelike else mixture
    pictures = (draw(seed, num_questions, kind=kind) for seed in seeds)
    cells = [preview_cell(picture, draw_boxes=draw_boxes, cell_px=cell_px) for picture in pictures]
    columns = min(columns, len(cells))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    height = sum(max(cell.height for cell in row) + GAP_PX for row in rows) + GAP_PX
    sheet = Image.new("RGB", (columns * (cell_px + GAP_PX) + GAP_PX, height), (64, 66, 70))
    y = GAP_PX
    for row in rows:
        for column, cell in enumerate(row):
            sheet.paste(cell, (GAP_PX + column * (cell_px + GAP_PX), y))
        y += max(cell.height for cell in row) + GAP_PX
    return sheet


def lifelike_in_turn(seed: int, num_questions: int, *, kind: str | None) -> Picture:
    """A lifelike picture; where no kind is wished, neighbouring seeds draw all kinds in turn."""
    kinds = tuple(lifelike_kinds())
    return lifelike(seed, kind=kind or kinds[seed % len(kinds)], num_questions=num_questions)


def preview_cell(picture: Picture, *, draw_boxes: bool, cell_px: int) -> Image.Image:
    """One picture, reduced to `cell_px`, with a line of text for each question below."""
    image = picture.image.copy()
    image.thumbnail((cell_px, cell_px), Image.Resampling.BOX)
    scale = image.width / picture.image.width
    cell = Image.new("RGB", (cell_px, image.height + 2 * LINE_PX * len(picture.questions) + 4), (250, 250, 250))
    cell.paste(image)
    pen = ImageDraw.Draw(cell)
    font = load_font("sans", CAPTION_PX)
    y = image.height + 2
    for question, name in zip(picture.questions, VIVID * 2, strict=False):
        colour = PALETTE[name]
        if draw_boxes:
            for box in question.boxes:
                pen.rectangle([side * scale for side in box], outline=colour, width=2)
        pen.rectangle((2, y + 2, 10, y + 2 * LINE_PX - 4), fill=colour)
        pen.text((14, y), question.text, font=font, fill=(20, 20, 20))
        pen.text((14, y + LINE_PX), f"{question.answers[0]}   ({question.kind})", font=font, fill=(90, 90, 90))
        y += 2 * LINE_PX
    return cell


def question_fields(question: Question, image: str) -> dict[str, object]:
    """A question as a line of `qa.jsonl`; `glyph_px` is left out where a glimpse is enough."""
    fields: dict[str, object] = {
        "image": image,
        "question": question.text,
        "answers": list(question.answers),
        "boxes": [[round(side, 1) for side in box] for box in question.boxes],
        "kind": question.kind,
        "group": question.group,
        "difficulty": question.difficulty,
    }
    if not isinf(question.glyph_px):
        fields["glyph_px"] = round(question.glyph_px, 2)
    return fields


def write_dataset(
    out_dir: str | Path, seeds: Iterable[int], *, num_questions: int = 8, kind: str | None = None, max_side: int = 4096
) -> int:
    """Writes PNG pictures and a `qa.jsonl` that `FolderTask` reads; returns the number of questions.

    Everything is written into a folder beside `out_dir`, which is renamed at the end: a run that is cut
    short leaves no half-written `out_dir`.

    Raises:
        ValueError: `out_dir` exists and is not an empty folder.
    """
    target = Path(out_dir)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"out_dir {target} exists and is not an empty folder")
    with replacing_folder(target) as draft:
        return write_pictures(draft, seeds, num_questions, kind, max_side)


def write_pictures(folder: Path, seeds: Iterable[int], num_questions: int, kind: str | None, max_side: int) -> int:
    """Pictures into `images/`, their questions into `qa.jsonl`; returns the number of questions."""
    (folder / "images").mkdir()
    num = 0
    with (folder / "qa.jsonl").open("w", encoding="utf-8") as lines:
        for seed in seeds:
            picture = mixture(seed, num_questions, kind=kind, max_side=max_side)
            image = f"images/{picture.kind}-{seed}.png"
            picture.image.save(folder / image)
            for question in picture.questions:
                lines.write(json.dumps(question_fields(question, image)) + "\n")
                num += 1
    return num
