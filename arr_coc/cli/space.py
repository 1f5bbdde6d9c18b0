"""`arr-coc space`: the folder that the public demo is published from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="New, empty, or a clone of a Gradio Space.")]
Model = Annotated[str, typer.Option(help="nano, or an id of the Hugging Face hub.")]
Hardware = Annotated[str, typer.Option(help="Flavour of machine of Hugging Face Spaces, such as cpu-basic or l4x1.")]
Package = Annotated[
    str | None,
    typer.Option(
        metavar="REQUIREMENT", help="Let pip fetch arr-coc, e.g. from 'arr-coc @ git+https://...'; else it is copied."
    ),
]


def space(folder: Folder, model: Model = "nano", hardware: Hardware = "cpu-basic", package: Package = None) -> None:
    """Write what Hugging Face Spaces needs to run the demo: app.py, requirements.txt, README.md, the package."""
    from arr_coc.serving.space import Space, write_space

    with explained():
        written = write_space(folder, Space(model, hardware, package))
    for path in written:
        typer.echo(path)
    typer.echo(f"publish it with: hf upload USER/NAME {folder} . --repo-type space", err=True)
