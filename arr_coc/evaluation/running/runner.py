"""Runs every (policy, budget, question) once and writes each answer down; a killed run goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from math import isinf, log2
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from arr_coc.allocator import Allocator
from arr_coc.data.records import MIN_GLYPH_PX, Box
from arr_coc.data.suites import open_task
from arr_coc.data.tasks import Sample, Task
from arr_coc.evaluation.flops import encode_flops, prefill_flops
from arr_coc.evaluation.policies.ablations import ABLATIONS
from arr_coc.evaluation.policies.full_picture import WholePictures, full_grid
from arr_coc.evaluation.policies.policy import OWN_BUDGET, Given
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.recall import EvidenceSeen, evidence_seen, levels_of_leaves
from arr_coc.evaluation.running.answers import Line, append_lines, drop_torn_line, read_lines
from arr_coc.evaluation.running.batches import answer_all
from arr_coc.evaluation.running.timing import time_answer
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.processor.loading import load_host
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Allocation, Pyramid

REGISTRY = POLICIES | ABLATIONS
BUDGETS = (64, 100, 160, 256, 400)
CHUNK = 8
PRINT_SHARE = 0.7  # height of a capital letter, of the height of the box around its line


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        model: nano, a folder, or an id of the hub.
        tasks: names or folders, see `open_task`.
        policies: names of `POLICIES`.
        budgets: tokens; `OWN_BUDGET` (auto) lets the policies that can choose their own.
        limit: questions a task, None for all.
        timed_every: every n-th question is also asked alone, with nothing remembered, and timed; 0 times none.
        skip_missing: counts pictures that are not there instead of stopping.
        relevance: folder with trained parts; None takes those that lie in `model`, if any.
        for_final_report: whether frozen blocks may be opened; `arr-coc eval final` alone says so.
    """

    model: str
    tasks: tuple[str, ...]
    policies: tuple[str, ...]
    budgets: tuple[int, ...] = BUDGETS
    limit: int | None = None
    timed_every: int = 0
    skip_missing: bool = False
    relevance: str | None = None
    for_final_report: bool = False

    def conditions(self) -> list[tuple[str, int]]:
        """(policy, budget) pairs; policies that ask for no budget come once, with `OWN_BUDGET`.

        Raises:
            ValueError: an unknown policy, with the list of those there are.
        """
        pairs: list[tuple[str, int]] = []
        for name in self.policies:
            if name not in REGISTRY:
                raise ValueError(f"policies: unknown {name!r}; there are {', '.join(POLICIES)}")
            policy = REGISTRY[name]
            wanted = [b for b in self.budgets if b or policy.chooses_budget] if policy.has_budget else [OWN_BUDGET]
            pairs += [(name, budget) for budget in wanted]
        return pairs

    def open(self, task: str) -> Task:
        return open_task(task, limit=self.limit, skip_missing=self.skip_missing, for_final_report=self.for_final_report)


@dataclass(frozen=True, eq=False)
class Row:
    """One answer to be given."""

    number: int
    sample: Sample
    policy: str
    budget: int


@dataclass(frozen=True)
class Chunk:
    """Neighbouring questions of a task, each with the conditions that are still to be answered."""

    task: str
    missing: tuple[tuple[int, tuple[tuple[str, int], ...]], ...]


class Chunks(Dataset[list[Line]]):
    """Item i: the lines of chunk i; host and tasks are opened by the process that first asks."""

    def __init__(self, plan: Plan, chunks: list[Chunk]) -> None:
        self.plan, self.chunks = plan, chunks
        self.processor: RelevanceProcessor | None = None
        self.tasks: dict[str, Task] = {}

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, number: int) -> list[Line]:
        chunk = self.chunks[number]
        if self.processor is None:
            self.processor = load_host(self.plan.model, relevance=self.plan.relevance)[1]
        if chunk.task not in self.tasks:
            self.tasks[chunk.task] = self.plan.open(chunk.task)
        return answer_chunk(self.processor, chunk, self.tasks[chunk.task], self.plan.timed_every)


def answer_chunk(processor: RelevanceProcessor, chunk: Chunk, task: Task, timed_every: int) -> list[Line]:
    """All that is missing of a chunk, one picture after the other."""
    samples = ((number, conditions, task[number]) for number, conditions in chunk.missing)
    lines: list[Line] = []
    for _, same_picture in groupby(samples, key=lambda entry: entry[2].picture_id):
        asked = list(same_picture)
        rows = [Row(number, sample, *pair) for number, conditions, sample in asked for pair in conditions]
        lines += answer_picture(processor, task, chunk.task, rows, timed_every)
    return lines


def answer_picture(
    processor: RelevanceProcessor, task: Task, name: str, rows: list[Row], timed_every: int
) -> list[Line]:
    """All rows are about one picture."""
    host, allocator = processor.host, processor.allocator
    remembering = WholePictures(host)
    pyramid = remembering.pyramid(rows[0].sample.image)
    given = give_all(remembering, allocator, pyramid, rows)
    answers = answer_all(remembering, [row.sample.prompt for row in rows], given)
    return [
        line_of(host, allocator, task, name, row, what, answer, timed_every)
        for row, what, answer in zip(rows, given, answers, strict=True)
    ]


def give_all(host: Qwen3VLHost, allocator: Allocator, pyramid: Pyramid, rows: Sequence[Row]) -> list[Given]:
    """What the host is given for each row; one that is blind to the question is asked once per picture and budget."""
    blind: dict[tuple[str, int], Given] = {}
    given = []
    for row in rows:
        policy, key = REGISTRY[row.policy], (row.policy, row.budget)
        if key not in blind or not policy.is_blind:
            blind[key] = policy.give(host, allocator, row.sample, pyramid, row.budget)
        given.append(blind[key])
    return given


def line_of(
    host: Qwen3VLHost,
    allocator: Allocator,
    task: Task,
    name: str,
    row: Row,
    given: Given,
    answer: str,
    timed_every: int,
) -> Line:
    sample, policy = row.sample, REGISTRY[row.policy]
    is_timed = timed_every > 0 and row.number % timed_every == 0
    seen = evidence_shown(host, sample, given.shown)
    return Line(
        task=name,
        sample=row.number,
        policy=row.policy,
        budget=row.budget,
        picture=sample.picture_id,
        picture_kind=sample.picture_kind,
        native_side=max(sample.image.size),
        kind=sample.kind,
        group=sample.group,
        evidence=evidence_of(host, sample),
        question=sample.question,
        answers=sample.answers,
        answer=answer,
        score=task.score(answer, sample),
        metric=task.metric_of(sample),
        num_tokens=given.num_tokens,
        num_encoded=given.num_encoded,
        flops=flops_of(host, sample, given),
        recall=seen.recall,
        precision=seen.precision,
        seconds=time_answer(host, allocator, sample, policy, row.budget) if is_timed else None,
    )


def flops_of(host: Qwen3VLHost, sample: Sample, given: Given) -> float:
    """Selection, encoder and prefill."""
    num_text = len(host.tokenize([{"role": "user", "content": sample.prompt}], add_generation_prompt=True))
    encoder = sum(encode_flops(host, count) for count in given.segments)
    return given.selection_flops + encoder + prefill_flops(host, given.num_tokens + num_text)


def evidence_shown(host: Qwen3VLHost, sample: Sample, shown: np.ndarray) -> EvidenceSeen:
    """Recall and precision of a sample's evidence in the levels (R, C) that are shown."""
    return evidence_seen(shown, fractions(sample), needed_level(host, sample))


def evidence_in_leaves(host: Qwen3VLHost, sample: Sample, allocation: Allocation) -> EvidenceSeen:
    """Recall and precision of a sample's evidence in the leaves of its picture."""
    return evidence_shown(host, sample, levels_of_leaves(allocation, full_grid(host, sample.image.size)))


def fractions(sample: Sample) -> list[Box]:
    """Evidence boxes as fractions of the picture."""
    width, height = sample.image.size
    return [(x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in sample.boxes or ()]


def glyph_px(sample: Sample) -> float | None:
    """Pixels of the smallest thing to recognise.

    Where the data does not tell, the smallest box counts as a line of print; None where there is no box either.
    """
    if sample.glyph_px is not None or not sample.boxes:
        return sample.glyph_px
    return PRINT_SHARE * min(min(x1 - x0, y1 - y0) for x0, y0, x1, y1 in sample.boxes)


def full_glyph_px(host: Qwen3VLHost, sample: Sample) -> float | None:
    """Size of the smallest thing to recognise at the host's full resolution; None where the data does not tell, or a
    glimpse is enough."""
    size = glyph_px(sample)
    if size is None or isinf(size):
        return None
    width, height = host.stock_size(*sample.image.size)
    return size * min(width / sample.image.width, height / sample.image.height)


def needed_level(host: Qwen3VLHost, sample: Sample) -> float | None:
    """The coarsest level, in fractions, at which the evidence is legible; 0 (full resolution) where it nowhere is."""
    full_px = full_glyph_px(host, sample)
    return None if full_px is None else max(0.0, log2(full_px / MIN_GLYPH_PX))


def evidence_of(host: Qwen3VLHost, sample: Sample) -> str:
    """The coarsest of the levels 2, 1, 0 at which the smallest thing to recognise is legible."""
    if glyph_px(sample) is None:
        return "unknown"
    full_px = full_glyph_px(host, sample)
    if full_px is None:
        return "gist"
    for level in (2, 1, 0):
        if full_px / 2**level >= MIN_GLYPH_PX:
            return f"level {level}"
    return "illegible"


def missing_chunks(name: str, task: Task, conditions: Iterable[tuple[str, int]], done: set[tuple]) -> list[Chunk]:
    """What of a task is not answered yet, in chunks of neighbouring questions."""
    conditions = list(conditions)
    missing = []
    for number in range(len(task)):
        left = tuple(pair for pair in conditions if (name, number, *pair) not in done)
        if left:
            missing.append((number, left))
    return [Chunk(name, tuple(missing[start : start + CHUNK])) for start in range(0, len(missing), CHUNK)]


def run(plan: Plan, folder: Path, num_workers: int = 0) -> Iterator[tuple[int, int]]:
    """Answers everything that `folder` does not hold yet and appends it to `answers.jsonl` there.

    Policies and budgets may be added to a run later; model, tasks and limit may not change.

    Args:
        num_workers: processes that answer, one thread each; 0 answers in this one.
    Yields:
        (answers that are there, answers there will be), for a progress bar.
    Raises:
        ValueError: `folder` holds another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "answers.jsonl"
    tasks = {name: plan.open(name) for name in plan.tasks}
    claim(folder, plan, tasks)
    drop_torn_line(path)
    done = {line.key for line in read_lines(path)}
    conditions = plan.conditions()
    chunks = [chunk for name, task in tasks.items() for chunk in missing_chunks(name, task, conditions, done)]
    total = sum(len(task) for task in tasks.values()) * len(conditions)
    left = sum(len(pairs) for chunk in chunks for _, pairs in chunk.missing)
    yield total - left, total
    for lines in DataLoader(Chunks(plan, chunks), batch_size=None, num_workers=num_workers):
        append_lines(path, lines)
        left -= len(lines)
        yield total - left, total


def claim(folder: Path, plan: Plan, tasks: dict[str, Task]) -> None:
    """Notes beside the answers what they are answers to.

    Raises:
        ValueError: the answers there are another run's.
    """
    note = folder / "run.json"
    fixed: dict[str, Any] = {
        "model": plan.model,
        "limit": plan.limit,
        "relevance": plan.relevance,
        "tasks": {name: {"version": task.version, "questions": len(task)} for name, task in tasks.items()},
    }
    if note.exists():
        there = json.loads(note.read_text(encoding="utf-8"))
        if any(there.get(key) != value for key, value in fixed.items()):
            raise ValueError(f"out: {folder} holds the answers of another run; choose another folder or empty it")
    note.write_text(json.dumps({**fixed, "plan": asdict(plan)}, indent=1) + "\n", encoding="utf-8")


def read_run(folder: Path) -> tuple[Plan, list[Line]]:
    """The plan and the answers of an earlier run.

    Raises:
        ValueError: `folder` holds none.
    """
    note, path = folder / "run.json", folder / "answers.jsonl"
    if not note.exists() or not path.exists():
        raise ValueError(f"{folder} holds no run; make one with arr-coc eval --out {folder}")
    plan = json.loads(note.read_text(encoding="utf-8"))["plan"]
    return Plan(**{key: tuple(value) if isinstance(value, list) else value for key, value in plan.items()}), read_lines(
        path
    )


def command_of(plan: Plan, folder: Path, command: str = "eval") -> str:
    """The command line that makes this run again."""
    wanted = ",".join(str(budget) if budget else "auto" for budget in plan.budgets)
    budgets = "" if command == "eval final" else f" --budgets {wanted}"
    relevance = f" --relevance {plan.relevance}" if plan.relevance else ""
    limit = f" --limit {plan.limit}" if plan.limit else ""
    policies = f" --policies {','.join(plan.policies)}" if command != "eval ablate" else ""
    tasks = "" if command in ("eval headroom", "eval final") else f" --tasks {','.join(plan.tasks)}"
    return f"arr-coc {command} --model {plan.model}{relevance}{tasks}{policies}{budgets}{limit} --out {folder}"
