"""The side of the demo where one chooses: pictures, question, detail, examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from arr_coc.apps.examples import example_of, read_examples
from arr_coc.apps.pages import note_html
from arr_coc.apps.uploads import MOST_PICTURES, check_picture, friendly, picture_input, shown_copy
from arr_coc.records import MAX_BUDGET, MIN_BUDGET

DEFAULT_BUDGET = 160
"""Where the slider stands; unless one moves it, the page looks until it is sure (test_apps_demo.py measures both)."""
BROUGHT = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".ppm"]
TOO_MANY = f"At most {MOST_PICTURES} pictures are read for one question."


@dataclass(frozen=True, eq=False)
class Fields:
    """The fields of a question."""

    picture: gr.Image
    more: gr.File
    question: gr.Textbox
    suggestions: gr.Dataset
    compares: gr.Checkbox
    is_auto: gr.Checkbox
    detail: gr.Slider
    button: gr.Button
    stop: gr.Button


def question_side(max_upload_mb: int) -> Fields:
    """Fields from top to bottom; "detail" can be moved unless it is automatic."""
    picture = picture_input(f"Picture (up to {max_upload_mb} MB): upload, drop or paste", height=300)
    told = gr.HTML("", padding=False, elem_id="told")
    more = more_pictures()
    gr.HTML(note_html("No picture at hand? Take one of these:"), padding=False)
    gallery = example_gallery()
    question = gr.Textbox(
        label="Question", placeholder="What do you want to know about it?", lines=1, max_lines=4, elem_id="question"
    )
    suggestions = suggestion_row(question)
    gallery.select(
        pick_example, None, [picture, question, suggestions], show_progress="hidden", queue=False, api_name=False
    )
    with gr.Row():
        button = gr.Button("Ask", variant="primary", elem_id="ask", scale=3)
        stop = gr.Button("Stop", interactive=False, elem_id="stop", scale=1, min_width=80)
    compares, is_auto, detail = setting_fields()
    picture.upload(take_upload, picture, [picture, told], show_progress="hidden", queue=False, api_name=False)
    picture.upload(
        lambda: gr.Gallery(selected_index=None), None, gallery, show_progress="hidden", queue=False, api_name=False
    )
    gallery.select(lambda: "", None, told, show_progress="hidden", queue=False, api_name=False)
    more.upload(take_more, more, [more, told], show_progress="hidden", queue=False, api_name=False)
    gallery.select(lambda: None, None, more, show_progress="hidden", queue=False, api_name=False)
    return Fields(picture, more, question, suggestions, compares, is_auto, detail, button, stop)


def more_pictures() -> gr.File:
    """Further pictures of the same question, folded away."""
    with gr.Accordion("More pictures for the same question", open=False, elem_id="further"):
        return gr.File(
            label=f"Up to {MOST_PICTURES - 1} more",
            file_count="multiple",
            file_types=BROUGHT,
            height=140,
            elem_id="more",
        )


def setting_fields() -> tuple[gr.Checkbox, gr.Checkbox, gr.Slider]:
    """Whether to compare, whether detail is automatic, and how much of it there is."""
    detail = gr.Slider(
        MIN_BUDGET,
        MAX_BUDGET,
        DEFAULT_BUDGET,
        step=1,
        label="Detail without auto (most visual tokens of a picture)",
        interactive=False,
        elem_id="detail",
    )
    with gr.Row():
        is_auto = gr.Checkbox(
            True, label="Detail: auto", info="looks closer until it is sure", elem_id="auto", min_width=150
        )
        compares = gr.Checkbox(
            True, label="Compare", info="with resize and full resolution", elem_id="compares", min_width=150
        )
    is_auto.change(
        lambda auto: gr.update(interactive=not auto),
        is_auto,
        detail,
        show_progress="hidden",
        queue=False,
        api_name=False,
    )
    return compares, is_auto, detail


def take_upload(path: str | None) -> tuple[Any, str]:
    """The picture in a form that the browser shows, or none and the reason why."""
    if path is None:
        return gr.skip(), ""
    try:
        shown = shown_copy(check_picture(path))
    except ValueError as error:
        return None, note_html(friendly(error, path), "trouble")
    return gr.skip() if shown == path else shown, ""


def take_more(paths: list[str] | None) -> tuple[Any, str]:
    """Those of the further pictures that can be asked about, and why the first other one can't."""
    kept, trouble = [], ""
    for path in paths or []:
        try:
            kept.append(check_picture(path))
        except ValueError as error:
            trouble = trouble or note_html(friendly(error, path), "trouble")
    if len(kept) > MOST_PICTURES - 1:
        kept, trouble = kept[: MOST_PICTURES - 1], note_html(TOO_MANY, "trouble")
    return kept or None, trouble


def suit_picture(path: str | None, question: str) -> tuple[str, gr.Dataset]:
    """What stays of question and suggestions once the picture is another: a question of one's own does."""
    example = example_of(path)
    is_shipped = any(question in each.questions for each in read_examples())
    samples = [[text] for text in example.questions] if example else [[""]]
    keeps = not is_shipped or (example is not None and question in example.questions)
    return question if keeps else "", gr.Dataset(samples=samples, visible=example is not None)


def follow_picture(path: str | None) -> tuple[gr.Dataset, Any]:
    """Suggestions and gallery of a form once its picture is another, whoever put it there."""
    return suit_picture(path, "")[1], gr.skip() if example_of(path) else gr.Gallery(selected_index=None)


def example_gallery() -> gr.Gallery:
    return gr.Gallery(
        [(str(example.path), example.title) for example in read_examples()],
        show_label=False,
        columns=8,
        allow_preview=False,
        object_fit="cover",
        buttons=[],
        elem_id="examples",
    )


def suggestion_row(question: gr.Textbox) -> gr.Dataset:
    """Questions about the picked example; hidden until one is picked."""
    row = gr.Dataset(
        components=[question],
        samples=[[text] for text in read_examples()[0].questions],
        label="Questions about this example",
        visible=False,
        elem_id="suggestions",
    )
    row.click(lambda chosen: chosen[0], row, question, show_progress="hidden", queue=False, api_name=False)
    return row


def pick_example(event: gr.SelectData) -> tuple[str, str, gr.Dataset]:
    """Picture, its first question and all its questions."""
    example = read_examples()[event.index]
    samples = [[text] for text in example.questions]
    return str(example.path), example.questions[0], gr.Dataset(samples=samples, visible=True)
