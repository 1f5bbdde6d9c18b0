"""The questions asked about one picture: shown again, linked to, taken home, reported."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import accumulate
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

from arr_coc.apps.answering import TITLES, Turn, Values
from arr_coc.apps.asking import OURS, Reply
from arr_coc.apps.examples import example_of, read_examples
from arr_coc.records import MAX_BUDGET, MIN_BUDGET
from arr_coc.serving.private import page_keeper
from arr_coc.views.leaves import draw_leaves

AUTO, MAX_QUESTION, MAX_COMMENT = "auto", 500, 2000
REPORTS = "reports.jsonl"
GONE = "The picture is not here any more: pictures are deleted after a while. Upload it and ask again."


@dataclass(frozen=True)
class Start:
    """What the page opens with: path of an example, a question about it, the most tokens (None is "auto")."""

    path: str
    question: str
    budget: int | None
    compares: bool = True


def thread_html(thread: Sequence[Values]) -> str:
    """The earlier questions about the picture, the newest first; each was answered by itself."""
    if not thread:
        return ""
    rows = "".join(turn_html(values) for values in reversed(thread))
    count = f"{len(thread)} earlier question{'s' * (len(thread) > 1)} about this picture"
    note = "Each question is answered by itself: the model does not see the earlier ones."
    return f'<details class="arr-thread"><summary>{count}</summary><p class="arr-note">{note}</p>{rows}</details>'


def turn_html(values: Values) -> str:
    answers = {OURS: values, **values["others"]}
    parts = "".join(
        f"<li>{escape(TITLES[way])}: <b>{escape(each['text'] or '(no answer)')}</b>{mark(each)}</li>"
        for way, each in answers.items()
    )
    return f"<p><b>{escape(values['question'])}</b></p><ul>{parts}</ul>"


def mark(values: Values) -> str:
    return {True: " ✓", False: " ✗", None: ""}[values["is_right"]]


def link_html(turn: Turn) -> str:
    """A link that brings back example, question and setting; a word on why there is none for a picture of one's own."""
    example = example_of(turn.asked.path)
    if example is None:
        return '<p class="arr-note">A picture of yours is not kept, so no link can bring it back.</p>'
    budget = turn.asked.budget or AUTO
    wanted = {"example": example.path.stem, "question": turn.asked.question, "tokens": budget}
    address = "?" + urlencode(wanted if turn.asked.compares else {**wanted, "compare": "no"})
    link = f'<a href="{escape(address)}" class="arr-link" target="_blank" rel="noopener">Link to this question</a>'
    return f'<p class="arr-note">{link}</p>'


def read_link(query: Mapping[str, str], budget: int | None) -> Start:
    """What a link asks for; whatever is missing or wrong in it becomes what the page opens with without one.

    Args:
        budget: of the page without a link.
    """
    examples = {example.path.stem: example for example in read_examples()}
    example = examples.get(query.get("example", ""), read_examples()[0])
    question = query.get("question", "").strip()[:MAX_QUESTION] or example.questions[0]
    text = query.get("tokens", "")
    if text == AUTO:
        budget = None
    elif text.isascii() and text.isdigit() and MIN_BUDGET <= int(text[:9]) <= MAX_BUDGET:
        budget = int(text)
    return Start(str(example.path), question, budget, query.get("compare") != "no")


def write_downloads(reply: Reply, values: Values) -> tuple[str, str]:
    """Paths of the leaves over the picture and of the answer as JSON, in the folder that is emptied on time."""
    folder = page_keeper().folder / "downloads" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    overlay, answer = folder / "arr-coc-leaves.png", folder / "arr-coc-answer.json"
    draw_all_leaves(reply).save(overlay)
    answer.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(overlay), str(answer)


def draw_all_leaves(reply: Reply) -> Image.Image:
    """The leaves over each picture, one below the other."""
    drawn = [
        draw_leaves(picture, realization.allocation)
        for picture, realization in zip(reply.pictures, reply.realizations, strict=True)
    ]
    sheet = Image.new("RGB", (max(each.width for each in drawn), sum(each.height for each in drawn)), "white")
    for each, end in zip(drawn, accumulate(each.height for each in drawn), strict=True):
        sheet.paste(each, (0, end - each.height))
    return sheet


def save_report(folder: Path, paths: Sequence[str], values: Values | None, comment: str) -> str:
    """Adds a line to `reports.jsonl` and the pictures beside it; returns what to tell the person."""
    if not values:
        return "Ask something first; then the answer can be reported."
    if not paths or not all(Path(path).is_file() for path in paths):
        return GONE
    folder.mkdir(parents=True, exist_ok=True)
    names = [copy_into(folder, Path(path)) for path in paths]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"time": now, "files": names, "comment": comment.strip()[:MAX_COMMENT], **values}
    with open(folder / REPORTS, "a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return "Thank you. Picture, question and answers are kept on this machine for whoever runs this page."


def copy_into(folder: Path, path: Path) -> str:
    """The name that a copy of the file got."""
    name = f"{secrets.token_hex(8)}{path.suffix.lower()[:8]}"
    shutil.copyfile(path, folder / name)
    return name
