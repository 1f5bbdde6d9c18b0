"""The command `arr-coc`. Importing this loads neither torch nor transformers: commands do, when they run."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from arr_coc.cli.answering import ask, compare, silence_libraries
from arr_coc.cli.apps import demo, microscope
from arr_coc.cli.batch import batch
from arr_coc.cli.bench import bench
from arr_coc.cli.chat import chat
from arr_coc.cli.data import data_app
from arr_coc.cli.errors import Command, Commands
from arr_coc.cli.evaluation import eval_app
from arr_coc.cli.final import audit, final
from arr_coc.cli.heaps import restart_where_it_pays
from arr_coc.cli.load import load
from arr_coc.cli.loop import loop
from arr_coc.cli.nano import nano_app
from arr_coc.cli.oracle import oracle_app
from arr_coc.cli.plan import plan
from arr_coc.cli.same import same
from arr_coc.cli.serve import serve
from arr_coc.cli.space import space
from arr_coc.cli.sure import calibrate, sure
from arr_coc.cli.train import train_app
from arr_coc.cli.weights import weights

QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_VERBOSITY": "error"}
TALKING = ("torchao", "torch.utils._pytree")
"""Loggers that tell of kernels which this machine lacks: transformers loads torchao wherever it is installed."""
ASK, MEASURE, TEACH, SERVE, PAGES = "Ask", "Measure", "Teach", "Serve", "Pages in the browser"

app = typer.Typer(
    name="arr-coc",
    cls=Commands,
    help="Visual tokens where the question needs them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command, rich_help_panel=ASK)(compare)
app.command(cls=Command, rich_help_panel=ASK)(ask)
app.command(cls=Command, rich_help_panel=ASK)(chat)
app.command(cls=Command, rich_help_panel=ASK)(batch)
app.command(cls=Command, rich_help_panel=ASK)(loop)
app.add_typer(oracle_app, rich_help_panel=ASK)
app.add_typer(eval_app, rich_help_panel=MEASURE)
app.command(cls=Command, rich_help_panel=MEASURE)(bench)
app.command(cls=Command, rich_help_panel=MEASURE)(plan)
app.add_typer(train_app, rich_help_panel=TEACH)
app.add_typer(data_app, rich_help_panel=TEACH)
app.add_typer(nano_app, rich_help_panel=TEACH)
app.command(
    cls=Command, rich_help_panel=SERVE, context_settings={"allow_extra_args": True, "ignore_unknown_options": False}
)(serve)
app.command(cls=Command, rich_help_panel=SERVE)(load)
app.command(cls=Command, rich_help_panel=SERVE)(same)
app.command(cls=Command, rich_help_panel=PAGES)(demo)
app.command(cls=Command, rich_help_panel=PAGES)(microscope)
app.command(cls=Command, rich_help_panel=PAGES)(space)
eval_app.command(cls=Command)(final)
eval_app.command(cls=Command)(audit)
eval_app.command(cls=Command)(calibrate)
eval_app.command(cls=Command)(sure)
eval_app.command(cls=Command)(weights)


def print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"arr-coc {version('arr-coc')}")
        raise typer.Exit()


@app.callback()
def options(
    is_version_asked: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of `arr-coc` itself; the libraries leave the terminal to us, whatever a command loads."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in TALKING:
        logging.getLogger(name).setLevel(logging.ERROR)
    if "transformers" in sys.modules:
        silence_libraries()


def main() -> None:
    restart_where_it_pays(sys.argv[1:])
    app(prog_name="arr-coc")
