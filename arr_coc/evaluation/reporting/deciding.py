"""Which way of knowing finds the evidence, suite by suite, and whether it is the one that the suite was made for."""

from __future__ import annotations

from collections.abc import Sequence

from arr_coc.evaluation.reporting.tables import by_condition, markdown_table, percent, policies_of, reach, with_error
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.statistics.intervals import clustered_mean
from arr_coc.evaluation.statistics.paired import Comparison, compare, with_holm

WAYS = {"only propositional": "information", "only perspectival": "salience", "only participatory": "the question"}
MADE_FOR = {
    "deciding/hidden": "information must win",
    "deciding/odd": "salience must win",
    "deciding/textured": "information must lose",
}
INTRO = (
    "Evidence: share of the evidence boxes' area that is shown at a level at which it is legible, percent ± standard "
    "error; accuracy beside it. Each way alone has all the weight and no share is given without it."
)


def deciding_text(lines: Sequence[Line]) -> str:
    """Evidence and accuracy by suite, and a sentence for each; empty where no such suite was run."""
    tasks = [task for task in MADE_FOR if any(line.task == task for line in lines)]
    budgets = sorted({line.budget for line in lines if line.budget})
    parts = [part for task in tasks for budget in budgets if (part := suite_text(lines, task, budget))]
    return "\n\n".join([INTRO, *parts]) if parts else ""


def suite_text(lines: Sequence[Line], task: str, budget: int) -> str:
    here = [line for line in lines if line.task == task and line.budget == budget and line.recall is not None]
    groups = {policy: group for (policy, _), group in by_condition(here).items()}
    if not set(WAYS) <= set(groups):
        return ""
    rows = [
        [policy, WAYS.get(policy, ""), str(len(groups[policy])), shown(groups[policy]), percent(groups[policy])]
        for policy in policies_of(here)
    ]
    table = markdown_table(["policy", "all weight on", "questions", "evidence", "accuracy"], rows)
    return f"`{task}` ({MADE_FOR[task]}) at {budget} tokens:\n\n{table}\n\n{verdict(groups)}"


def shown(lines: Sequence[Line]) -> str:
    return with_error(*clustered_mean([line.recall or 0.0 for line in lines], [line.cluster for line in lines]))


def verdict(groups: dict[str, list[Line]]) -> str:
    """The way that shows most evidence, and by how much it is ahead of the two others."""
    means = {way: sum(line.recall or 0.0 for line in groups[way]) / len(groups[way]) for way in WAYS}
    first, *others = sorted(means, key=lambda way: -means[way])
    found = with_holm([in_evidence(groups, first, other) for other in others])
    told = "; ".join(
        f"{100 * each.difference:+.1f} points of evidence over {WAYS[other]} ({reach(each.low, each.high)}, "
        f"p {each.p_holm:.2g} after Holm)"
        for other, each in zip(others, found, strict=True)
    )
    return f"Most is found by {WAYS[first]}: {told}."


def in_evidence(groups: dict[str, list[Line]], first: str, second: str) -> Comparison:
    one, two = ({line.sample: line for line in groups[name]} for name in (first, second))
    shared = sorted(one.keys() & two.keys())
    return compare(
        f"{first} - {second}",
        [one[sample].recall or 0.0 for sample in shared],
        [two[sample].recall or 0.0 for sample in shared],
        [one[sample].cluster for sample in shared],
    )
