"""Tables of `arr-coc bench`: seconds per stage, ratios to full resolution, memory, and what ARR-COC itself takes."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import torch

from arr_coc.evaluation.bench import OWN_STAGES, STAGES, Bench
from arr_coc.evaluation.bench_answers import AnswerCost
from arr_coc.evaluation.reporting.tables import markdown_table
from arr_coc.views.table import format_megabytes, format_seconds

ESTIMATE = "Full was not run: its encoding and prefill are those of resize, scaled by floating point operations."


def cost_report(
    results: Sequence[Bench],
    command: str,
    device: str,
    dtype: str,
    answers: Sequence[tuple[int, list[AnswerCost]]] = (),
) -> str:
    """Markdown: one table per size of picture, and one more where whole answers of so many tokens were measured."""
    machine = torch.cuda.get_device_name() if device.startswith("cuda") else cpu_threads()
    head = [
        f"# Cost: host {results[0].host}",
        f"Medians of {results[0].rounds} interleaved rounds, to the first token, the picture already in memory; "
        f"{dtype} on {machine} ({platform.machine()}), torch {torch.__version__}. Made by `{command}`.",
    ]
    parts = list(head)
    for number, result in enumerate(results):
        parts += cost_section(result)
        parts += answers_section(*answers[number]) if answers else []
    return "\n\n".join(parts) + "\n"


def cpu_threads() -> str:
    """How many, and the instructions that decide how fast products are: a CPU with AMX multiplies bfloat16 ten times as
    fast as one without."""
    instructions = torch.backends.cpu.get_cpu_capability()
    has_amx = getattr(torch.cpu, "get_capabilities", dict)().get("amx_bf16", False)  # torch 2.9 does not tell
    return f"{torch.get_num_threads()} CPU threads, {instructions}{' with AMX' if has_amx else ''}"


def cost_section(result: Bench) -> list[str]:
    header = ["policy", "visual tokens", "encoded", *STAGES, "first token", "full / it", "GFLOP", "peak memory"]
    rows = [
        [
            cost.policy + (" (estimated)" if cost.is_estimate else ""),
            str(cost.visual_tokens),
            str(cost.encoded_tokens),
            *(format_seconds(cost.seconds[stage]) for stage in STAGES),
            format_seconds(cost.seconds["ttft"]),
            f"{result.ratio(cost.policy):.2f}x",
            f"{sum(cost.gflops.values()):,.0f}",
            "-" if cost.peak_mb is None else format_megabytes(cost.peak_mb),
        ]
        for cost in result.costs
    ]
    own = result.costs[-1].own
    parts = ", ".join(f"{stage} {format_seconds(own[stage])}" for stage in OWN_STAGES)
    return [
        f"## {result.size[0]}x{result.size[1]}, {result.budget} tokens",
        markdown_table(header, rows),
        f"Relevance realization itself, glimpse excluded ({parts}): {100 * result.own_share():.1f}% of the encoding "
        "and prefill that it replaces.",
        *([ESTIMATE] if any(cost.is_estimate for cost in result.costs) else []),
    ]


def answers_section(num_tokens: int, costs: Sequence[AnswerCost]) -> list[str]:
    full = next(cost for cost in costs if cost.way == "full")
    header = ["whole answer", "visual tokens", "encoded in all", "kept of the draft", "seconds", "full / it"]
    rows = [
        [
            cost.way,
            str(cost.visual_tokens),
            str(cost.encoded_tokens),
            str(cost.kept) if cost.way.startswith("sure at") else "-",
            format_seconds(cost.seconds),
            f"{full.seconds / cost.seconds:.2f}x",
        ]
        for cost in costs
    ]
    return [
        markdown_table(header, rows),
        f"To the last of {num_tokens} tokens, in the same run. A look that is not the last has written its draft in "
        "full, so an answer that stops later holds every look before it.",
    ]
