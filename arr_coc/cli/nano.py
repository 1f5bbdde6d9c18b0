"""`arr-coc nano`: train the embedded host again, and measure it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from arr_coc.cli.errors import Command, Commands, explained, resumable
from arr_coc.files.checking import check_file
from arr_coc.files.checking import check_folder as check_out
from arr_coc.files.writing import write_atomically

FACTS = {"num_parameters": int, "recipe": str, "stages": list, "seconds": int, "device": str, "processes": int}

nano_app = typer.Typer(
    cls=Commands, name="nano", help="The embedded host: train it again, measure it.", no_args_is_help=True
)


@nano_app.command(cls=Command)
def train(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Checkpoint, log and finished host.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in FOLDER.")] = False,
    scale: Annotated[float, typer.Option(help="Multiplies the batches of every stage.")] = 1.0,
    batch_scale: Annotated[
        float, typer.Option(help="Multiplies the pictures of a batch; a GPU wants 4 or more.")
    ] = 1.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw pictures, for each that trains.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    start: Annotated[
        str, typer.Option(help="nano or a folder: goes on from that host, with lifelike pictures; empty: from nothing.")
    ] = "",
) -> None:
    """Tokenizer, print, labelled lines, the generator's pictures; hours on a CPU, where a process a core pays:
    torchrun --nproc-per-node 2 --no-python arr-coc nano train --out FOLDER.
    """
    from arr_coc.nano.distributed import joined
    from arr_coc.nano.train import Settings, check_folder, check_team, choose_device
    from arr_coc.nano.train import train as run

    if start:
        from arr_coc.hosts.names import resolve
    with joined() as team, resumable("--resume goes on from the last checkpoint, if one was written"):
        with explained():
            settings = Settings(
                seed,
                scale,
                batch_scale,
                workers,
                device=choose_device(device),
                start=str(resolve(start)) if start else "",
            )
            check_team(settings, team)
            check_out(out)
            check_folder(out, resume)
            host = run(out, settings, resume, team)
        if team.leads:
            typer.echo(f"host: {host}")


@nano_app.command("eval", cls=Command)
def evaluate(
    model: Annotated[str, typer.Option(help="nano or a folder.")] = "nano",
    limit: Annotated[int, typer.Option(min=2, help="Held-out questions, eight a picture.")] = 1200,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the answers are kept; a killed run goes on.")
    ] = Path("out/nano-eval"),
    workers: Annotated[int, typer.Option(min=0, help="Processes that answer, one thread each; 0: this one.")] = 2,
    card: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the model card there.")] = None,
) -> None:
    """Exact match at full resolution on held-out seeds, by kind, with standard errors."""
    from arr_coc.cli.reporting import Session, answer_all, check_outputs
    from arr_coc.evaluation.reporting.model_card import by_picture_kind, by_question_kind, model_card
    from arr_coc.evaluation.running.runner import Plan

    with explained():
        check_outputs(out)
        facts = None if card is None else read_facts(model, card)
        plan = Plan(model, ("development",), ("full",), limit=limit)
        plan.open("development")
    lines = answer_all(plan, out, Session(workers))
    if card is not None and facts is not None:
        write_atomically(card, model_card(lines, facts, f"arr-coc nano eval --limit {limit}"))
    typer.echo(by_picture_kind(lines) + "\n\n" + by_question_kind(lines))


def read_facts(model: str, card: Path) -> dict[str, Any]:
    """What the run that made the host wrote about itself, for a card that can be written.

    Raises:
        ValueError: the card can't be written, or the host has no such file.
    """
    from arr_coc.hosts.names import resolve

    check_file(card, "--card")
    path = Path(resolve(model)) / "training.json"
    if not path.is_file():
        raise ValueError(f"--card: {path} is not there; a card can be written for a host of arr-coc nano train")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        is_whole = all(isinstance(facts[name], kind) for name, kind in FACTS.items())
    except (ValueError, TypeError, KeyError, RecursionError):
        is_whole = False
    if not is_whole:
        raise ValueError(f"--card: {path} was not written by arr-coc nano train")
    return facts


@nano_app.command()
def probe(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures and a qa.jsonl with boxes.")],
    model: Annotated[str, typer.Option(help="nano or a folder.")] = "nano",
    limit: Annotated[int, typer.Option(min=1, help="Answers that are probed.")] = 24,
    show: Annotated[bool, typer.Option("--show", help="Print every answer.")] = False,
) -> None:
    """Short printed answers of real pictures in place, cropped, typeset alone and typeset in place: what fails?"""
    report_outcomes("probe", folder, model, limit, show)


@nano_app.command()
def curve(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Pictures and a qa.jsonl each.")],
    model: Annotated[str, typer.Option(help="nano or a folder.")] = "nano",
    limit: Annotated[int, typer.Option(min=1, help="Questions a folder.")] = 60,
    show: Annotated[bool, typer.Option("--show", help="Print every answer.")] = False,
) -> None:
    """Questions about real pictures at full resolution, exact match without blanks and currencies: for looking only."""
    for folder in folders:
        report_outcomes("curve", folder, model, limit, show)


def report_outcomes(what: str, folder: Path, model: str, limit: int, show: bool) -> None:
    """A table of right answers by setting; with every answer above it where wished."""
    from arr_coc.data.tasks import FolderTask
    from arr_coc.nano import probe as probing
    from arr_coc.processor.loading import load_host

    with explained():
        task = FolderTask(folder)
        if what == "probe":
            probing.probed(task, 1)
        host, processor = load_host(model)
    outcomes = []
    for outcome in getattr(probing, what)(host, processor, folder, limit):
        outcomes.append(outcome)
        if show:
            mark = "right" if outcome.is_right else "wrong"
            typer.echo(f"{mark:6} {outcome.setting:16} {outcome.accepted[:40]:40} {outcome.given[:60]}")
    typer.echo(f"| {folder.name} | right | asked |\n| --- | --- | --- |")
    for setting, right, asked in probing.shares(outcomes):
        typer.echo(f"| {setting} | {right} ({right / asked:.1%}) | {asked} |")
