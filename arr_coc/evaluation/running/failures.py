"""Questions that could not be answered: counted and named, and the run goes on, up to a share of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from arr_coc.data.forgiving import allowed
from arr_coc.evaluation.running.answers import drop_torn_line, parse_fields
from arr_coc.files.writing import write_atomically
from arr_coc.quoting import shortened

FAILURES = "failures.jsonl"
MAX_FAILURES = 0.2


@dataclass(frozen=True)
class Failure:
    """One question that has no answer under one policy at one budget, and why."""

    task: str
    sample: int
    policy: str
    budget: int
    reason: str

    @property
    def key(self) -> tuple[str, int, str, int]:
        """As that of a `Line`."""
        return self.task, self.sample, self.policy, self.budget


class Asked(Protocol):
    """A question under a policy at a budget."""

    number: int
    policy: str
    budget: int


@contextmanager
def noted(failures: list[Failure] | None, task: str, rows: Sequence[Asked]) -> Iterator[None]:
    """What is wrong with a sample becomes a failure of these rows; it is raised where nobody takes failures."""
    try:
        yield
    except ValueError as error:
        if failures is None:
            raise
        reason = " ".join(str(error).split())
        failures += [Failure(task, row.number, row.policy, row.budget, reason) for row in rows]


def read_failures(folder: Path) -> list[Failure]:
    """Of a run's folder, each once; a last line that a kill cut short is left out.

    Raises:
        ValueError: a line that is no failure; the message names file and line.
    """
    path = folder / FAILURES
    drop_torn_line(path)
    if not path.exists():
        return []
    found = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], start=1):
        failure = parse_fields(Failure, text, f"{path}:{number}")
        found[failure.key] = failure
    return list(found.values())


def forget_failures(folder: Path) -> None:
    """They are tried again."""
    if (folder / FAILURES).exists():
        write_atomically(folder / FAILURES, b"")


def append_failures(folder: Path, failures: Sequence[Failure]) -> None:
    if failures:
        with open(folder / FAILURES, "a", encoding="utf-8") as file:
            file.write("".join(json.dumps(asdict(failure)) + "\n" for failure in failures))


def check_share(num_failed: int, total: int, max_failures: float, last: str) -> None:
    """Raises ValueError where more failed than a run may go on with; what was answered stays."""
    if num_failed > allowed(max_failures, total):
        raise ValueError(
            f"{num_failed} of {total} answers failed, the last: {last}; mend what is wrong and run again with "
            "--retry-failed, or raise --max-failures"
        )


def failures_table(failures: Sequence[Failure], num_answers: int) -> str:
    """Markdown: reasons by how many answers they cost, the most common first."""
    from arr_coc.evaluation.reporting.tables import markdown_table

    questions = {(failure.task, failure.sample) for failure in failures}
    by_reason: dict[str, list[Failure]] = {}
    for failure in failures:
        by_reason.setdefault(failure.reason, []).append(failure)
    rows = [
        [str(len(same)), f"{same[0].task} {same[0].sample}", shortened(reason).replace("|", "/")]
        for reason, same in sorted(by_reason.items(), key=lambda entry: -len(entry[1]))
    ]
    text = (
        f"{len(questions):,} questions could not be answered under some policy: {len(failures):,} of "
        f"{len(failures) + num_answers:,} answers are missing and are left out of every table. `{FAILURES}` names each."
    )
    return f"{text}\n\n{markdown_table(['answers', 'first question', 'reason'], rows)}"
