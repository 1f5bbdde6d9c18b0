"""The tab "Report": the newest report of `arr-coc eval`."""

from __future__ import annotations

from html import escape
from pathlib import Path

NONE_YET = '<p class="arr-note">No report under {folder} yet; `arr-coc eval --out {folder}/NAME` makes one.</p>'


def newest_report(folder: Path) -> Path | None:
    """The report.html under a folder that was written last."""
    found = [path for path in folder.glob("**/report.html") if path.is_file()] if folder.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def report_html(folder: Path) -> str:
    """The page within the page, without rights to run anything."""
    path = newest_report(folder)
    if path is None:
        return NONE_YET.format(folder=escape(str(folder)))
    page = escape(path.read_text(encoding="utf-8"))
    return (
        f'<p class="arr-note">{escape(str(path))}</p>'
        f'<iframe sandbox="" title="Evaluation report" srcdoc="{page}" '
        'style="width:100%;height:75vh;border:1px solid var(--border-color-primary);border-radius:8px"></iframe>'
    )
