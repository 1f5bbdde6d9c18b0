"""What a whole run of `runs/speedrun.sh` came to, as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from arr_coc.evaluation.reporting.tables import accuracy, by_condition
from arr_coc.evaluation.running.answers import Line

STAGES = "stages.jsonl"


def speedrun_line(
    facts: Mapping[str, Any], seconds: Mapping[str, int], lines: Sequence[Line], **about: object
) -> dict[str, Any]:
    """The line.

    Args:
        facts: `training.json` of the host.
        seconds: by stage, in the order in which they ran.
        lines: the evaluation's answers.
        about: date, commit and what else belongs in front.
    """
    conditions = {condition_name(*condition): own for condition, own in by_condition(lines).items()}
    return {
        **about,
        "parameters": facts["num_parameters"],
        "device": facts["device"],
        "processes": facts["processes"],
        "seconds": dict(seconds),
        "total_seconds": sum(seconds.values()),
        "questions": len({line.question_key for line in lines}),
        "pictures": len({line.cluster for line in lines}),
        "percent_right": {name: [round(100 * value, 1) for value in accuracy(own)] for name, own in conditions.items()},
        "visual_tokens": {name: round(mean(line.num_tokens for line in own)) for name, own in conditions.items()},
    }


def condition_name(policy: str, budget: int) -> str:
    return f"{policy}@{budget}" if budget else policy


def read_seconds(path: Path) -> dict[str, int]:
    """Seconds by stage; a stage that was killed and ran again counts with all its runs that ended.

    Raises:
        ValueError: the file is not there, or holds anything else.
    """
    seconds: dict[str, int] = {}
    try:
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            seconds[line["stage"]] = seconds.get(line["stage"], 0) + int(line["seconds"])
    except FileNotFoundError:
        raise ValueError(f"run: {path} is not there; runs/speedrun.sh writes it") from None
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"run: {path} was not written by runs/speedrun.sh") from None
    return seconds
