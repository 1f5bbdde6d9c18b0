"""An entry of the history as plain JSON and back; what comes back is checked, since anybody may have written it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from math import isfinite
from typing import Any

from arr_coc.apps.by_hand import ByHand
from arr_coc.apps.session import Entry, Seen
from arr_coc.apps.variants import Variant
from arr_coc.balancing import HeuristicBalancer
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.quoting import quoted, shortened
from arr_coc.records import OPPONENTS, Tensions
from arr_coc.views.looks import MOST_LOOKS
from arr_coc.views.overlay import Box, Tile

FORMAT = "arr-coc microscope 1"
COLOR, DIGEST = re.compile(r"#[0-9a-f]{6}"), re.compile(r"[0-9a-f]{64}")
MOST_TEXT, MOST_TILES, DIGITS = 20_000, 20_000, 6


def to_document(entry: Entry) -> dict[str, Any]:
    """Everything but the number, which belongs to the file that it is kept in."""
    return {
        "format": FORMAT,
        "version": entry.version,
        "time": entry.time,
        "picture": entry.picture,
        "sha256": entry.sha256,
        "question": entry.question,
        "accepted": list(entry.accepted),
        "evidence": [rounded(box) for box in entry.evidence],
        "note": entry.note,
        "seen": [seen_document(seen) for seen in entry.seen],
    }


def seen_document(seen: Seen) -> dict[str, Any]:
    variant = seen.variant
    return {
        "checkpoint": variant.checkpoint,
        "policy": variant.policy,
        "budget": variant.budget,
        "hand": None if variant.hand is None else asdict(variant.hand),
        "host": seen.host,
        "answer": seen.answer,
        "tokens": seen.tokens,
        "encoded": seen.encoded,
        "seconds": seen.seconds,
        "score": seen.score,
        "recall": seen.recall,
        "tiles": [tile_document(tile) for tile in seen.tiles],
        "leaves": None if seen.leaves is None else [list(leaf) for leaf in seen.leaves],
        "grid": None if seen.grid is None else list(seen.grid),
        "tensions": None if seen.tensions is None else asdict(seen.tensions),
        "is_sure": variant.is_sure,
        "confidence": seen.confidence,
        "looks": [seen_document(look) for look in seen.looks],
    }


def tile_document(tile: Tile) -> list[Any]:
    """Box, colour and note; behind them true, where it is one of the finest."""
    return [*rounded(tile.box), tile.color, tile.note, *[True] * tile.is_finest]


def rounded(box: Box) -> list[float]:
    return [round(side, DIGITS) for side in box]


def parse_entry(text: str, number: int = 0) -> Entry:
    """The entry of one line of JSON.

    Raises:
        ValueError: it is none, in one line that says why.
    """
    try:
        return from_document(json.loads(text), number)
    except RecursionError:
        raise ValueError("no entry of the microscope: lists or objects lie too deep in each other") from None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"no entry of the microscope: {shortened(why)}") from error


def from_document(values: Any, number: int) -> Entry:
    """Raises KeyError, TypeError or ValueError for values that `to_document` cannot have made."""
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f'format must be "{FORMAT}"')
    return Entry(
        number=number,
        time=text_of(values, "time"),
        picture=text_of(values, "picture"),
        sha256=matching(values["sha256"], DIGEST, "sha256"),
        question=text_of(values, "question"),
        accepted=tuple(check_text(each, "accepted") for each in values["accepted"]),
        evidence=tuple(map(box_of, values["evidence"])),
        seen=tuple(map(parse_seen, values["seen"])),
        version=text_of(values, "version"),
        note=text_of(values, "note"),
    )


def parse_seen(values: dict[str, Any]) -> Seen:
    """Entries of before there were looks have none."""
    tiles, leaves, tensions = values["tiles"], values["leaves"], values["tensions"]
    looks, confidence = values.get("looks", []), values.get("confidence")
    if len(looks) > MOST_LOOKS:
        raise ValueError(f"looks: at most {MOST_LOOKS}")
    if len(tiles) > MOST_TILES or len(leaves or ()) > MOST_TILES:
        raise ValueError(f"tiles: at most {MOST_TILES}")
    return Seen(
        variant=parse_variant(values),
        host=text_of(values, "host"),
        answer=text_of(values, "answer"),
        tokens=whole(values["tokens"]),
        encoded=whole(values["encoded"]),
        seconds={check_text(stage, "seconds"): number_of(value) for stage, value in values["seconds"].items()},
        score=None if values["score"] is None else number_of(values["score"]),
        recall=None if values["recall"] is None else number_of(values["recall"]),
        tiles=tuple(parse_tile(tile) for tile in tiles),
        leaves=None if leaves is None else tuple(three(leaf) for leaf in leaves),
        grid=None if values["grid"] is None else pair(values["grid"]),
        tensions=None if tensions is None else parse_tensions(tensions),
        confidence=None if confidence is None else number_of(confidence),
        looks=tuple(map(parse_seen, looks)),
    )


def parse_variant(values: dict[str, Any]) -> Variant:
    policy, hand = values["policy"], values["hand"]
    if policy not in POLICIES:
        raise ValueError(f"policy: unknown {quoted(policy)}")
    name, budget, is_sure = text_of(values, "checkpoint"), whole(values["budget"]), values.get("is_sure", False) is True
    return Variant(name, policy, budget, hand and parse_hand(hand), is_sure)


def parse_hand(values: dict[str, Any]) -> ByHand:
    balancer = values["balancer"]
    if balancer is not None:
        first, second, third = map(number_of, balancer["weights"])
        opponents = number_of(balancer["focus_diversify"]), number_of(balancer["exploit_explore"])
        balancer = HeuristicBalancer(*opponents, (first, second, third))
    return ByHand(balancer, tuple(map(box_of, values["region"])))


def parse_tensions(values: dict[str, Any]) -> Tensions:
    first, second, third = map(number_of, values["weights"])
    opponents = [number_of(values[name]) for name in OPPONENTS]
    return Tensions(opponents[0], opponents[1], opponents[2], (first, second, third), whole(values["budget"]))


def parse_tile(values: list[Any]) -> Tile:
    is_finest = values[-1] is True
    *box, color, note = values[:-1] if is_finest else values
    return Tile(box_of(box), matching(color, COLOR, "color"), check_text(note, "tiles"), is_finest)


def text_of(values: dict[str, Any], name: str) -> str:
    return check_text(values[name], name)


def check_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{name} must be a text of at most {MOST_TEXT:,} characters")
    return value


def matching(value: Any, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{name}: {quoted(value)} is none")
    return value


def number_of(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{quoted(value)} is no finite number")
    return float(value)


def whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError(f"{quoted(value)} is no count")
    return value


def pair(values: list[Any]) -> tuple[int, int]:
    first, second = map(whole, values)
    return first, second


def three(values: list[Any]) -> tuple[int, int, int]:
    level, row, col = map(whole, values)
    return level, row, col


def box_of(values: Any) -> Box:
    """In fractions of the picture; a little beyond it is rounding."""
    x0, y0, x1, y1 = map(number_of, values)
    if not (-0.01 <= x0 <= x1 <= 2 and -0.01 <= y0 <= y1 <= 2):
        raise ValueError(f"{quoted((x0, y0, x1, y1))} is no box")
    return x0, y0, x1, y1
