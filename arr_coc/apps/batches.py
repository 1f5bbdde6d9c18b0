"""Batches of the microscope: runs of the evaluation by name, in one folder, resumed where they stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.session import as_csv
from arr_coc.data.hub import DATA_SETS
from arr_coc.data.suites import SUITES
from arr_coc.data.tasks import Task
from arr_coc.evaluation.running.answers import ANSWERS, Line, append_lines, drop_torn_line, read_lines
from arr_coc.evaluation.running.chunks import missing_chunks
from arr_coc.evaluation.running.notes import NOTE, claim
from arr_coc.evaluation.running.runner import Plan, answer_chunk, facts_of, read_run
from arr_coc.files.locking import locked
from arr_coc.quoting import quoted

MAX_QUESTIONS = 500
NAME = re.compile(r"[^\W_][\w .,()+-]{0,59}")
FORMATS = ("csv", "jsonl", "parquet")


@dataclass(frozen=True, eq=False)
class Batch:
    """Answers so far, and how many there will be."""

    plan: Plan
    task: Task
    lines: list[Line]
    total: int


class Batches:
    """All batches of one folder, each in a folder of its own that `arr-coc eval report` reads as well.

    Args:
        folder: made when the first batch is run.
        folders: folders of pictures that may be asked or labelled; nothing else on this machine is opened.

    Raises:
        ValueError: one of `folders` is none.
    """

    def __init__(self, folder: Path, folders: Sequence[str | Path] = ()) -> None:
        self.folder = folder
        for each in folders:
            if not Path(each).is_dir():
                raise ValueError(f"folders: {quoted(str(each))} is no folder; check the path")
        self.folders = [str(Path(each).resolve()) for each in folders]
        self.tasks = [*self.folders, *SUITES, *DATA_SETS]

    def given(self, folder: str) -> Path:
        """A folder that was given at start; ValueError for any other."""
        if folder not in self.folders:
            raise ValueError(f"folder: {quoted(folder)} was not given at start; see arr-coc microscope --folders")
        return Path(folder)

    @property
    def names(self) -> list[str]:
        """The batches that are there, the newest first."""
        found = [path.parent for path in self.folder.glob(f"*/{NOTE}")] if self.folder.is_dir() else []
        return [path.name for path in sorted(found, key=lambda path: (path / NOTE).stat().st_mtime, reverse=True)]

    def place(self, name: str) -> Path:
        """Raises ValueError for a name that is no plain one, so that it leads nowhere else."""
        if not NAME.fullmatch(name or "") or name.endswith((".", " ")):
            raise ValueError("name: give the batch up to 60 letters, digits, blanks and . , ( ) + - _, a letter first")
        return self.folder / name

    def open_task(self, plan: Plan) -> Task:
        """Raises ValueError for anything but a suite, a public data set, or a folder that was given at start."""
        [name] = plan.tasks
        if name not in self.tasks:
            raise ValueError(
                f"task: {quoted(name)} is not open to this page; give a folder at start: arr-coc microscope --folders "
                f"FOLDER; there are {', '.join(self.tasks)}"
            )
        return plan.open(name)

    def run(self, manager: CheckpointManager, plan: Plan, name: str) -> Iterator[Batch]:
        """Answers what the batch of that name lacks; yields the batch at once and after each few questions.

        Raises:
            ValueError: another batch has the name, or is being run; a task that is not open; what cannot be answered.
        """
        task, conditions, folder = self.open_task(plan), plan.conditions(), self.place(name)
        [task_name] = plan.tasks
        path = folder / ANSWERS
        with locked(folder, "name"):
            check_same(folder, plan, name)
            claim(folder, facts_of(plan, {task_name: task}), asdict(plan))
            drop_torn_line(path)
            lines = read_lines(path)
            total = len(task) * len(conditions)
            yield Batch(plan, task, lines, total)
            for chunk in missing_chunks(task_name, task, conditions, {line.key for line in lines}):
                with manager.lend(plan.model) as (_, processor):
                    new = answer_chunk(processor, chunk, task, 0)
                append_lines(path, new)
                lines = [*lines, *new]
                yield Batch(plan, task, lines, total)

    def read(self, name: str) -> Batch:
        """A batch as far as it came.

        Raises:
            ValueError: there is none of that name, its answers are damaged, or its task is not open any more.
        """
        folder = self.place(name)
        if not (folder / ANSWERS).is_file():
            raise ValueError(f"name: there are no answers of a batch {quoted(name)} yet")
        plan, lines = read_run(folder)
        task = self.open_task(plan)
        return Batch(plan, task, lines, len(task) * len(plan.conditions()))


def check_same(folder: Path, plan: Plan, name: str) -> None:
    """Raises ValueError where a batch of that name asks other questions, of another checkpoint, or in another way."""
    if (folder / NOTE).is_file() and (folder / ANSWERS).is_file():
        there = read_run(folder)[0]
        if there != plan:
            fields = ("model", "tasks", "limit", "policies", "budgets")
            changed = [field for field in fields if getattr(there, field) != getattr(plan, field)]
            raise ValueError(
                f"name: a batch {quoted(name)} with other {', '.join(changed)} is there; give another name"
            )


def records_of(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Plain values, one record an answer; accepted answers with " / " between them."""
    fields = [name for name in Line.__dataclass_fields__ if name != "seconds"]
    return [
        {"row": number} | {name: getattr(line, name) for name in fields} | {"answers": " / ".join(line.answers)}
        for number, line in enumerate(lines, start=1)
    ]


def has_parquet() -> bool:
    return all(find_spec(name) is not None for name in ("pandas", "pyarrow"))


def export(lines: Sequence[Line], folder: Path, name: str, format: str) -> str:
    """Writes the answers to a file of one of `FORMATS` that only the same answers have; returns its path."""
    jsonl = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
    target = folder / sha256(jsonl.encode()).hexdigest()[:16] / f"{name}.{format}"
    target.parent.mkdir(exist_ok=True)
    if format == "parquet":
        import pandas

        pandas.DataFrame(records_of(lines)).to_parquet(target, index=False)
    else:
        target.write_text(as_csv(records_of(lines)) if format == "csv" else jsonl, encoding="utf-8")
    return str(target)
