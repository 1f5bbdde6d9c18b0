"""`arr-coc nano`: train the embedded host again, and measure it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from arr_coc.cli.errors import Command, Commands, explained, resumable
from arr_coc.cli.teams import check_out
from arr_coc.cli.train_options import check_compiler
from arr_coc.files.checking import check_file
from arr_coc.files.locking import locked
from arr_coc.files.writing import write_atomically

FACTS = {"num_parameters": int, "recipe": str, "stages": list, "seconds": int, "device": str, "processes": int}

nano_app = typer.Typer(
    cls=Commands, name="nano", help="The embedded host: train it again, measure it.", no_args_is_help=True
)

RunFolder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Of the run, as tok began it.")]
RecipeOption = Annotated[
    str,
    typer.Option(help="nano (every kind of picture), receipts (half an hour), or lifelike, from --start on."),
]
Workers = Annotated[int, typer.Option(min=0, help="Processes that draw pictures, for each that trains.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Compiled = Annotated[
    bool, typer.Option("--compile", help="Compile the language layers: minutes at first; pays in runs of hours.")
]


@nano_app.command(cls=Command)
def train(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Checkpoint, log and finished host.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in FOLDER.")] = False,
    scale: Annotated[float, typer.Option(help="Multiplies the batches of every stage.")] = 1.0,
    batch_scale: Annotated[
        float, typer.Option(help="Multiplies the pictures of a batch; a GPU wants 4 or more.")
    ] = 1.0,
    workers: Workers = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Device = "auto",
    compiled: Compiled = False,
    recipe: RecipeOption = "",
    start: Annotated[
        str, typer.Option(help="nano or a folder: goes on from that host, with lifelike pictures; empty: from nothing.")
    ] = "",
) -> None:
    """Tokenizer, print, labelled lines, the generator's pictures, in one go; hours on a CPU, where a process a core
    pays: torchrun --nproc-per-node 2 --no-python -- arr-coc nano train --out FOLDER. tok, pre and sft are its parts.
    """
    from arr_coc.nano.distributed import joined
    from arr_coc.nano.settings import Settings, choose_device
    from arr_coc.nano.train import check_folder, check_team
    from arr_coc.nano.train import train as run

    if start:
        from arr_coc.hosts.names import resolve
    with joined() as team, resumable("--resume goes on from the last checkpoint, if one was written"):
        with explained():
            if compiled:
                check_compiler(device)
            settings = Settings(
                seed,
                scale,
                batch_scale,
                workers,
                device=choose_device(device),
                recipe=recipe or ("lifelike" if start else "nano"),
                start=str(resolve(start)) if start else "",
                compiled=compiled,
            )
            check_team(settings, team)
            check_out(out)
            check_folder(out, resume)
            host = run(out, settings, resume, team)
        if team.leads:
            typer.echo(f"host: {host}")


@nano_app.command(cls=Command)
def tok(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Begins a run there: its settings and its tokenizer.")],
    recipe: RecipeOption = "receipts",
    scale: Annotated[float, typer.Option(help="Multiplies the batches of every stage.")] = 1.0,
    batch_scale: Annotated[float, typer.Option(help="Multiplies the pictures of a batch.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """First part of a run: the tokenizer, learnt from the recipe's questions. Seconds."""
    from arr_coc.nano.settings import TOKENIZER, Settings, check_same
    from arr_coc.nano.train import prepare

    with explained():
        settings = Settings(seed, scale, batch_scale, recipe=recipe)
        check_out(out)
        with locked(out):
            check_same(out, settings)
            prepare(out, settings)
    typer.echo(f"tokenizer: {out / TOKENIZER}")


@nano_app.command(cls=Command)
def pre(out: RunFolder, workers: Workers = 1, device: Device = "auto") -> None:
    """Second part: the vision tower learns to read, every character told (dense pretraining); a killed run goes on."""
    part_of_run(out, workers, device, None)


@nano_app.command(cls=Command)
def sft(
    out: RunFolder,
    workers: Workers = 1,
    device: Device = "auto",
    compiled: Compiled = False,
    boxes: Annotated[bool, typer.Option(help="Learn where answers stand from the pictures' evidence boxes.")] = True,
) -> None:
    """Third part: questions and answers, then the finished host is written to FOLDER/host; a killed run goes on."""
    part_of_run(out, workers, device, boxes, compiled)


def part_of_run(out: Path, workers: int, device: str, boxes: bool | None, compiled: bool = False) -> None:
    """Trains a run that `tok` began: up to the end of its reading where `boxes` is None, else to its own end."""
    from arr_coc.nano.distributed import joined
    from arr_coc.nano.recipes import find_recipe
    from arr_coc.nano.settings import CHECKPOINT, choose_device, prepared
    from arr_coc.nano.train import check_team, train

    with joined() as team, resumable("the same command goes on from the last checkpoint, if one was written"):
        with explained():
            if compiled:
                check_compiler(device)
            settings = replace(prepared(out), num_workers=workers, device=choose_device(device), compiled=compiled)
            num_stages = find_recipe(settings.recipe).num_reading
            if boxes is not None:
                settings, num_stages = replace(settings, boxes=boxes), None
            check_team(settings, team)
            host = train(out, settings, (out / CHECKPOINT).exists(), team, num_stages)
        if team.leads:
            typer.echo(f"reads: {out / CHECKPOINT}" if boxes is None else f"host: {host}")


@nano_app.command(cls=Command)
def grow(
    model: Annotated[str, typer.Argument(metavar="HOST", help="nano or a folder.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The deeper host, to train --start from.")],
) -> None:
    """Two tower blocks and two language layers more, which change no answer until they are trained."""
    from arr_coc.files.checking import check_folder
    from arr_coc.files.faults import weights_written
    from arr_coc.files.writing import replacing_folder
    from arr_coc.hosts.checkpoints import load_image_processor, load_model, load_tokenizer
    from arr_coc.nano.growing import deepened

    with explained():
        check_folder(out, is_new=True)
        host = deepened(load_model(model, "float32", "cpu"))
        with replacing_folder(out) as draft, weights_written(draft):
            for part in (host.bfloat16(), load_tokenizer(model), load_image_processor(model)):
                part.save_pretrained(draft)
    typer.echo(f"{sum(weights.numel() for weights in host.parameters()):,} parameters: {out}")


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


@nano_app.command(cls=Command)
def summary(
    run: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of runs/speedrun.sh.")],
    commit: Annotated[str, typer.Option(help="Of the code that ran.")] = "",
) -> None:
    """One line of JSON about a whole run: what is right at which tokens, seconds of each stage."""
    from datetime import UTC, datetime
    from os import cpu_count

    from arr_coc.evaluation.reporting.speedrun import STAGES, read_seconds, speedrun_line
    from arr_coc.evaluation.running.answers import read_lines
    from arr_coc.evaluation.running.runner import ANSWERS
    from arr_coc.nano.settings import HOST, prepared

    with explained():
        settings = prepared(run)
        seconds = read_seconds(run / STAGES)
        facts = read_training(run / HOST, "run")
        lines = read_lines(run / "eval" / ANSWERS)
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit, "recipe": settings.recipe}
    line = speedrun_line(facts, seconds, lines, **about, scale=settings.scale, cores=cpu_count())
    typer.echo(json.dumps(line, separators=(",", ":")))


def read_facts(model: str, card: Path) -> dict[str, Any]:
    """What the run that made the host wrote about itself, for a card that can be written.

    Raises:
        ValueError: the card can't be written, or the host has no such file.
    """
    from arr_coc.hosts.names import resolve

    check_file(card, "--card")
    return read_training(Path(resolve(model)), "--card")


def read_training(host: Path, option: str) -> dict[str, Any]:
    """The host's own account of its training.

    Raises:
        ValueError: it has none; names the option.
    """
    path = host / "training.json"
    if not path.is_file():
        raise ValueError(f"{option}: {path} is not there; a host of arr-coc nano train has one")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        is_whole = all(isinstance(facts[name], kind) for name, kind in FACTS.items())
    except (ValueError, TypeError, KeyError, RecursionError):
        is_whole = False
    if not is_whole:
        raise ValueError(f"{option}: {path} was not written by arr-coc nano train")
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
