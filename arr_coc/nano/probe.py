"""Where reading of real pictures fails: at the glyphs, at finding, or at the wording.

The same question is asked about the same answer in four ways: in place; in a perfect crop around the answer; with the
answer typeset plainly, alone; and with the answer typeset plainly into its place. A host that reads plain print but
not the crop fails at the glyphs; one that reads it alone but not in place fails at finding. The curve is how many
questions of a folder are answered at full resolution. Both are for looking, never for choosing weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from transformers import PreTrainedModel

from arr_coc.data.drawing.fonts import font_size, load_font
from arr_coc.data.records import Box
from arr_coc.data.scoring.exact import exact_match
from arr_coc.data.tasks import FolderTask, Sample
from arr_coc.processor.answer import answer
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.processor.processor import RelevanceProcessor

PRINT_PX = 24
FRAME = (320, 160)
SETTINGS = ("in place", "crop", "typeset alone", "typeset in place")
CURRENCY = re.compile(r"(?i)\b(?:rm|usd|eur|gbp|chf|myr)\b|[$€£\s]")


@dataclass(frozen=True)
class Outcome:
    """One answer: what was asked about, in which of `SETTINGS`, what came back, and whether it is right."""

    question: str
    setting: str
    accepted: str
    given: str
    is_right: bool


def bare(text: str) -> str:
    """Without blanks and currencies."""
    return CURRENCY.sub("", text)


def is_right(given: str, accepted: tuple[str, ...]) -> bool:
    """Exact match after blanks and currencies are left out."""
    return bool(exact_match(bare(given), [bare(text) for text in accepted]))


def is_short_print(sample: Sample) -> bool:
    """Whether the answer is a number, an amount or a date that is marked in one place."""
    text = sample.answers[0]
    return bool(sample.boxes) and len(sample.boxes or ()) == 1 and len(text) <= 12 and any(c.isdigit() for c in text)


def probed(task: FolderTask, limit: int) -> list[Sample]:
    """The first samples that can be probed.

    Raises:
        ValueError: there is none.
    """
    indices = (index for index in range(len(task)) if is_short_print(task[index]))
    samples = [task[index] for index, _ in zip(indices, range(limit), strict=False)]
    if not samples:
        raise ValueError(f"folder: {task.name} has no short printed answer with one box")
    return samples


def cropped(image: Image.Image, box: Box) -> Image.Image:
    """The box with a third of its height around it, its print `PRINT_PX` high."""
    x0, y0, x1, y1 = box
    pad = (y1 - y0) / 3
    piece = image.crop((int(max(0, x0 - pad)), int(max(0, y0 - pad)), int(x1 + pad), int(y1 + pad)))
    scale = PRINT_PX / max(1.0, y1 - y0)
    return framed(piece.resize((max(8, round(piece.width * scale)), max(8, round(piece.height * scale)))))


def framed(piece: Image.Image) -> Image.Image:
    """A piece in the middle of a sheet of its own paper that the host need not blow up."""
    width, height = max(FRAME[0], piece.width + PRINT_PX), max(FRAME[1], piece.height + PRINT_PX)
    paper = tuple(int(value) for value in np.median(np.asarray(piece).reshape(-1, 3), axis=0))
    sheet = Image.new("RGB", (width, height), paper)
    sheet.paste(piece, ((width - piece.width) // 2, (height - piece.height) // 2))
    return sheet


def typeset(text: str, height: int) -> Image.Image:
    """The text in a plain typeface, black on white, its digits three quarters of `height` pixels high."""
    font = load_font("sans", font_size("sans", 0.75 * height))
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (round(right - left) + height // 2, max(height, round(bottom - top) + 2)), "white")
    ImageDraw.Draw(image).text((height // 4 - left, (image.height - bottom - top) // 2), text, font=font, fill="black")
    return image


def set_in_place(image: Image.Image, box: Box, text: str) -> Image.Image:
    """The picture with the plain text over the box."""
    x0, y0, x1, y1 = (round(side) for side in box)
    line = typeset(text, max(8, y1 - y0)).resize((max(1, x1 - x0), max(1, y1 - y0)))
    copy = image.copy()
    copy.paste(line, (x0, y0))
    return copy


def shown(sample: Sample) -> Iterator[tuple[str, Image.Image]]:
    """The sample in each of `SETTINGS`."""
    assert sample.boxes
    image, text = sample.image.convert("RGB"), sample.answers[0]
    pictures = (
        image,
        cropped(image, sample.boxes[0]),
        framed(typeset(text, PRINT_PX)),
        set_in_place(image, sample.boxes[0], text),
    )
    yield from zip(SETTINGS, pictures, strict=True)


def ask_whole(model: PreTrainedModel, processor: RelevanceProcessor, image: Image.Image, question: str) -> str:
    """The host's answer about a picture at its full resolution."""
    inputs = plain_inputs(processor.host, question_messages(image, question))
    return answer(model, processor.tokenizer, inputs).text


def probe(model: PreTrainedModel, processor: RelevanceProcessor, folder: Path, limit: int) -> Iterator[Outcome]:
    """Up to `limit` short printed answers of a folder in each of `SETTINGS`.

    Raises:
        ValueError: no `qa.jsonl`, or nothing in it that can be probed.
    """
    for sample in probed(FolderTask(folder), limit):
        for setting, image in shown(sample):
            given = ask_whole(model, processor, image, sample.question)
            yield Outcome(sample.question, setting, sample.answers[0], given, is_right(given, sample.answers))


def curve(model: PreTrainedModel, processor: RelevanceProcessor, folder: Path, limit: int) -> Iterator[Outcome]:
    """Up to `limit` questions of a folder, evenly spread over it, at full resolution; `setting` is its "field", if any.

    Raises:
        ValueError: no `qa.jsonl`, or one that cannot be read.
    """
    task = FolderTask(folder)
    lines = (folder / "qa.jsonl").read_text(encoding="utf-8").splitlines()
    fields = [json.loads(line).get("field", "all") for line in lines if line.strip()]
    for index in sorted({round(k * len(task) / limit) for k in range(limit)} & set(range(len(task)))):
        sample = task[index]
        given = ask_whole(model, processor, sample.image.convert("RGB"), sample.question)
        yield Outcome(sample.question, str(fields[index]), sample.answers[0], given, is_right(given, sample.answers))


def shares(outcomes: list[Outcome]) -> list[tuple[str, int, int]]:
    """(setting, right, asked), in the order in which the settings come."""
    settings = list(dict.fromkeys(outcome.setting for outcome in outcomes))
    return [
        (
            setting,
            sum(o.is_right for o in outcomes if o.setting == setting),
            sum(o.setting == setting for o in outcomes),
        )
        for setting in settings
    ]
