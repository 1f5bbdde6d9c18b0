"""`arr-coc load`: what a server answers in a second, and how soon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained, fail
from arr_coc.files.checking import check_file
from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted


def load(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures and a qa.jsonl; a question a picture.")],
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8000",
    model: Annotated[str, typer.Option(help="As the server names it.")] = "nano",
    budgets: Annotated[str, typer.Option(help="Settings that take turns: 64 to 400, auto, off.")] = "160,off",
    clients: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 4,
    rates: Annotated[
        str | None,
        typer.Option(help="Instead: comma-separated requests a second that arrive, answered or not; pictures shared."),
    ] = None,
    within: Annotated[float, typer.Option(min=0.001, help="Seconds in which an answer counts as in time.")] = 1.0,
    limit: Annotated[int, typer.Option(min=1, help="Pictures, a rate.")] = 64,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 16,
    api_key: Annotated[str, typer.Option(envvar="ARR_COC_API_KEY")] = "none",
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the table there too.")] = None,
) -> None:
    """Load on an OpenAI-compatible server: requests a second, seconds to first and last token, answers right and in
    time; budgets in turns.

    No picture is asked about twice at one setting; still, start the server with -- --no-enable-prefix-caching.
    """
    with explained():
        if out is not None:
            check_file(out, "--out")
        from arr_coc.data.tasks import FolderTask
        from arr_coc.serving.load import Ask, Server, Setting, measure, table

        speeds = [0.0] if rates is None else [check_rate(each.strip()) for each in rates.split(",")]
        chosen = [Setting(check_setting(each.strip()), rate) for rate in speeds for each in budgets.split(",")]
        if len(set(chosen)) < len(chosen):
            raise ValueError("--budgets, --rates: each may be given once")
        records = {record.image: record for record in reversed(FolderTask(folder).records)}
        wanted = [
            Ask(folder / record.image, record.question, record.answers, record.metric or FolderTask.metric)
            for record in reversed(records.values())
        ][: limit * len(speeds)]
        if len(wanted) < len(speeds):
            raise ValueError(f"--rates: {len(speeds)} need a picture each at least, {quoted(folder)} has {len(wanted)}")
    from rich.progress import Progress

    with Progress() as progress:
        bar = progress.add_task("requests", total=None)
        server = Server(url.rstrip("/").removesuffix("/v1"), model, api_key, clients, max_tokens)
        running = measure(server, wanted, chosen, lambda done, total: progress.update(bar, completed=done, total=total))
        measured = asyncio.run(running)
    errors = [reply.error for each in measured for reply in each.replies if reply.error]
    if errors and len(errors) == sum(len(each.replies) for each in measured):
        fail(f"--url: nothing was answered; {errors[0]}")
    named = "" if model == "nano" else f" --model {model}"
    pace = f"--clients {clients}" if rates is None else f"--rates {rates}"
    command = f"arr-coc load FOLDER{named} --budgets {budgets} {pace} --within {within:g} --limit {limit}"
    command += f" --max-tokens {max_tokens}"
    text = f"Made by `{command}`, {len(wanted)} pictures.\n\n{table(measured, within)}\n"
    typer.echo(text)
    if out is not None:
        write_atomically(out, text)


def check_setting(text: str) -> str:
    """Raises ValueError for what no server of ours takes."""
    if text in ("auto", "off") or (text.isdigit() and 64 <= int(text) <= 400):
        return text
    raise ValueError(f"--budgets: must be 64 to 400, auto or off, got {quoted(text)}")


def check_rate(text: str) -> float:
    """Raises ValueError for what is no number of requests a second."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 10_000:
        raise ValueError(f"--rates: must be requests a second, such as 0.5 or 4, got {quoted(text)}")
    return rate
