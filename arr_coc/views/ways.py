"""The same question answered in several ways, side by side: answer, right or wrong, and what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """\
<style>
.arr-ways { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; }
.arr-ways.one { grid-template-columns: minmax(0, 1fr); }
.arr-way { border: 1px solid var(--border-color-primary, #8884); border-radius: 8px; padding: .6rem .75rem;
  min-width: 0; background: var(--block-background-fill, none); }
.arr-way.ours { border: 2px solid var(--primary-600, #0d9488); }
.arr-way h3 { margin: 0 !important; font-size: 13px !important; font-weight: 650; }
.arr-way p { margin: .1rem 0 !important; font-size: 1.3rem; font-weight: 650; line-height: 1.3; overflow-wrap: anywhere;
  white-space: pre-wrap; }
.arr-way p.waits { font-weight: 400; font-size: 1rem; color: var(--body-text-color-subdued, inherit); }
.arr-way .verdict { display: inline-block; font-size: 12.5px; font-weight: 650; padding: .05rem .5rem;
  border-radius: 9px; color: #fff; }
.arr-way .right { background: #15703a; }
.arr-way .wrong { background: #b3261e; }
.arr-way ul { list-style: none; margin: .35rem 0 0 !important; padding: 0 !important; font-size: 13px;
  line-height: 1.45; }
.arr-way li { margin: 0 !important; list-style: none !important; color: var(--body-text-color-subdued, inherit);
  overflow-wrap: anywhere; }
.arr-way li b { color: var(--body-text-color, inherit); font-variant-numeric: tabular-nums; }
.arr-asked { margin: 0 0 .4rem !important; font-size: 15px; overflow-wrap: anywhere; }
.arr-expected { margin: .5rem 0 0 !important; font-size: 14px; overflow-wrap: anywhere; }
@media (max-width: 520px) { .arr-ways { grid-template-columns: minmax(0, 1fr); } }
</style>
"""
WAITS, READING, STOPPED = "waits for its turn", "reading …", "stopped"


@dataclass(frozen=True)
class Way:
    """One way of reading and how far its answer is.

    Attributes:
        answer: None where nothing has come yet.
        is_right: None where it is not known.
        figures: (number, what it counts), a line each.
        is_ours: the one that stands out.
    """

    title: str
    answer: str | None = None
    is_right: bool | None = None
    figures: Sequence[tuple[str, str]] = ()
    is_ours: bool = False


def ways_html(
    question: str,
    ways: Sequence[Way],
    expected: str | None = None,
    is_busy: bool = False,
    is_next: bool = True,
    waits: str = WAITS,
) -> str:
    """All ways under the question; `expected` is shown last, once no way is still at work.

    Args:
        is_next: whether the first way without an answer has begun; else the way before it is still at work.
        waits: what stands in the place of an answer that has not begun.
    """
    asked = f'<p class="arr-asked"><b>{escape(question)}</b></p>' if question.strip() else ""
    first = next((way for way in ways if way.answer is None), None)
    cards = "".join(way_html(way, READING if is_busy and is_next and way is first else waits) for way in ways)
    known = f'<p class="arr-expected">The right answer: <b>{escape(expected)}</b></p>' if expected else ""
    tail = "" if is_busy else known
    kind = " one" if len(ways) == 1 else ""
    return (
        f'{STYLE}<div role="status" class="{"is-busy" if is_busy else "is-done"}">{asked}'
        f'<div class="arr-ways{kind}">{cards}</div>{tail}</div>'
    )


def way_html(way: Way, waits: str = WAITS) -> str:
    """The card of a way; `waits` stands where its answer will."""
    answer = waits if way.answer is None else escape(way.answer or "(no answer)")
    verdict = "" if way.is_right is None else verdict_html(way.is_right)
    kind, state = " ours" * way.is_ours, ' class="waits"' * (way.answer is None)
    lines = "".join(f"<li><b>{escape(number)}</b> {escape(label)}</li>" for number, label in way.figures)
    figures = f"<ul>{lines}</ul>" if lines else ""
    return f'<div class="arr-way{kind}"><h3>{escape(way.title)}</h3><p{state}>{answer}</p>{verdict}{figures}</div>'


def verdict_html(is_right: bool) -> str:
    kind, mark = ("right", "✓ right") if is_right else ("wrong", "✗ wrong")
    return f'<span class="verdict {kind}">{mark}</span>'
