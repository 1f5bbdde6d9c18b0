"""`arr-coc demo`: ask a question about a picture and see where the visual tokens went."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from arr_coc.apps.asking import FULL, OURS, Asker, Reply
from arr_coc.apps.choosing import question_side
from arr_coc.apps.pages import EXAMPLES, MOST_WAITING, answer_html, facts_html, head_html, new_page, note_html
from arr_coc.apps.uploads import check_picture, friendly
from arr_coc.serving.private import KEPT_S
from arr_coc.views.overlay import realization_html
from arr_coc.views.reconstruction import draw_before_after
from arr_coc.views.table import format_seconds

TAGLINE = "Visual tokens where the question needs them."
WAITING = "The answer will appear here."
LEAVES_WAIT = "The picture with its leaves: fine where the question needs detail, coarse elsewhere."
NO_LEAVES = "At full resolution every part of the picture is read alike: there are no leaves."
SLIDER_NOTE = "Left of the handle: plain resize with as many tokens. Right: ARR-COC."
KEPT = f"uploads and all that is made of them are deleted after {KEPT_S / 60:.0f} minutes, nothing is recorded"
SHOW_ANSWER = """() => { const place = window.innerWidth < 700 ? "start" : "nearest";
  document.querySelector("#answer").scrollIntoView({ behavior: "smooth", block: place }); }"""
Times = dict[tuple[str, str], dict[tuple[str, bool], float]]
"""Seconds to the first word under picture and question, by the way of reading and whether it was remembered."""


def build_demo(model: str = "nano", *, max_upload_mb: int = 20) -> gr.Blocks:
    """The public page on one loaded model; serve it with `pages.serve` or `launch(**pages.launch_options(...))`.

    Args:
        model: nano, a folder, or an id of the Hugging Face hub.
        max_upload_mb: named on the page; the server enforces it by `launch_options`.

    Raises:
        ValueError: the model cannot be loaded.
    """
    asker = Asker(model)
    gr.set_static_paths([EXAMPLES])
    with new_page("ARR-COC") as page:
        gr.HTML(head_html("", TAGLINE), padding=False)
        times = gr.State({})
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                asked = question_side(max_upload_mb)
            with gr.Column(scale=6, min_width=320):
                shown = answer_side()
        gr.HTML(foot_html(model), padding=False)
        asking = [asked.button.click, asked.question.submit]
        gr.on(asking, None, None, None, js=SHOW_ANSWER, api_name=False)
        gr.on(
            asking,
            partial(respond, asker),
            [asked.picture, asked.question, asked.uses_relevance, asked.is_auto, asked.detail, times],
            [*shown, times],
            api_name="ask",
            concurrency_limit=1,
            show_progress="hidden",
        )
    return page.queue(max_size=MOST_WAITING, default_concurrency_limit=4)


def answer_side() -> list[gr.components.Component]:
    """Answer, figures, leaves and the before/after slider, in the order that `respond` fills them."""
    answer = gr.HTML(answer_html("", WAITING, "empty"), padding=False, elem_id="answer")
    facts = gr.HTML("", padding=False, elem_id="facts")
    with gr.Tab("Where it looked"):
        leaves = gr.HTML(note_html(LEAVES_WAIT), padding=False, elem_id="leaves")
    with gr.Tab("What it saw"):
        gr.HTML(note_html(SLIDER_NOTE), padding=False)
        slider = gr.ImageSlider(
            label="resize | ARR-COC",
            show_label=False,
            interactive=False,
            elem_id="slider",
            buttons=["fullscreen"],
            format="jpeg",
        )
    return [answer, facts, leaves, slider]


def respond(
    asker: Asker,
    path: str | None,
    question: str,
    uses_relevance: bool,
    is_auto: bool,
    detail: float,
    times: Times,
) -> Iterator[tuple[Any, ...]]:
    """Yields values for `answer_side` and the times: the growing answer first, the pictures with the last one."""
    reply = None
    try:
        path = check_picture(path)
        yield answer_html(question, "Looking …", "empty"), "", gr.skip(), gr.skip(), times
        way = OURS if uses_relevance else FULL
        for reply in asker.ask(path, question, None if is_auto else round(detail), way):
            yield answer_html(question, reply.text or "…"), gr.skip(), gr.skip(), gr.skip(), times
    except ValueError as error:
        yield answer_html(question, friendly(error, path), "trouble"), "", note_html(LEAVES_WAIT), None, times
        return
    assert reply is not None
    resized = asker.size_of(reply.picture, reply.num_tokens)
    times = note_time(times, path, reply)
    yield answer_html(question, reply.text or "(no answer)"), *result(reply, resized, times[path, question]), times


def result(reply: Reply, resized: tuple[int, int], seconds: dict[tuple[str, bool], float]) -> tuple[str, str, Any]:
    """Figures, leaves and the two pictures of a finished reply."""
    facts = facts_html(facts_of(reply, seconds))
    if reply.realization is None:
        return facts, note_html(NO_LEAVES), None
    pictures = draw_before_after(reply.picture, reply.realization, resized)
    return facts, realization_html(reply.picture, reply.realization), pictures


def facts_of(reply: Reply, seconds: dict[tuple[str, bool], float]) -> dict[str, str]:
    """What stands beside the answer; the speed only where both ways were measured alike, new or remembered."""
    facts = {"visual tokens read": f"{reply.num_tokens:,}"}
    if reply.realization is not None:
        facts[f"tokens saved of {reply.num_full:,} at full resolution"] = saved_text(reply.num_tokens, reply.num_full)
    again = ", picture seen before" if reply.is_remembered else ""
    facts[f"to the first word{again}"] = format_seconds(reply.first_s)
    facts["in all"] = format_seconds(reply.total_s)
    for is_remembered in (False, True):
        if (OURS, is_remembered) in seconds and (FULL, is_remembered) in seconds:
            ratio = seconds[FULL, is_remembered] / seconds[OURS, is_remembered]
            kind = "second question about the picture" if is_remembered else "first question about the picture"
            facts[f"speed of ARR-COC over full resolution, {kind}"] = f"{ratio:.1f}×"
    return facts


def saved_text(num_tokens: int, num_full: int) -> str:
    """Share of the tokens of full resolution that were not read, in percent; below 0 where more were read."""
    return f"{round(100 * (1 - num_tokens / num_full))}%"


def note_time(times: Times, path: str, reply: Reply) -> Times:
    """The times with the reply's first word under its picture, question, way and whether it was remembered."""
    key = path, reply.question
    return {**times, key: {**times.get(key, {}), (reply.way, reply.is_remembered): reply.first_s}}


def foot_html(model: str) -> str:
    return f'<div class="arr-foot">Model {escape(model)} · {KEPT} · answers can be wrong</div>'
