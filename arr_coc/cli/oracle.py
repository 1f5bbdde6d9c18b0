"""`arr-coc oracle`: ask the pages, check them, take texts in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import arr_coc
from arr_coc.cli.errors import Command, Commands, explained

FAILED = 1
MOST_SHOWN_LINES = 8
BESIDE = Path(arr_coc.__file__).resolve().parent.parent

oracle_app = typer.Typer(
    cls=Commands, name="oracle", help="Pages with sources about this project: ask, check, extend.", no_args_is_help=True
)

Folder = Annotated[
    Path | None, typer.Option("--folder", metavar="FOLDER", help="The oracle; the nearest arr-coc-oracle by default.")
]


def found_folder(given: Path | None) -> Path:
    from arr_coc.oracle.pages import find_folder

    with explained():
        return find_folder(given, BESIDE)


@oracle_app.command(cls=Command)
def ask(
    question: Annotated[str, typer.Argument(help="In plain English.")],
    num: Annotated[int, typer.Option(min=1, max=20, help="Pages shown.")] = 3,
    llm: Annotated[str | None, typer.Option(metavar="URL", help="An OpenAI-compatible server phrases it.")] = None,
    llm_model: Annotated[str | None, typer.Option(help="As the server names it; its first by default.")] = None,
    api_key: Annotated[str, typer.Option(envvar="ARR_COC_API_KEY")] = "none",
    is_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    folder: Folder = None,
) -> None:
    """Print the best passages with file, line and sources; or "not in my pages", exit code 1."""
    from arr_coc.oracle.pages import load
    from arr_coc.oracle.phrasing import UNKNOWN, phrase
    from arr_coc.oracle.searching import search

    with explained():
        found = search(load(found_folder(folder)), question, num)
        hits = found.hits if found.is_answered else []
        answer = phrase(question, hits, llm, llm_model, api_key) if llm and hits else None
    if is_json:
        typer.echo(json.dumps({"answer": answer, "passages": [as_json(hit) for hit in hits]}, ensure_ascii=False))
    elif not hits or answer == UNKNOWN:
        typer.echo(UNKNOWN)
    else:
        typer.echo("\n\n".join([*([answer] if answer else []), *(shown(n, hit) for n, hit in enumerate(hits, 1))]))
    if not hits or answer == UNKNOWN:
        raise typer.Exit(FAILED)


def as_json(hit: Any) -> dict[str, Any]:
    sources = list(hit.sources.values())
    path, line = hit.page.path, hit.passage.line
    return {"file": path, "line": line, "title": hit.page.title, "text": hit.passage.text, "sources": sources}


def shown(number: int, hit: Any) -> str:
    """A passage for a terminal, its first lines."""
    lines = hit.passage.text.splitlines()
    text = [*lines[:MOST_SHOWN_LINES], *(["..."] if len(lines) > MOST_SHOWN_LINES else [])]
    heading = "" if hit.passage.heading == hit.page.title else f": {hit.passage.heading}"
    sources = [f"  source [{each}] {words}" for each, words in hit.sources.items()]
    return "\n".join([f"[{number}] {hit.place}  {hit.page.title}{heading}", *(f"  {line}" for line in text), *sources])


@oracle_app.command(cls=Command)
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE|FOLDER]...", help="Default: both inboxes.")
    ] = None,
    topic: Annotated[str, typer.Option(help="The topic that the pages go to.")] = "notes",
    source: Annotated[str | None, typer.Option(help="Where the text is from, such as a paper and its date.")] = None,
    folder: Folder = None,
) -> None:
    """Take texts in as pages: split, numbered, indexed, with their source. All of them, or none."""
    from arr_coc.oracle.ingesting import ingest as take_in

    with explained():
        done = take_in(found_folder(folder), paths or [], topic, source)
    for path, page in done.doubles:
        typer.echo(f"{path}: there already, as {page}")
    for page in done.pages:
        typer.echo(page)


@oracle_app.command(cls=Command)
def check(folder: Folder = None) -> None:
    """Look for broken structure, links and sources, and for facts that are no longer true; exit code 1 if any."""
    from arr_coc.oracle.checking import check as look

    place = found_folder(folder)
    beside = place.resolve().parent
    with explained():
        report = look(place, beside if (beside / "arr_coc").is_dir() else BESIDE, help_of)
    for fault in report.faults:
        typer.echo(str(fault))
    typer.echo(f"{report.num_pages} pages, {report.num_facts} facts, {len(report.faults)} faults")
    if report.faults:
        raise typer.Exit(FAILED)


def help_of(words: list[str]) -> str:
    """The help of a command, wide enough that no option is cut; ValueError for no such command."""
    from typer.testing import CliRunner

    from arr_coc.cli.main import app

    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    if result.exit_code:
        raise ValueError(f"no command arr-coc {' '.join(words)}")
    return result.output


@oracle_app.command(cls=Command)
def joke(
    save: Annotated[str | None, typer.Option(metavar="JOKE", help="Append one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Tell the same one again.")] = None,
    folder: Folder = None,
) -> None:
    """Tell a joke, or save one; what is there is never changed."""
    from arr_coc.oracle.jokes import save_joke, tell_joke

    with explained():
        place = found_folder(folder)
        if save is None:
            typer.echo(tell_joke(place, seed))
        else:
            save_joke(place, save)
            typer.echo("saved")


@oracle_app.command("eval", cls=Command)
def evaluate(
    is_json: Annotated[bool, typer.Option("--json", help="Print one object a line.")] = False,
    misses: Annotated[bool, typer.Option("--misses", help="Show what went wrong, question by question.")] = False,
    folder: Folder = None,
) -> None:
    """Ask the questions in evals/ and count: right page first, within three, foreign questions declined."""
    from arr_coc.oracle.evaluating import evaluate as run
    from arr_coc.oracle.evaluating import missed, question_files, read_questions, table
    from arr_coc.oracle.pages import load

    with explained():
        place = found_folder(folder)
        pages = load(place)
        tallies = [run(pages, path.stem, read_questions(path)) for path in question_files(place)]
        if not tallies:
            raise ValueError("evals: no *.jsonl file with questions")
    typer.echo("\n".join(json.dumps(tally.as_json()) for tally in tallies) if is_json else table(tallies))
    if misses:
        typer.echo("\n".join(line for tally in tallies for line in missed(tally)))
