"""Variants under the microscope: a checkpoint, a policy and a budget on one picture and one question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import product

from PIL import Image
from torch import nn

from arr_coc.allocator import Allocator
from arr_coc.apps.by_hand import ByHand
from arr_coc.apps.checkpoints import LoadedHost
from arr_coc.apps.reasons import Reasons, reasons_of
from arr_coc.data.qa_file import Record
from arr_coc.data.records import Box
from arr_coc.data.scoring import METRICS
from arr_coc.data.tasks import Sample, sample_of_record
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.evaluation.policies.policy import OWN_BUDGET, Given, Leaves
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.recall import evidence_seen, levels_of_leaves
from arr_coc.evaluation.running.batches import answer_batch
from arr_coc.evaluation.running.runner import fractions, needed_level
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.timing import Stopwatch
from arr_coc.processor.answer import Look
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import AUTO, Allocation, Pyramid, Realization
from arr_coc.views.overlay import Tile, leaf_notes, leaf_tiles
from arr_coc.views.table import printable
from arr_coc.views.tokens import given_tiles

OURS, TRAINED = "arr-coc", "arr-coc-trained"
OWN = (TRAINED, OURS)
"""ARR-COC with the parts that were trained for the checkpoint, and without; as in `arr-coc eval`."""
STAGES = ("preparing", "encoding", "answering")
UNTIL_SURE = "until sure"
MAX_VARIANTS, MAX_NEW_TOKENS = 12, 64


@dataclass(frozen=True)
class Variant:
    """What is compared; a budget of 0 lets the policy choose, `hand` changes the allocator of a policy in `OWN`.

    A variant `is_sure` has no budget: it looks closer until it is sure.
    """

    checkpoint: str
    policy: str
    budget: int
    hand: ByHand | None = None
    is_sure: bool = False

    @property
    def budget_word(self) -> str:
        """As the form offers it."""
        return UNTIL_SURE if self.is_sure else str(self.budget or AUTO)

    @property
    def label(self) -> str:
        if not POLICIES[self.policy].has_budget:
            return f"{self.checkpoint} · {self.policy}"
        label = f"{self.checkpoint} · {self.policy} · {self.budget_word}"
        return label if self.hand is None else f"{label} · {self.hand.label}"


@dataclass(frozen=True, eq=False)
class Finding:
    """What one variant led to.

    Attributes:
        seconds: of the stages "preparing" (resizing and, where the policy has them, pyramid, scores and choice),
            "encoding" (the vision tower) and "answering" (prefill and decoding).
        score, recall: None where no answer or no evidence is known.
        tiles: the visual tokens over the picture.
        allocation: of quadtree policies, else None.
        realization: of ARR-COC, else None.
        host: what answered, in words.
        reasons: why tensions and weights are what they are, of ARR-COC.
        confidence: 0..1, the chance that the answer is right, of a variant that `is_sure` and of its looks.
        looks: of a variant that `is_sure`, one after the other; `number` counts them from 1.
    """

    variant: Variant
    answer: str
    num_tokens: int
    num_encoded: int
    seconds: dict[str, float]
    score: float | None
    recall: float | None
    tiles: list[Tile]
    allocation: Allocation | None
    realization: Realization | None
    host: str = ""
    reasons: Reasons | None = None
    confidence: float | None = None
    looks: tuple[Finding, ...] = ()
    number: int = 0

    @property
    def label(self) -> str:
        return f"{self.variant.label} · look {self.number}" if self.number else self.variant.label


def make_variants(
    checkpoints: list[str], policies: list[str], budgets: list[str], region: Sequence[Box] = ()
) -> list[Variant]:
    """Every combination; a policy without a budget once, one that can't choose its own not with "auto", and only
    ARR-COC itself "until sure".

    Args:
        region: drawn by hand, in fractions of the picture; adds ARR-COC that looks there, at each budget.
    Raises:
        ValueError: nothing chosen, or more than `MAX_VARIANTS`.
    """
    for name, chosen in (("checkpoint", checkpoints), ("policy", policies), ("budget", budgets)):
        if not chosen:
            raise ValueError(f"Choose at least one {name}.")
    wanted = [OWN_BUDGET if budget == AUTO else int(budget) for budget in budgets if budget != UNTIL_SURE]
    variants = [
        Variant(checkpoint, policy, budget)
        for checkpoint, policy in product(checkpoints, policies)
        for budget in budgets_of(policy, wanted)
    ]
    if UNTIL_SURE in budgets:
        own = [policy for policy in policies if policy in OWN]
        variants += [Variant(*each, OWN_BUDGET, is_sure=True) for each in product(checkpoints, own)]
    if region:
        hand = ByHand(region=tuple(region))
        variants += [Variant(name, OURS, budget, hand) for name, budget in product(checkpoints, wanted)]
    if not variants:
        raise ValueError("These policies cannot choose a budget by themselves: choose a number too.")
    if len(variants) > MAX_VARIANTS:
        raise ValueError(f"{len(variants)} variants are too many to read side by side; choose at most {MAX_VARIANTS}.")
    return variants


def budgets_of(policy: str, wanted: list[int]) -> list[int]:
    known = POLICIES[policy]
    return [budget for budget in wanted if budget or known.chooses_budget] if known.has_budget else [OWN_BUDGET]


def sample_of(
    picture: Image.Image,
    question: str,
    record: Record | None,
    accepted: tuple[str, ...] = (),
    evidence: tuple[Box, ...] = (),
) -> Sample:
    """A sample, with what a shipped record knows of it, or what was typed and drawn in its place.

    Args:
        evidence: boxes in pixels of the picture.
    """
    known = record or Record("", question, (), None, "question", "other", None, None)
    if accepted:
        known = replace(known, answers=accepted, metric=None)
    if evidence:
        known = replace(known, boxes=evidence, glyph_px=None)
    return sample_of_record(replace(known, question=question), picture, "picture")


def examine(loaded: LoadedHost, sample: Sample, variant: Variant) -> Finding:
    """Runs one variant with nothing remembered; its times are its own work and no other's."""
    if variant.is_sure:
        return examine_looks(loaded, sample, variant)
    host = loaded[1].host
    watch = Stopwatch(host.device)
    pyramid = None if POLICIES[variant.policy].uses_pyramid else host.pyramid(sample.image)
    with watch.measure("preparing"), measured(host.vision, watch, "encoding"):
        given, realization, allocator = give(loaded, sample, variant, pyramid)
    with watch.measure("answering"):
        [text] = answer_batch(host, [sample.prompt], [given], MAX_NEW_TOKENS)
    grid = host_grid(host, sample.image)
    return Finding(
        variant=variant,
        answer=printable(text),
        num_tokens=given.num_tokens,
        num_encoded=given.num_encoded,
        seconds=watch.seconds,
        score=score_of(sample, text),
        recall=evidence_seen(given.shown, fractions(sample), needed_level(host, sample)).recall,
        tiles=leaf_tiles(realization.allocation, leaf_notes(realization)) if realization else given_tiles(given, grid),
        allocation=Allocation(given.leaves, grid) if given.leaves is not None else None,
        realization=realization,
        host=host_words(host),
        reasons=reasons_of(allocator, variant.hand, realization) if allocator and realization else None,
    )


def examine_looks(loaded: LoadedHost, sample: Sample, variant: Variant) -> Finding:
    """ARR-COC that looks closer until it is sure: its last look, and all of them."""
    standing, rule = loaded[1], POLICIES[variant.policy].rule
    assert isinstance(rule, Leaves)
    allocator = rule.allocator(standing.allocator, sample, standing.host.pyramid(sample.image))
    processor = RelevanceProcessor(standing.host, allocator, standing.sureness)
    answer = processor.answer(question_messages(sample.image, sample.prompt), max_new_tokens=MAX_NEW_TOKENS)
    looks = tuple(
        look_finding(processor, sample, variant, look, number) for number, look in enumerate(answer.looks, start=1)
    )
    seconds = stage_seconds(answer.seconds)
    return replace(looks[-1], number=0, num_encoded=answer.num_encoded, seconds=seconds, looks=looks)


def look_finding(processor: RelevanceProcessor, sample: Sample, variant: Variant, look: Look, number: int) -> Finding:
    """One look as if it had been the only one; its times and its cells encoded are those beyond the looks before."""
    host, [realization] = processor.host, look.realizations
    shown = levels_of_leaves(realization.allocation, full_grid(host, sample.image.size))
    return Finding(
        variant=variant,
        answer=printable(look.text),
        num_tokens=look.num_tokens,
        num_encoded=look.num_encoded,
        seconds=stage_seconds(look.seconds),
        score=score_of(sample, look.text),
        recall=evidence_seen(shown, fractions(sample), needed_level(host, sample)).recall,
        tiles=leaf_tiles(realization.allocation, leaf_notes(realization)),
        allocation=realization.allocation,
        realization=realization,
        host=host_words(host),
        reasons=reasons_of(processor.allocator, None, realization),
        confidence=look.confidence,
        number=number,
    )


def stage_seconds(seconds: Mapping[str, float]) -> dict[str, float]:
    """Times of an answer by the stages that are shown here."""
    parts = seconds["prepare"], seconds["encode"], seconds["prefill"] + seconds["decode"]
    return dict(zip(STAGES, parts, strict=True))


def score_of(sample: Sample, text: str) -> float | None:
    return METRICS[sample.metric or "exact_match"](text, sample.answers) if sample.answers else None


def host_words(host: TransformersHost) -> str:
    """What answers: its class and its size."""
    millions = sum(each.numel() for each in host.model.parameters()) / 1e6
    return f"{type(host.model).__name__}, {millions:,.1f} million parameters"


@contextmanager
def measured(module: nn.Module, watch: Stopwatch, stage: str) -> Iterator[None]:
    """Times every pass of a module within the block, whoever asks for it."""
    starts: list[AbstractContextManager[None]] = []

    def enter(*_: object) -> None:
        starts.append(watch.measure(stage))
        starts[-1].__enter__()

    def leave(*_: object) -> None:
        starts.pop().__exit__(None, None, None)

    handles = module.register_forward_pre_hook(enter), module.register_forward_hook(leave)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def give(
    loaded: LoadedHost, sample: Sample, variant: Variant, pyramid: Pyramid | None
) -> tuple[Given, Realization | None, Allocator | None]:
    """What the host is given; of policies that are ARR-COC also how it came about, and by which allocator.

    Args:
        pyramid: for policies that do not use it, so that they need not make it; None makes it.
    """
    host, standing, policy = loaded[1].host, loaded[1].allocator, POLICIES[variant.policy]
    pyramid = pyramid or host.pyramid(sample.image)
    if variant.policy not in OWN:
        return policy.give(host, standing, sample, pyramid, variant.budget), None, None
    rule = policy.rule
    assert isinstance(rule, Leaves)
    allocator = rule.allocator(standing, sample, pyramid)
    allocator = allocator if variant.hand is None else variant.hand.allocator(allocator)
    realization = rule.realize(host, allocator, sample, pyramid, variant.budget)
    return rule.given(host, allocator, sample, realization), realization, allocator


def host_grid(host: TransformersHost, picture: Image.Image) -> tuple[int, int]:
    """(rows, columns) of level 0."""
    width, height = host.native_size(*picture.size)
    return height // host.geometry.cell_px, width // host.geometry.cell_px
