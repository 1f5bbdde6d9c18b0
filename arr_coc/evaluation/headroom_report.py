"""Tables of phase 0: accuracy with standard errors by policy and budget, by kind, by evidence size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

from arr_coc.evaluation.headroom import EVIDENCE, Line
from arr_coc.evaluation.statistics import clustered_mean

POLICY_ORDER = ("full", "resize", "two-mode", "random", "saliency", "arr-coc", "oracle")


def ordered(lines: Sequence[Line]) -> list[str]:
    """Policies of the results in reading order."""
    present = {line.policy for line in lines}
    return [policy for policy in POLICY_ORDER if policy in present] + sorted(present - set(POLICY_ORDER))


def cell(lines: Sequence[Line]) -> str:
    """Accuracy and standard error in percent."""
    if not lines:
        return "-"
    accuracy, error = clustered_mean([line.correct for line in lines], [line.picture for line in lines])
    return f"{100 * accuracy:.1f} ± {100 * error:.1f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def by_budget(lines: Sequence[Line]) -> str:
    """Policies down, budgets across; a policy without budgets fills one column with its mean tokens."""
    budgets = sorted({line.budget for line in lines if line.budget})
    rows = []
    for policy in ordered(lines):
        own = [line for line in lines if line.policy == policy]
        free = [line for line in own if not line.budget]
        across = [cell([line for line in own if line.budget == budget]) for budget in budgets]
        alone = f"{cell(free)} at {mean(line.num_tokens for line in free):.0f}" if free else "-"
        rows.append([policy, *across, alone])
    return table(["policy", *map(str, budgets), "own budget"], rows)


def spent(lines: Sequence[Line]) -> str:
    """Mean visual tokens, and mean encoded cells behind them."""
    budgets = sorted({line.budget for line in lines if line.budget})
    rows = []
    for policy in ordered(lines):
        own = [[line for line in lines if line.policy == policy and line.budget == budget] for budget in budgets]
        if any(own):
            rows.append([policy, *(f"{tokens(group)} / {encoded(group)}" for group in own)])
    return table(["policy", *map(str, budgets)], rows)


def tokens(lines: Sequence[Line]) -> str:
    return f"{mean(line.num_tokens for line in lines):.0f}" if lines else "-"


def encoded(lines: Sequence[Line]) -> str:
    return f"{mean(line.num_encoded for line in lines):.0f}" if lines else "-"


def by_part(lines: Sequence[Line], part_of: Callable[[Line], str], budget: int, parts: Sequence[str]) -> str:
    """Parts of the questions down, policies across, at one budget (and policies without budgets)."""
    at = [line for line in lines if line.budget in (0, budget)]
    policies = ordered(at)
    rows = []
    for part in parts:
        own = [line for line in at if part_of(line) == part]
        count = len({(line.picture, line.question) for line in own})
        rows.append([part, str(count), *(cell([line for line in own if line.policy == policy]) for policy in policies)])
    return table(["", "questions", *policies], rows)


def headroom(lines: Sequence[Line]) -> str:
    """Per budget: resize, ARR-COC and oracle, and the paired gap of oracle over resize."""
    rows = []
    for budget in sorted({line.budget for line in lines if line.budget}):
        gap, error = paired_gap(lines, "oracle", "resize", budget)
        own, own_error = paired_gap(lines, "arr-coc", "resize", budget)
        captured = f"{100 * own / gap:.0f}%" if gap > 2 * error else "-"
        rows.append([str(budget), points(gap, error), points(own, own_error), captured])
    return table(["tokens", "oracle - resize", "arr-coc - resize", "headroom captured"], rows)


def points(gap: float, error: float) -> str:
    return f"{100 * gap:+.1f} ± {100 * error:.1f}"


def paired_gap(lines: Sequence[Line], better: str, base: str, budget: int) -> tuple[float, float]:
    """Mean difference on the same questions, and its standard error clustered by picture."""
    scores = {
        policy: {
            (line.picture, line.question): line.correct
            for line in lines
            if line.policy == policy and line.budget == budget
        }
        for policy in (better, base)
    }
    keys = sorted(scores[better].keys() & scores[base].keys())
    return clustered_mean([scores[better][key] - scores[base][key] for key in keys], [key[0] for key in keys])


def report(lines: Sequence[Line], command: str, host: str) -> str:
    """The whole of phase 0 as Markdown."""
    questions = len({(line.picture, line.question) for line in lines})
    pictures = len({line.picture for line in lines})
    kinds = sorted({line.kind for line in lines})
    picture_kinds = sorted({line.picture_kind for line in lines})
    groups = sorted({line.group for line in lines})
    evidence = [part for part in EVIDENCE if any(line.evidence == part for line in lines)]
    budget = 100 if any(line.budget == 100 for line in lines) else max(line.budget for line in lines)
    sections = [
        "# Phase 0: does looking closer pay?",
        f"Host `{host}`, {questions} held-out questions about {pictures} pictures; exact match in percent ± standard "
        f"error (clustered by picture). Made by `{command}`.",
        "## Accuracy by tokens",
        by_budget(lines),
        "![accuracy against tokens](headroom.png)",
        "## Headroom",
        headroom(lines),
        "## Visual tokens / encoded cells",
        spent(lines),
        f"## By size of the evidence, at {budget} tokens",
        "The coarsest level at which the smallest thing to recognise still has 8 pixels.",
        by_part(lines, lambda line: line.evidence, budget, evidence),
        f"## By group, at {budget} tokens",
        by_part(lines, lambda line: line.group, budget, groups),
        f"## By kind of picture, at {budget} tokens",
        by_part(lines, lambda line: line.picture_kind, budget, picture_kinds),
        f"## By kind of question, at {budget} tokens",
        by_part(lines, lambda line: line.kind, budget, kinds),
    ]
    return "\n\n".join(sections) + "\n"
