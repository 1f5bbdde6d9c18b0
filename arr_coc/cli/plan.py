"""`arr-coc plan`: what fits on which card, and how many replicas a load takes, from a model's configuration alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from arr_coc.cli.answering import silence_libraries
from arr_coc.cli.errors import explained
from arr_coc.quoting import quoted

Vram = Annotated[str, typer.Option(help="Gigabytes of the card; several comma-separated.")]
Model = Annotated[
    str,
    typer.Option(help="nano, a size (2b, qwen3.5-9b), a folder, or a hub id; only its configuration is read."),
]
Budget = Annotated[str, typer.Option(help="Visual tokens of ARR-COC, 64..400.")]
Size = Annotated[str, typer.Option(metavar="WxH", help="Pixels of the pictures.")]
Batch = Annotated[str, typer.Option(help="Pictures at a time.")]
Dtype = Annotated[str, typer.Option(help="bfloat16, float16 or float32.")]
Qps = Annotated[str | None, typer.Option(help="Requests a second: plans replicas in place of memory.")]
P95 = Annotated[str, typer.Option(help="Seconds within which 95% of the answers must be whole.")]
GpuName = Annotated[str, typer.Option("--gpu", help="Card of a replica: h100, h200, a100, l40s, l4, a10.")]
Load = Annotated[Path | None, typer.Option(metavar="FILE.md", help="Measured: --out of arr-coc load on one replica.")]
PerSecond = Annotated[str | None, typer.Option("--rate", help="Stated: requests a second of one replica.")]
Clients = Annotated[int, typer.Option(min=1, help="Stated with --rate: requests at a time that gave it.")]
NumNew = Annotated[int, typer.Option(min=1, help="Tokens of an answer, with --qps.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def plan(
    vram: Vram = "16,24,32,48",
    model: Model = "2b",
    budget: Budget = "160",
    size: Size = "3840x2160",
    batch: Batch = "1",
    dtype: Dtype = "bfloat16",
    qps: Qps = None,
    p95: P95 = "1.0",
    gpu: GpuName = "h100",
    load: Load = None,
    per_second: PerSecond = None,
    clients: Clients = 8,
    num_new: NumNew = 32,
    is_json: Json = False,
) -> None:
    """What fits on which card; with --qps how many replicas answer so many requests a second in time."""
    if qps is not None:
        stated = None if per_second is None else (per_second, clients)
        plan_replicas((qps, p95, gpu), (model, dtype), (size, budget, num_new), load, stated, is_json)
        return
    with explained():
        if load is not None or per_second is not None:
            raise ValueError("--qps: missing; --load and --rate say what a replica does, --qps what is asked of all")
        cards = [parse_number("vram", text) for text in vram.split(",")]
        work = parse_size(size), parse_whole("budget", budget), parse_whole("batch", batch)
    from arr_coc.serving.planning import plan as make_plan
    from arr_coc.serving.workload import Workload, find_target

    silence_libraries()
    with explained():
        values = make_plan(find_target(model, dtype), Workload(*work), cards)
    if is_json:
        typer.echo(json.dumps(values))
    else:
        print_plan(values)


def plan_replicas(
    asked: tuple[str, str, str],
    host: tuple[str, str],
    work: tuple[str, str, int],
    load: Path | None,
    stated: tuple[str, int] | None,
    is_json: bool,
) -> None:
    """`--qps`; `asked` is (qps, p95, gpu), `host` (model, dtype), `work` (size, budget, tokens of an answer)."""
    from arr_coc.serving.capacity import SPREAD, Rate, capacity, read_rate
    from arr_coc.serving.workload import Workload, find_target
    from arr_coc.views.capacity import describe

    silence_libraries()
    with explained():
        workload = Workload(parse_size(work[0]), parse_whole("budget", work[1]), num_new=work[2])
        if load is not None and stated is not None:
            raise ValueError("--load, --rate: give what was measured or what is stated, not both")
        known = None if load is None else read_rate(load, workload.budget)
        if stated is not None:
            known = Rate(parse_number("rate", stated[0]), stated[1], SPREAD, "stated")
        numbers = parse_number("qps", asked[0]), parse_number("p95", asked[1])
        values = capacity(find_target(*host), workload, asked[2], *numbers, known)
    for line in [json.dumps(values)] if is_json else describe(values):
        typer.echo(line)


def parse_number(name: str, text: str) -> float:
    """Raises ValueError for what is no number."""
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"--{name} must be a number, got {quoted(text)}") from error


def parse_whole(name: str, text: str) -> int:
    """Raises ValueError for what is no whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"--{name} must be a whole number, got {quoted(text)}") from error


def parse_size(text: str) -> tuple[int, int]:
    """ "1024x768" -> (1024, 768).

    Raises:
        ValueError: something else.
    """
    sides = text.strip().lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(f"--size must be WIDTHxHEIGHT in pixels, got {quoted(text)}")
    return int(sides[0]), int(sides[1])


def print_plan(values: Mapping[str, Any]) -> None:
    """Workload, the three tables, and the verdicts."""
    from rich.console import Console

    from arr_coc.views import plan as view

    console = Console(highlight=False)
    for line in view.describe_workload(values):
        console.print(line, markup=False, soft_wrap=True)
    console.print(rich_table(view.MEMORY_COLUMNS, view.memory_rows(values)))
    console.print(rich_table(view.TRAINING_COLUMNS, view.training_rows(values), view.TRAINING_CAPTION))
    console.print(rich_table(view.CARD_COLUMNS, view.card_rows(values), view.CARD_CAPTION))
    for line in view.verdicts(values):
        console.print(line, markup=False, soft_wrap=True)


def rich_table(columns: Sequence[str], rows: Sequence[tuple[str, ...]], caption: str | None = None) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        header_style="dim",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=caption,
        caption_justify="left",
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
