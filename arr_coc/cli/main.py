"""The command `arr-coc`. Importing this loads neither torch nor transformers: commands do, when they run."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from arr_coc.cli.answering import ask, compare
from arr_coc.cli.apps import demo, microscope
from arr_coc.cli.bench import bench
from arr_coc.cli.data import data_app
from arr_coc.cli.evaluation import eval_app
from arr_coc.cli.final import final
from arr_coc.cli.loop import loop
from arr_coc.cli.nano import nano_app
from arr_coc.cli.plan import plan
from arr_coc.cli.space import space
from arr_coc.cli.train import train

app = typer.Typer(
    name="arr-coc",
    help="Visual tokens where the question needs them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(compare)
app.command()(ask)
app.command()(loop)
app.command()(bench)
app.command()(train)
app.command()(demo)
app.command()(microscope)
app.command()(plan)
app.command()(space)
app.add_typer(data_app)
app.add_typer(nano_app)
app.add_typer(eval_app)
eval_app.command()(final)


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
    """Options of `arr-coc` itself."""


def main() -> None:
    app(prog_name="arr-coc")
