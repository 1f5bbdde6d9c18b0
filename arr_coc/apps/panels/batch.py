"""The tab "Batch": a task or a folder under several policies, with its worst cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.pages import note_html
from arr_coc.apps.variants import OURS, Variant, examine
from arr_coc.data.suites import SUITES
from arr_coc.data.tasks import Task
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.reporting.tables import accuracy_by_budget
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.running.runner import Plan, answer_chunk, fractions, missing_chunks
from arr_coc.views.side_by_side import Card, cards_html

BUDGETS = ("auto", "64", "100", "160", "256", "400")
NUM_WORST, MAX_QUESTIONS = 6, 500
COLUMNS = ("question", "accepted", "policy", "budget", "answer", "score", "tokens", "evidence seen", "kind")


@dataclass(frozen=True, eq=False)
class Batch:
    """Answers so far, and how many there will be."""

    task: Task
    lines: list[Line]
    total: int


def build_batch(manager: CheckpointManager) -> None:
    """Components and their events."""
    with gr.Row():
        task = gr.Dropdown(
            list(SUITES),
            value="development",
            allow_custom_value=True,
            label="Task, or folder with a qa.jsonl",
            elem_id="task",
        )
        checkpoint = gr.Dropdown(manager.names, value=manager.names[0], label="Checkpoint")
        limit = gr.Number(16, minimum=1, maximum=MAX_QUESTIONS, precision=0, label="Questions", elem_id="limit")
    with gr.Row():
        policies = gr.Dropdown(list(POLICIES), value=["resize", OURS], multiselect=True, label="Policies")
        budgets = gr.CheckboxGroup(list(BUDGETS), value=["160"], label="Budgets")
    start = gr.Button("Run", variant="primary", elem_id="run-batch")
    status = gr.HTML("", padding=False, elem_id="batch-status")
    summary = gr.Markdown("", elem_id="batch-summary")
    worst = gr.HTML("", padding=False, elem_id="worst")
    table = gr.Dataframe(
        headers=list(COLUMNS), interactive=False, show_label=False, max_height=420, buttons=[], elem_id="batch-table"
    )

    def run(*values: Any) -> Iterator[tuple[Any, ...]]:
        yield from respond(manager, *values)

    start.click(
        run,
        [task, checkpoint, limit, policies, budgets],
        [status, summary, worst, table],
        concurrency_limit=1,
        concurrency_id="models",
        show_progress="hidden",
        api_name="batch",
    )


def respond(
    manager: CheckpointManager, task: str, checkpoint: str, limit: float, policies: list[str], budgets: list[str]
) -> Iterator[tuple[Any, ...]]:
    """Yields status, summary, worst cases and table; the last three once they are known."""
    try:
        yield note_html("opening the task …"), "", "", []
        for batch in answer(manager, make_plan(task, checkpoint, limit, policies, budgets)):
            yield note_html(f"{len(batch.lines)} of {batch.total} answers"), gr.skip(), gr.skip(), gr.skip()
        yield note_html("drawing the worst cases …"), accuracy_by_budget(batch.lines), gr.skip(), rows_of(batch.lines)
        yield note_html(f"{len(batch.lines)} answers"), gr.skip(), worst_html(manager, checkpoint, batch), gr.skip()
    except ValueError as error:
        yield note_html(str(error), "trouble"), gr.skip(), gr.skip(), gr.skip()


def make_plan(task: str, checkpoint: str, limit: float, policies: list[str], budgets: list[str]) -> Plan:
    """Raises ValueError for a choice that leaves nothing to run."""
    numbers = tuple(0 if budget == "auto" else int(budget) for budget in budgets)
    plan = Plan(checkpoint, (task.strip(),), tuple(policies), numbers, int(min(limit or 1, MAX_QUESTIONS)))
    if not plan.conditions():
        raise ValueError("Choose at least one policy and a budget that it can have.")
    return plan


def answer(manager: CheckpointManager, plan: Plan) -> Iterator[Batch]:
    """Yields the batch after each few questions."""
    name = plan.tasks[0]
    task, conditions = plan.open(name), plan.conditions()
    lines: list[Line] = []
    for chunk in missing_chunks(name, task, conditions, set()):
        with manager.lend(plan.model) as (_, processor):
            lines = [*lines, *answer_chunk(processor, chunk, task, 0)]
        yield Batch(task, lines, len(task) * len(conditions))


def rows_of(lines: Sequence[Line]) -> list[list[Any]]:
    return [
        [
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
        for line in lines
    ]


def worst_lines(lines: Sequence[Line], count: int = NUM_WORST) -> list[Line]:
    """Lowest scores of ARR-COC, or of the first policy where it did not run; then those that saw least evidence."""
    policies = {line.policy for line in lines}
    policy = OURS if OURS in policies else min(policies, default="")
    own = [line for line in lines if line.policy == policy and line.score < 1]
    return sorted(own, key=lambda line: (line.score, 0.0 if line.recall is None else line.recall))[:count]


def worst_html(manager: CheckpointManager, checkpoint: str, batch: Batch) -> str:
    """A card per case with what was looked at, and the evidence in blue."""
    cards = []
    for line in worst_lines(batch.lines):
        sample = batch.task[line.sample]
        with manager.lend(checkpoint) as loaded:
            finding = examine(loaded, sample, Variant(checkpoint, line.policy, line.budget))
        title = f"{line.question} ({' / '.join(line.answers[:3])})"
        figures = f"{finding.variant.label} · {line.num_tokens} tokens · score {line.score:.2f}"
        cards.append(cards_html(sample.image, [Card(title, line.answer, figures, finding.tiles)], fractions(sample)))
    if not cards:
        return note_html("No answer fell short.")
    head = '<h3 style="margin:.6rem 0">Worst cases</h3>'
    return f'{head}<div class="arr-worst">{"".join(cards)}</div>'
