"""What a run's folder holds the answers to: `run.json`."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted, shortened

if TYPE_CHECKING:
    from arr_coc.evaluation.running.runner import Plan

NOTE = "run.json"


def claim(folder: Path, fixed: dict[str, Any], plan: dict[str, Any]) -> None:
    """Notes beside the answers what they are answers to.

    Args:
        fixed: may not change from one session to the next.
    Raises:
        ValueError: the answers there are another run's.
    """
    if (folder / NOTE).exists():
        there = read_note(folder)
        changed = [key for key, value in fixed.items() if there.get(key) != value]
        if changed:
            raise ValueError(
                f"out: {quoted(folder)} holds the answers of another run ({', '.join(changed)} differ); choose another "
                "folder or empty it"
            )
    write_atomically(folder / NOTE, json.dumps({**fixed, "plan": plan}, indent=1) + "\n")


def read_note(folder: Path) -> dict[str, Any]:
    """Raises ValueError for what `claim` did not write."""
    path = folder / NOTE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not written by arr-coc eval ({shortened(str(error))}); {REMEDY}") from error
    if not isinstance(values, dict) or not isinstance(values.get("plan"), dict):
        raise ValueError(f"{path}: not written by arr-coc eval; {REMEDY}")
    return values


REMEDY = "choose another folder, or delete the file and the answers"


def parts_of(plan: Plan) -> str:
    """The option of `eval ablate` by which its policies were chosen."""
    from arr_coc.evaluation.policies.ablations import PARTS

    name = next((name for name, members in PARTS.items() if set(plan.policies) <= set(members)), "all")
    return "" if name == "all" else f" --parts {name}"


def command_of(plan: Plan, folder: Path, command: str = "eval") -> str:
    """The command line that makes this run again; of places on this machine alone, see `portable`."""
    wanted = ",".join(str(budget) if budget else "auto" for budget in plan.budgets)
    budgets = "" if command == "eval final" else f" --budgets {wanted}"
    relevance = f" --relevance {portable(plan.relevance)}" if plan.relevance else ""
    limit = f" --limit {plan.limit}" if plan.limit else ""
    limit += f" --max-pixels {plan.max_pixels}" if plan.max_pixels else ""
    limit += f" --quantize {plan.quantize}" if plan.quantize else ""
    policies = parts_of(plan) if command == "eval ablate" else f" --policies {quote(','.join(plan.policies))}"
    tasks = "" if command in ("eval headroom", "eval final") else f" --tasks {','.join(map(portable, plan.tasks))}"
    model = portable(plan.model)
    return f"arr-coc {command} --model {model}{relevance}{tasks}{policies}{budgets}{limit} --out {portable(folder)}"


def portable(place: str | Path) -> str:
    """A place as a report may tell it, for reports are passed on: one that starts at the root loses what is above.

    Inside the working folder it is told from there, elsewhere by its name.
    """
    path = Path(place)
    if not path.is_absolute():
        return str(place)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
