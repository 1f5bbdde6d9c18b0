"""`arr-coc nano`: train the embedded host again, and measure it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained

nano_app = typer.Typer(name="nano", help="The embedded host: train it again, measure it.", no_args_is_help=True)


@nano_app.command()
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
    with joined() as team:
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
            check_folder(out, resume)
        host = run(out, settings, resume, team)
        if team.leads:
            typer.echo(f"host: {host}")


@nano_app.command("eval")
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
    from arr_coc.cli.evaluation import answer_all
    from arr_coc.evaluation.reporting.model_card import by_picture_kind, by_question_kind, model_card
    from arr_coc.evaluation.running.runner import Plan
    from arr_coc.hosts.names import resolve

    lines = answer_all(Plan(model, ("development",), ("full",), limit=limit), out, workers)
    if card is not None:
        facts = json.loads((Path(resolve(model)) / "training.json").read_text(encoding="utf-8"))
        card.write_text(model_card(lines, facts, f"arr-coc nano eval --limit {limit}"), encoding="utf-8")
    typer.echo(by_picture_kind(lines) + "\n\n" + by_question_kind(lines))
