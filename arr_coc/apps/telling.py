"""What the demo says of itself: how it works, where to read on, what its model can and cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, metadata

from arr_coc.apps.examples import example_of
from arr_coc.hosts.names import NANO
from arr_coc.pictures.opening import image_size
from arr_coc.serving.private import KEPT_S

HOW = (
    "A glimpse of the whole picture first. Then a closer look, but only where the question needs it. "
    "Few tokens, and still the small print where it counts."
)
KEPT = f"uploads and all that is made of them are deleted after {KEPT_S / 60:.0f} minutes"
NANO_KNOWS = (
    "The model behind this page is nano, a very small one. It was trained on drawn receipts, forms, documents, tables, "
    "charts, shapes and streets, and it reads print like that of the examples. "
    "It knows no photographs, no handwriting and no other language, and it cannot hold a conversation."
)
NANO_GUESSES = "This is a picture of yours. If it is not like the examples, the answer is a guess."
NANO_KNOWS_ONE = "Several pictures: this model was trained on one picture a question, so the answer is a guess."
VERY_LONG = "This picture is very long: the glimpse of it is coarse, so crop it to the part that you ask about."
LONG_SIDES = 20
"""From so many times as long as wide on, a glimpse of 64 cells is at most two cells wide."""
UNCALIBRATED = "This model was never calibrated, so how sure it says it is remains a guess."
DRAWING = """\
<svg viewBox="0 0 220 56" role="img" aria-label="A glimpse of coarse cells, one cell in question, that cell split into \
fine ones" fill="none" stroke="currentColor" stroke-width="1.5">
<path d="M4 4h48v48H4zM28 4v48M4 28h48"/>
<path d="M60 28h16m-5-5 5 5-5 5"/>
<path d="M84 4h48v48H84zM108 4v48M84 28h48"/><path d="M108 28h24v24h-24z" fill="#0d9488" stroke="none"/>
<path d="M140 28h16m-5-5 5 5-5 5"/>
<path d="M164 4h48v48h-48zM188 4v48M164 28h48M200 28v24M188 40h24M194 28v24M206 28v24M188 34h24M188 46h24"/>
</svg>"""


def how_html() -> str:
    """One line with a drawing, and the links that the installed package names."""
    links = "".join(f' <a href="{escape(url)}">{escape(name)}</a>' for name, url in project_links().items())
    return f'<div class="arr-how">{DRAWING}<p>{HOW}{links}</p></div>'


def project_links() -> dict[str, str]:
    """Web addresses of the project by name, as `[project.urls]` of the installed package has them."""
    try:
        lines = metadata("arr-coc").get_all("Project-URL") or []
    except PackageNotFoundError:
        return {}
    pairs = (line.partition(",")[::2] for line in lines)
    return {name.strip(): url.strip() for name, url in pairs if url.strip().startswith("https://")}


def host_note(model: str) -> str:
    """What the model behind the page can and cannot do; empty for one that is not ours to judge."""
    return NANO_KNOWS if model == NANO else ""


def caution(model: str, paths: Sequence[str], is_calibrated: bool = True) -> str:
    """What to know of an answer: a model that was never calibrated, or pictures that it may not understand."""
    if any(map(is_very_long, paths)):
        return VERY_LONG
    if model != NANO:
        return "" if is_calibrated else UNCALIBRATED
    if len(paths) > 1:
        return NANO_KNOWS_ONE
    return NANO_GUESSES if any(example_of(path) is None for path in paths) else ""


def is_very_long(path: str) -> bool:
    """False for a picture that can't be opened: that is told where it is asked about."""
    try:
        sides = image_size(path)
    except ValueError:
        return False
    return max(sides) >= LONG_SIDES * min(sides)


def foot_html(model: str, keeps_reports: bool) -> str:
    kept = "nothing is recorded but what you report" if keeps_reports else "nothing is recorded"
    return f'<div class="arr-foot">Model {escape(model)} · {KEPT}, {kept} · answers can be wrong</div>'
