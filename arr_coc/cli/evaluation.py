"""`arr-coc eval`: measure accuracy against visual tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained

eval_app = typer.Typer(name="eval", help="Measure accuracy against visual tokens.", no_args_is_help=True)


@eval_app.callback()
def group() -> None:
    """Measure accuracy against visual tokens."""


@eval_app.command()
def headroom(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Lines, table and plot; a killed run goes on.")],
    model: Annotated[str, typer.Option(help="nano, a folder, or an id of the Hugging Face hub.")] = "nano",
    pictures: Annotated[int, typer.Option(min=2, help="Held-out pictures.")] = 200,
    questions: Annotated[int, typer.Option(min=1, max=10, help="Questions a picture.")] = 6,
    policies: Annotated[
        str, typer.Option(help="Comma-separated.")
    ] = "full,resize,two-mode,random,saliency,arr-coc,oracle",
    budgets: Annotated[str, typer.Option(help="Comma-separated numbers of tokens.")] = "64,100,160,256,400",
    workers: Annotated[int, typer.Option(min=0, help="Processes that answer, one thread each; 0: this one.")] = 2,
    readme: Annotated[Path | None, typer.Option(metavar="FILE", help="Put the table between its markers.")] = None,
) -> None:
    """Phase 0: is there anything to gain from looking closer? The gap between oracle and resize."""
    from arr_coc.evaluation.headroom import conditions

    with explained():
        pairs = conditions(policies.split(","), numbers(budgets))
    from arr_coc.data.tasks import TEST_SEEDS, GeneratedTask
    from arr_coc.evaluation.headroom import measure, read_lines
    from arr_coc.evaluation.headroom_report import by_budget, report
    from arr_coc.hosts.checkpoints import load_model
    from arr_coc.views.headroom import draw_headroom

    with explained():
        load_model(model)
    task = GeneratedTask(TEST_SEEDS.start, pictures, questions)
    out.mkdir(parents=True, exist_ok=True)
    lines_path = out / "headroom.jsonl"
    with explained():
        show_progress(measure(model, task, pairs, lines_path, workers), pictures)
    lines = read_lines(lines_path)
    command = f"arr-coc eval headroom --model {model} --pictures {pictures} --questions {questions} --out {out}"
    (out / "headroom.md").write_text(report(lines, command, model), encoding="utf-8")
    if readme is not None:
        insert(readme, f"{by_budget(lines)}\n\nMade by `{command}`.")
    draw_headroom(lines, model).savefig(out / "headroom.png")
    typer.echo(f"{len(lines)} answers: {out / 'headroom.md'}")


def show_progress(done: Iterator[int], total: int) -> None:
    """A bar with the time left, on stderr."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("pictures", total=total)
        for count in done:
            progress.update(bar, completed=count)


def insert(path: Path, text: str) -> None:
    """Replaces what stands between the markers <!-- numbers --> and <!-- /numbers -->."""
    head, rest = path.read_text(encoding="utf-8").split("<!-- numbers -->")
    tail = rest.split("<!-- /numbers -->")[1]
    path.write_text(f"{head}<!-- numbers -->\n{text}\n<!-- /numbers -->{tail}", encoding="utf-8")


def numbers(text: str) -> list[int]:
    """Comma-separated budgets.

    Raises:
        ValueError: something else.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"budgets: {text!r} is not a list of numbers such as 64,100,160") from None
