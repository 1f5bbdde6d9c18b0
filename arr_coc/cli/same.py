"""`arr-coc same`: whether a server answers what the library answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arr_coc.cli.errors import explained, fail
from arr_coc.cli.load import check_setting
from arr_coc.files.checking import check_file
from arr_coc.files.writing import write_atomically

if TYPE_CHECKING:
    from arr_coc.serving.same import Answer, Compared

LEAST = 0.99


def same(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Each pictures and a qa.jsonl.")],
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8000",
    model: Annotated[str, typer.Option(help="As the server names it, and as the library loads it.")] = "nano",
    budgets: Annotated[str, typer.Option(help="Each question at each: 64 to 400, auto.")] = "64,100,160,400,auto",
    stock_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another server, vLLM alone: off is compared with it.")
    ] = None,
    clients: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 8,
    limit: Annotated[int, typer.Option(min=1, help="Questions, of the folders in turn.")] = 60,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 16,
    api_key: Annotated[str, typer.Option(envvar="ARR_COC_API_KEY")] = "none",
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the table there too.")] = None,
) -> None:
    """Same answers of a server as of the library, or of vLLM alone (--stock-url).

    It fails where under 99% are the same, or where one prompt is of another length.
    """
    with explained():
        if out is not None:
            check_file(out, "--out")
        from arr_coc.data.tasks import FolderTask
        from arr_coc.serving.load import Ask
        from arr_coc.serving.same import OFF, Compared, ask_library, ask_server, table

        chosen = [OFF] if stock_url else [check_setting(each.strip()) for each in budgets.split(",")]
        if not stock_url and OFF in chosen:
            raise ValueError("--budgets: off is compared with vLLM alone; give its address as --stock-url")
        asks = [Ask(folder / one.image, one.question) for folder in folders for one in FolderTask(folder).records]
    from rich.progress import Progress

    wanted = list(product(asks[:limit], chosen))
    served = answered("--url", ask_server(bare(url), model, wanted, clients, max_tokens, api_key))
    if stock_url:
        asking = ask_server(bare(stock_url), model, wanted, clients, max_tokens, api_key, is_stock=True)
        expected = answered("--stock-url", asking)
    else:
        with Progress() as progress:
            bar = progress.add_task("library", total=len(wanted))
            expected = ask_library(model, wanted, max_tokens, lambda done: progress.update(bar, completed=done))
    compared = [Compared(*each, *both) for each, *both in zip(wanted, served, expected, strict=True)]
    command = f"arr-coc same {'FOLDER ' * len(folders)}{'--stock-url URL' if stock_url else f'--budgets {budgets}'}"
    text = (
        f"Made by `{command} --clients {clients} --limit {limit} --max-tokens {max_tokens}`: the server against "
        f"{'vLLM alone' if stock_url else 'the library'}.\n{len({each.picture for each in asks[:limit]})} pictures, "
        f"{len(asks[:limit])} questions, {len(wanted)} requests, {clients} at a time.\n\n{table(compared, chosen)}\n"
    )
    typer.echo(text)
    if out is not None:
        write_atomically(out, text)
    check_all_the_same(compared)


def answered(option: str, asking: Coroutine[Any, Any, list[Answer]]) -> list[Answer]:
    """What a server said; ends the command where it answered nothing."""
    said = asyncio.run(asking)
    if all(each.error for each in said):
        fail(f"{option}: nothing was answered; {said[0].error}")
    return said


def check_all_the_same(compared: list[Compared]) -> None:
    """Ends the command where too many answers differ, or one prompt is of another length."""
    num_same, num_as_long = sum(each.is_same for each in compared), sum(each.is_as_long for each in compared)
    if num_same < LEAST * len(compared):
        fail(f"{num_same} of {len(compared)} answers are the same")
    if num_as_long < len(compared):
        fail(f"{num_as_long} of {len(compared)} prompts are of the same length")


def bare(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1")
