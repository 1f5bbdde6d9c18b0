"""The table of `arr-coc eval weights`: evidence recall under every way, and whether it pays."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from arr_coc.evaluation.reporting.tables import markdown_table, reach, with_error
from arr_coc.evaluation.statistics.intervals import clustered_mean
from arr_coc.evaluation.statistics.paired import compare
from arr_coc.evaluation.weights.rules import SIGNS, WeightRule
from arr_coc.evaluation.weights.trials import ADAPTIVE, DEEPER, SALIENCE, STANDING, WAYS, Trial

MAPS = ("information", "salience", "question")
BEST = "best way for each picture"
INTRODUCTION = """\
# Should the weights of the score maps follow the picture?
Evidence recall: the share of a question's evidence that is shown at a legible level, percent ± standard error,
clustered by picture. Nothing is answered. Difference: to the standing tensions on the same questions, with its 95%
interval. "Deeper" gives more of the splits to the finest level. The last row knows the evidence: it takes for each
picture the one of the ways, deeper ones aside, that shows most, so it is no rule that one could follow."""


def report(trials: Sequence[Trial], rule: WeightRule, num_rounds: int, command: str) -> str:
    tasks = list(dict.fromkeys(trial.task for trial in trials))
    parts = [INTRODUCTION, rule_section(rule, num_rounds)]
    parts += [task_section(task, [trial for trial in trials if trial.task == task]) for task in tasks]
    return "\n\n".join([*parts, f"Made by `{command}`."])


def rule_section(rule: WeightRule, num_rounds: int) -> str:
    rows = [[sign, *(f"{each:+.2f}" for each in row)] for sign, row in zip(SIGNS, rule.coefficients, strict=True)]
    return (
        "## The rule\nWeights are the softmax of these sums over the signs of the question's map, round by round; "
        f"fitted on {num_rounds} rounds of looking at drawn pictures that no suite has.\n\n"
        f"{markdown_table(['sign', *MAPS], rows)}"
    )


def task_section(task: str, trials: Sequence[Trial]) -> str:
    budgets = sorted({trial.budget for trial in trials})
    used = [trial.weights for trial in trials if trial.way == ADAPTIVE and trial.weights is not None]
    weights = ", ".join(f"{name} {mean(each):.2f}" for name, each in zip(MAPS, zip(*used, strict=True), strict=True))
    num, num_pictures = (len({getattr(each, name) for each in trials}) for name in ("sample", "picture"))
    titles = [title for budget in budgets for title in (f"at {budget}", "difference", f"of {SALIENCE}'s")]
    rows = [[way, *(cell for budget in budgets for cell in cells(way, at(trials, budget)))] for way in (*WAYS, BEST)]
    heading = f"## {task}\n{num} questions about {num_pictures} pictures."
    told = f" Mean weights of the rule: {weights}." if used else ""
    return f"{heading}{told}\n\n{markdown_table(['way', *titles], rows)}"


def at(trials: Sequence[Trial], budget: int) -> dict[str, list[Trial]]:
    """Trials of one budget by way, in the order of their questions."""
    here = sorted((trial for trial in trials if trial.budget == budget), key=lambda trial: trial.sample)
    groups = {way: [trial for trial in here if trial.way == way] for way in WAYS}
    return {**groups, BEST: best_by_picture({way: groups[way] for way in WAYS if way not in DEEPER})}


def best_by_picture(groups: dict[str, list[Trial]]) -> list[Trial]:
    """For each picture the trials of the way that shows most of its questions' evidence."""
    pictures = dict.fromkeys(trial.picture for trial in next(iter(groups.values())))
    chosen = []
    for picture in pictures:
        candidates = [[trial for trial in trials if trial.picture == picture] for trials in groups.values()]
        chosen += max(candidates, key=lambda trials: sum(trial.recall for trial in trials))
    return sorted(chosen, key=lambda trial: trial.sample)


def cells(way: str, groups: dict[str, list[Trial]]) -> list[str]:
    """Recall, its difference to the standing tensions', and how many times salience's it is."""
    recalls = {name: [trial.recall for trial in groups[name]] for name in (way, STANDING, SALIENCE)}
    pictures = [trial.picture for trial in groups[way]]
    against = compare(way, recalls[way], recalls[STANDING], pictures)
    gap = f"{100 * against.difference:+.1f} ({reach(against.low, against.high)})"
    base = mean(recalls[SALIENCE])
    times = f"{mean(recalls[way]) / base:.2f}x" if base else "-"
    return [with_error(*clustered_mean(recalls[way], pictures)), "-" if way == STANDING else gap, times]
