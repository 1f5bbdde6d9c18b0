"""The tab "History": what was seen with this notebook, searched, sorted, noted, exported, called back, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.notebook import MOST_LISTED, Notebook
from arr_coc.apps.pages import note_html
from arr_coc.apps.panels.pairing import pair_html
from arr_coc.apps.session import SORT_KEYS, Row, as_csv, as_json, sorted_rows

COLUMNS = (
    *("entry", "time", "question", "accepted", "checkpoint", "policy", "budget", "by_hand", "answer"),
    *("tokens", "seconds", "score", "recall", "note"),
)
"""What the table shows; the exports hold every field of a row."""
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_name": False}


def build_history(
    notebook: Notebook, folder: Path, call_back: Callable[..., Any], outputs: Sequence[gr.components.Component]
) -> Any:
    """Components and their events.

    Args:
        folder: for the files of the export.
        call_back: takes the number of an entry to values for `outputs`.
    Returns:
        refresh and its (inputs, outputs), to be run when a comparison is done.
    """
    with gr.Row():
        words = gr.Textbox(
            label="Search", placeholder="all words, anywhere: question, answer, note ...", elem_id="search"
        )
        key = gr.Dropdown(list(SORT_KEYS), value="entry", label="Sort by", elem_id="sort")
        order = gr.Radio(["ascending", "descending"], value="descending", label="Order", elem_id="order")
    status = gr.HTML("", padding=False, elem_id="history-status")
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
        pack = gr.Button("Pack everything, with pictures", elem_id="pack")
        packed = gr.DownloadButton("Export the pack", elem_id="export-all", interactive=False)
        load = gr.UploadButton("Import", file_types=[".jsonl"], elem_id="import")
    which, note, save, reload, delete = entry_fields()
    first, second, compare, pair = pair_fields()
    asked, shown = [words, key, order, which], [status, table, csv_file, json_file, which, first, second]
    refresh = partial(fill, notebook, folder)
    for change in (words.submit, words.blur, key.input, order.input):
        change(refresh, asked, shown, **QUICK)
    which.change(partial(note_of, notebook), which, note, **QUICK)
    save.click(partial(save_note, notebook), [which, note], status, **QUICK).success(refresh, asked, shown, **QUICK)
    reload.click(call_back, which, list(outputs), **QUICK)
    delete.click(partial(remove, notebook), which, status, **QUICK).success(refresh, asked, shown, **QUICK)
    load.upload(partial(read_in, notebook), load, status, **QUICK).then(
        refresh_after_import(refresh), asked, shown[1:], **QUICK
    )
    pack.click(partial(write_out, notebook, folder), None, [status, packed], **QUICK)
    compare.click(partial(compare_two, notebook), [first, second], pair, **QUICK)
    return refresh, asked, shown


def refresh_after_import(refresh: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """The same without the status, which says what was read."""
    return lambda *values: refresh(*values)[1:]


def entry_fields() -> tuple[gr.Dropdown, gr.Textbox, gr.Button, gr.Button, gr.Button]:
    """One entry: which, its note, and what can be done with it."""
    which = gr.Dropdown([], label="Entry", elem_id="entry")
    with gr.Row():
        note = gr.Textbox(label="Note", placeholder="What did you see?", scale=4, elem_id="note")
        with gr.Column(min_width=140):
            save = gr.Button("Save note", elem_id="save-note")
            reload = gr.Button("Show this entry again", elem_id="reload")
            delete = gr.Button("Delete this entry", elem_id="delete")
    return which, note, save, reload, delete


def pair_fields() -> tuple[gr.Dropdown, gr.Dropdown, gr.Button, gr.HTML]:
    """Any two entries, and the button that sets them side by side."""
    with gr.Row():
        first = gr.Dropdown([], label="Compare entry", elem_id="first")
        second = gr.Dropdown([], label="with entry", elem_id="second")
        compare = gr.Button("Compare the two", elem_id="pair-up", min_width=140)
    return first, second, compare, gr.HTML("", padding=False, elem_id="pair")


def fill(
    notebook: Notebook, folder: Path, words: str | None, key: str, order: str, number: int | None
) -> tuple[Any, ...]:
    """Status, table, both exports (kept in `folder`) in the same order, and the entries to choose from, three times."""
    try:
        titles, found = notebook.find(words or "")
        total = notebook.count()
    except ValueError as error:
        return (note_html(str(error), "trouble"), *[gr.skip()] * 6)
    rows = sorted_rows(found, key, order == "descending")
    values = [["" if row[name] is None else row[name] for name in COLUMNS] for row in map(asdict, rows)]
    files = (
        (export(rows, folder / "history.csv", rows_csv), export(rows, folder / "history.json", as_json))
        if rows
        else (None, None)
    )
    choices = [(title, each) for each, title in titles.items()]
    newest = max(titles, default=None)
    chosen = number if number in titles else newest
    pick = gr.update(choices=choices, value=chosen)
    older = gr.update(choices=choices, value=max((each for each in titles if each != newest), default=newest))
    return (
        note_html(counted(len(titles), total, notebook.path)),
        values,
        *(gr.update(value=file, interactive=file is not None) for file in files),
        pick,
        older,
        gr.update(choices=choices, value=newest),
    )


def counted(num_shown: int, total: int, path: Path) -> str:
    """How many entries are shown, and where they are kept."""
    most = f" (the newest {MOST_LISTED} at most; search for older ones)" if num_shown == MOST_LISTED else ""
    return f"{num_shown} of {total} entries{most} · kept in {path}"


def rows_csv(rows: list[Row]) -> str:
    return as_csv([asdict(row) for row in rows])


def export(rows: list[Row], path: Path, render: Callable[[list[Row]], str]) -> str:
    """Writes the rows to a file below the folder of `path` that only the same rows have; returns its path."""
    text = render(rows)
    target = path.parent / sha256(text.encode()).hexdigest()[:16] / path.name
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return str(target)


def write_out(notebook: Notebook, folder: Path) -> tuple[Any, ...]:
    """Status, and the button with a file of everything: what the import reads."""
    target = folder / "microscope.jsonl"
    try:
        with open(target, "w", encoding="utf-8") as file:
            file.writelines(notebook.dump())
    except ValueError as error:
        return note_html(str(error), "trouble"), gr.skip()
    size = note_html(f"packed: {target.stat().st_size / 2**20:.1f} MB, to be read by Import")
    return size, gr.update(value=str(target), interactive=True)


def read_in(notebook: Notebook, path: str) -> str:
    try:
        new, known = notebook.load(Path(path))
    except ValueError as error:
        return note_html(str(error), "trouble")
    return note_html(f"{new} entries read" + (f", {known} were here already" if known else ""))


def note_of(notebook: Notebook, number: int | None) -> str:
    try:
        return notebook.entry(number).note if number else ""
    except ValueError:
        return ""


def save_note(notebook: Notebook, number: int | None, note: str) -> str:
    return attempt(lambda: notebook.set_note(number or 0, note), "note saved")


def remove(notebook: Notebook, number: int | None) -> str:
    return attempt(lambda: notebook.delete(number or 0), "deleted")


def attempt(deed: Callable[[], None], done: str) -> str:
    try:
        deed()
    except ValueError as error:
        return note_html(str(error), "trouble")
    return note_html(done)


def compare_two(notebook: Notebook, first: int | None, second: int | None) -> str:
    try:
        entries = [notebook.entry(number or 0) for number in (first, second)]
        pictures = [notebook.picture(entry) for entry in entries]
        return pair_html(entries[0], pictures[0], entries[1], pictures[1])
    except ValueError as error:
        return note_html(str(error), "trouble")
