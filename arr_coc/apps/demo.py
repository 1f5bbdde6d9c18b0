"""`arr-coc demo`: ask a question about a picture and see where the visual tokens went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.answering import Asked, Shown, Values, respond, values_of
from arr_coc.apps.asking import OURS, Asker
from arr_coc.apps.choosing import DEFAULT_BUDGET, Fields, question_side, suit_picture
from arr_coc.apps.current import Current
from arr_coc.apps.pages import EXAMPLES, MOST_WAITING, head_html, new_page, note_html
from arr_coc.apps.telling import caution, foot_html, host_note, how_html
from arr_coc.apps.thread import link_html, read_link, save_report, thread_html, write_downloads
from arr_coc.apps.uploads import take_heic
from arr_coc.serving.private import KEPT_S

TAGLINE = "Visual tokens where the question needs them."
WAITING = note_html("Press Ask: the same question is answered three ways, side by side.")
QUEUED = note_html("Waiting for its turn …")
STOPPED = note_html("Stopped.")
CLEAR_STALE = "(now, stale) => (stale && now === stale ? '' : now)"
"""Decided in the browser: what was typed while the server answered stays."""
SHOW_ANSWER = """() => { const block = window.innerWidth < 700 ? "start" : "nearest";
  setTimeout(() => document.querySelector("#answer").scrollIntoView({ behavior: "smooth", block }), 400); }"""
API = (
    "Asks one question about one picture. Returns text (the answer), tokens (visual tokens read), "
    "tokens_at_full_resolution, seconds, and leaves: every visual token with its level (0 is the finest), its box "
    "(x0, y0, x1, y1 in fractions of the picture) and its sharpness in words. budget is 64 to 400 a picture, or 0 to "
    "look closer until it is sure: then confidence and looks, each with draft and cost, come as well. With compare, "
    "others holds the answers of plain resize and of full resolution. more takes further pictures of the question."
)


@dataclass(frozen=True, eq=False)
class Outputs:
    """What an answer fills, besides the thread."""

    answers: gr.HTML
    caution: gr.HTML
    looks: gr.HTML
    evidence: gr.HTML
    leaves: gr.HTML
    link: gr.HTML
    thread: gr.HTML
    overlay: gr.DownloadButton
    answer: gr.DownloadButton
    turns: gr.State

    def all(self) -> list[Any]:
        return list(vars(self).values())


def build_demo(model: str = "nano", *, max_upload_mb: int = 20, reports: str | Path | None = None) -> gr.Blocks:
    """The public page on one loaded model; serve it with `pages.serve` or `launch(**pages.launch_options(...))`.

    Args:
        model: nano, a folder, or an id of the Hugging Face hub.
        max_upload_mb: named on the page; the server enforces it by `launch_options`.
        reports: folder for the answers that people report, with their pictures; None offers no such button.

    Raises:
        ValueError: the model cannot be loaded.
    """
    asker = Asker(model)
    take_heic()
    gr.set_static_paths([EXAMPLES])
    with new_page("ARR-COC") as page:
        gr.HTML(head_html("", TAGLINE) + how_html(), padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=320):
                fields = question_side(max_upload_mb)
                gr.HTML(note_html(host_note(model)), padding=False, visible=bool(host_note(model)), elem_id="knows")
            with gr.Column(scale=7, min_width=320, elem_classes="arr-scope"):
                outputs = answer_side()
                if reports is not None:
                    build_report(Path(reports), fields, outputs.turns)
        gr.HTML(foot_html(model, reports is not None), padding=False)
        connect(page, asker, fields, outputs)
        build_api(asker, fields)
    return page.queue(max_size=MOST_WAITING, default_concurrency_limit=4)


def answer_side() -> Outputs:
    """The three answers, the looks, the evidence in columns, the leaves; below them what can be taken home."""
    answers = gr.HTML(WAITING, padding=False, elem_id="answer")
    note = gr.HTML("", padding=False, elem_id="caution")
    looks = gr.HTML("", padding=False, elem_id="looks")
    evidence = gr.HTML("", padding=False, elem_id="evidence")
    leaves = gr.HTML("", padding=False, elem_id="leaves")
    link = gr.HTML("", padding=False, elem_id="link")
    with gr.Row():
        overlay = gr.DownloadButton("Leaves as PNG", size="sm", visible=False, elem_id="get-overlay")
        answer = gr.DownloadButton("Answer as JSON", size="sm", visible=False, elem_id="get-answer")
    thread = gr.HTML("", padding=False, elem_id="thread")
    turns = gr.State([], time_to_live=int(KEPT_S))
    return Outputs(answers, note, looks, evidence, leaves, link, thread, overlay, answer, turns)


class Events:
    """What happens when somebody asks, stops or takes another picture; one answer at a time for each visitor."""

    def __init__(self, asker: Asker) -> None:
        self.asker, self.current = asker, Current()

    def begin(self, request: gr.Request) -> tuple[str, dict[str, Any]]:
        self.current.ask(request.session_hash)
        return QUEUED, gr.update(interactive=True)

    def stop(self, request: gr.Request) -> tuple[str, dict[str, Any]]:
        self.current.stop(request.session_hash)
        return STOPPED, gr.update(interactive=False)

    def change_picture(self, path: str | None, question: str, request: gr.Request) -> list[Any]:
        self.current.change_picture(request.session_hash)
        return another_picture(path, question)

    def run(
        self,
        path: str | None,
        more: list[str] | None,
        question: str,
        is_auto: bool,
        detail: float,
        compares: bool,
        turns: list[Values],
        request: gr.Request,
    ) -> Iterator[list[Any]]:
        """One for each `begin`, in their order; a stale one leaves nothing behind."""
        number = self.current.begin(request.session_hash)
        visitor, budget = request.session_hash, None if is_auto else round(detail or DEFAULT_BUDGET)
        asked = Asked(all_paths(path, more), question, budget, compares)
        for values in answer(self.asker, asked, turns, lambda: self.current.goes_on(visitor, number)):
            if not self.current.is_newest(visitor, number):
                break
            yield values
        if self.current.is_idle(visitor):
            yield nothing_shown()


def connect(page: gr.Blocks, asker: Asker, fields: Fields, outputs: Outputs) -> None:
    """Events: asking, stopping, another picture, a link that is opened."""
    events = Events(asker)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_name": False}
    asking = [fields.button.click, fields.question.submit]
    waiting = [outputs.answers, fields.stop]
    begun = gr.on(asking, events.begin, None, waiting, **quiet)
    gr.on(asking, None, None, None, js=SHOW_ANSWER, api_name=False)
    begun.then(
        events.run,
        [
            *(fields.picture, fields.more, fields.question, fields.is_auto, fields.detail, fields.compares),
            outputs.turns,
        ],
        [*outputs.all(), fields.stop],
        api_name=False,
        concurrency_limit=1,
        concurrency_id="model",
        show_progress="minimal",
        show_progress_on=outputs.answers,
        trigger_mode="multiple",
    )
    fields.stop.click(events.stop, None, waiting, **quiet)
    stale = gr.Textbox(visible=False)
    for change in (fields.picture.change, fields.more.change):
        cleared = change(
            events.change_picture,
            [fields.picture, fields.question],
            [stale, fields.suggestions, *outputs.all(), fields.stop],
            **quiet,
        )
        cleared.then(None, [fields.question, stale], fields.question, js=CLEAR_STALE, api_name=False)
    opened = [fields.picture, fields.question, fields.is_auto, fields.detail, fields.compares]
    page.load(open_page, None, opened, **quiet)


def answer(asker: Asker, asked: Asked, turns: list[Values], goes_on: Callable[[], bool]) -> Iterator[list[Any]]:
    """Yields values for `Outputs.all` and whether it can be stopped."""
    is_calibrated = asked.budget is not None or asker.processor.sureness.is_calibrated
    warning = caution(asker.name, asked.paths, is_calibrated)
    told = note_html(warning, "trouble") if warning else ""
    for shown in respond(asker, asked, goes_on):
        is_over = shown.turn is not None or shown.trouble is not None or not goes_on()
        values = values_for(asker, shown, turns, "" if shown.trouble is not None else told)
        yield [*values, gr.update(interactive=not is_over)]


def all_paths(path: str | None, more: list[str] | None) -> tuple[str, ...]:
    return tuple(filter(None, (path, *(more or ()))))


def values_for(asker: Asker, shown: Shown, turns: list[Values], told: str) -> list[Any]:
    """A step of an answer as values for `Outputs.all`; `told` is what to know of the answer."""
    parts = shown.answers, shown.looks, shown.evidence, shown.leaves
    steps = [gr.skip() if part is None else part for part in parts]
    turn = shown.turn
    if turn is None:
        downloads = [gr.skip() if shown.leaves is None or shown.leaves else gr.update(visible=False)] * 2
        return [steps[0], told, *steps[1:], "", thread_html(turns), *downloads, gr.skip()]
    values = values_of(turn, asker.name)
    files = write_downloads(turn.replies[OURS], values)
    downloads = [gr.update(value=path, visible=True) for path in files]
    return [steps[0], told, *steps[1:], link_html(turn), thread_html(turns), *downloads, [*turns, values]]


def another_picture(path: str | None, question: str) -> list[Any]:
    """Nothing of the old picture stays; a question of one's own does. First: the question that goes, if any."""
    kept, suggestions = suit_picture(path, question)
    return ["" if kept else question, suggestions, *nothing_shown()]


def nothing_shown() -> list[Any]:
    """Values for `Outputs.all` before anything was asked, and that there is nothing to stop."""
    hidden = gr.update(visible=False, value=None)
    return [WAITING, *[""] * 6, hidden, hidden, [], gr.update(interactive=False)]


def open_page(request: gr.Request) -> list[Any]:
    """The first example with its first question, or what a link says."""
    start = read_link(dict(request.query_params), None)
    is_auto = start.budget is None
    detail = gr.update(interactive=False) if is_auto else gr.update(value=start.budget, interactive=True)
    return [start.path, start.question, is_auto, detail, start.compares]


def build_report(folder: Path, fields: Fields, turns: gr.State) -> None:
    """A note on the last answer, kept on this machine with its picture: only what people send here is."""
    with gr.Accordion("Report this answer", open=False, elem_id="report"):
        comment = gr.Textbox(label="What is wrong with it?", lines=2, elem_id="report-comment")
        send = gr.Button(
            "Send picture, question and answers to whoever runs this page", size="sm", elem_id="report-send"
        )
        told = gr.HTML("", padding=False, elem_id="report-told")
    send.click(
        partial(report, folder),
        [fields.picture, fields.more, turns, comment],
        [told, comment],
        api_name=False,
        queue=False,
        show_progress="hidden",
    )


def report(
    folder: Path, path: str | None, more: list[str] | None, turns: list[Values], comment: str
) -> tuple[str, str]:
    """What to tell the person, and the emptied comment."""
    return note_html(save_report(folder, all_paths(path, more), turns[-1] if turns else None, comment)), ""


def build_api(asker: Asker, fields: Fields) -> None:
    """The endpoint /ask, for programs; its fields are not shown."""
    budget = gr.Number(DEFAULT_BUDGET, visible=False, label="budget", precision=0)
    compare = gr.Checkbox(False, visible=False, label="compare")
    result, trigger = gr.JSON(visible=False, label="answer"), gr.Button(visible=False)
    more = gr.File(file_count="multiple", visible=False, label="more")
    inputs = [fields.picture, fields.question, budget, compare, more]
    trigger.click(
        partial(ask, asker), inputs, result, api_name="ask", api_description=API, concurrency_id="model",
        concurrency_limit=1,
    )  # fmt: skip


def ask(
    asker: Asker, picture: str | None, question: str, budget: int | None, compare: bool, more: list[str] | None = None
) -> Values:
    """Raises gr.Error with one line for a picture or a question that can't be asked about."""
    *_, shown = respond(asker, Asked(all_paths(picture, more), question, budget or None, compare))
    if shown.turn is None:
        raise gr.Error(str(shown.trouble), print_exception=False)
    return values_of(shown.turn, asker.name)
