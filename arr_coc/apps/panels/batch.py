"""The tab "Batch": a task or a folder under several policies; its answers are kept, exported, opened one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from arr_coc.apps.batches import FORMATS, MAX_QUESTIONS, Batch, Batches, export, has_parquet
from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.drawing import BETWEEN, boxes_text
from arr_coc.apps.pages import note_html
from arr_coc.apps.panels.choices import BUDGETS, policy_field
from arr_coc.apps.panels.labelling import build_labelling
from arr_coc.apps.variants import MAX_VARIANTS, OWN, Variant, examine
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.reporting.tables import accuracy_by_budget
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.running.runner import Plan, fractions
from arr_coc.views.side_by_side import Card, cards_html

NUM_WORST, MOST_ROWS = 6, 4000
COLUMNS = ("row", "question", "accepted", "policy", "budget", "answer", "score", "tokens", "evidence seen", "kind")
STOPPED = "stopped; run it again under its name and it goes on"
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
TABS = {"cards": "Compare", "inside": "Inside"}
Opened = list[tuple[Any, str]]


@dataclass(frozen=True, eq=False)
class Controls:
    """What starts and stops a batch, or shows an earlier one."""

    start: gr.Button
    stop: gr.Button
    earlier: gr.Dropdown
    show: gr.Button


@dataclass(frozen=True, eq=False)
class Results:
    """What a batch fills; `current` is its name, `row` the one that the buttons open."""

    status: gr.HTML
    summary: gr.Markdown
    worst: gr.HTML
    table: gr.Dataframe
    files: list[gr.DownloadButton]
    current: gr.State
    row: gr.Number
    openers: list[gr.Button]

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What `show` yields values for."""
        return [self.status, self.summary, self.worst, self.table]


def build_batch(
    manager: CheckpointManager, batches: Batches, exports: Path, tab: gr.Tab, asked: Sequence[gr.components.Component]
) -> Opened:
    """Components and their events.

    Args:
        exports: folder for files to download and pictures to open.
        asked: the fields of the form, which a row is opened in.
    Returns:
        events that have filled the form with a row, each with the tab that is to show it.
    """
    fields = batch_fields(manager, batches)
    controls = batch_controls(batches)
    results = batch_results()
    build_labelling(batches, exports, asked)
    connect(manager, batches, exports, tab, fields, controls, results)
    opened = partial(open_row, batches, exports), [results.current, results.row], list(asked)
    return [(button.click(*opened, **QUICK), tab) for button, tab in zip(results.openers, TABS, strict=True)]


def batch_controls(batches: Batches) -> Controls:
    with gr.Row():
        start = gr.Button("Run, or go on", variant="primary", elem_id="run-batch")
        stop = gr.Button("Stop", elem_id="stop-batch")
    with gr.Row():
        earlier = gr.Dropdown(batches.names, value=None, label="Earlier batches", elem_id="earlier")
        show = gr.Button("Show this batch", elem_id="show-batch")
    return Controls(start, stop, earlier, show)


def batch_results() -> Results:
    status = gr.HTML("", padding=False, elem_id="batch-status")
    summary = gr.Markdown("", elem_id="batch-summary")
    files = export_buttons()
    current = gr.State("")
    with gr.Row():
        row = gr.Number(1, minimum=1, precision=0, label="Row (or click one in the table)", elem_id="row")
        openers = [gr.Button(f"Open in {name}", elem_id=f"open-{tab}") for tab, name in TABS.items()]
    worst = gr.HTML("", padding=False, elem_id="worst")
    table = gr.Dataframe(
        headers=list(COLUMNS), interactive=False, show_label=False, max_height=420, buttons=[], elem_id="batch-table"
    )
    return Results(status, summary, worst, table, files, current, row, openers)


def connect(
    manager: CheckpointManager,
    batches: Batches,
    exports: Path,
    tab: gr.Tab,
    fields: Sequence[gr.components.Component],
    controls: Controls,
    results: Results,
) -> None:
    """Running, stopping, an earlier batch, a click on a row; whatever ends a batch offers its files and its name."""
    outputs, current, name = results.outputs, results.current, fields[-1]
    finish: dict[str, Any] = {"fn": partial(exported, batches, exports), "inputs": current, "outputs": results.files}
    again: dict[str, Any] = {
        "fn": lambda: gr.update(choices=batches.names), "inputs": None, "outputs": controls.earlier
    }  # fmt: skip
    alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "batch"}
    withheld: dict[str, Any] = {
        "fn": lambda: [gr.update(interactive=False)] * len(FORMATS), "inputs": None, "outputs": results.files
    }  # fmt: skip
    controls.start.click(**withheld, **QUICK)
    running = controls.start.click(named, name, [name, current], **QUICK).then(
        partial(respond, manager, batches),
        fields,
        outputs,
        show_progress="minimal",
        show_progress_on=[results.status],
        api_name="batch",
        **alone,
    )
    stopped = controls.stop.click(lambda: note_html(STOPPED), None, results.status, cancels=[running], **QUICK)
    for ended in (running, stopped):
        ended.then(**finish, **QUICK).then(**again, **QUICK)
    chosen = controls.show.click(lambda name: name or "", controls.earlier, current, **QUICK)
    chosen.then(partial(show_earlier, manager, batches), controls.earlier, outputs, **alone, **QUICK).then(
        **finish, **QUICK
    )
    results.table.select(row_clicked, None, results.row, **QUICK)
    tab.select(**again, **QUICK)


def batch_fields(manager: CheckpointManager, batches: Batches) -> list[gr.components.Component]:
    """Task, checkpoint, number of questions, policies, budgets, name."""
    with gr.Row():
        task = gr.Dropdown(batches.tasks, value="development", label="Task, or folder given at start", elem_id="task")
        checkpoint = gr.Dropdown(manager.names, value=manager.names[0], label="Checkpoint", elem_id="batch-checkpoint")
        limit = gr.Number(16, minimum=1, maximum=MAX_QUESTIONS, precision=0, label="Questions", elem_id="limit")
    with gr.Row():
        with gr.Column():
            policies = policy_field("batch-policies", manager.names[0])
        budgets = gr.CheckboxGroup(list(BUDGETS), value=["160"], label="Budgets", elem_id="batch-budgets")
    name = gr.Textbox(
        label="Name", info="the same name goes on where it stopped; empty: the date", max_lines=1, elem_id="batch-name"
    )
    return [task, checkpoint, limit, policies, budgets, name]


def export_buttons() -> list[gr.DownloadButton]:
    """One a format; Parquet where pandas and pyarrow are there."""
    with gr.Row():
        return [
            gr.DownloadButton(
                f"Export {format.upper()}",
                interactive=False,
                visible=format != "parquet" or has_parquet(),
                elem_id=f"batch-{format}",
            )
            for format in FORMATS
        ]


def named(name: str) -> tuple[str, str]:
    """The name of the batch, twice: for its field, and as the batch that is shown."""
    name = (name or "").strip() or datetime.now().strftime("batch %Y-%m-%d %H-%M-%S")
    return name, name


def respond(
    manager: CheckpointManager,
    batches: Batches,
    task: str,
    checkpoint: str,
    limit: float,
    policies: list[str],
    budgets: list[str],
    name: str,
) -> Iterator[tuple[Any, ...]]:
    """Yields status, summary, worst cases and table; the last three once they are known."""
    try:
        yield note_html("opening the task …"), "", "", []
        for batch in batches.run(manager, make_plan(task, checkpoint, limit, policies, budgets), name):
            yield note_html(f"{len(batch.lines)} of {batch.total} answers"), gr.skip(), gr.skip(), gr.skip()
        yield from show(manager, batch)
    except ValueError as error:
        yield note_html(str(error), "trouble"), gr.skip(), gr.skip(), gr.skip()


def show_earlier(manager: CheckpointManager, batches: Batches, name: str | None) -> Iterator[tuple[Any, ...]]:
    """The same of a batch that was run before, as far as it came."""
    try:
        yield from show(manager, batches.read(name or ""))
    except ValueError as error:
        yield note_html(str(error), "trouble"), "", "", []


def show(manager: CheckpointManager, batch: Batch) -> Iterator[tuple[Any, ...]]:
    summary, rows = accuracy_by_budget(batch.lines), rows_of(batch.lines)
    yield note_html("drawing the worst cases …"), summary, "", rows
    done = f"{len(batch.lines)} answers" if len(batch.lines) == batch.total else f"{len(batch.lines)} of {batch.total}"
    yield note_html(done), gr.skip(), worst_html(manager, batch), gr.skip()


def make_plan(task: str, checkpoint: str, limit: float, policies: list[str], budgets: list[str]) -> Plan:
    """Raises ValueError for a choice that leaves nothing to run."""
    numbers = tuple(0 if budget == "auto" else int(budget) for budget in budgets)
    plan = Plan(checkpoint, ((task or "").strip(),), tuple(policies), numbers, int(min(limit or 1, MAX_QUESTIONS)))
    if not plan.conditions():
        raise ValueError("Choose at least one policy and a budget that it can have.")
    return plan


def rows_of(lines: Sequence[Line]) -> list[list[Any]]:
    return [
        [
            number,
            line.question,
            " / ".join(line.answers[:3]),
            line.policy,
            line.budget or "auto",
            line.answer,
            round(line.score, 3),
            line.num_tokens,
            "" if line.recall is None else round(line.recall, 3),
            line.kind,
        ]
        for number, line in enumerate(lines[:MOST_ROWS], start=1)
    ]


def worst_lines(lines: Sequence[Line], count: int = NUM_WORST) -> list[tuple[int, Line]]:
    """Rows with the lowest scores of ARR-COC, or of the first policy where it did not run; of the same score those
    first that saw least evidence."""
    policies = {line.policy for line in lines}
    policy = next((name for name in OWN if name in policies), min(policies, default=""))
    own = [(row, line) for row, line in enumerate(lines, start=1) if line.policy == policy and line.score < 1]
    return sorted(own, key=lambda each: (each[1].score, 0.0 if each[1].recall is None else each[1].recall))[:count]


def worst_html(manager: CheckpointManager, batch: Batch) -> str:
    """A card per case with what was looked at, and the evidence in blue."""
    cards = []
    for row, line in worst_lines(batch.lines):
        sample = batch.task[line.sample]
        with manager.lend(batch.plan.model) as loaded:
            finding = examine(loaded, sample, Variant(batch.plan.model, line.policy, line.budget))
        title = f"row {row}: {line.question} ({' / '.join(line.answers[:3])})"
        figures = f"{finding.variant.label} · {line.num_tokens} tokens · score {line.score:.2f}"
        cards.append(cards_html(sample.image, [Card(title, line.answer, figures, finding.tiles)], fractions(sample)))
    if not cards:
        return note_html("No answer fell short.")
    head = '<h3 style="margin:.6rem 0">Worst cases</h3>'
    return f'{head}<div class="arr-worst">{"".join(cards)}</div>'


def exported(batches: Batches, folder: Path, name: str) -> list[Any]:
    """The buttons with their files, or without where there is nothing to export."""
    try:
        lines = batches.read(name).lines
    except ValueError:
        lines = []
    wanted = [format if lines and (format != "parquet" or has_parquet()) else None for format in FORMATS]
    files = [format and export(lines, folder, name, format) for format in wanted]
    return [gr.update(value=file, interactive=file is not None) for file in files]


def row_clicked(event: gr.SelectData) -> int:
    """The row's own number, however the table is sorted."""
    return int(event.row_value[0])


def open_row(batches: Batches, folder: Path, name: str, row: float | None) -> tuple[Any, ...]:
    """The form filled with a row: picture, question, what is accepted, evidence, and the policies of the batch.

    Raises:
        gr.Error: no batch is shown, or there is no such row.
    """
    try:
        batch = batches.read(name)
        number = int(row or 0)
        if not 1 <= number <= len(batch.lines):
            raise ValueError(f"row: there are 1 to {len(batch.lines)}; click one in the table or type its number")
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    line = batch.lines[number - 1]
    sample = batch.task[line.sample]
    path = folder / f"{name} question {line.sample + 1}.png"
    sample.image.save(path)
    policies = [policy for policy in batch.plan.policies if fits(policy, line.budget)]
    return (
        str(path),
        sample.question,
        [batch.plan.model],
        policies[:MAX_VARIANTS],
        [str(line.budget or "auto")],
        f" {BETWEEN} ".join(sample.answers),
        boxes_text(sample.boxes or ()),
        "",
    )


def fits(policy: str, budget: int) -> bool:
    """Whether a policy has this budget; those without one are always shown."""
    known = POLICIES[policy]
    return not known.has_budget or budget > 0 or known.chooses_budget
