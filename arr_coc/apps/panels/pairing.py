"""Two entries of the history side by side: what was asked, answered and looked at, and how far the looks agree."""

from __future__ import annotations

from html import escape

from arr_coc.apps.panels.comparing import entry_html
from arr_coc.apps.session import Entry, Seen
from arr_coc.views.table import format_seconds

HEAD = ("", "answer", "tokens", "time", "score", "evidence seen", "tensions")


def pair_html(first: Entry, first_picture: bytes, second: Entry, second_picture: bytes) -> str:
    """What differs, then a table of every variant of both, then the cards.

    Raises:
        ValueError: a picture that cannot be read any more.
    """
    facts = [
        ("picture", "the same" if first.sha256 == second.sha256 else f"{first.picture} and {second.picture}"),
        ("question", "the same" if first.question == second.question else f"{first.question} / {second.question}"),
        ("accepted answer", agreement(" / ".join(first.accepted), " / ".join(second.accepted))),
        ("version", agreement(first.version, second.version)),
        *((f"leaves of {label}", shared) for label, shared in shared_leaves(first, second)),
    ]
    lines = "".join(f"<li>{escape(name)}: {escape(value)}</li>" for name, value in facts)
    head = "".join(f"<th>{escape(name)}</th>" for name in HEAD)
    rows = [row_html(entry, seen) for entry in (first, second) for seen in entry.seen]
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    cards = [
        f"<h3>Entry {escape(entry.title)}</h3>{entry_html(entry, picture)}"
        for entry, picture in ((first, first_picture), (second, second_picture))
    ]
    return f'<div class="arr-pair"><ul>{lines}</ul><div class="arr-wide">{table}</div>{"".join(cards)}</div>'


def agreement(first: str, second: str) -> str:
    return (first or "none") + ", in both" if first == second else f"{first or 'none'} and {second or 'none'}"


def shared_leaves(first: Entry, second: Entry) -> list[tuple[str, str]]:
    """Of every variant that both have, and that chose leaves on the same grid: how many leaves both chose."""
    found = []
    for one in first.seen:
        for other in second.seen:
            if one.variant == other.variant and one.leaves and other.leaves and one.grid == other.grid:
                shared = len(set(one.leaves) & set(other.leaves))
                found.append((one.variant.label, f"{shared} shared, of {len(one.leaves)} and {len(other.leaves)}"))
    return found


def row_html(entry: Entry, seen: Seen) -> str:
    cells = [
        seen.answer,
        f"{seen.tokens:,}",
        format_seconds(sum(seen.seconds.values())),
        "" if seen.score is None else f"{seen.score:.2f}",
        "" if seen.recall is None else f"{100 * seen.recall:.0f}%",
        tensions_words(seen),
    ]
    title = escape(f"{entry.number} · {seen.variant.label}")
    return f'<tr><th scope="row">{title}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def tensions_words(seen: Seen) -> str:
    if seen.tensions is None:
        return ""
    tensions = seen.tensions
    opponents = (tensions.compress_particularize, tensions.focus_diversify, tensions.exploit_explore)
    return " ".join(f"{each:.2f}" for each in opponents) + " · " + "/".join(f"{each:.2f}" for each in tensions.weights)
