"""The tab "History": what this session has seen, sorted, noted, exported, called back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.session import SORT_KEYS, Entry, Row, as_csv, as_json, sorted_rows, with_note

COLUMNS = (
    *("entry", "question", "checkpoint", "policy", "budget", "answer"),
    *("tokens", "seconds", "score", "recall", "note"),
)
"""What the table shows; the exports hold every field of a row."""


def build_history(
    entries: gr.State, folder: Path, call_back: Callable[..., Any], outputs: Sequence[gr.components.Component]
) -> Any:
    """Components and their events.

    Args:
        folder: for the files of the export.
        call_back: takes (entries, number) to values for `outputs`.
    Returns:
        refresh and its (inputs, outputs), to be run when a comparison is done.
    """
    with gr.Row():
        key = gr.Dropdown(list(SORT_KEYS), value="entry", label="Sort by", elem_id="sort")
        order = gr.Radio(["ascending", "descending"], value="descending", label="Order", elem_id="order")
    table = gr.Dataframe(
        headers=list(COLUMNS),
        interactive=False,
        wrap=True,
        show_label=False,
        max_height=420,
        elem_id="history",
        buttons=[],
    )
    with gr.Row():
        csv_file = gr.DownloadButton("Export CSV", elem_id="export-csv", interactive=False)
        json_file = gr.DownloadButton("Export JSON", elem_id="export-json", interactive=False)
    which = gr.Dropdown([], label="Entry", elem_id="entry")
    with gr.Row():
        note = gr.Textbox(label="Note", placeholder="What did you see?", scale=4, elem_id="note")
        with gr.Column(min_width=140):
            save = gr.Button("Save note", elem_id="save-note")
            reload = gr.Button("Show this entry again", elem_id="reload")
    quick: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
    shown = [table, csv_file, json_file, which]
    refresh = partial(fill, folder)
    for change in (key.input, order.input):
        change(refresh, [entries, key, order, which], shown, **quick)
    which.input(note_of, [entries, which], note, **quick)
    save.click(with_note, [entries, which, note], entries, **quick).then(
        refresh, [entries, key, order, which], shown, **quick
    )
    reload.click(call_back, [entries, which], list(outputs), **quick)
    return refresh, [entries, key, order, which], shown


def fill(folder: Path, entries: list[Entry], key: str, order: str, number: int | None) -> tuple[Any, ...]:
    """Table, both exports (kept in `folder`) in the same order, and the entries to choose from."""
    rows = sorted_rows(entries, key, order == "descending")
    choices = [(entry.title, entry.number) for entry in entries]
    values = [["" if row[name] is None else row[name] for name in COLUMNS] for row in map(asdict, rows)]
    files = (
        (export(rows, folder / "history.csv", as_csv), export(rows, folder / "history.json", as_json))
        if rows
        else (None, None)
    )
    return (
        values,
        *(gr.update(value=file, interactive=file is not None) for file in files),
        gr.update(choices=choices, value=number or (entries[-1].number if entries else None)),
    )


def export(rows: list[Row], path: Path, render: Callable[[list[Row]], str]) -> str:
    """Writes the rows to a file below the folder of `path` that only the same rows have; returns its path."""
    text = render(rows)
    target = path.parent / sha256(text.encode()).hexdigest()[:16] / path.name
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return str(target)


def note_of(entries: list[Entry], number: int | None) -> str:
    return next((entry.rows[0].note for entry in entries if entry.number == number), "")
