"""The side of the demo where one chooses: picture, question, detail, examples."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from arr_coc.apps.examples import read_examples
from arr_coc.apps.uploads import picture_input
from arr_coc.records import MAX_BUDGET, MIN_BUDGET


@dataclass(frozen=True, eq=False)
class Asked:
    """The fields of a question."""

    picture: gr.Image
    question: gr.Textbox
    uses_relevance: gr.Checkbox
    is_auto: gr.Checkbox
    detail: gr.Slider
    button: gr.Button


def question_side(max_upload_mb: int) -> Asked:
    """Fields from top to bottom; "detail" can be moved once it is not automatic."""
    picture = picture_input(f"Picture (up to {max_upload_mb} MB)", height=300)
    gr.HTML('<p class="arr-note">No picture at hand? Take one of these:</p>', padding=False)
    gallery = example_gallery()
    question = gr.Textbox(
        label="Question", placeholder="What do you want to know about it?", lines=1, max_lines=4, elem_id="question"
    )
    suggestions = suggestion_row(question)
    gallery.select(
        pick_example, None, [picture, question, suggestions], show_progress="hidden", queue=False, api_name=False
    )
    button = gr.Button("Ask", variant="primary", elem_id="ask")
    with gr.Row():
        uses_relevance = gr.Checkbox(
            True, label="Use ARR-COC", info="off: full resolution", elem_id="relevance", min_width=150
        )
        is_auto = gr.Checkbox(
            True, label="Detail: auto", info="as picture and question ask for", elem_id="auto", min_width=150
        )
    detail = gr.Slider(
        MIN_BUDGET, MAX_BUDGET, 160, step=1, label="Detail (most visual tokens)", interactive=False, elem_id="detail"
    )
    for switch in (uses_relevance, is_auto):
        switch.change(
            lambda relevance, auto: (gr.update(interactive=relevance), gr.update(interactive=relevance and not auto)),
            [uses_relevance, is_auto],
            [is_auto, detail],
            show_progress="hidden",
            queue=False,
            api_name=False,
        )
    return Asked(picture, question, uses_relevance, is_auto, detail, button)


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
