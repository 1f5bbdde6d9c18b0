"""`arr-coc eval weights`: should the weights of the score maps follow the picture?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.errors import explained, fail, resumable
from arr_coc.cli.evaluation import Budgets, Limit, Model, Out, Relevance, Tasks, plan_of
from arr_coc.cli.sure import load
from arr_coc.files.checking import check_folder
from arr_coc.files.writing import write_atomically

if TYPE_CHECKING:
    from arr_coc.evaluation.weights.rules import WeightRule
    from arr_coc.processor.processor import RelevanceProcessor

RULE = "rule.json"
Pictures = Annotated[int, typer.Option(min=1, help="Drawn pictures of each kind that the rule is fitted on.")]


def weights(
    tasks: Tasks = "development,lifelike/unseen",
    model: Model = "nano",
    budgets: Budgets = "100,160",
    limit: Limit = 200,
    pictures: Pictures = 24,
    relevance: Relevance = None,
    out: Out = Path("out/weights"),
) -> None:
    """Fit weights that follow the map of the question and hold them against fixed ones; a killed run goes on."""
    from arr_coc.evaluation.weights.report import report
    from arr_coc.evaluation.weights.trials import read_trials, try_ways

    with explained(), resumable("the same command goes on where it was"):
        check_folder(out)
        plan = plan_of(model, tasks, "arr-coc", budgets, limit, relevance=relevance)
        processor = load(model, relevance)
        out.mkdir(parents=True, exist_ok=True)
        rule, num_rounds = fitted(processor, pictures, out)
        wanted = [budget for budget in plan.budgets if budget]
        trials = []
        names = [Path(name).name if Path(name).is_dir() else name for name in plan.tasks]
        for name, task in zip(names, map(plan.open, plan.tasks), strict=True):
            for done, total in try_ways(processor.host, processor.allocator, rule, name, task, wanted, out):
                typer.echo(f"{name}: {done} of {total} questions", err=True)
            trials += read_trials(out, name)
        if not trials:
            fail("tasks: no question has evidence boxes")
        options = {"model": model, "tasks": ",".join(names), "budgets": budgets, "limit": limit, "pictures": pictures}
        options |= {"relevance": relevance, "out": out}
        command = " ".join(["arr-coc eval weights", *(f"--{name} {value}" for name, value in options.items() if value)])
        write_atomically(out / "report.md", report(trials, rule, num_rounds, command) + "\n")
    typer.echo(f"{out / 'report.md'}")


def fitted(processor: RelevanceProcessor, num_pictures: int, out: Path) -> tuple[WeightRule, int]:
    """The rule of a folder, fitted and kept there if it holds none, and on how many rounds."""
    import json

    from arr_coc.data.suites import open_task
    from arr_coc.evaluation.weights.fitting import MATERIAL, fit, gather
    from arr_coc.evaluation.weights.rules import WeightRule

    path = out / RULE
    if path.exists():
        values = json.loads(path.read_text(encoding="utf-8"))
        return WeightRule(tuple(map(tuple, values["coefficients"]))), values["rounds"]
    rounds = []
    for name in MATERIAL:
        for number, found in enumerate(gather(processor.host, processor.allocator, open_task(name)), 1):
            rounds += found
            typer.echo(f"{name}: {number} of {num_pictures} pictures, {len(rounds)} rounds", err=True)
            if number == num_pictures:
                break
    rule = fit(rounds)
    values = {"coefficients": rule.coefficients, "rounds": len(rounds), "material": MATERIAL, "pictures": num_pictures}
    write_atomically(path, json.dumps(values, indent=1) + "\n")
    return rule, len(rounds)
