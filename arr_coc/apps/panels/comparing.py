"""The tab "Side by side": variants on one picture and one question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.drawing import as_fractions, parse_answers, parse_boxes
from arr_coc.apps.examples import record_of
from arr_coc.apps.session import Entry, Seen, seen_of
from arr_coc.apps.uploads import check_picture
from arr_coc.apps.variants import STAGES, Finding, Variant, examine, make_variants, sample_of
from arr_coc.data.tasks import Sample
from arr_coc.pictures.opening import open_image
from arr_coc.processor.asking import check_question
from arr_coc.views.overlay import Box
from arr_coc.views.side_by_side import Card, cards_html
from arr_coc.views.table import format_seconds


@dataclass(frozen=True)
class Request:
    """What the form asks, in its order.

    Attributes:
        accepted: answers that count as right, with "|" between them; empty leaves what the example knows.
        evidence, region: boxes in pixels of the picture, see `parse_boxes`.
    """

    path: str | None
    question: str
    checkpoints: list[str]
    policies: list[str]
    budgets: list[str]
    accepted: str = ""
    evidence: str = ""
    region: str = ""


def read_request(request: Request) -> tuple[Sample, list[Variant]]:
    """Checks what the page was asked.

    Raises:
        ValueError: a bad picture, no question, boxes that are none, no variants or too many.
    """
    path, question = check_picture(request.path), request.question.strip()
    if not question:
        raise ValueError("question: it is empty; say what you want to know about the picture")
    picture = open_image(path)
    region = parse_boxes(request.region, picture.size, "region")
    variants = make_variants(request.checkpoints, request.policies, request.budgets, as_fractions(region, picture.size))
    evidence = parse_boxes(request.evidence, picture.size, "evidence")
    accepted = parse_answers(request.accepted)
    return sample_of(picture, question, record_of(path, question), accepted, evidence), variants


def examine_all(manager: CheckpointManager, sample: Sample, variants: Sequence[Variant]) -> Iterator[list[Finding]]:
    """Yields the findings so far after each variant; variants of one checkpoint follow one another.

    Raises:
        ValueError: a checkpoint that cannot be loaded, a question too long for it.
    """
    findings: list[Finding] = []
    for variant in variants:
        with manager.lend(variant.checkpoint) as loaded:
            check_question(loaded[1].host, sample.question)
            findings.append(examine(loaded, sample, variant))
        yield findings


def findings_html(sample: Sample, findings: Sequence[Finding], evidence: Sequence[Box]) -> str:
    return cards_html(sample.image, [card_of(seen_of(finding)) for finding in findings], evidence)


def entry_html(entry: Entry, content: bytes) -> str:
    """An earlier entry drawn again from the bytes of its picture.

    Raises:
        ValueError: they cannot be read.
    """
    return cards_html(open_image(content), list(map(card_of, entry.seen)), entry.evidence)


def card_of(seen: Seen) -> Card:
    """A variant with its looks, where it took several."""
    looks = [Card("", look.answer, f"{look.tokens:,} tokens · {sure_words(look)}", look.tiles) for look in seen.looks]
    return Card(seen.variant.label, seen.answer, describe_seen(seen), seen.tiles, looks)


def describe(finding: Finding) -> str:
    """Tokens, times, and score and recall where they are known."""
    return describe_seen(seen_of(finding))


def describe_seen(seen: Seen) -> str:
    parts = [tokens_words(seen.tokens, seen.encoded), stages_words(seen.seconds)]
    parts += [] if seen.confidence is None else [sure_words(seen)]
    return " · ".join(parts + describe_quality(seen.score, seen.recall))


def sure_words(seen: Seen) -> str:
    return f"{100 * (seen.confidence or 0.0):.0f}% sure"


def tokens_words(num_tokens: int, num_encoded: int) -> str:
    return f"{num_tokens:,} tokens, {num_encoded:,} encoded"


def stages_words(seconds: dict[str, float]) -> str:
    return ", ".join(f"{stage} {format_seconds(seconds.get(stage, 0.0))}" for stage in STAGES)


def describe_quality(score: float | None, recall: float | None) -> list[str]:
    parts = [] if score is None else [f"score {score:.2f}"]
    return parts + ([] if recall is None else [f"evidence seen {100 * recall:.0f}%"])
