"""`arr-coc eval calibrate` and `arr-coc eval sure`: when to stop looking, learnt and measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.errors import explained, fail
from arr_coc.cli.evaluation import Model, Out, Relevance, numbers
from arr_coc.files.writing import replacing, write_atomically

if TYPE_CHECKING:
    from arr_coc.evaluation.sure.trails import Trail
    from arr_coc.processor.processor import RelevanceProcessor

LADDER = "64,100,160,256,400"
Ladder = Annotated[str, typer.Option(help="Comma-separated budgets of the looks, ascending.")]
Limit = Annotated[int, typer.Option(min=1, help="Questions.")]
CalibrationTask = Annotated[str, typer.Option(help="A task, or a folder with pictures and a qa.jsonl.")]
Opponents = Annotated[
    bool, typer.Option("--opponents", help="Follow growing plain sizes and the full resolution too, for eval sure.")
]
Parts = Annotated[
    bool, typer.Option("--parts", help="Measure what each part earns: nested looks, drafts that point, checked drafts.")
]


def calibrate(
    out: Out = Path("out/calibration"),
    model: Model = "nano",
    relevance: Relevance = None,
    task: CalibrationTask = "calibration",
    limit: Limit = 240,
    ladder: Ladder = LADDER,
    opponents: Opponents = False,
) -> None:
    """Learn when an answer is sure, on pictures of your own or drawn ones; a killed run goes on."""
    from arr_coc.data.suites import open_task
    from arr_coc.evaluation.sure.fitting import check_pictures, fit, restricted, threshold_table

    with explained():
        budgets = ascending(ladder)
        asked = open_task(task, limit=limit)
        check_pictures(asked[index].picture_id for index in range(len(asked)))
        processor = load(model, relevance)
        ways = ["anew", "sizes", "full"] if opponents else ["anew"]
        trails = followed(processor, task, limit, ways, tuple(map(int, LADDER.split(","))), out)
    from dataclasses import replace

    from arr_coc.processor.trained_parts import FOLDER, host_facts, save_relevance

    with explained():
        kept = [restricted(trail, budgets) for trail in trails if trail.way == "anew"]
        rule = replace(fit(kept, budgets), facts={"task": task, "questions": len(kept), "model": model})
        folder = out / FOLDER
        save_relevance(folder, processor.allocator, host_facts(processor.host.model), sureness=rule)
    typer.echo(threshold_table(kept, rule))
    typer.echo(f"{folder}: settings, trained parts and when to stop; give it as relevance, or lay it beside the model")


def sure(
    calibration: Annotated[Path, typer.Option(metavar="FOLDER", help="Of eval calibrate --opponents.")] = Path(
        "out/calibration"
    ),
    out: Out = Path("docs/results/until-sure"),
    model: Model = "nano",
    task: CalibrationTask = "until-sure",
    limit: Limit = 1000,
    parts: Parts = False,
) -> None:
    """Hold looking until sure against full resolution, fixed budgets, growing sizes and a size chosen beforehand."""
    from arr_coc.evaluation.sure.parts import CHANGED, parts_text
    from arr_coc.evaluation.sure.report import report, tabulate
    from arr_coc.evaluation.sure.trails import TRAILS, read_trails
    from arr_coc.processor.trained_parts import FOLDER
    from arr_coc.views.sureness import sureness_figure

    with explained():
        if not (calibration / TRAILS).is_file() or not (calibration / FOLDER).is_dir():
            raise ValueError(f"calibration: {calibration} holds none; make it with arr-coc eval calibrate --opponents")
        processor = load(model, calibration / FOLDER)
        budgets = tuple(map(int, LADDER.split(",")))
        trails = followed(processor, task, limit, ["anew", "sizes", "full"], budgets, out)
        if parts:
            trails += followed(processor, task, limit, list(CHANGED), processor.sureness.ladder, out)
        table = tabulate(trails, read_trails(calibration / TRAILS), processor.sureness)
        ladder, count = ",".join(map(str, processor.sureness.ladder)), processor.sureness.facts.get("questions")
        commands = (
            f"arr-coc eval calibrate --model {model} --opponents --limit {count} --ladder {ladder}",
            f"arr-coc eval sure --model {model} --task {task} --limit {limit}{' --parts' * parts}",
        )
        write_atomically(out / "report.md", report(table, commands, parts_text(table)) + "\n")
        with replacing(out / "until-sure.png") as draft:
            sureness_figure(table).savefig(draft)
    typer.echo(f"{out / 'report.md'}")


def load(model: str, relevance: Path | None) -> RelevanceProcessor:
    from arr_coc.cli.answering import silence_libraries
    from arr_coc.processor.loading import load_host

    silence_libraries()
    return load_host(model, relevance=relevance)[1]


def followed(
    processor: RelevanceProcessor, name: str, limit: int, ways: list[str], budgets: tuple[int, ...], out: Path
) -> list[Trail]:
    """All trails of a task, with progress."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from arr_coc.data.suites import open_task
    from arr_coc.evaluation.sure.trails import TRAILS, follow, read_trails

    task = open_task(name, limit=limit)
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        bar = bars.add_task("questions", total=len(task))
        for done, _ in follow(processor, name, task, ways, budgets, out):
            bars.update(bar, completed=done)
    return [trail for trail in read_trails(out / TRAILS) if trail.way in ways]


def ascending(ladder: str) -> tuple[int, ...]:
    """Raises ValueError for what is no list of ascending budgets that the looks have."""
    budgets = numbers(ladder)
    known = set(map(int, LADDER.split(",")))
    if list(budgets) != sorted(set(budgets)) or not set(budgets) <= known or len(budgets) < 2:
        fail(f"ladder: must be two or more of {LADDER}, ascending, got {ladder}")
    return budgets
