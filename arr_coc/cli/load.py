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
    limit: Annotated[int, typer.Option(min=1, help="Pictures.")] = 64,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 16,
    api_key: Annotated[str, typer.Option(envvar="ARR_COC_API_KEY")] = "none",
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the table there too.")] = None,
) -> None:
    """Load on an OpenAI-compatible server: requests a second and seconds to first and last token, budgets in turns.

    No picture is asked about twice at one setting; still, start the server with -- --no-enable-prefix-caching.
    """
    with explained():
        if out is not None:
            check_file(out, "--out")
        from arr_coc.data.tasks import FolderTask
        from arr_coc.serving.load import Ask, measure, table

        chosen = [check_setting(each.strip()) for each in budgets.split(",")]
        records = {record.image: record for record in reversed(FolderTask(folder).records)}
        wanted = [Ask(folder / record.image, record.question) for record in reversed(records.values())][:limit]
    from rich.progress import Progress

    with Progress() as progress:
        bar = progress.add_task("requests", total=len(wanted) * len(chosen))
        running = measure(
            url.rstrip("/").removesuffix("/v1"),
            model,
            wanted,
            chosen,
            clients,
            max_tokens,
            api_key,
            lambda done, total: progress.update(bar, completed=done),
        )
        measured = asyncio.run(running)
    errors = [reply.error for each in measured for reply in each.replies if reply.error]
    if errors and len(errors) == sum(len(each.replies) for each in measured):
        fail(f"--url: nothing was answered; {errors[0]}")
    named = "" if model == "nano" else f" --model {model}"
    command = f"arr-coc load FOLDER{named} --budgets {budgets} --clients {clients} --limit {limit}"
    command += f" --max-tokens {max_tokens}"
    text = f"Made by `{command}`, {len(wanted)} pictures.\n\n{table(measured)}\n"
    typer.echo(text)
    if out is not None:
        write_atomically(out, text)


def check_setting(text: str) -> str:
    """Raises ValueError for what no server of ours takes."""
    if text in ("auto", "off") or (text.isdigit() and 64 <= int(text) <= 400):
        return text
    raise ValueError(f"--budgets: must be 64 to 400, auto or off, got {quoted(text)}")
