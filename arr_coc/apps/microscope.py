"""`arr-coc microscope`: checkpoints, policies and budgets side by side on the same picture and question."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.choosing import example_gallery, pick_example, suggestion_row
from arr_coc.apps.pages import EXAMPLES, MOST_WAITING, head_html, new_page, note_html
from arr_coc.apps.panels.batch import BUDGETS, build_batch
from arr_coc.apps.panels.comparing import entry_html, examine_all, findings_html, read_request
from arr_coc.apps.panels.history import build_history
from arr_coc.apps.panels.inside import build_inside
from arr_coc.apps.panels.report import report_html
from arr_coc.apps.session import Entry, make_entry
from arr_coc.apps.uploads import friendly, picture_input
from arr_coc.apps.variants import OURS
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.running.runner import fractions
from arr_coc.serving.private import KEPT_S

TAGLINE = "Variants side by side, and what each of them looks at."
WAITING = note_html("Choose a picture, a question and variants, then compare.")


def build_microscope(
    models: Sequence[str] = ("nano",), *, max_loaded: int = 2, reports: str | Path = "out"
) -> gr.Blocks:
    """The researcher's page.

    Args:
        models: checkpoints: nano, folders, or ids of the Hugging Face hub; each is loaded when it is first asked.
        max_loaded: checkpoints kept in memory at once.
        reports: folder under which `arr-coc eval` writes.

    Raises:
        ValueError: no models, or room for none.
    """
    manager = CheckpointManager(list(models), max_loaded)
    exports = tempfile.TemporaryDirectory(prefix="arr-coc-")
    gr.set_static_paths([EXAMPLES])
    with new_page("ARR-COC microscope") as page:
        gr.HTML(head_html("microscope", TAGLINE), padding=False)
        entries, state = gr.State([]), gr.State(None, time_to_live=int(KEPT_S))
        asked, button = build_question(manager)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Side by side", id="cards"):
                status = gr.HTML(WAITING, padding=False, elem_id="status")
                cards = gr.HTML("", padding=False, elem_id="cards")
            with gr.Tab("Inside") as inside:
                build_inside(state, inside)
            with gr.Tab("History"):
                history = build_history(entries, Path(exports.name), call_back, [*asked, status, cards, state, tabs])
            with gr.Tab("Batch"):
                build_batch(manager)
            with gr.Tab("Report") as report:
                page_in_page = gr.HTML("", padding=False, elem_id="report")
                report.select(lambda: report_html(Path(reports)), None, page_in_page, api_name=False)

        def compare(*values: Any) -> Iterator[tuple[Any, ...]]:
            yield from respond(manager, *values)

        refresh, inputs, shown = history
        page.exports = exports  # lives as long as the page
        button.click(
            compare,
            [*asked, entries],
            [status, cards, state, entries, tabs],
            concurrency_limit=1,
            concurrency_id="models",
            show_progress="hidden",
            api_name="compare",
        ).then(lambda *values: refresh(*values[:3], None), inputs, shown, show_progress="hidden", api_name=False)
    return page.queue(max_size=MOST_WAITING, default_concurrency_limit=4)


def build_question(manager: CheckpointManager) -> tuple[list[gr.components.Component], gr.Button]:
    """Picture, question, checkpoints, policies, budgets, and the button."""
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
            policies = gr.Dropdown(
                list(POLICIES), value=["resize", OURS], multiselect=True, label="Policies", elem_id="policies"
            )
            budgets = gr.CheckboxGroup(list(BUDGETS), value=["160"], label="Budgets", elem_id="budgets")
            button = gr.Button("Compare", variant="primary", elem_id="compare")
    gallery.select(
        pick_example, None, [picture, question, suggestions], show_progress="hidden", queue=False, api_name=False
    )
    return [picture, question, checkpoints, policies, budgets], button


def respond(
    manager: CheckpointManager,
    path: str | None,
    question: str,
    checkpoints: list[str],
    policies: list[str],
    budgets: list[str],
    entries: list[Entry],
) -> Iterator[tuple[Any, ...]]:
    """Yields status, cards, state of "Inside", entries and the open tab; a card more after each variant."""
    front = gr.update(selected="cards")
    try:
        sample, variants = read_request(path, question, checkpoints, policies, budgets)
        yield note_html(f"running {variants[0].label} …"), "", None, gr.skip(), front
        evidence = fractions(sample)
        for findings in examine_all(manager, sample, variants):
            text = f"{len(findings)} of {len(variants)} variants"
            yield note_html(text), findings_html(sample, findings, evidence), gr.skip(), gr.skip(), gr.skip()
    except ValueError as error:
        yield note_html(friendly(error, path), "trouble"), gr.skip(), gr.skip(), gr.skip(), front
        return
    number = entries[-1].number + 1 if entries else 1
    entry = make_entry(number, str(path), sample.question, findings, evidence, datetime.now())
    loaded = f"{len(findings)} variants · in memory: {', '.join(manager.loaded)} ({manager.tracked_mb():.0f} MB)"
    yield note_html(loaded), gr.skip(), (sample.image, findings), [*entries, entry], gr.skip()


def call_back(entries: list[Entry], number: int | None) -> tuple[Any, ...]:
    """An earlier entry: the five fields of the question, status, cards, state, and the tab that shows them."""
    entry = next((each for each in entries if each.number == number), None)
    if entry is None:
        return (*[gr.skip()] * 5, note_html("Choose an entry first.", "trouble"), gr.skip(), gr.skip(), gr.skip())
    try:
        cards = entry_html(entry)
    except ValueError as error:
        text = friendly(error, entry.path)
        return (*[gr.skip()] * 5, note_html(text, "trouble"), gr.skip(), gr.skip(), gr.update(selected="cards"))
    checkpoints, policies = ordered([v.checkpoint for v in entry.variants]), ordered([v.policy for v in entry.variants])
    budgets = ordered([str(v.budget or "auto") for v in entry.variants if POLICIES[v.policy].has_budget])
    status = note_html(f"Entry {entry.number} again; compare to look inside it.")
    fields = entry.path, entry.question, checkpoints, policies, budgets or ["160"]
    return (*fields, status, cards, None, gr.update(selected="cards"))


def ordered(names: Sequence[str]) -> list[str]:
    """Each once, in the order they came."""
    return list(dict.fromkeys(names))
