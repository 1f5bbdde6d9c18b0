"""`arr-coc demo` and `arr-coc microscope`: pages in the browser."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.answering import silence_libraries
from arr_coc.cli.errors import explained, fail

if TYPE_CHECKING:
    import gradio

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Host = Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 opens the page to the network.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Upload = Annotated[int, typer.Option("--max-upload-mb", min=1, max=500, help="Largest picture people may send.")]


def demo(
    model: Annotated[str, typer.Option(help="nano, a folder, or an id of the Hugging Face hub.")] = "nano",
    host: Host = "127.0.0.1",
    port: Port = 7860,
    max_upload_mb: Upload = 20,
    keep_reports: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Let people report an answer; it is kept there with its picture."),
    ] = None,
) -> None:
    """Ask questions about pictures in the browser and see where the visual tokens go."""
    check_installed()
    silence_libraries()
    typer.echo(f"loading {model} ...", err=True)
    from arr_coc.apps.demo import build_demo

    with explained():
        page = build_demo(model, max_upload_mb=max_upload_mb, reports=keep_reports)
    listen(page, host, port, max_upload_mb)


def microscope(
    models: Annotated[str, typer.Option(help="Comma-separated: nano, folders, ids of the hub.")] = "nano",
    max_loaded: Annotated[int, typer.Option(min=1, help="Checkpoints kept in memory at once.")] = 2,
    reports: Annotated[Path, typer.Option(metavar="FOLDER", help="Where `arr-coc eval` writes.")] = Path("out"),
    history: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where entries are kept, batches beside it; your data folder by default."),
    ] = None,
    folders: Annotated[
        str,
        typer.Option(metavar="FOLDER,...", help="Folders of pictures that a batch may ask or label; no other is read."),
    ] = "",
    host: Host = "127.0.0.1",
    port: Port = 7861,
    max_upload_mb: Upload = 100,
    password: Annotated[
        str | None, typer.Option(envvar="ARR_COC_PASSWORD", help="What people must type, under the name arr-coc.")
    ] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Let everyone in who can reach it.")] = False,
) -> None:
    """Compare checkpoints, policies and budgets side by side in the browser, and look inside."""
    check_installed()
    if password == "" or (host not in LOOPBACK and password is None and not no_password):
        fail(f"--host {host}: the page reads reports and checkpoints of this machine; give --password or --no-password")
    silence_libraries()
    from platformdirs import user_data_path

    from arr_coc.apps.microscope import build_microscope

    place = history or user_data_path("arr-coc") / "microscope.sqlite3"
    typer.echo(f"questions, pictures and answers are kept in {place}, for everyone who opens the page", err=True)
    with explained():
        page = build_microscope(
            listed(models),
            max_loaded=max_loaded,
            reports=reports,
            history=place,
            folders=listed(folders),
        )
    listen(page, host, port, max_upload_mb, password)


def listed(text: str) -> list[str]:
    """The parts between commas, without blanks and empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def check_installed() -> None:
    """Ends the command where gradio is missing, and keeps it from reporting home before it is imported."""
    if find_spec("gradio") is None:
        fail("the pages need gradio; install it with: pip install 'arr-coc[demo]'")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


def listen(page: gradio.Blocks, host: str, port: int, max_upload_mb: int, password: str | None = None) -> None:
    """Says where the page is and who can reach it, then serves until interrupted."""
    from arr_coc.apps.pages import serve

    reach = "this machine only" if host in LOOPBACK else "everyone who can reach this machine"
    reach += ", user arr-coc with the password" if password else ""
    typer.echo(f"http://{host}:{port} ({reach}); Ctrl-C ends it", err=True)
    with explained():
        serve(page, host, port, max_upload_mb, password)
