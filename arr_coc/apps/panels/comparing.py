"""The tab "Side by side": variants on one picture and one question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.examples import record_of
from arr_coc.apps.session import Entry, Row
from arr_coc.apps.uploads import check_picture
from arr_coc.apps.variants import STAGES, Finding, Variant, examine, make_variants, sample_of
from arr_coc.data.tasks import Sample
from arr_coc.pictures.opening import open_image
from arr_coc.processor.asking import check_question
from arr_coc.views.overlay import Box, Tile
from arr_coc.views.side_by_side import Card, cards_html
from arr_coc.views.table import format_seconds


def read_request(
    path: str | None, question: str, checkpoints: list[str], policies: list[str], budgets: list[str]
) -> tuple[Sample, list[Variant]]:
    """Checks what the page was asked.

    Raises:
        ValueError: a bad picture, no question, no variants or too many.
    """
    path = check_picture(path)
    if not question.strip():
        raise ValueError("question: it is empty; say what you want to know about the picture")
    variants = make_variants(checkpoints, policies, budgets)
    return sample_of(open_image(path), question.strip(), record_of(path, question)), variants


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
    cards = [Card(finding.variant.label, finding.answer, describe(finding), finding.tiles) for finding in findings]
    return cards_html(sample.image, cards, evidence)


def entry_html(entry: Entry) -> str:
    """An earlier entry drawn again.

    Raises:
        ValueError: its picture is gone.
    """
    picture = open_image(check_picture(entry.path))
    triples: zip[tuple[Variant, Row, tuple[Tile, ...]]] = zip(entry.variants, entry.rows, entry.tiles, strict=True)
    cards = [Card(variant.label, row.answer, describe_row(row), tiles) for variant, row, tiles in triples]
    return cards_html(picture, cards, entry.evidence)


def describe(finding: Finding) -> str:
    """Tokens, times, and score and recall where they are known."""
    parts = [
        f"{finding.num_tokens:,} tokens, {finding.num_encoded:,} encoded",
        ", ".join(f"{stage} {format_seconds(seconds)}" for stage, seconds in in_order(finding.seconds).items()),
    ]
    return " · ".join(parts + describe_quality(finding.score, finding.recall))


def in_order(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: seconds.get(stage, 0.0) for stage in STAGES}


def describe_row(row: Row) -> str:
    parts = [f"{row.tokens:,} tokens, {row.encoded:,} encoded", format_seconds(row.seconds)]
    return " · ".join(parts + describe_quality(row.score, row.recall))


def describe_quality(score: float | None, recall: float | None) -> list[str]:
    parts = [] if score is None else [f"score {score:.2f}"]
    return parts + ([] if recall is None else [f"evidence seen {100 * recall:.0f}%"])
