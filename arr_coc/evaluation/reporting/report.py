"""The report of a run as Markdown: accuracy, paired comparisons, what is lost and found, budgets and costs.

Every section is a function of the lines alone; a section whose policies were not run is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from arr_coc.data.records import MIN_GLYPH_PX
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.evaluation.reporting.comparisons import comparison_rows, comparisons
from arr_coc.evaluation.reporting.compression import compression_by_content
from arr_coc.evaluation.reporting.held_out import held_out_text
from arr_coc.evaluation.reporting.matched import matched_text
from arr_coc.evaluation.reporting.tables import (
    accuracy_by_budget,
    accuracy_by_part,
    budgets_of,
    by_condition,
    by_what_was_found,
    error_text,
    headroom,
    interval,
    markdown_table,
    number,
    paired_gap,
    paired_scores,
    percent,
    points,
    policies_of,
    reach,
    tokens_by_budget,
    with_error,
)
from arr_coc.evaluation.reporting.vtc import loyalty, score_by_group, vtc_groups
from arr_coc.evaluation.running.answers import EVIDENCE, Line
from arr_coc.evaluation.statistics.calibration import calibration_table, rank_correlation, smallest_sufficient
from arr_coc.evaluation.statistics.intervals import bootstrap_interval, clustered_mean
from arr_coc.evaluation.statistics.power import questions_needed

OURS, TRAINED, BASE = "arr-coc", "arr-coc-trained", "resize"
LARGE_SIDE = 1024


UNFINISHED = "The run is not finished"


@dataclass(frozen=True)
class Section:
    """A heading, Markdown below it, and the name of a figure if there is one."""

    title: str
    body: str
    figure: str = ""


def report_sections(lines: Sequence[Line]) -> list[Section]:
    """Everything that these lines can tell, most important first."""
    budget = reporting_budget(lines)
    makers: list[Callable[[], Section | None]] = [
        lambda: Section("Accuracy by tokens", accuracy_by_budget(lines), "accuracy"),
        lambda: Section("Seen against unseen", text) if (text := held_out_text(lines)) else None,
        lambda: headroom_section(lines),
        lambda: found_section(lines),
        lambda: large_section(lines),
        lambda: comparison_section(lines, BASE, "Against plain resize"),
        lambda: comparison_section(lines, TRAINED, "Against the trained ARR-COC"),
        lambda: matched_section(lines),
        lambda: power_section(lines),
        lambda: Section(f"By size of the evidence, at {budget} tokens", by_evidence(lines, budget), "evidence"),
        lambda: by_field(lines, budget, "group", "By group of questions"),
        lambda: by_field(lines, budget, "picture_kind", "By kind of picture"),
        lambda: by_field(lines, budget, "kind", "By kind of question"),
        lambda: by_field(lines, budget, "task", "By task"),
        lambda: native_section(lines, budget),
        lambda: vtc_section(lines),
        lambda: recall_section(lines),
        lambda: budget_section(lines),
        lambda: compression_section(lines),
        lambda: time_section(lines),
        lambda: Section("Visual tokens / encoded cells", tokens_by_budget(lines)),
    ]
    return [section for make in makers if (section := make()) is not None]


def reporting_budget(lines: Sequence[Line]) -> int:
    """100 tokens, the budget that peers report, or the smallest there is."""
    budgets = budgets_of(lines)
    return 100 if 100 in budgets or not budgets else budgets[0]


def headroom_section(lines: Sequence[Line]) -> Section | None:
    if not {OURS, BASE, "oracle"} <= {line.policy for line in lines}:
        return None
    text = (
        "Paired differences in points ± standard error. Oracle splits follow the evidence boxes. "
        "The interval of the share is a bootstrap over pictures."
    )
    ours = [name for name in policies_of(lines) if name.startswith(OURS)]
    return Section("Headroom", f"{text}\n\n{headroom(lines, ours)}")


def found_section(lines: Sequence[Line]) -> Section | None:
    """Whether what is missing to the oracle was not found, or found and not used."""
    table = by_what_was_found(lines, [name for name in policies_of(lines) if name.startswith(OURS)])
    text = "Share of the questions whose evidence was shown whole at a legible level, and accuracy there and elsewhere."
    return Section("Where the headroom is left", f"{text}\n\n{table}") if table else None


def large_section(lines: Sequence[Line]) -> Section | None:
    """Ours against the full resolution where there is something to save."""
    large = [line for line in lines if line.native_side >= LARGE_SIDE]
    groups = by_condition(large)
    full = groups.get(("full", 0))
    ours = {key: group for key, group in groups.items() if key[0].startswith(OURS)}
    if not full or not ours:
        return None
    whole, rows = mean(line.num_tokens for line in full), []
    for (policy, budget), group in sorted(ours.items()):
        scores = paired_scores(group, full)
        low, high = bootstrap_interval([a - b for a, b in zip(*scores[:2], strict=True)], scores[2])
        share = mean(line.num_tokens for line in group) / whole
        gap = points(*paired_gap(group, full))
        rows.append([policy, str(budget or "own"), f"{100 * share:.0f}%", gap, reach(low, high)])
    table = markdown_table(["policy", "budget", "tokens of full", "policy - full", "95%"], rows)
    text = f"Points against the full resolution on the same questions about pictures of {LARGE_SIDE} pixels and more."
    return Section("Against the full resolution, large pictures", f"{text}\n\n{table}")


def comparison_section(lines: Sequence[Line], base: str, title: str) -> Section | None:
    found = comparisons(lines, base)
    if not found:
        return None
    text = (
        "Points on the same questions; 95% bootstrap interval and sign-flip test by picture "
        "(the exact McNemar test where a picture has one question); Holm over the table."
    )
    return Section(title, f"{text}\n\n{comparison_rows(found)}")


def matched_section(lines: Sequence[Line]) -> Section | None:
    text = matched_text(lines, [name for name in policies_of(lines) if name.startswith(OURS)])
    return Section("Against plain resize at equal time and at equal operations", text) if text else None


def power_section(lines: Sequence[Line]) -> Section | None:
    groups, budget = by_condition(lines), reporting_budget(lines)
    if (OURS, budget) not in groups or (BASE, budget) not in groups:
        return None
    needed = questions_needed(*paired_scores(groups[OURS, budget], groups[BASE, budget]))
    rows = [
        [f"{100 * each.difference:.0f} points", f"{each.num_independent:,}", f"{each.num_questions:,}"]
        for each in needed
    ]
    table = markdown_table(["difference", "questions, one a picture", "questions, as many a picture as here"], rows)
    text = f"To see a difference between {OURS} and {BASE} at {budget} tokens with 80% power at the 5% level:"
    return Section("How many questions are needed", f"{text}\n\n{table}")


def by_evidence(lines: Sequence[Line], budget: int) -> str:
    parts = [part for part in EVIDENCE if any(line.evidence == part for line in lines)]
    text = f"The coarsest level at which the smallest thing to recognise still has {MIN_GLYPH_PX:g} pixels."
    return f"{text}\n\n{accuracy_by_part(lines, lambda line: line.evidence, budget, parts)}"


def by_field(lines: Sequence[Line], budget: int, field: str, title: str) -> Section | None:
    parts = sorted({str(getattr(line, field)) for line in lines})
    if len(parts) < 2:
        return None
    table = accuracy_by_part(lines, lambda line: str(getattr(line, field)), budget, parts)
    return Section(f"{title}, at {budget} tokens", table)


def native_band(line: Line) -> str:
    """Longer side of the picture, in octaves."""
    for limit in (512, 1024, 2048):
        if line.native_side <= limit:
            return f"up to {limit} px"
    return "over 2048 px"


def native_section(lines: Sequence[Line], budget: int) -> Section | None:
    bands = ["up to 512 px", "up to 1024 px", "up to 2048 px", "over 2048 px"]
    parts = [band for band in bands if any(native_band(line) == band for line in lines)]
    if len(parts) < 2:
        return None
    return Section(f"By native size, at {budget} tokens", accuracy_by_part(lines, native_band, budget, parts))


def vtc_section(lines: Sequence[Line]) -> Section | None:
    groups = by_condition(lines)
    full = {line.question_key: line for line in groups.get(("full", 0), [])}
    if not full:
        return None
    rows = []
    for budget in budgets_of(lines):
        small = {line.question_key: line for line in groups.get((BASE, budget), [])}
        for policy in policies_of(lines):
            own = [line for line in groups.get((policy, budget), []) if line.question_key in full]
            own = [line for line in own if line.question_key in small]
            if own:
                rows.append([policy, str(budget), *vtc_row(own, full, small)])
    if not rows:
        return None
    text = (
        "Of the questions that full resolution answers: group A those that resize at this budget gets wrong, "
        "group B those it gets right (VTC-Bench). Loyalty: share answered as at full resolution, right or wrong."
    )
    table = markdown_table(["policy", "tokens", "A: questions", "A", "B", "loyalty"], rows)
    return Section("What compression loses", f"{text}\n\n{table}")


def vtc_row(own: Sequence[Line], full: dict, small: dict) -> list[str]:
    clusters = [line.cluster for line in own]
    members = vtc_groups(
        [full[line.question_key].score for line in own], [small[line.question_key].score for line in own]
    )
    hard, easy = score_by_group(members, [line.score for line in own], clusters)
    same, error = loyalty([line.answer for line in own], [full[line.question_key].answer for line in own], clusters)
    return [
        str(hard.num_questions),
        "-" if np.isnan(hard.mean) else with_error(hard.mean, hard.error),
        "-" if np.isnan(easy.mean) else with_error(easy.mean, easy.error),
        with_error(same, error),
    ]


def recall_section(lines: Sequence[Line]) -> Section | None:
    groups, rows = by_condition(lines), []
    for policy in policies_of(lines):
        cells = []
        for budget in [*budgets_of(lines), 0]:
            known = [line for line in groups.get((policy, budget), []) if line.recall is not None]
            cells.append(recall_cell(known))
        if any(cell != "-" for cell in cells):
            rows.append([policy, *cells])
    if not rows:
        return None
    text = (
        "Recall: share of the evidence boxes' area that is shown at a level at which the evidence is legible. "
        "Precision: share of the area shown finest that is evidence. Percent; recall with standard error."
    )
    header = ["policy", *map(str, budgets_of(lines)), "own budget"]
    return Section("Evidence recall / precision", f"{text}\n\n{markdown_table(header, rows)}")


def recall_cell(known: Sequence[Line]) -> str:
    if not known:
        return "-"
    value, error = clustered_mean([line.recall or 0.0 for line in known], [line.cluster for line in known])
    precision = mean(line.precision or 0.0 for line in known)
    return f"{with_error(value, error)} / {100 * precision:.1f}"


def sweep(lines: Sequence[Line], policy: str) -> tuple[list[Line], np.ndarray]:
    """The lines with a budget of the policy's own choice, and the smallest of the sweep that suffices for each."""
    groups, budgets = by_condition(lines), budgets_of(lines)
    tables = [{line.question_key: line.score for line in groups.get((policy, budget), [])} for budget in budgets]
    chosen = [line for line in groups.get((policy, 0), []) if all(line.question_key in table for table in tables)]
    scores = np.array([[table[line.question_key] for table in tables] for line in chosen]).reshape(-1, len(budgets))
    return chosen, smallest_sufficient(budgets, scores) if chosen and budgets else np.zeros(0)


def budget_section(lines: Sequence[Line]) -> Section | None:
    texts = [text for policy in policies_of(lines) if policy.startswith(OURS) and (text := own_budgets(lines, policy))]
    return Section("Budgets", "\n\n".join(texts), "budgets") if texts else None


def own_budgets(lines: Sequence[Line], policy: str) -> str | None:
    """How the budgets that a policy chose by itself fit those that were needed."""
    chosen, sufficient = sweep(lines, policy)
    if not chosen:
        return None
    tokens, clusters = [line.num_tokens for line in chosen], [line.cluster for line in chosen]
    correlation = rank_correlation(tokens, sufficient, clusters)
    rho = correlation.spearman
    rows = [
        [
            str(bucket.budget),
            str(bucket.num_questions),
            str(bucket.num_censored),
            number(bucket.chosen),
            number(bucket.sufficient),
            with_error(bucket.share_sufficient, bucket.error) if bucket.num_questions else "-",
        ]
        for bucket in calibration_table(tokens, sufficient, clusters)
    ]
    header = ["chosen up to", "questions", "never right", "chosen", "sufficient", "chosen suffices, %"]
    text = (
        f"{policy} with a budget of its own: {mean(tokens):.0f} tokens on average, "
        f"{percent(chosen)}% right. Spearman's rank correlation with the smallest sufficient budget of the sweep: "
        f"{interval(rho)}, over {correlation.num_questions} questions that some "
        f"budget suffices for ({correlation.num_censored} that none does)."
    )
    return f"{text}\n\n{markdown_table(header, rows)}"


def compression_section(lines: Sequence[Line]) -> Section | None:
    groups = by_condition(lines)
    full = {line.question_key: line.num_tokens for line in groups.get(("full", 0), [])}
    own = [line for line in groups.get((OURS, 0), []) if line.question_key in full]
    if not own:
        return None
    found = compression_by_content(
        [full[line.question_key] for line in own],
        [line.num_tokens for line in own],
        [line.picture_kind for line in own],
        [line.cluster for line in own],
    )
    rows = [
        [
            each.content,
            str(each.num_questions),
            f"{each.ratio:.1f}{error_text(each.error)}",
            f"{each.target[0]:g} to {each.target[1]:g}" if each.target else "-",
        ]
        for each in found
    ]
    table = markdown_table(["content", "questions", "times fewer tokens", "aimed at"], rows)
    return Section("Compression by kind, budget of its own", table)


def time_section(lines: Sequence[Line]) -> Section | None:
    timed = [line for line in lines if line.seconds]
    if not timed:
        return None
    rows = []
    for (policy, budget), group in sorted(by_condition(timed).items(), key=order_of):
        stages = [median(line.seconds[stage] for line in group if line.seconds) for stage in ("give", "prefill")]
        total = median(sum(line.seconds.values()) for line in group if line.seconds)
        rows.append(
            [
                policy,
                str(budget or "own"),
                str(len(group)),
                *(f"{1000 * each:.0f}" for each in (*stages, total)),
                f"{mean(line.flops for line in group) / 1e9:.1f}",
            ]
        )
    text = (
        "Medians in milliseconds for questions asked alone, nothing remembered: what the policy does before the "
        "language model (selection and encoder), prefill, and both: the time to the first token."
    )
    header = ["policy", "tokens", "questions", "before", "prefill", "first token", "GFLOP"]
    return Section("Time to the first token", f"{text}\n\n{markdown_table(header, rows)}", "seconds")


def order_of(entry: tuple[tuple[str, int], list[Line]]) -> tuple[int, int]:
    (policy, budget), _ = entry
    names = list(POLICIES)
    return (names.index(policy) if policy in names else len(names), budget)
