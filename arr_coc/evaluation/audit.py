"""Questions that a sceptical reviewer asks of the results, answered by running them.

Each check says what it looked at and whether it holds; a check that can't hold yet fails, and says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arr_coc.allocator import Allocator
from arr_coc.data.suites import FROZEN
from arr_coc.data.tasks import TRAIN_SEEDS, VALIDATION_SEEDS, GeneratedTask, Sample, Task, by_picture
from arr_coc.evaluation.policies.ablations import ITSELF, MAPS, PARTS
from arr_coc.evaluation.policies.full_picture import WholePictures
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.reporting.deciding import MADE_FOR
from arr_coc.evaluation.reporting.held_out import SEEN
from arr_coc.evaluation.reporting.report import UNFINISHED
from arr_coc.evaluation.reporting.tables import markdown_table
from arr_coc.evaluation.running.runner import evidence_shown
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.loading import load_host

NUM_TRAINING_PICTURES, NUM_PICTURES = 400, 10
LEAST_QUESTIONS = 1000
NEEDED_ROWS = ("full", "resize", "blind", "glimpse-crop", "attention-pruning", "mmtok", "arr-coc", "arr-coc-trained")
NEEDED_TEXTS = ("At equal time to the first token", "At equal floating point operations")


@dataclass(frozen=True)
class Check:
    """One question, whether it came out well, and what was found."""

    question: str
    holds: bool
    found: str


def audit(model: str, results: Path, num_questions: int = 1000) -> list[Check]:
    """All checks of a host and of a folder of reports: main, ablations and those in it, typefaces, words, layouts."""
    processor = load_host(model)[1]
    host = processor.host
    tests = [task[index] for task in [FROZEN["final"]()] for index in range(min(num_questions, len(task)))]
    training = GeneratedTask(TRAIN_SEEDS.start, NUM_TRAINING_PICTURES)
    return [
        seeds_apart(tests),
        *overlap(tests, [sample for samples in by_picture(training) for sample in samples]),
        full_sees(host, processor.allocator, FROZEN["final"]()),
        vacuous_marked(processor.allocator, results / "ablations"),
        *rows_present(results / "main"),
        *held_out_present([results / name for name in ("typefaces", "words", "layouts")]),
        *decided(results / "ablations"),
    ]


def seeds_apart(tests: Sequence[Sample]) -> Check:
    seeds = {int(sample.picture_id) for sample in tests}
    taken = sorted(seed for seed in seeds if seed in TRAIN_SEEDS or seed in VALIDATION_SEEDS)
    return Check("no picture of the test is drawn for training", not taken, f"{len(taken)} of {len(seeds)} pictures")


def overlap(tests: Sequence[Sample], training: Sequence[Sample]) -> list[Check]:
    """How much of the test's wording occurs in training; pairs of question and answer may not be the rule."""
    keys: dict[str, Callable[[Sample], object]] = {
        "question": lambda sample: sample.question,
        "answer": lambda sample: sample.answers[0],
        "question with its answer": lambda sample: (sample.question, sample.answers[0]),
    }
    checks = []
    for name, key in keys.items():
        known = {key(sample) for sample in training}
        share = sum(key(sample) in known for sample in tests) / len(tests)
        is_pair = name.startswith("question with")
        text = f"{100 * share:.0f}% occur in {NUM_TRAINING_PICTURES} training pictures"
        checks.append(Check(f"{name}s of the test, known from training", share < 0.5 or not is_pair, text))
    return checks


def full_sees(host: TransformersHost, allocator: Allocator, task: Task) -> Check:
    """The measure of recall: `full` must see all evidence that is legible at all."""
    seen = []
    for _, samples in zip(range(NUM_PICTURES), by_picture(task), strict=False):
        remembering = WholePictures(host)
        pyramid = remembering.pyramid(samples[0].image)
        for sample in samples:
            shown = POLICIES["full"].give(remembering, allocator, sample, pyramid, 0).shown
            seen.append(evidence_shown(remembering, sample, shown).recall)
    known = [recall for recall in seen if recall is not None]
    low = [recall for recall in known if recall < 0.999]
    return Check("full sees all evidence", not low, f"{len(known) - len(low)} of {len(known)} questions")


def vacuous_marked(allocator: Allocator, report: Path) -> Check:
    """An ablation of a part that has no weight compares a run with itself, and the report must say so."""
    question = "ablations that compare a run with itself are marked"
    idle = [name for name, weight in zip(MAPS, allocator.heuristic.weights, strict=True) if not weight]
    text = report / "report.md"
    if not text.is_file():
        return Check(question, False, f"{report} holds no report of arr-coc eval ablate")
    is_said = ITSELF in text.read_text(encoding="utf-8")
    return Check(question, is_said or not idle, f"without weight: {', '.join(idle) or 'none'}")


def progress_of(report: str) -> str:
    """What a report says of how far its run is."""
    return next((line for line in report.splitlines() if UNFINISHED in line), "all answers are there")


def rows_present(report: Path) -> Iterable[Check]:
    plan = noted(report)
    if plan is None:
        return [Check("the final report is there", False, f"{report} holds no report of arr-coc eval final")]
    policies, tasks = plan["plan"]["policies"], plan["tasks"]
    body = (report / "report.md").read_text(encoding="utf-8")
    missing = [name for name in NEEDED_ROWS if name not in policies]
    unsaid = [each for each in NEEDED_TEXTS if each not in body]
    return [
        Check("the report is of the frozen block", list(tasks) == ["final"], ", ".join(tasks)),
        Check(
            f"at least {LEAST_QUESTIONS:,} questions, all of them asked",
            UNFINISHED not in body and sum(task["questions"] for task in tasks.values()) >= LEAST_QUESTIONS,
            progress_of(body),
        ),
        Check("the rows that are needed are there", not missing, f"missing: {', '.join(missing) or 'none'}"),
        Check("resize at equal time and at equal operations", not unsaid, f"missing: {'; '.join(unsaid) or 'none'}"),
    ]


def held_out_present(reports: Sequence[Path]) -> list[Check]:
    """Every suite of what training never had stands beside its seen twin, in a report that is finished."""
    found = [
        (note, (folder / "report.md").read_text(encoding="utf-8")) for folder in reports if (note := noted(folder))
    ]
    checks = []
    for unseen, seen in SEEN.items():
        twins = [(note, body) for note, body in found if {unseen, seen} <= set(note["tasks"])]
        is_there = any(seen in body and unseen in body and UNFINISHED not in body for _, body in twins)
        asked = [f"{note['tasks'][unseen]['questions']} questions" for note, _ in twins]
        checks.append(Check(f"{unseen} beside {seen}", is_there, ", ".join(asked) or "no report of both"))
    return checks


def decided(ablations: Path) -> list[Check]:
    """The suites that decide between tensions, and what a trained scorer looks at, have reports of their own."""
    checks = []
    for folder, question, needed in (
        ("tensions", "suites that decide between tensions", set(MADE_FOR)),
        ("trained", "the trained scorer without its texture inputs", set()),
    ):
        note = noted(ablations / folder)
        missing = needed - set(note["tasks"] if note else ())
        policies = set(PARTS[folder]) - set(note["plan"]["policies"] if note else ())
        lacking = ", ".join(sorted(missing | policies)) or "nothing"
        checks.append(Check(question, note is not None and not missing and not policies, f"missing: {lacking}"))
    return checks


def noted(report: Path) -> dict[str, Any] | None:
    """What a report answers to; None where there is no report."""
    if not (report / "run.json").is_file() or not (report / "report.md").is_file():
        return None
    note: dict[str, Any] = json.loads((report / "run.json").read_text(encoding="utf-8"))
    return note


def audit_table(checks: Sequence[Check]) -> str:
    rows = [[check.question, "holds" if check.holds else "FAILS", check.found] for check in checks]
    return markdown_table(["check", "verdict", "found"], rows)
