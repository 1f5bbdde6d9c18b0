"""`arr-coc data`: look at the generator's pictures, write them into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import Command, Commands, explained
from arr_coc.files.checking import check_file, check_folder
from arr_coc.files.writing import replacing, replacing_folder
from arr_coc.quoting import quoted

data_app = typer.Typer(
    cls=Commands, name="data", help="Generated pictures with questions and answers.", no_args_is_help=True
)

Seed = Annotated[int, typer.Option(min=0, help="Seed of the first picture; the others follow.")]
Kind = Annotated[str | None, typer.Option(help="Kind of picture: receipt, form, table, ...; default is the mixture.")]
MaxSide = Annotated[int, typer.Option(help="Longest side of a picture in pixels, 256 to 4096.")]
Questions = Annotated[int, typer.Option(min=1, max=10, help="Questions a picture.")]


@data_app.command(cls=Command)
def preview(
    seed: Seed = 0,
    num: Annotated[int, typer.Option(min=1, max=64, help="Number of pictures.")] = 8,
    kind: Kind = None,
    questions: Questions = 3,
    lifelike: Annotated[
        bool, typer.Option("--lifelike", help="Pictures that could be taken for real ones; all kinds in turn.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FIGURE.png", help="Where the sheet is written.")] = Path("preview.png"),
) -> None:
    """Draw a sheet of pictures, each with questions, answers and evidence boxes."""
    with explained():
        check_file(out, formats=(".png", ".jpg", ".jpeg", ".webp"))
        check_lifelike_kind(kind) if lifelike else check_kind(kind)
    from arr_coc.data.preview import contact_sheet

    sheet = contact_sheet(range(seed, seed + num), kind=kind, num_questions=questions, is_lifelike=lifelike)
    with replacing(out) as draft:
        sheet.save(draft)
    typer.echo(f"{num} pictures: {out}")


@data_app.command(cls=Command)
def fonts() -> None:
    """List the typefaces of the lifelike pictures: licence, package, held out or not, here or not."""
    from arr_coc.data.drawing.lifelike.typefaces import apt_line, font_files, fonts_version, typefaces

    here = font_files()
    for face in typefaces():
        side, found = "held out" if face.unseen else "trained", "here" if face.stem in here else "missing"
        typer.echo(f"{face.stem:30} {face.style:8} {face.licence:14} {face.package:26} {side:9} {found}")
    typer.echo(f"{len(here)} of {len(typefaces())} are here, version {fonts_version()}; all of them: {apt_line()}")


@data_app.command(cls=Command)
def generate(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new or empty folder.")],
    num: Annotated[int, typer.Option(min=1, help="Number of pictures.")],
    seed: Seed = 0,
    kind: Kind = None,
    questions: Questions = 8,
    max_side: MaxSide = 4096,
) -> None:
    """Write pictures and a qa.jsonl with questions, accepted answers and evidence boxes."""
    with explained():
        check_folder(out, is_new=True)
        check_kind(kind, max_side)
    from rich.console import Console
    from rich.progress import track

    from arr_coc.data.preview import write_dataset

    seeds = range(seed, seed + num)
    progress = track(seeds, "drawing", console=Console(stderr=True), transient=True)
    num_written = write_dataset(out, progress, num_questions=questions, kind=kind, max_side=max_side)
    typer.echo(f"{num} pictures, {num_written} questions: {out}")


@data_app.command(cls=Command)
def examples(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new or empty folder.")],
) -> None:
    """Draw the pictures that the package ships again."""
    with explained():
        check_folder(out, is_new=True)
    from arr_coc.cli.examples import EXAMPLES, write_examples

    with replacing_folder(out) as draft:
        write_examples(draft)
    typer.echo(f"{len(EXAMPLES)} pictures: {out}")


def check_kind(kind: str | None, max_side: int = 4096) -> None:
    """Raises ValueError for what the generator can't draw."""
    from arr_coc.data.drawing.generator import check_arguments

    check_arguments(kind, None, max_side, 0.0, None)


def check_lifelike_kind(kind: str | None) -> None:
    """Raises ValueError for what the lifelike generator can't draw."""
    from arr_coc.data.drawing.lifelike.kinds import lifelike_kinds

    if kind is not None and kind not in lifelike_kinds():
        raise ValueError(f"kind must be one of {', '.join(lifelike_kinds())}, got {quoted(kind)}")


@data_app.command(cls=Command)
def ocr(
    task: Annotated[str, typer.Argument(help="A folder with a qa.jsonl, or a task of arr-coc eval.")],
    limit: Annotated[int, typer.Option(min=1, help="Printed answers.")] = 120,
) -> None:
    """How many printed answers an OCR engine finds anywhere in their pictures: what can be asked there at all."""
    from arr_coc.data.suites import open_task
    from arr_coc.evaluation.second_opinion import findings, rapid_ocr, table

    with explained():
        read, opened = rapid_ocr(), open_task(task)
        found = list(findings(opened, read, limit))
    typer.echo(table(found, opened.name))
