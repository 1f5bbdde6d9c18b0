"""What `arr-coc eval` and its subcommands share: answer everything, tell what happened, write the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from arr_coc.cli.errors import explained, fail, resumable, say
from arr_coc.files.checking import check_file, check_folder
from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from arr_coc.evaluation.reporting.report import Section
    from arr_coc.evaluation.running.answers import Line
    from arr_coc.evaluation.running.failures import Failure
    from arr_coc.evaluation.running.runner import Plan

MARKERS = ("<!-- numbers -->", "<!-- /numbers -->")


@dataclass(frozen=True)
class Session:
    """How a run goes on; nothing here changes an answer.

    Attributes:
        workers: processes that answer; 0 answers in this one.
        retry_failed, max_failures: see `runner.run`.
    """

    workers: int
    retry_failed: bool = False
    max_failures: float = 0.2


def check_outputs(out: Path, readme: Path | None = None) -> None:
    """Raises ValueError where the answers, the report or the README could not be written after hours of work."""
    check_folder(out)
    if readme is not None:
        split_readme(readme)


def answer_all(plan: Plan, out: Path, session: Session) -> list[Line]:
    """Everything that the folder does not hold yet is answered; returns what it holds then."""
    from arr_coc.evaluation.running.answers import ANSWERS, read_lines
    from arr_coc.evaluation.running.failures import read_failures
    from arr_coc.evaluation.running.runner import run

    with explained(), resumable("the same command goes on where it was"):
        plan.load()
        options = {"retry_failed": session.retry_failed, "max_failures": session.max_failures}
        show_progress(run(plan, out, session.workers, **options))  # type: ignore[arg-type]
        lines, failures = read_lines(out / ANSWERS, tell_doubled), read_failures(out)
    tell_failures(failures, out)
    if not lines:
        fail(f"out: {quoted(out)} holds no answer to report; {len(failures)} failed")
    return lines


def answer_and_report(
    plan: Plan, out: Path, session: Session, title: str, command: str = "eval", readme: Path | None = None
) -> None:
    lines = answer_all(plan, out, session)
    publish(lines, write(plan, out, lines, title, command), readme)


def tell_doubled(num: int) -> None:
    say(f"{num} lines of answers stand there twice; each is read once")


def tell_failures(failures: list[Failure], out: Path) -> None:
    if failures:
        num = len({(failure.task, failure.sample) for failure in failures})
        say(f"{num} questions could not be answered; {out / 'failures.jsonl'} says why, --retry-failed asks them again")


def write(
    plan: Plan, out: Path, lines: list[Line], title: str, command: str, sections: list[Section] | None = None
) -> str:
    """Writes the report and returns the command that makes it."""
    from arr_coc.evaluation.reporting.report import report_sections
    from arr_coc.evaluation.running.notes import command_of
    from arr_coc.views.gallery import make_gallery
    from arr_coc.views.page import write_report

    text = command_of(plan, out, command)
    (out / "figures").mkdir(exist_ok=True)
    with explained():
        processor = plan.load()
        for task in plan.tasks:
            plan.open(task)
        gallery = make_gallery(lines, processor, plan.open, out)
    sections = [*left_out(plan, out, lines), *(sections or report_sections(lines))]
    write_report(out, lines, title=title, host=plan.model, command=text, sections=sections, gallery=gallery)
    typer.echo(f"{len(lines):,} answers: {out / 'report.md'}, {out / 'report.html'}")
    return text


def left_out(plan: Plan, out: Path, lines: list[Line]) -> list[Section]:
    """A section about the questions that have no answer, or none yet, where there are any."""
    from arr_coc.evaluation.reporting.report import UNFINISHED, Section
    from arr_coc.evaluation.running.failures import failures_table, read_failures

    failures = read_failures(out)
    num_missing = sum(getattr(plan.open(task), "num_missing", 0) for task in plan.tasks) if plan.skip_missing else 0
    texts = [failures_table(failures, len(lines))] if failures else []
    wanted = sum(len(plan.open(task)) for task in plan.tasks) * len(plan.conditions())
    if len(lines) + len(failures) < wanted:
        texts.append(f"{UNFINISHED}: {len(lines):,} of {wanted:,} answers are there; the same command goes on.")
    texts += [f"{num_missing:,} questions have no picture and are left out."] if num_missing else []
    return [Section("Not answered", "\n\n".join(texts))] if texts else []


def show_progress(done: Iterator[tuple[int, int]]) -> None:
    """A bar with the time left, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress("answers", *columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("answers", total=None)
        for count, total in done:
            progress.update(bar, completed=count, total=total)


def publish(lines: list[Line], command: str, readme: Path | None) -> None:
    """The table of accuracies in a README, with the command that makes it."""
    if readme is None:
        return
    from arr_coc.evaluation.reporting.tables import accuracy_by_budget

    num_questions = len({line.question_key for line in lines})
    text = f"Percent right ± standard error on {num_questions:,} held-out questions, by visual tokens of a picture:"
    insert(readme, f"{text}\n\n{accuracy_by_budget(lines)}\n\nMade by `{command}`.")


def insert(path: Path, text: str) -> None:
    """Replaces what stands between the markers."""
    head, tail = split_readme(path)
    write_atomically(path, f"{head}{MARKERS[0]}\n{text}\n{MARKERS[1]}{tail}")


def split_readme(path: Path) -> tuple[str, str]:
    """What stands before and after the markers.

    Raises:
        ValueError: no such file, it can't be written, or it does not hold each marker once and in order.
    """
    where = f"--readme {quoted(path)}"
    if not path.is_file():
        raise ValueError(f"{where}: no such file; give one that holds {MARKERS[0]} and {MARKERS[1]}")
    check_file(path, "--readme")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{where}: it is not UTF-8 text") from None
    head, first, rest = text.partition(MARKERS[0])
    _, second, tail = rest.partition(MARKERS[1])
    if not first or not second or any(marker in head + tail for marker in MARKERS):
        raise ValueError(f"{where}: it must hold {MARKERS[0]} and then {MARKERS[1]}, each once")
    return head, tail
