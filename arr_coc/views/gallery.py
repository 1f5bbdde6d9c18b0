"""Wins and losses of ARR-COC against plain resize, with the leaves over the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from arr_coc.data.tasks import Sample, Task
from arr_coc.evaluation.reporting.report import BASE, OURS, Section, reporting_budget
from arr_coc.evaluation.reporting.tables import by_condition
from arr_coc.evaluation.running.answers import Line
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Allocation, View
from arr_coc.views.leaves import draw_leaves

EVIDENCE_COLOUR = "#00a8e8"
SIDE = 560


def wins_and_losses(lines: Sequence[Line], count: int) -> tuple[list[tuple[Line, Line]], list[tuple[Line, Line]]]:
    """Pairs of (ARR-COC, resize) at the reporting budget: where only the one was right, where only the other.

    Spread over kinds of questions: the first of each kind, then the second of each.
    """
    groups, budget = by_condition(lines), reporting_budget(lines)
    base = {line.question_key: line for line in groups.get((BASE, budget), [])}
    pairs = [(line, base[line.question_key]) for line in groups.get((OURS, budget), []) if line.question_key in base]
    wins = [pair for pair in pairs if pair[0].score > pair[1].score]
    losses = [pair for pair in pairs if pair[0].score < pair[1].score]
    return spread(wins)[:count], spread(losses)[:count]


def spread(pairs: Sequence[tuple[Line, Line]]) -> list[tuple[Line, Line]]:
    """Round robin over kinds of questions."""
    seen: dict[str, int] = {}
    ranked = []
    for index, (ours, base) in enumerate(sorted(pairs, key=lambda pair: pair[0].question_key)):
        seen[ours.kind] = seen.get(ours.kind, 0) + 1
        ranked.append((seen[ours.kind], index, (ours, base)))
    return [pair for _, _, pair in sorted(ranked, key=lambda entry: entry[:2])]


def make_gallery(
    lines: Sequence[Line], processor: RelevanceProcessor, open_task: Callable[[str], Task], folder: Path, count: int = 4
) -> Section | None:
    """Draws the pictures into `folder`/figures; None where the two policies were not both run."""
    wins, losses = wins_and_losses(lines, count)
    if not wins and not losses:
        return None
    tasks = {name: open_task(name) for name in {pair[0].task for pair in wins + losses}}
    parts = []
    for title, pairs in (("Wins", wins), ("Losses", losses)):
        parts.append(f"### {title}")
        for number, (ours, base) in enumerate(pairs, start=1):
            sample = tasks[ours.task][ours.sample]
            name = f"{title.lower()}-{number}.jpg"
            draw_sample(processor, sample, ours.budget).save(folder / "figures" / name, quality=85)
            parts.append(caption(ours, base, name))
    budget = reporting_budget(lines)
    text = f"Leaves of {OURS} by level, evidence framed in blue; {OURS} against {BASE} at {budget} tokens."
    return Section("Gallery", "\n\n".join([text, *parts]))


def caption(ours: Line, base: Line, name: str) -> str:
    accepted = " or ".join(escape(answer) for answer in ours.answers[:3])
    return (
        f"**{escape(ours.question)}** ({accepted}) · {OURS}: {escape(ours.answer)} · {BASE}: {escape(base.answer)}"
        f"\n\n![{escape(ours.question)}](figures/{name})"
    )


def escape(text: str) -> str:
    """Text that Markdown leaves alone."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|!#" else char for char in " ".join(text.split())) or "(nothing)"


def draw_sample(processor: RelevanceProcessor, sample: Sample, budget: int) -> Image.Image:
    """The leaves that ARR-COC chooses for a question, with the evidence framed."""
    view = View.of(processor.host.pyramid(sample.image), sample.question)
    [realization] = processor.allocator.training_free().realize(processor.host, [view], [budget])
    return frame_evidence(sample, realization.allocation)


def frame_evidence(sample: Sample, allocation: Allocation) -> Image.Image:
    canvas = draw_leaves(sample.image, allocation, SIDE)
    scale = canvas.width / sample.image.width, canvas.height / sample.image.height
    pen = ImageDraw.Draw(canvas)
    for x0, y0, x1, y1 in sample.boxes or ():
        box = (x0 * scale[0] - 2, y0 * scale[1] - 2, x1 * scale[0] + 2, y1 * scale[1] + 2)
        pen.rectangle(box, outline=EVIDENCE_COLOUR, width=3)
    return canvas
