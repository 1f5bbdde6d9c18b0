"""`arr-coc batch`: questions about many pictures, answered into one file; a killed run goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arr_coc.cli.answering import Model, parse_budget, silence_libraries
from arr_coc.cli.errors import explained, fail, resumable, say

if TYPE_CHECKING:
    from arr_coc.serving.batch.answering import Settings
    from arr_coc.serving.batch.journal import Journal
    from arr_coc.serving.batch.workers import Worker

Input = Annotated[
    Path, typer.Argument(metavar="INPUT", help="A folder of pictures, a qa.jsonl, or Parquet (image, question).")
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="Answers, a row each: .jsonl or .parquet.")]
Question = Annotated[str | None, typer.Option(help="Asked about every picture; none: the input's own questions.")]
Budget = Annotated[str | None, typer.Option(metavar="auto|64..400", help="Most visual tokens of a picture.")]
Relevance = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Trained parts; none: the model's own.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; default 1, with --ray one a GPU, else one a machine.")
]
Together = Annotated[int, typer.Option("--batch", min=1, help="Pictures that a worker answers together.")]
MaxNewTokens = Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")]
Ray = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of a Ray cluster: auto or HOST:PORT.")]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Ask again what an earlier session could not answer.")]


def batch(
    path: Input,
    out: Out,
    question: Question = None,
    model: Model = "nano",
    budget: Budget = None,
    relevance: Relevance = None,
    workers: Workers = None,
    together: Together = 8,
    max_new_tokens: MaxNewTokens = 64,
    ray: Ray = None,
    retry_failed: Retry = False,
) -> None:
    """Answer questions about many pictures; a killed run goes on where it was, without a lost or doubled row."""
    from arr_coc.serving.batch.journal import Output

    output = Output(out)
    with explained():
        output.check()
        tokens = parse_budget(budget)
        from arr_coc.serving.batch.inputs import open_source

        source = open_source(path, question)
        silence_libraries()
        settings = checked_settings(model, relevance, tokens, max_new_tokens)
        from arr_coc.serving.batch.running import run, summary

        start, num_workers = workers_of(settings, workers, ray)
    fixed = {"question": question, **settings.__dict__}
    start_time = time.perf_counter()
    with explained(), resumable("the same command goes on where it was"):
        steps = run(source, output, fixed, start, num_workers, together, retry_failed)
        journal, num_before = show_progress(steps, len(source))
    for line in summary(journal, num_before, time.perf_counter() - start_time):
        typer.echo(line)
    if journal.num_failed == journal.total:
        fail(f"--out: {out}: no row could be answered; its column error says why")
    if journal.num_failed:
        say(f"{journal.num_failed} rows failed; their column error says why, --retry-failed asks them again")


def checked_settings(model: str, relevance: Path | None, budget: int | str | None, max_new_tokens: int) -> Settings:
    """Raises ValueError for a model or trained parts that no worker could load."""
    from arr_coc.hosts.checkpoints import load_config
    from arr_coc.processor.trained_parts import load_relevance
    from arr_coc.serving.batch.answering import Settings

    config = load_config(model)
    if relevance is not None:
        load_relevance(relevance, config)
    return Settings(model, None if relevance is None else str(relevance.resolve()), budget, max_new_tokens)


def workers_of(settings: Settings, num_workers: int | None, address: str | None) -> tuple[Callable[[], Worker], int]:
    from arr_coc.serving.batch.workers import actors, processes

    if address is not None:
        return actors(address, settings, num_workers)
    return processes(settings, num_workers or 1), num_workers or 1


def show_progress(steps: Iterator[Journal], total: int) -> tuple[Journal, int]:
    """Runs to the end; the journal, and how many rows it held at the start."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[failed]} failed, left:"), TimeRemainingColumn()),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        journal = next(steps)
        num_before = journal.num_done
        bar = progress.add_task("rows", total=total, completed=num_before, failed=journal.num_failed)
        for journal in steps:
            progress.update(bar, completed=journal.num_done, failed=journal.num_failed)
    return journal, num_before
