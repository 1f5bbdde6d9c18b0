"""Policies held against each other on the same questions, and the table of that."""

from __future__ import annotations

from collections.abc import Sequence

from arr_coc.evaluation.reporting.tables import (
    budgets_of,
    by_condition,
    markdown_table,
    paired_scores,
    policies_of,
    reach,
)
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.statistics.paired import Comparison, compare, with_holm


def comparisons(lines: Sequence[Line], base: str) -> list[Comparison]:
    """Every policy against `base` at every budget that both ran at; p adjusted over the whole family (Holm)."""
    groups, found = by_condition(lines), []
    for budget in [*budgets_of(lines), 0]:
        for policy in policies_of(lines):
            if policy != base and (policy, budget) in groups and (base, budget) in groups:
                scores = paired_scores(groups[policy, budget], groups[base, budget])
                found.append(compare(f"{policy} - {base} at {budget or 'its own budget'}", *scores))
    return with_holm(found)


def run_comparisons(first: Sequence[Line], second: Sequence[Line]) -> list[Comparison]:
    """Two runs condition by condition, on the questions that both answered; Holm over all conditions.

    Raises:
        ValueError: they share no condition with a question.
    """
    a, b, found = by_condition(first), by_condition(second), []
    for policy, budget in sorted(a.keys() & b.keys()):
        scores = paired_scores(a[policy, budget], b[policy, budget])
        if scores[0]:
            found.append(compare(f"{policy} at {budget or 'its own budget'}", *scores))
    if not found:
        raise ValueError("A, B: the two runs share no question under the same policy and budget")
    return with_holm(found)


def comparison_rows(found: Sequence[Comparison]) -> str:
    rows = [
        [
            each.name,
            str(each.num_questions),
            f"{100 * each.mean_a:.1f}",
            f"{100 * each.mean_b:.1f}",
            f"{100 * each.difference:+.1f}",
            reach(each.low, each.high),
            f"{each.p:.2g}",
            f"{each.p_holm:.2g}",
        ]
        for each in found
    ]
    return markdown_table(["comparison", "questions", "first", "second", "difference", "95%", "p", "p (Holm)"], rows)
