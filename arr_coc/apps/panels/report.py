"""The tab "Report": every report of `arr-coc eval` that is shipped or lies in the folder of the reports."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

import arr_coc

SHIPPED = Path(arr_coc.__file__).resolve().parent.parent / "docs" / "results"
"""In a checkout; an installed package has none."""
MAIN = "main"
NONE_YET = '<p class="arr-note">No report under {folder} yet; `arr-coc eval --out {folder}/NAME` makes one.</p>'
ASK_THEME = "(name) => [name, document.body.classList.contains('dark')]"
DARK = """\
<style>
:root { color-scheme: only dark; }
img[src^="data:image/png"] { filter: invert(1) hue-rotate(180deg); }
</style>
"""
"""Charts are PNG and white; pictures of galleries are JPEG and stay as they are."""
GONE = '<p class="arr-note trouble">There is no such report any more; open the tab again.</p>'


def build_report(folder: Path, tab: gr.Tab, shipped: Path = SHIPPED) -> None:
    """Components and their events; the list is made anew whenever the tab is opened."""
    which = gr.Dropdown([], label="Report", elem_id="which-report")
    is_dark = gr.Checkbox(False, visible=False)
    shown = gr.HTML("", padding=False, elem_id="report")
    quick: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
    page = partial(report_html, folder, shipped)
    tab.select(partial(offer, folder, shipped), which, which, **quick).then(
        page, [which, is_dark], shown, js=ASK_THEME, **quick
    )
    which.input(page, [which, is_dark], shown, js=ASK_THEME, **quick)


def find_reports(folder: Path, shipped: Path = SHIPPED) -> dict[str, Path]:
    """By the name that is shown: the shipped ones first, the main one before all, then the others, the newest first."""
    known = sorted(reports_under(shipped), key=lambda path: (path.parent.name != MAIN, path))
    theirs = {f"shipped: {path.parent.name}": path for path in known}
    taken = {path.resolve() for path in theirs.values()}
    own = sorted(reports_under(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    return theirs | {str(path.relative_to(folder)): path for path in own if path.resolve() not in taken}


def reports_under(folder: Path) -> list[Path]:
    """Every report.html in the folder that is a file of it, and not a link that leads out."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    return [path for path in folder.rglob("report.html") if path.is_file() and path.resolve().is_relative_to(root)]


def offer(folder: Path, shipped: Path, name: str | None) -> Any:
    names = list(find_reports(folder, shipped))
    return gr.update(choices=names, value=name if name in names else next(iter(names), None))


def report_html(folder: Path, shipped: Path, name: str | None, is_dark: bool = False) -> str:
    """The page within the page, in its theme, without rights to run anything."""
    found = find_reports(folder, shipped)
    if not found:
        return NONE_YET.format(folder=escape(str(folder)))
    if name not in found:
        return GONE
    text = found[name].read_text(encoding="utf-8", errors="replace")
    page = escape(text.replace("<body>", f"{DARK}<body>", 1) if is_dark else text)
    return (
        f'<p class="arr-note">{escape(str(found[name]))}</p>'
        f'<iframe sandbox="" title="Evaluation report" srcdoc="{page}" '
        'style="width:100%;height:75vh;border:1px solid var(--border-color-primary);border-radius:8px"></iframe>'
    )
