"""`arr-coc eval final` and `arr-coc eval audit`: the report that counts, and the questions a reviewer asks of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained
from arr_coc.cli.evaluation import (
    BUDGETS,
    Limit,
    MaxFailures,
    Model,
    Out,
    Policies,
    Readme,
    Retry,
    Timed,
    Workers,
    plan_of,
)
from arr_coc.cli.reporting import Session, answer_and_report, check_outputs

ROWS = (
    "full,resize,blind,two-mode,random,saliency,glimpse-crop,attention-pruning,mmtok,fastv,oracle,"
    "arr-coc,arr-coc-trained,arr-coc-trained-shuffled"
)


def final(
    out: Out = Path("docs/results/main"),
    model: Model = "nano",
    policies: Policies = ROWS,
    limit: Limit = 1000,
    timed_every: Timed = 20,
    workers: Workers = 2,
    readme: Readme = None,
    retry_failed: Retry = False,
    max_failures: MaxFailures = 0.2,
) -> None:
    """The final report, on the frozen block of questions that nothing was ever chosen by."""
    with explained():
        check_outputs(out, readme)
        plan = plan_of(model, "final", policies, f"{BUDGETS},auto", limit, timed_every, for_final_report=True)
    session = Session(workers, retry_failed, max_failures)
    answer_and_report(plan, out, session, "Resize, ARR-COC, oracle, full resolution", "eval final", readme)


def audit(
    results: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of reports, as in docs/results.")] = Path(
        "docs/results"
    ),
    model: Model = "nano",
) -> None:
    """Ask of the results what a reviewer would: overlap with training, the measure, missing rows. 1 if one fails."""
    from arr_coc.evaluation.audit import audit as run
    from arr_coc.evaluation.audit import audit_table

    with explained():
        checks = run(model, results)
    typer.echo(audit_table(checks))
    raise typer.Exit(0 if all(check.holds for check in checks) else 1)
