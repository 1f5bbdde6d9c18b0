"""The table of a comparison as text, for the terminal, the figure and reports alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arr_coc.evaluation.comparing import Comparison
    from arr_coc.processor.answer import Look
    from arr_coc.processor.asking import Run

LOOK = "· look "
COLUMNS = ("policy", "answer", "visual tokens", "encoded tokens", "first token", "total time", "peak memory")


def table_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One row of text per run, in the order of `COLUMNS`, then the looks of the last; estimates carry a tilde."""
    looks = [_look_row(number, look) for number, look in enumerate(comparison.looks, start=1)]
    return [_row(run) for run in comparison.runs] + looks


def is_look(row: tuple[str, ...]) -> bool:
    """Whether a row of `table_rows` is a look of the run above it."""
    return row[0].startswith(LOOK)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def format_seconds(seconds: float) -> str:
    """`0.412` -> "412 ms", `3.4` -> "3.40 s", `95` -> "95 s", `600` -> "10 min"."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"


def format_megabytes(megabytes: float | None) -> str:
    """`812.4` -> "812 MB", `2048` -> "2.0 GB"; a dash for None."""
    if megabytes is None:
        return "–"
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1024:.1f} GB"


def printable(text: str) -> str:
    """The text with control characters other than line breaks replaced: a host may answer anything."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def describe_tensions(comparison: Comparison) -> str:
    """The three tensions and the budget in one line."""
    tensions = comparison.realization.tensions
    return (
        f"compress–particularize {tensions.compress_particularize:.2f} (budget {tensions.budget}) · "
        f"focus–diversify {tensions.focus_diversify:.2f} · exploit–explore {tensions.exploit_explore:.2f}"
    )


def estimate_note(comparison: Comparison) -> str | None:
    """What to say about estimated runs; None where every run was done."""
    names = [run.policy for run in comparison.runs if run.is_estimate]
    if not names:
        return None
    return (
        f"{', '.join(names)}: not run, it would take over a minute here; figures with ~ are estimates (--full insists)."
    )


def _row(run: Run) -> tuple[str, ...]:
    mark = "~" if run.is_estimate else ""
    return (
        run.policy,
        "(not run)" if run.answer is None else one_line(run.answer),
        f"{run.visual_tokens:,}",
        f"{run.encoded_tokens:,}",
        mark + format_seconds(run.ttft_s),
        mark + format_seconds(run.seconds["total"]),
        format_megabytes(run.peak_memory_mb),
    )


def _look_row(number: int, look: Look) -> tuple[str, ...]:
    """Its draft, what it cost, and how settled the draft was."""
    return (
        f"{LOOK}{number}",
        f"{one_line(look.text)} ({100 * look.settled:.0f}% settled)",
        f"{look.num_tokens:,}",
        f"{look.num_encoded:,}",
        "",
        format_seconds(sum(look.seconds.values())),
        "",
    )
