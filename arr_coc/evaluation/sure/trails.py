"""Every look at a question, to the end of the ladder: any rule when to stop can then be tried without asking again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from arr_coc.balancing import statistics
from arr_coc.data.tasks import Sample, Task, by_picture
from arr_coc.evaluation.flops import (
    encode_flops,
    encoded_segments,
    num_text_tokens,
    prefill_flops,
    pyramid_flops,
)
from arr_coc.evaluation.policies.policy import Given, choosing_flops
from arr_coc.evaluation.policies.registry import full
from arr_coc.evaluation.policies.resizing import give_whole
from arr_coc.evaluation.recall import WHOLE
from arr_coc.evaluation.running.runner import evidence_in_leaves, evidence_of, evidence_shown
from arr_coc.files.jsonl import JsonlLog
from arr_coc.files.locking import locked
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import lay_out, pad_batch
from arr_coc.hosts.timing import Stopwatch
from arr_coc.processor.answer import greedy
from arr_coc.processor.drafting import Draft, write
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.until_sure import MOST_DRAFTED, Closer, Step, looks_of

TRAILS = "trails.jsonl"
MAX_NEW_TOKENS = 32
FULL = 0
"""In the place of a budget: the full resolution."""


@dataclass(frozen=True)
class Seen:
    """One look at a question, whether or not a rule would have gone so far.

    Attributes:
        budget: tokens it might cost; `FULL` is the full resolution.
        num_tokens: visual tokens the language model read.
        num_encoded: cells that this look encoded.
        num_known: cells that it needs and the look before had encoded.
        flops: what this look adds: choosing, encoding, reading prompt and draft, decoding.
        flops_alone: the same, had it been the only look.
        seconds: what this look adds, all included.
        chance: probability of the answer's least sure token.
        is_whole: whether all the evidence was shown at a legible level; None where the data does not tell.
    """

    budget: int
    num_tokens: int
    num_encoded: int
    flops: float
    flops_alone: float
    seconds: float
    answer: str
    score: float
    chance: float
    is_whole: bool | None
    num_known: int = 0


@dataclass(frozen=True)
class Trail:
    """All looks of one way of looking at one question.

    Attributes:
        traits: what a predictor may know of picture and question from a glimpse, see `traits_of`; of "sizes" only.
    """

    task: str
    sample: int
    way: str
    picture: str
    native_side: int
    kind: str
    evidence: str
    looks: tuple[Seen, ...]
    traits: tuple[float, ...] = ()

    @property
    def key(self) -> tuple[str, int, str]:
        return self.task, self.sample, self.way


Way = Callable[[RelevanceProcessor, Task, Sample, Sequence[int]], Iterator[Seen]]


def by_looks(
    closer: Closer,
    processor: RelevanceProcessor,
    task: Task,
    sample: Sample,
    budgets: Sequence[int],
    checks_drafts: bool = True,
) -> Iterator[Seen]:
    """Looks that come closer; see `until_sure.Closer` and `until_sure.looks_of`."""
    messages = question_messages(sample.image, sample.prompt)
    clock, before = Stopwatch(processor.host.device), None
    steps = looks_of(processor, messages, budgets, MAX_NEW_TOKENS, closer=closer, checks_drafts=checks_drafts)
    while True:
        with clock.measure("look"):
            step = next(steps, None)
        if step is None:
            return
        pointing = len(before.draft.ids) if before is not None and closer is Closer.POINTED else 0
        yield seen_in(processor, task, sample, step, pointing, clock.seconds["look"], is_first=before is None)
        before = step
        clock.reset()


def seen_in(
    processor: RelevanceProcessor,
    task: Task,
    sample: Sample,
    step: Step,
    pointing: int,
    seconds: float,
    *,
    is_first: bool,
) -> Seen:
    host, allocator, (realization,) = processor.host, processor.allocator, step.realizations
    is_known = bool(step.num_known)  # the glimpse, encoded and asked by the look before
    encoded = [encode_flops(host, count) for count in encoded_segments(realization)]
    choosing = choosing_flops(host, realization, allocator, pointing, known_rounds=int(is_known))
    if not is_first:
        choosing -= pyramid_flops(realization.pyramid)
    alone = choosing_flops(host, realization, allocator, pointing) + sum(encoded)
    return Seen(
        step.budget,
        step.num_tokens,
        step.num_encoded,
        choosing + sum(encoded[is_known:]) + writing_flops(host, sample, step.num_tokens, step.num_drafted, step.draft),
        alone + writing_flops(host, sample, step.num_tokens, 0, replace(step.draft, num_kept=0)),
        seconds,
        step.text,
        task.score(step.text, sample),
        step.draft.least_chance,
        whole(evidence_in_leaves(host, sample, realization.allocation).recall),
        step.num_known,
    )


def writing_flops(host: TransformersHost, sample: Sample, num_visual: int, num_drafted: int, draft: Draft) -> float:
    """Of the language model: the prompt, every token of a draft that was checked, every token that was decoded."""
    num_text = num_text_tokens(host, sample.prompt)
    return prefill_flops(host, num_visual + num_text + num_drafted + len(draft.ids) - draft.num_kept)


def by_sizes(processor: RelevanceProcessor, task: Task, sample: Sample, budgets: Sequence[int]) -> Iterator[Seen]:
    """Plain sizes one after the other, each encoded anew, then the full resolution; drafts are checked as well."""
    before: Draft | None = None
    for budget in (*budgets, FULL):
        seen, before = at_size(processor, task, sample, budget, before)
        yield seen


def fully(processor: RelevanceProcessor, task: Task, sample: Sample, budgets: Sequence[int]) -> Iterator[Seen]:
    """The full resolution alone."""
    yield at_size(processor, task, sample, FULL, None)[0]


def at_size(
    processor: RelevanceProcessor, task: Task, sample: Sample, budget: int, before: Draft | None
) -> tuple[Seen, Draft]:
    host, clock = processor.host, Stopwatch(processor.host.device)
    with clock.measure("look"):
        given = give_whole(host, sample, budget) if budget else full(host, sample, None, 0)  # type: ignore[arg-type]
        most = MAX_NEW_TOKENS if budget == FULL else MOST_DRAFTED
        draft = write(host.model, inputs_of(host, sample, given), greedy(host.model, host.tokenizer), most, before)
    text = host.tokenizer.decode(draft.ids, skip_special_tokens=True).strip()
    encoded = encode_flops(host, given.num_encoded)
    written = writing_flops(host, sample, given.num_tokens, len(before.ids) if before else 0, draft)
    seen = Seen(
        budget,
        given.num_tokens,
        given.num_encoded,
        encoded + written,
        encoded + writing_flops(host, sample, given.num_tokens, 0, replace(draft, num_kept=0)),
        clock.seconds["look"],
        text,
        task.score(text, sample),
        draft.least_chance,
        whole(evidence_shown(host, sample, given.shown).recall),
    )
    return seen, draft


def inputs_of(host: TransformersHost, sample: Sample, given: Given) -> dict[str, object]:
    content = [{"type": "image"}, {"type": "text", "text": sample.prompt}]
    ids = host.tokenize([{"role": "user", "content": content}], add_generation_prompt=True)
    prompt = lay_out(ids, host.image_token_id, [given.block])
    inputs = pad_batch([prompt], host.tokenizer.pad_token_id, "left")
    moved: dict[str, object] = {key: value.to(host.device) for key, value in inputs.items()}
    return {**moved, "mm_encoder_outputs": host.encoder_outputs([[given.features]])}


UNCHECKED = "unchecked"
WAYS: dict[str, Way] = {
    **{closer.value: partial(by_looks, closer) for closer in Closer},
    UNCHECKED: partial(by_looks, Closer.ANEW, checks_drafts=False),
    "sizes": by_sizes,
    "full": fully,
}


def whole(recall: float | None) -> bool | None:
    return None if recall is None else recall >= WHOLE


def follow(
    processor: RelevanceProcessor, name: str, task: Task, ways: Sequence[str], budgets: Sequence[int], folder: Path
) -> Iterator[tuple[int, int]]:
    """Follows every question along every way and appends the trails to `folder`; a killed run goes on.

    Yields:
        (questions done, questions there are).
    """
    path = folder / TRAILS
    with locked(folder), torch.no_grad():
        log, number = JsonlLog(path, lambda line: True), 0  # which drops what a kill left of a last line
        done = {trail.key for trail in read_trails(path)}
        yield 0, len(task)
        for samples in by_picture(task):
            for sample in samples:
                missing = [way for way in ways if (name, number, way) not in done]
                # the ways take turns, so that noise of the machine falls on all of them
                for way in missing[number % max(1, len(missing)) :] + missing[: number % max(1, len(missing))]:
                    log.append(asdict(trail_of(processor, name, task, number, sample, way, budgets)))
                number += 1
            yield number, len(task)


def trail_of(
    processor: RelevanceProcessor,
    name: str,
    task: Task,
    number: int,
    sample: Sample,
    way: str,
    budgets: Sequence[int],
) -> Trail:
    looks = tuple(WAYS[way](processor, task, sample, budgets))
    side, evidence = max(sample.image.size), evidence_of(processor.host, sample)
    traits = traits_of(processor.host, sample) if way == "sizes" else ()
    return Trail(name, number, way, sample.picture_id, side, sample.kind, evidence, looks, traits)


def traits_of(host: TransformersHost, sample: Sample) -> tuple[float, ...]:
    """Means of the glimpse's features (D) and of the question's embeddings (D), statistics of the texture (34)."""
    pyramid = host.pyramid(sample.image)
    (glimpse,) = host.encode([pyramid], [pyramid.cells(pyramid.coarsest)])
    parts = [glimpse.merged.float().mean(0), host.embed(sample.question).mean(0), statistics(pyramid)]
    return tuple(round(value, 4) for part in parts for value in part.tolist())


def read_trails(path: Path) -> list[Trail]:
    """All trails of a file.

    Raises:
        ValueError: a line that is none, with its number.
    """
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], start=1):
        try:
            values = json.loads(text)
            found.append(Trail(**{**values, "looks": tuple(Seen(**look) for look in values["looks"])}))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}:{number}: not a trail of arr-coc eval ({error}); delete it") from error
    return found
