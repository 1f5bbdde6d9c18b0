"""What each part of looking until sure earns: the same rule on the same questions, with one part changed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from arr_coc.evaluation.reporting.tables import markdown_table, reach
from arr_coc.evaluation.statistics.paired import compare
from arr_coc.evaluation.sure.fitting import restricted, stop_at
from arr_coc.evaluation.sure.report import Row, Table, chosen, row_of
from arr_coc.evaluation.sure.trails import UNCHECKED, Trail
from arr_coc.processor.sureness import Sureness
from arr_coc.processor.until_sure import Closer

CHANGED = {
    UNCHECKED: "drafts are not checked: every answer is written from its beginning",
    Closer.NESTED.value: "nested: goes on from the leaves it has, nothing is encoded twice",
    Closer.POINTED.value: "nested, and the draft points at where to look",
}
SMALLEST_LADDER = (64, 160)


def parts_rows(table: Table) -> list[Row]:
    """Looking until sure as it ships, and with one part changed."""
    rule, anew = table.rule, table.by_way[Closer.ANEW.value]
    changed = [
        stopped(what, [restricted(trail, rule.ladder) for trail in table.by_way[way]], rule)
        for way, what in CHANGED.items()
        if way in table.by_way
    ]
    short = [restricted(trail, SMALLEST_LADDER) for trail in anew]
    agreeing = [restricted(trail, rule.ladder) for trail in anew]
    return [
        chosen(table),
        *changed,
        stopped("at most 160 tokens (max_budget=160)", short, rule),
        row_of("stops where two answers agree", "", agreeing, [first_agreeing(trail) for trail in agreeing]),
    ]


def stopped(name: str, trails: Sequence[Trail], rule: Sureness) -> Row:
    return row_of(name, "", trails, [stop_at(trail, rule, rule.thresholds["1"]) for trail in trails])


def first_agreeing(trail: Trail) -> int:
    """The place of the first look that says what the one before it said."""
    texts = [look.answer for look in trail.looks]
    return next((place for place in range(1, len(texts)) if texts[place] == texts[place - 1]), len(texts) - 1)


def parts_table(table: Table) -> str:
    """Differences to looking until sure as it ships, question by question."""
    standing, *others = parts_rows(table)
    (full,) = table.rows["full"]
    lines = []
    for row in (standing, *others):
        each = compare("", row.scores, standing.scores, table.clusters)
        lines.append(
            [
                "as it ships" if row is standing else row.name,
                f"{100 * mean(row.scores):.1f}",
                "-" if row is standing else f"{100 * each.difference:+.1f} ({reach(each.low, each.high)})",
                f"{mean(row.tokens):.0f}",
                f"{mean(row.encoded):.0f}",
                f"{100 * mean(row.flops) / mean(full.flops):.1f}%",
            ]
        )
    header = ["looking until sure", "accuracy", "difference", "tokens, last look", "encoded", "operations"]
    return markdown_table(header, lines)


def parts_text(table: Table) -> str:
    """A section of the report, empty where no part was left out."""
    if not set(CHANGED) & set(table.by_way):
        return ""
    told = (
        "One part changed at a time; thresholds stay. Difference with its 95% interval, clustered by picture. Checked "
        "drafts save time, not operations; these ways were not followed in turns, so no seconds are given."
    )
    return f"## What each part of looking earns\n\n{told}\n\n{parts_table(table)}"
