"""`arr-coc eval`: measure accuracy against visual tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.errors import Command, Commands, explained, fail, say
from arr_coc.cli.reporting import Session, answer_all, answer_and_report, check_outputs, publish, tell_doubled, write
from arr_coc.files.checking import check_file
from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from arr_coc.evaluation.running.runner import Plan

HEADROOM = "full,resize,two-mode,random,saliency,arr-coc,oracle"
BUDGETS = "64,100,160,256,400"
NEIGHBOURS = """\
# Same picture, two questions
Each question about a picture is looked with. Own evidence: the share of its evidence that it is shown at a legible
level; neighbour's: the same for the evidence of another question about the picture. Percent ± standard error. Looked
at by both: of the area that either question has shown finer than the glimpse, the part that both have."""

eval_app = typer.Typer(cls=Commands, name="eval", help="Measure accuracy against visual tokens.")

Tasks = Annotated[str, typer.Option(help="Comma-separated task names, or folders with pictures and a qa.jsonl.")]
Policies = Annotated[str, typer.Option(help="Comma-separated, or all.")]
Budgets = Annotated[str, typer.Option(help="Comma-separated numbers of tokens; auto lets ARR-COC choose.")]
Model = Annotated[str, typer.Option(help="nano, a folder, or an id of the Hugging Face hub.")]
Relevance = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Trained parts; none: those that lie in the model, if any.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Questions a task; all by default.")]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Answers and report; a killed run goes on.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that answer, one thread each; 0: this one.")]
Timed = Annotated[int, typer.Option(min=0, help="Every n-th question is also asked alone and timed; 0: none.")]
Skip = Annotated[bool, typer.Option("--skip-missing", help="Count pictures that are not there and go on.")]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Ask again what an earlier session could not answer.")]
MaxFailures = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the answers that may fail before the run ends; 0: the first.")
]
MaxPixels = Annotated[
    int | None, typer.Option(min=1, help="Full resolution of a picture at most; the host's own by default.")
]
Quantize = Annotated[str | None, typer.Option(help="Matrices of the host in 8 bits: int8, int8-dynamic, fp8.")]
Readme = Annotated[Path | None, typer.Option(metavar="FILE", help="Put the table between its markers.")]


@eval_app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    tasks: Tasks = "development",
    policies: Policies = "full,resize,arr-coc",
    budgets: Budgets = f"{BUDGETS},auto",
    model: Model = "nano",
    limit: Limit = 400,
    out: Out = Path("out/eval"),
    workers: Workers = 2,
    timed_every: Timed = 20,
    skip_missing: Skip = False,
    relevance: Relevance = None,
    retry_failed: Retry = False,
    max_failures: MaxFailures = 0.2,
    max_pixels: MaxPixels = None,
    quantize: Quantize = None,
) -> None:
    """Measure accuracy against visual tokens."""
    if context.invoked_subcommand is not None:
        return
    with explained():
        check_outputs(out)
        plan = plan_of(model, tasks, policies, budgets, limit, timed_every, skip_missing, relevance)
        plan = replace(plan, max_pixels=max_pixels, quantize=quantize)
    answer_and_report(plan, out, Session(workers, retry_failed, max_failures), "Evaluation")


@eval_app.command(cls=Command)
def headroom(
    out: Out,
    model: Model = "nano",
    limit: Limit = 1000,
    policies: Policies = HEADROOM,
    budgets: Budgets = BUDGETS,
    workers: Workers = 2,
    readme: Readme = None,
    retry_failed: Retry = False,
    max_failures: MaxFailures = 0.2,
) -> None:
    """Phase 0: is there anything to gain from looking closer? The gap between oracle and resize."""
    with explained():
        check_outputs(out, readme)
        plan = plan_of(model, "development", policies, budgets, limit)
    session = Session(workers, retry_failed, max_failures)
    answer_and_report(plan, out, session, "Phase 0: does looking closer pay?", "eval headroom", readme)


@eval_app.command(cls=Command)
def ablate(
    out: Out,
    model: Model = "nano",
    tasks: Tasks = "development",
    limit: Limit = 400,
    budgets: Budgets = "100,160,auto",
    parts: Annotated[str, typer.Option(help="all; trained: the trained scorer's; tensions: each alone.")] = "all",
    workers: Workers = 2,
    retry_failed: Retry = False,
    max_failures: MaxFailures = 0.2,
) -> None:
    """ARR-COC with one part changed or left out at a time: which part earns its keep?"""
    from arr_coc.evaluation.policies.ablations import PARTS, ablation_sections

    with explained():
        check_outputs(out)
        if parts not in PARTS:
            raise ValueError(f"parts: must be one of {', '.join(PARTS)}, got {quoted(parts)}")
        plan = plan_of(model, tasks, ",".join(PARTS[parts]), budgets, limit)
    lines = answer_all(plan, out, Session(workers, retry_failed, max_failures))
    write(plan, out, lines, "Ablations", "eval ablate", sections=ablation_sections(lines))


@eval_app.command(cls=Command)
def neighbours(
    model: Model = "nano",
    tasks: Tasks = "same-picture",
    policies: Policies = "resize,random,saliency,arr-coc,oracle",
    budgets: Budgets = "100,160",
    limit: Limit = None,
    relevance: Relevance = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the table there too.")] = None,
) -> None:
    """Same picture, two questions: does each see its own evidence, and not its neighbour's?"""
    from arr_coc.evaluation.neighbours import compare_neighbours, neighbours_table
    from arr_coc.evaluation.running.notes import command_of

    with explained():
        if out is not None:
            check_file(out, makes_folder=True)
        plan = plan_of(model, tasks, policies, budgets, limit, relevance=relevance)
        processor = plan.load()
    pairs, unreadable = [], []  # type: ignore[var-annotated]
    with explained():
        for name in plan.tasks:
            task = plan.open(name)
            for done, found in compare_neighbours(processor, task, plan.conditions(), unreadable):
                pairs += found
                typer.echo(f"{name}: {done} of {len(task)} questions", err=True)
    tell_unreadable(unreadable)
    if not pairs:
        fail("tasks: no two questions about one picture have evidence boxes; try same-picture")
    table = neighbours_table(pairs)
    typer.echo(table)
    if out is not None:
        command = command_of(plan, out, "eval neighbours")
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, f"{NEIGHBOURS}\n\n{table}\n\nMade by `{command}`.\n")


@eval_app.command(cls=Command)
def tune(
    tasks: Annotated[str, typer.Option(help="Folder with qa.jsonl and boxes; not what is measured on later.")],
    model: Model = "nano",
    budgets: Budgets = "100,160",
    focus: Annotated[str, typer.Option(help="Values to try.")] = "0.4,0.6,0.8",
    explore: Annotated[str, typer.Option(help="Values to try.")] = "0,0.1",
    information: Annotated[str, typer.Option(help="Weights to try; what is left goes to the question.")] = "0,0.2,0.4",
    limit: Limit = None,
    relevance: Relevance = None,
    training_free: Annotated[bool, typer.Option("--training-free", help="Without the trained scorer.")] = False,
) -> None:
    """Find the tensions that show most evidence whole; nothing is answered."""
    from itertools import product

    from arr_coc.evaluation.tuning import as_option, best_choice, tensions_to_try, try_tensions, tuning_table

    with explained():
        plan = plan_of(model, tasks, "arr-coc", budgets, limit, relevance=relevance)
        processor = plan.load()
        choices = tensions_to_try(*product(shares(focus), shares(explore), shares(information)))
    allocator = processor.allocator.training_free() if training_free else processor.allocator
    wanted = [budget for budget in plan.budgets if budget]
    found, unreadable = [], []  # type: ignore[var-annotated]
    with explained():
        for name in plan.tasks:
            task = plan.open(name)
            for done, trials in try_tensions(processor.host, allocator, task, choices, wanted, unreadable):
                found += trials
                typer.echo(f"{name}: {done} of {len(task)} questions", err=True)
    tell_unreadable(unreadable)
    if not found:
        fail("tasks: no question has evidence boxes; tune on a folder of arr-coc data generate")
    typer.echo(tuning_table(found))
    typer.echo(f"best: --tensions {as_option(best_choice(found))}")


def tell_unreadable(reasons: list[str]) -> None:
    if reasons:
        say(f"{len(reasons)} questions could not be read and are left out; the first: {reasons[0]}")


@eval_app.command(cls=Command)
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of an earlier run.")],
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "Evaluation",
    readme: Readme = None,
) -> None:
    """Make the report again from the answers."""
    from arr_coc.evaluation.running.runner import read_run

    with explained():
        check_outputs(folder, readme)
        plan, lines = read_run(folder, tell_doubled)
    command = "eval final" if plan.for_final_report else "eval"
    publish(lines, write(plan, folder, lines, title, command), readme)


@eval_app.command(cls=Command)
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
) -> None:
    """Tell whether two runs differ, and by how much, on the questions that both answered."""
    from arr_coc.evaluation.reporting.comparisons import comparison_rows, run_comparisons
    from arr_coc.evaluation.running.runner import read_run

    with explained():
        found = run_comparisons(*(read_run(folder, tell_doubled)[1] for folder in (first, second)))
    typer.echo(comparison_rows(found))


def plan_of(
    model: str,
    tasks: str,
    policies: str,
    budgets: str,
    limit: int | None,
    timed_every: int = 0,
    skip_missing: bool = False,
    relevance: Path | None = None,
    for_final_report: bool = False,
) -> Plan:
    """A plan that can be run; "all" policies are those that the host can follow.

    Raises:
        ValueError: an unknown task or policy, with the list of those there are, a bad budget, no trained parts.
    """
    from arr_coc.evaluation.policies.registry import POLICIES
    from arr_coc.evaluation.running.runner import REGISTRY, Plan
    from arr_coc.hosts.names import resolve
    from arr_coc.processor.trained_parts import has_parts

    is_trained = has_parts(relevance if relevance is not None else Path(resolve(model)))
    every = [name for name, policy in POLICIES.items() if is_trained or not policy.needs_training]
    names = tuple(every if policies == "all" else policies.split(","))
    folder = str(relevance) if relevance is not None else None
    plan = Plan(
        model,
        tuple(tasks.split(",")),
        names,
        numbers(budgets),
        limit,
        timed_every,
        skip_missing,
        folder,
        for_final_report,
    )
    plan.conditions()
    for name in names:
        if REGISTRY[name].needs_training and not is_trained:
            raise ValueError(f"policies: {name} needs trained parts; name them with --relevance FOLDER")
    for task in plan.tasks:
        plan.open(task)
    return plan


def shares(text: str) -> list[float]:
    """Comma-separated numbers in 0..1.

    Raises:
        ValueError: something else.
    """
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = [-1.0]
    if not all(0 <= value <= 1 for value in found):
        raise ValueError(f"{quoted(text)} is not a list of numbers in 0..1, such as 0.4,0.6,0.8")
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Comma-separated budgets; auto is 0, the policy's own.

    Raises:
        ValueError: something else.
    """
    parts = text.split(",")
    if not all(part == "auto" or (part.isdigit() and 64 <= int(part) <= 400) for part in parts):
        raise ValueError(f"budgets: {quoted(text)} is not a list of numbers in 64..400, or auto, such as 64,100,auto")
    return tuple(0 if part == "auto" else int(part) for part in parts)
