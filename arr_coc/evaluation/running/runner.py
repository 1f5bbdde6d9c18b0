"""Runs every (policy, budget, question) once and writes each answer down; a killed run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from math import isinf, log2
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from arr_coc.allocator import Allocator
from arr_coc.data.records import MIN_GLYPH_PX, Box
from arr_coc.data.suites import open_task
from arr_coc.data.tasks import Sample, Task
from arr_coc.data.workers import Loader
from arr_coc.evaluation.flops import encode_flops, num_text_tokens, prefill_flops
from arr_coc.evaluation.policies.ablations import ABLATIONS, TRAINED_ABLATIONS
from arr_coc.evaluation.policies.full_picture import WholePictures, full_grid
from arr_coc.evaluation.policies.policy import OWN_BUDGET, Given
from arr_coc.evaluation.policies.pruning import DEPTHS
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.recall import EvidenceSeen, evidence_seen, levels_of_leaves
from arr_coc.evaluation.running.answers import ANSWERS, Line, append_lines, drop_torn_line, read_lines
from arr_coc.evaluation.running.batches import answer_all
from arr_coc.evaluation.running.chunks import Chunk, Wanted, missing_chunks
from arr_coc.evaluation.running.context import check_context
from arr_coc.evaluation.running.failures import (
    MAX_FAILURES,
    Failure,
    append_failures,
    check_share,
    forget_failures,
    noted,
    read_failures,
)
from arr_coc.evaluation.running.notes import NOTE, REMEDY, claim, read_note
from arr_coc.evaluation.running.timing import time_answer
from arr_coc.files.locking import locked
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.loading import load_host
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.quoting import quoted, shortened
from arr_coc.records import Allocation, Pyramid

REGISTRY = POLICIES | ABLATIONS | TRAINED_ABLATIONS | DEPTHS
BUDGETS = (64, 100, 160, 256, 400)
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
        max_pixels: full resolution of a picture at most; None leaves what the host says.
        quantize: how the host's matrices are held, see `quantising`; None leaves them.
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
    max_pixels: int | None = None
    quantize: str | None = None

    def __post_init__(self) -> None:
        """What is named twice is run once."""
        for name in ("tasks", "policies", "budgets"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))

    def conditions(self) -> list[tuple[str, int]]:
        """(policy, budget) pairs; policies that ask for no budget come once, with `OWN_BUDGET`.

        Raises:
            ValueError: an unknown policy, with the list of those there are.
        """
        pairs: list[tuple[str, int]] = []
        for name in self.policies:
            if name not in REGISTRY:
                raise ValueError(f"policies: unknown {quoted(name)}; there are {', '.join(POLICIES)}")
            policy = REGISTRY[name]
            wanted = [b for b in self.budgets if b or policy.chooses_budget] if policy.has_budget else [OWN_BUDGET]
            pairs += [(name, budget) for budget in wanted]
        return pairs

    def load(self) -> RelevanceProcessor:
        """The host's processor; raises ValueError in one line, see `load_host`."""
        return load_host(self.model, relevance=self.relevance, max_pixels=self.max_pixels, quantize=self.quantize)[1]

    def open(self, task: str) -> Task:
        return open_task(task, limit=self.limit, skip_missing=self.skip_missing, for_final_report=self.for_final_report)


@dataclass(frozen=True, eq=False)
class Row:
    """One answer to be given."""

    number: int
    sample: Sample
    policy: str
    budget: int


class Chunks(Dataset[tuple[list[Line], list[Failure]]]):
    """Item i: the lines of chunk i, and what of it has no answer.

    Host and tasks are opened by the process that first asks.
    """

    def __init__(self, plan: Plan, chunks: list[Chunk]) -> None:
        self.plan, self.chunks = plan, chunks
        self.processor: RelevanceProcessor | None = None
        self.tasks: dict[str, Task] = {}

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, number: int) -> tuple[list[Line], list[Failure]]:
        chunk = self.chunks[number]
        if self.processor is None:
            self.processor = self.plan.load()
            for policy in self.plan.policies:
                REGISTRY[policy].check(self.processor.host)
        if chunk.task not in self.tasks:
            self.tasks[chunk.task] = self.plan.open(chunk.task)
        failures: list[Failure] = []
        lines = answer_chunk(self.processor, chunk, self.tasks[chunk.task], self.plan.timed_every, failures)
        return lines, failures


def answer_chunk(
    processor: RelevanceProcessor,
    chunk: Chunk,
    task: Task,
    timed_every: int,
    failures: list[Failure] | None = None,
) -> list[Line]:
    """All that is missing of a chunk, one picture after the other.

    Args:
        failures: takes what can't be answered; None lets the first such error out.
    """
    lines: list[Line] = []
    for _, same_picture in groupby(rows_of(chunk, task, failures), key=lambda row: row.sample.picture_id):
        lines += answer_picture(processor, task, chunk.task, list(same_picture), timed_every, failures)
    return lines


def rows_of(chunk: Chunk, task: Task, failures: list[Failure] | None) -> Iterator[Row]:
    """The answers to be given, sample by sample; those whose sample can't be read are failures."""
    for number, conditions in chunk.missing:
        sample = None
        with noted(failures, chunk.task, [Wanted(number, *pair) for pair in conditions]):
            sample = task[number]
        if sample is not None:
            yield from (Row(number, sample, *pair) for pair in conditions)


def answer_picture(
    processor: RelevanceProcessor,
    task: Task,
    name: str,
    rows: list[Row],
    timed_every: int,
    failures: list[Failure] | None = None,
) -> list[Line]:
    """All rows are about one picture; those that can't be answered are failures, as in `answer_chunk`."""
    host, allocator = processor.host, processor.allocator
    remembering = WholePictures(host)
    given: list[tuple[Row, Given]] = []
    with noted(failures, name, rows):
        pyramid = remembering.pyramid(rows[0].sample.image)
        blind: dict[tuple[str, int], Given] = {}
        for row in rows:
            with noted(failures, name, [row]):
                what = give_one(remembering, allocator, pyramid, row, blind)
                check_context(host, row.sample, what)
                given.append((row, what))
    answers = answer_all(remembering, [row.sample.prompt for row, _ in given], [what for _, what in given])
    return [
        line_of(host, allocator, task, name, row, what, answer, timed_every)
        for (row, what), answer in zip(given, answers, strict=True)
    ]


def give_all(host: TransformersHost, allocator: Allocator, pyramid: Pyramid, rows: Sequence[Row]) -> list[Given]:
    """What the host is given for each row."""
    blind: dict[tuple[str, int], Given] = {}
    return [give_one(host, allocator, pyramid, row, blind) for row in rows]


def give_one(
    host: TransformersHost, allocator: Allocator, pyramid: Pyramid, row: Row, blind: dict[tuple[str, int], Given]
) -> Given:
    """What the host is given; a policy that is blind to the question is asked once per picture and budget."""
    policy, key = REGISTRY[row.policy], (row.policy, row.budget)
    if key not in blind or not policy.is_blind:
        blind[key] = policy.give(host, allocator, row.sample, pyramid, row.budget)
    return blind[key]


def line_of(
    host: TransformersHost,
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


def flops_of(host: TransformersHost, sample: Sample, given: Given) -> float:
    """Selection, encoder and prefill."""
    num_text = num_text_tokens(host, sample.prompt, len(given.pictures))
    encoder = sum(encode_flops(host, count) for count in given.segments)
    return given.selection_flops + encoder + prefill_flops(host, given.num_tokens + num_text)


def evidence_shown(host: TransformersHost, sample: Sample, shown: np.ndarray) -> EvidenceSeen:
    """Recall and precision of a sample's evidence in the levels (R, C) that are shown."""
    return evidence_seen(shown, fractions(sample), needed_level(host, sample))


def evidence_in_leaves(host: TransformersHost, sample: Sample, allocation: Allocation) -> EvidenceSeen:
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


def full_glyph_px(host: TransformersHost, sample: Sample) -> float | None:
    """Size of the smallest thing to recognise at the host's full resolution; None where the data does not tell, or a
    glimpse is enough."""
    size = glyph_px(sample)
    if size is None or isinf(size):
        return None
    width, height = host.stock_size(*sample.image.size)
    return size * min(width / sample.image.width, height / sample.image.height)


def needed_level(host: TransformersHost, sample: Sample) -> float | None:
    """The coarsest level, in fractions, at which the evidence is legible; 0 (full resolution) where it nowhere is."""
    full_px = full_glyph_px(host, sample)
    return None if full_px is None else max(0.0, log2(full_px / MIN_GLYPH_PX))


def evidence_of(host: TransformersHost, sample: Sample) -> str:
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


def run(
    plan: Plan, folder: Path, num_workers: int = 0, *, retry_failed: bool = False, max_failures: float = MAX_FAILURES
) -> Iterator[tuple[int, int]]:
    """Answers everything that `folder` does not hold yet and appends it to `answers.jsonl` there.

    Policies and budgets may be added to a run later; model, tasks and limit may not change.

    Args:
        num_workers: processes that answer, one thread each; 0 answers in this one.
        retry_failed: asks again what an earlier session could not answer.
        max_failures: share of the answers that may fail; what fails is noted in `failures.jsonl`.
    Yields:
        (answers that are there or failed, answers there will be), for a progress bar.
    Raises:
        ValueError: `folder` holds another run, another process is running in it, or too much failed.
    """
    with locked(folder):
        path = folder / ANSWERS
        tasks = {name: plan.open(name) for name in plan.tasks}
        claim(folder, facts_of(plan, tasks), asdict(plan))
        drop_torn_line(path)
        if retry_failed:
            forget_failures(folder)
        conditions = plan.conditions()
        wanted = {
            (name, number, *pair) for name, task in tasks.items() for number in range(len(task)) for pair in conditions
        }
        failed = [failure for failure in read_failures(folder) if failure.key in wanted]
        done = {line.key for line in read_lines(path)} | {failure.key for failure in failed}
        chunks = [chunk for name, task in tasks.items() for chunk in missing_chunks(name, task, conditions, done)]
        left = sum(len(pairs) for chunk in chunks for _, pairs in chunk.missing)
        yield len(wanted) - left, len(wanted)
        for lines, failures in Loader(Chunks(plan, chunks), num_workers):
            append_lines(path, lines)
            append_failures(folder, failures)
            failed += failures
            left -= len(lines) + len(failures)
            yield len(wanted) - left, len(wanted)
            if failures:
                check_share(len(failed), len(wanted), max_failures, failures[-1].reason)


def facts_of(plan: Plan, tasks: dict[str, Task]) -> dict[str, Any]:
    """What answers in one folder have in common."""
    return {
        "model": plan.model,
        "limit": plan.limit,
        "relevance": plan.relevance,
        "max_pixels": plan.max_pixels,
        "quantize": plan.quantize,
        "tasks": {name: {"version": task.version, "questions": len(task)} for name, task in tasks.items()},
    }


def read_run(folder: Path, on_doubled: Callable[[int], None] | None = None) -> tuple[Plan, list[Line]]:
    """The plan and the answers of an earlier run; `on_doubled` as in `read_lines`.

    Raises:
        ValueError: `folder` holds none, or what it holds is damaged.
    """
    if not (folder / NOTE).exists() or not (folder / ANSWERS).exists():
        raise ValueError(f"{quoted(folder)} holds no run; make one with arr-coc eval --out {quoted(folder)}")
    return plan_from(read_note(folder)["plan"], folder / NOTE), read_lines(folder / ANSWERS, on_doubled)


def plan_from(values: dict[str, Any], path: Path) -> Plan:
    """Raises ValueError, with the file's name, for values that are no plan."""
    try:
        plan = Plan(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
        plan.conditions()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a plan of arr-coc eval ({shortened(str(error))}); {REMEDY}") from error
    return plan
