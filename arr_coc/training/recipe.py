"""From a host and a task to trained parts in a folder: one phase, start to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from arr_coc.allocator import Allocator
from arr_coc.data.drawing.kinds import every_kind
from arr_coc.data.forgiving import Forgiving
from arr_coc.data.mixture import MAX_QUESTIONS
from arr_coc.data.suites import Selection, open_task
from arr_coc.data.tasks import TRAIN_SEEDS, VALIDATION_SEEDS, GeneratedTask, Task
from arr_coc.files.faults import weights_written
from arr_coc.files.writing import replacing_folder
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.trained_parts import FOLDER, describe, host_facts, save_relevance
from arr_coc.training.batches import collate_with
from arr_coc.training.bucketing import BucketedFeed, Buckets
from arr_coc.training.learner import LossWeights
from arr_coc.training.loop import RunResult, accuracy_of, negative_loss
from arr_coc.training.lora import add_lora
from arr_coc.training.monitoring import BUDGETS
from arr_coc.training.phases import SCOUT, Phase, build
from arr_coc.training.policy_gradient import PolicySettings
from arr_coc.training.runs import load_weights, train
from arr_coc.training.sampling import Curriculum, Drawn, GeneratedSource, MixedSource, Source, TaskSource
from arr_coc.training.settings import LoopSettings

GENERATOR = "generator"
FIRST_PICTURE, NUM_PICTURES = 800_000_000, 200_000_000  # of the training seeds; the embedded host saw those before
VALIDATION_SHARE = 0.1
SKIPPED = "skipped.jsonl"
HOST = "host"


@dataclass(frozen=True)
class DataSettings:
    """What a phase learns from.

    Attributes:
        tasks: "generator", "generator/KIND" for one kind of picture, or names of `open_task`; the last tenth of such
            a task is kept for validation.
        max_side: of the generator's pictures.
        budgets: of the batches, in turn.
        questions_per_picture: they share pyramid, glimpse and teacher.
        tokens_per_batch: visual tokens; the smaller the budget the larger the batch.
        easy_share: of the run, in which the curriculum goes from easy to the full mix.
        num_validation: questions.
    """

    tasks: tuple[str, ...] = (GENERATOR,)
    max_side: int = 2048
    budgets: tuple[int, ...] = BUDGETS
    questions_per_picture: int = 4
    tokens_per_batch: int = 1600
    easy_share: float = 0.2
    num_validation: int = 120


def run_phase(
    phase: Phase,
    model: PreTrainedModel,
    processor: RelevanceProcessor,
    data: DataSettings,
    settings: LoopSettings,
    out: Path,
    *,
    weights: LossWeights | None = None,
    policy: PolicySettings | None = None,
    lora: int | None = None,
    tracker: str | None = None,
    resume: bool = False,
    max_failures: float = 0.2,
) -> RunResult:
    """Trains, takes the best checkpoint by validation and writes it as `out/relevance` (and `out/host` if it learnt).

    Args:
        lora: rank of the adapters that learn in place of the language layers; they are merged into `out/host`.
        max_failures: share of a task's samples that may be unreadable; see `Forgiving`. They are noted in `out`.
    Raises:
        ValueError: tasks that can't be used, settings that do not fit, `out` holds another run.
    """
    policy = policy or PolicySettings()
    check_phase(phase, data, lora)
    adapters = add_lora(model, lora) if lora is not None else None
    objective, allocator = build(phase, processor, policy, weights)
    forgive = partial(Forgiving, note=out / SKIPPED, max_failures=max_failures)
    feed, validation = feeds(processor, data, settings.num_steps * settings.batches_per_step, settings.seed, forgive)
    result = train(
        objective,
        feed,
        settings,
        out,
        validation=validation,
        score=negative_loss if phase.name == SCOUT else accuracy_of,
        blocks=processor.host.blocks,
        recipe=recipe_facts(phase, model, data, weights, policy, lora),
        tracker=tracker,
        resume=resume,
    )
    if result.best is not None:
        load_weights(objective, result.best)
    if adapters is not None:
        adapters.merge_and_unload()
    save(out, phase, processor, allocator, result)
    return result


def check_phase(phase: Phase, data: DataSettings, lora: int | None) -> None:
    """Raises ValueError for adapters of a host that does not learn, or budgets among which none could be learnt."""
    if lora is not None and not phase.teaches_host:
        raise ValueError(f"lora: phase {phase.name} leaves the host as it is; bridge and joint teach it")
    if phase.weights is not None and phase.weights.efficiency and data.budgets != BUDGETS:
        raise ValueError(f"budgets: phase {phase.name} learns the budget from all of {', '.join(map(str, BUDGETS))}")


def recipe_facts(
    phase: Phase,
    model: PreTrainedModel,
    data: DataSettings,
    weights: LossWeights | None,
    policy: PolicySettings,
    lora: int | None,
) -> dict[str, object]:
    """What a run is made with, kept beside it: it is gone on with under the same only."""
    return {
        "phase": phase.name,
        "host": host_facts(model),
        "data": asdict(data),
        "weights": asdict(weights or phase.weights) if phase.weights else None,
        "policy": asdict(policy) if phase.name == "reinforce" else None,
        "lora": lora,
    }


def plan_weights(phase: Phase, from_boxes: bool) -> LossWeights | None:
    """The phase's loss weights, aligned to evidence boxes if asked; None where it learns by reinforcement."""
    return phase.weights and replace(phase.weights, from_boxes=from_boxes)


def save(out: Path, phase: Phase, processor: RelevanceProcessor, allocator: Allocator, result: RunResult) -> None:
    model = processor.host.model
    with replacing_folder(out / FOLDER) as draft, weights_written(out / FOLDER):
        save_relevance(draft, allocator, host_facts(model), card(phase, result, processor))
    if processor.host.is_training:
        with replacing_folder(out / HOST) as draft, weights_written(out / HOST):
            for part in (model, processor.tokenizer, processor.image_processor):
                part.save_pretrained(draft)


CARD = """\
---
library_name: arr-coc
---
# ARR-COC relevance, phase {phase}

{summary}.
Trained by `arr-coc train {phase}` for {steps} steps on the host {host}; the run ended with: {stopped}.
Validation score of these weights ({counted}, mean of the budgets): {score}.

```python
processor = RelevanceProcessor.from_pretrained(HOST, model=model, relevance=THIS_FOLDER)
```

What it reaches on held-out pictures is measured by `arr-coc eval --relevance THIS_FOLDER`.
"""


def card(phase: Phase, result: RunResult, processor: RelevanceProcessor) -> str:
    score = "not measured" if result.score is None else f"{result.score:.3f}"
    return CARD.format(
        phase=phase.name,
        summary=phase.summary,
        counted="minus the alignment loss" if phase.name == SCOUT else "share of questions answered right",
        steps=result.step,
        host=describe(host_facts(processor.host.model)),
        stopped=result.stopped,
        score=score,
    )


def feeds(
    processor: RelevanceProcessor,
    data: DataSettings,
    num_batches: int,
    seed: int,
    forgive: Callable[[Task], Task] = Forgiving,
) -> tuple[BucketedFeed, ValidationBatches]:
    """Training batches, and validation batches of the same tasks from samples that are never trained on."""
    sources, held_out = zip(*(open_source(name, data, forgive) for name in data.tasks), strict=True)
    collate = collate_with(processor.host)
    buckets = Buckets(
        data.tokens_per_batch, data.budgets, (1.0,) * len(data.budgets), max_batch_size=4 * data.questions_per_picture
    )
    feed = BucketedFeed(
        MixedSource(sources) if len(sources) > 1 else sources[0],
        collate,
        buckets,
        Curriculum(round(data.easy_share * num_batches)),
        seed,
    )
    return feed, ValidationBatches(held_out, data, collate)


def open_source(
    name: str, data: DataSettings, forgive: Callable[[Task], Task] = Forgiving
) -> tuple[Source, Sequence[Drawn]]:
    """The training source of a task, and its samples for validation.

    Args:
        forgive: what makes a task that replaces samples that can't be read; the two parts never lend each other any.
    """
    generator, _, kind = name.partition("/")
    if generator == GENERATOR:
        return open_generator(kind, data)
    task = open_task(name)
    check_answers(name, forgive(task))
    num_held_out = min(data.num_validation, max(1, round(VALIDATION_SHARE * len(task))))
    first = len(task) - num_held_out
    if first < 1:
        raise ValueError(f"data: {name} holds {len(task)} questions; training needs at least two")
    learnt, kept = (
        forgive(Selection(task, list(indices), task.name)) for indices in (range(first), range(first, len(task)))
    )
    return TaskSource(learnt), HeldOut(kept, range(len(kept)))


def open_generator(kind: str, data: DataSettings) -> tuple[Source, Sequence[Drawn]]:
    """Drawn pictures of one kind, or, where it is empty, of all.

    Raises:
        ValueError: there is no such kind.
    """
    if kind and kind not in every_kind():
        raise ValueError(
            f"data: {GENERATOR}/{kind} is none of {', '.join(f'{GENERATOR}/{each}' for each in every_kind())}"
        )
    each = data.questions_per_picture
    options: dict[str, Any] = {"kind": kind or None, "max_side": data.max_side}
    learnt = GeneratedTask(TRAIN_SEEDS.start + FIRST_PICTURE, NUM_PICTURES, MAX_QUESTIONS, **options)
    held_out = GeneratedTask(VALIDATION_SEEDS.start, -(-data.num_validation // each), each, **options)
    return GeneratedSource(learnt, each), HeldOut(held_out, range(len(held_out)))


def check_answers(name: str, task: Task) -> None:
    """Raises ValueError for a task whose first sample has no answer."""
    if not len(task) or not task[0].answers:
        raise ValueError(f"data: {name} has no answers to learn from; give a task with answers")


@dataclass(frozen=True, eq=False)
class HeldOut(Sequence[Drawn]):
    """Samples of a task in order; difficulty does not matter here."""

    task: Task
    indices: range

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        return Drawn(self.task[self.indices[number]], 0.5, "")


class ValidationBatches:
    """All held-out samples in order, a picture's worth at a time, at budgets that take turns."""

    def __init__(self, held_out: Sequence[Sequence[Drawn]], data: DataSettings, collate: Any) -> None:
        size = data.questions_per_picture
        self._pieces = [
            (samples, start, min(start + size, len(samples)))
            for samples in held_out
            for start in range(0, len(samples), size)
        ]
        self._collate, self._budgets = collate, data.budgets

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, number: int) -> Any:
        samples, start, stop = self._pieces[number]
        return self._collate(samples[start:stop], self._budgets[number % len(self._budgets)], number)
