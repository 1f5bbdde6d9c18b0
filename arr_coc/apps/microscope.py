"""`arr-coc microscope`: checkpoints, policies and budgets side by side on the same picture and question."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.batches import Batches
from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.choosing import example_gallery, follow_picture, pick_example, suggestion_row
from arr_coc.apps.drawing import BETWEEN, as_pixels, boxes_text, build_drawing
from arr_coc.apps.notebook import Notebook
from arr_coc.apps.pages import EXAMPLES, MOST_WAITING, head_html, new_page, note_html
from arr_coc.apps.panels.batch import build_batch
from arr_coc.apps.panels.choices import ASKED_BUDGETS, policy_field
from arr_coc.apps.panels.comparing import Request, entry_html, examine_all, findings_html, read_request
from arr_coc.apps.panels.history import build_history
from arr_coc.apps.panels.inside import Shown, build_inside
from arr_coc.apps.panels.report import build_report
from arr_coc.apps.session import make_entry
from arr_coc.apps.unpacking import unpack
from arr_coc.apps.uploads import friendly, picture_input
from arr_coc.apps.variants import OURS
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.running.runner import fractions
from arr_coc.pictures.opening import open_image
from arr_coc.serving.private import KEPT_S

TAGLINE = "Variants side by side, and what each of them looks at."
WAITING = note_html("Choose a picture, a question and variants, then compare.")
NUM_FIELDS = 8
"""Of the form: picture, question, checkpoints, policies, budgets, accepted answer, evidence, region."""


def build_microscope(
    models: Sequence[str] = ("nano",),
    *,
    max_loaded: int = 2,
    reports: str | Path = "out",
    history: str | Path | None = None,
    folders: Sequence[str | Path] = (),
) -> gr.Blocks:
    """The researcher's page.

    Args:
        models: checkpoints: nano, folders, or ids of the Hugging Face hub; each is loaded when it is first asked.
        max_loaded: checkpoints kept in memory at once.
        reports: folder under which `arr-coc eval` writes.
        history: file that entries are kept in, batches in a folder beside it; None keeps both as long as the page.
        folders: folders of pictures that a batch may ask, or that are labelled by hand; no other is read.

    Raises:
        ValueError: no models, or room for none; a history that is broken, not ours or cannot be written.
    """
    manager = CheckpointManager(list(models), max_loaded)
    own = tempfile.TemporaryDirectory(prefix="arr-coc-")
    exports = Path(own.name)
    notebook = Notebook(Path(history) if history is not None else exports / "history.sqlite3")
    batches = Batches(notebook.path.parent / "batches", folders)
    gr.set_static_paths([EXAMPLES])
    with new_page("ARR-COC microscope") as page:
        page.own = own  # lives as long as the page
        gr.HTML(head_html("microscope", TAGLINE), padding=False)
        state = gr.State(None, time_to_live=int(KEPT_S))
        asked, button = build_question(manager)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Side by side", id="cards"):
                status = gr.HTML(WAITING, padding=False, elem_id="status")
                cards = gr.HTML("", padding=False, elem_id="cards")
            shown = [status, cards, state, tabs]
            with gr.Tab("Inside", id="inside") as inside:
                show_inside = build_inside(manager, notebook, state, inside)
            with gr.Tab("History", id="history") as past:
                back = partial(call_back, notebook, exports)
                refresh = build_history(notebook, exports, back, [*asked, *shown])
            with gr.Tab("Batch", id="batch") as batch:
                opened = build_batch(manager, batches, exports, batch, asked)
            with gr.Tab("Report", id="report") as report:
                build_report(Path(reports), report)
        compare = partial(respond, manager, notebook)
        options: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "compare", "show_progress": "minimal"}
        options |= {"show_progress_on": [status]}
        button.click(compare, asked, shown, **options, api_name="compare").then(*refresh, **quiet())
        for event, tab in opened:
            event.success(compare, asked, shown, **options, api_name=False).then(*refresh, **quiet()).then(
                lambda tab=tab: gr.update(selected=tab), None, tabs, **quiet()
            ).then(*show_inside, **quiet())
        for event in (page.load, past.select):
            event(*refresh, **quiet())
    return page.queue(max_size=MOST_WAITING, default_concurrency_limit=4)


def quiet() -> dict[str, Any]:
    return {"show_progress": "hidden", "api_name": False}


def build_question(manager: CheckpointManager) -> tuple[list[gr.components.Component], gr.Button]:
    """The fields of a question in the order of `Request`, and the button."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            picture = picture_input("Picture", height=260)
            gallery = example_gallery()
        with gr.Column(scale=6, min_width=300):
            question = gr.Textbox(label="Question", lines=1, max_lines=4, elem_id="question")
            suggestions = suggestion_row(question)
            checkpoints = gr.CheckboxGroup(
                manager.names, value=manager.names[:1], label="Checkpoints", elem_id="checkpoints"
            )
            policies = policy_field("policies", manager.names[0])
            budgets = gr.CheckboxGroup(
                list(ASKED_BUDGETS),
                value=["160"],
                label="Budgets",
                info="until sure: ARR-COC looks closer until its answer holds",
                elem_id="budgets",
            )
            accepted, evidence, region = build_drawing(picture)
            button = gr.Button("Compare", variant="primary", elem_id="compare")
    drawn = [accepted, evidence, region]
    gallery.select(
        pick_example, None, [picture, question, suggestions], show_progress="hidden", queue=False, api_name=False
    )
    for change in (gallery.select, picture.upload, picture.clear):  # what was said of another picture is not true here
        change(lambda: ("", "", ""), None, drawn, queue=False, **quiet())
    picture.change(follow_picture, picture, [suggestions, gallery], queue=False, **quiet())
    return [picture, question, checkpoints, policies, budgets, *drawn], button


def respond(manager: CheckpointManager, notebook: Notebook, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Yields status, cards, state of "Inside" and the open tab; a card more after each variant."""
    front, request = gr.update(selected="cards"), Request(*values)
    path = request.path
    try:
        sample, variants = read_request(request)
        content = Path(str(path)).read_bytes()
        yield note_html(f"running {variants[0].label} …"), "", None, front
        evidence = fractions(sample)
        for findings in examine_all(manager, sample, variants):
            text = f"{len(findings)} of {len(variants)} variants"
            yield note_html(text), findings_html(sample, findings, evidence), gr.skip(), gr.skip()
        shown = Shown(sample, findings, Path(str(path)).name, content)
        notebook.add(make_entry(shown.name, shown.sha256, sample, findings, datetime.now()), content)
    except ValueError as error:
        yield note_html(friendly(error, path), "trouble"), gr.skip(), gr.skip(), front
        return
    loaded = f"{len(findings)} variants · in memory: {', '.join(manager.loaded)} ({manager.tracked_mb():.0f} MB)"
    yield note_html(loaded), gr.skip(), shown, gr.skip()


def call_back(notebook: Notebook, folder: Path, number: int | None) -> tuple[Any, ...]:
    """An earlier entry: the fields of the question, status, cards, state, and the tab that shows them."""
    front = gr.update(selected="cards")
    try:
        entry = notebook.entry(number or 0)
        content = notebook.picture(entry)
        cards, size = entry_html(entry, content), open_image(content).size
    except ValueError as error:
        return (*[gr.skip()] * NUM_FIELDS, note_html(str(error), "trouble"), gr.skip(), gr.skip(), front)
    variants = [seen.variant for seen in entry.seen]
    plain = [variant for variant in variants if variant.hand is None]
    budgets = ordered([variant.budget_word for variant in variants if POLICIES[variant.policy].has_budget])
    region = next((variant.hand.region for variant in variants if variant.hand is not None), ())
    fields = (
        str(unpack(folder, entry.picture, content)),
        entry.question,
        ordered([variant.checkpoint for variant in variants]),
        ordered([variant.policy for variant in plain]) or [OURS],
        [budget for budget in budgets if budget in ASKED_BUDGETS] or ["160"],
        f" {BETWEEN} ".join(entry.accepted),
        boxes_text(as_pixels(entry.evidence, size)),
        boxes_text(as_pixels(region, size)),
    )
    status = note_html(f"Entry {entry.number} again; compare to look inside it.")
    return (*fields, status, cards, None, front)


def ordered(names: Sequence[str]) -> list[str]:
    """Each once, in the order they came."""
    return list(dict.fromkeys(names))
