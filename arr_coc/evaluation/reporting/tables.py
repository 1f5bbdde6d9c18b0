"""Markdown tables of a run: accuracy with standard errors by policy and budget, and by part of the questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import isnan
from statistics import mean

from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.recall import WHOLE
from arr_coc.evaluation.running.answers import Line
from arr_coc.evaluation.statistics.calibration import Estimate
from arr_coc.evaluation.statistics.intervals import clustered_mean, ratio_interval

Condition = tuple[str, int]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def by_condition(lines: Iterable[Line]) -> dict[Condition, list[Line]]:
    """Lines of each (policy, budget)."""
    groups: dict[Condition, list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.policy, line.budget].append(line)
    return dict(groups)


def policies_of(lines: Iterable[Line]) -> list[str]:
    """Policies of the results in the order of the registry."""
    present = {line.policy for line in lines}
    return [policy for policy in POLICIES if policy in present] + sorted(present - set(POLICIES))


def budgets_of(lines: Iterable[Line]) -> list[int]:
    return sorted({line.budget for line in lines if line.budget})


def accuracy(lines: Sequence[Line]) -> tuple[float, float]:
    """Mean score and its standard error, clustered by picture."""
    return clustered_mean([line.score for line in lines], [line.cluster for line in lines])


def with_error(value: float, error: float) -> str:
    """Both in percent; the error is left out where one picture is all there is."""
    return f"{100 * value:.1f}{error_text(100 * error)}"


def error_text(error: float) -> str:
    """ " ± " and the error to one decimal, never "± 0.0"; empty for NaN."""
    if isnan(error):
        return ""
    return f" ± {error:.1f}" if error >= 0.05 else " ± <0.1"


def percent(lines: Sequence[Line]) -> str:
    """Mean score and standard error in percent; a dash for no lines."""
    if not lines:
        return "-"
    return with_error(*accuracy(lines))


def points(difference: float, error: float) -> str:
    return f"{100 * difference:+.1f}{error_text(100 * error)}"


def reach(low: float, high: float) -> str:
    """An interval of a difference in points; a dash where one picture is all there is."""
    return "-" if isnan(low) or isnan(high) else f"{100 * low:+.1f} .. {100 * high:+.1f}"


def interval(figure: Estimate) -> str:
    """With its interval, where there is one; a dash where the figure is undefined."""
    if isnan(figure.value):
        return "-"
    return f"{figure.value:.2f}" + ("" if isnan(figure.low) else f" ({figure.low:.2f} .. {figure.high:.2f})")


def number(value: float) -> str:
    return "-" if isnan(value) else f"{value:.0f}"


def accuracy_by_budget(lines: Sequence[Line]) -> str:
    """Policies down, budgets across; the last column is for budgets that policies chose themselves."""
    groups, budgets = by_condition(lines), budgets_of(lines)
    rows = []
    for policy in policies_of(lines):
        own = groups.get((policy, 0), [])
        alone = f"{percent(own)} at {mean(line.num_tokens for line in own):.0f}" if own else "-"
        rows.append([policy, *(percent(groups.get((policy, budget), [])) for budget in budgets), alone])
    return markdown_table(["policy", *map(str, budgets), "own budget"], rows)


def tokens_by_budget(lines: Sequence[Line]) -> str:
    """Mean visual tokens, and mean encoded cells behind them."""
    groups, budgets = by_condition(lines), budgets_of(lines)

    def spent(group: list[Line]) -> str:
        if not group:
            return "-"
        return f"{mean(line.num_tokens for line in group):.0f} / {mean(line.num_encoded for line in group):.0f}"

    rows = [
        [policy, *(spent(groups.get((policy, budget), [])) for budget in [*budgets, 0])]
        for policy in policies_of(lines)
    ]
    return markdown_table(["policy", *map(str, budgets), "own budget"], rows)


def accuracy_by_part(lines: Sequence[Line], part_of: Callable[[Line], str], budget: int, parts: Sequence[str]) -> str:
    """Parts of the questions down, policies across, at one budget; policies that take none in theirs."""
    budgeted = {line.policy for line in lines if line.budget}
    at = [line for line in lines if line.budget == budget or line.policy not in budgeted]
    policies = policies_of(at)
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in at:
        groups[part_of(line), line.policy].append(line)
    rows = [
        [
            part,
            str(max(len(groups[part, policy]) for policy in policies)),
            *(percent(groups[part, policy]) for policy in policies),
        ]
        for part in parts
    ]
    return markdown_table(["", "questions", *policies], rows)


def paired_scores(a: Iterable[Line], b: Iterable[Line]) -> tuple[list[float], list[float], list[str]]:
    """Scores of both on the questions that both answered, and the picture of each."""
    first = {line.question_key: line for line in a}
    second = {line.question_key: line.score for line in b}
    keys = sorted(first.keys() & second.keys())
    return (
        [first[key].score for key in keys],
        [second[key] for key in keys],
        [first[key].cluster for key in keys],
    )


def paired_gap(better: Iterable[Line], base: Iterable[Line]) -> tuple[float, float]:
    """Mean difference on the same questions, and its standard error clustered by picture."""
    a, b, clusters = paired_scores(better, base)
    return clustered_mean([x - y for x, y in zip(a, b, strict=True)], clusters)


def headroom(lines: Sequence[Line], policies: Sequence[str] = ("arr-coc",)) -> str:
    """Per policy and budget: the paired gaps of oracle and policy over resize, and how much of the first is captured.

    The interval of the share is a bootstrap over pictures; there is none where the oracle gains too little to tell.
    """
    groups, rows = by_condition(lines), []
    for policy in policies:
        for budget in budgets_of(lines):
            oracle, base, own = (groups.get((name, budget)) for name in ("oracle", "resize", policy))
            if oracle and base and own:
                rows.append([policy, str(budget), *headroom_row(oracle, base, own)])
    return markdown_table(["policy", "tokens", "oracle - resize", "policy - resize", "headroom captured", "95%"], rows)


def headroom_row(oracle: list[Line], base: list[Line], own: list[Line]) -> list[str]:
    """Both gaps in points, the share of one in the other and its interval."""
    shared = set.intersection(*({line.question_key for line in group} for group in (oracle, base, own)))
    oracle, base, own = ([line for line in group if line.question_key in shared] for group in (oracle, base, own))
    gap, error = paired_gap(oracle, base)
    gain, own_error = paired_gap(own, base)
    row = [points(gap, error), points(gain, own_error)]
    if isnan(error) or gap <= 2 * error:  # of one picture alone no error is known
        return [*row, "-", "-"]
    best, low, clusters = paired_scores(oracle, base)
    reached, _, _ = paired_scores(own, base)
    low_end, high_end = ratio_interval(
        [a - b for a, b in zip(reached, low, strict=True)], [a - b for a, b in zip(best, low, strict=True)], clusters
    )
    return [*row, f"{100 * gain / gap:.0f}%", f"{100 * low_end:.0f} .. {100 * high_end:.0f}%"]


def is_whole(line: Line) -> bool:
    return line.recall is not None and line.recall >= WHOLE


def by_what_was_found(lines: Sequence[Line], policies: Sequence[str]) -> str:
    """Per policy and budget: accuracy beside the oracle's, where all evidence was shown and where some was not."""
    groups, rows = by_condition(lines), []
    for policy in policies:
        for budget in budgets_of(lines):
            oracle = {line.question_key: line for line in groups.get(("oracle", budget), [])}
            own = [
                line
                for line in groups.get((policy, budget), [])
                if line.recall is not None and line.question_key in oracle
            ]
            parts = [line for line in own if is_whole(line)], [line for line in own if not is_whole(line)]
            if all(parts):
                cells = [
                    cell
                    for part in parts
                    for cell in (percent(part), percent([oracle[line.question_key] for line in part]))
                ]
                rows.append([policy, str(budget), f"{100 * len(parts[0]) / len(own):.0f}%", *cells])
    header = ["policy", "tokens", "all shown", "policy there", "oracle there", "policy elsewhere", "oracle elsewhere"]
    return markdown_table(header, rows) if rows else ""
