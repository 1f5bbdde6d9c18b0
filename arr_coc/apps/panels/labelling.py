"""The part of the tab "Batch" where a folder of pictures gets its questions, in the form on top of the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.batches import Batches
from arr_coc.apps.drawing import parse_answers, parse_boxes
from arr_coc.apps.labelling import add_label, next_picture
from arr_coc.apps.pages import note_html
from arr_coc.apps.unpacking import unpack
from arr_coc.apps.uploads import check_picture
from arr_coc.pictures.opening import image_size

QUICK: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
HELP = "Take a picture, then write question, accepted answer and boxes in the form on top, and save."


def build_labelling(batches: Batches, exports: Path, asked: Sequence[gr.components.Component]) -> None:
    """Components and their events; nothing where no folder was given at start."""
    if not batches.folders:
        return
    picture, question, _, _, _, accepted, evidence, _ = asked
    current = gr.State("")
    with gr.Accordion("Label a folder by hand", open=False, elem_id="labelling"):
        folder = gr.Dropdown(batches.folders, value=batches.folders[0], label="Folder", elem_id="label-folder")
        with gr.Row():
            take = gr.Button("Next picture without a question", elem_id="label-next")
            save = gr.Button("Save as a line of qa.jsonl", elem_id="label-save")
        status = gr.HTML(note_html(HELP), padding=False, elem_id="label-status")
    take.click(
        partial(take_next, batches, exports),
        [folder, current],
        [status, current, picture, question, accepted, evidence],
        **QUICK,
    )
    save.click(partial(save_label, batches), [folder, current, picture, question, accepted, evidence], status, **QUICK)


def take_next(batches: Batches, exports: Path, folder: str, current: str) -> tuple[Any, ...]:
    """Status, name, and the fields of the form: the picture, and nothing said of it yet."""
    try:
        place = batches.given(folder)
        name = next_picture(place, current)
        if name is None:
            return note_html("Every picture of the folder has a question."), "", *[gr.skip()] * 4
        copy = unpack(exports, name, (place / name).read_bytes())
    except ValueError as error:
        return note_html(str(error), "trouble"), gr.skip(), *[gr.skip()] * 4
    return note_html(f"{name}: {HELP}"), name, str(copy), "", "", ""


def save_label(
    batches: Batches, folder: str, name: str, path: str | None, question: str, accepted: str, evidence: str
) -> str:
    """What became of it, in one line."""
    try:
        place = batches.given(folder)
        if not name:
            raise ValueError("label: take a picture of the folder first")
        path = check_picture(path)
        boxes = parse_boxes(evidence, image_size(path), "evidence")
        count = add_label(place, name, Path(path).read_bytes(), question, parse_answers(accepted), boxes)
    except ValueError as error:
        return note_html(str(error), "trouble")
    return note_html(f"saved; the folder has {count} questions. Another one about this picture, or the next picture?")
