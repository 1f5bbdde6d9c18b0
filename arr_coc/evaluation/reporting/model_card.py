"""How well `nano` answers at full resolution, by kind, and the model card that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arr_coc.data.tasks import TRAIN_SEEDS
from arr_coc.evaluation.reporting.tables import markdown_table, percent
from arr_coc.evaluation.running.answers import Line
from arr_coc.nano.train import FROM_BOXES, RECIPE, WITHOUT_BOXES

CARD = """\
---
license: mit
library_name: transformers
pipeline_tag: image-text-to-text
---
# nano

A tiny Qwen3-VL ({parameters:.1f} M parameters, real geometry: patch 16, merge 2, DeepStack, interleaved M-RoPE,
the Qwen chat format) that reads pictures drawn by the ARR-COC generator. It is the embedded host of ARR-COC:
large enough to measure where visual tokens belong, small enough for two CPU cores.

## Data and recipe
Pictures and questions are drawn on the fly by `arr_coc.data` (seeds from {seed}); nothing else was seen.
{recipe}
Stages of batches x pictures: {stages}.
Training took {minutes:.0f} minutes on {device}: `{train_command}`.{changed}

## Accuracy
Exact match in percent ± standard error (clustered by picture, at least 1 / (pictures + 1)) at full resolution (at most
1024 visual tokens) on {questions} held-out questions about {pictures} pictures. Made by `{command}`.

{overall}

{by_kind}

## What it can't do
It knows the generator's pictures, words and wordings and nothing else: no photographs, no handwriting, no
conversation. Print below about 8 pixels of cap height at the size shown is guessed. Answers are short.
"""
CHANGED = """
The recipe has changed since (tracing was added): that command makes another host today."""


def recipes() -> tuple[str, ...]:
    """What hosts that are made today say of their recipe."""
    return RECIPE, RECIPE.replace(FROM_BOXES, WITHOUT_BOXES)


def by_question_kind(lines: Sequence[Line]) -> str:
    kinds = sorted({line.kind for line in lines})
    rows = [
        [kind, str(len(own)), percent(own)] for kind in kinds if (own := [line for line in lines if line.kind == kind])
    ]
    return markdown_table(["kind of question", "questions", "exact match"], rows)


def by_picture_kind(lines: Sequence[Line]) -> str:
    kinds = sorted({line.picture_kind for line in lines})
    rows = [
        [
            kind,
            str(sum(line.picture_kind == kind for line in lines)),
            percent([line for line in lines if line.picture_kind == kind]),
        ]
        for kind in kinds
    ]
    return markdown_table(
        ["kind of picture", "questions", "exact match"], [*rows, ["**all**", str(len(lines)), percent(lines)]]
    )


def train_command(processes: int) -> str:
    """What makes the host again."""
    team = f"torchrun --nproc-per-node {processes} --no-python -- " if processes > 1 else ""
    return f"{team}arr-coc nano train --out FOLDER"


def model_card(lines: Sequence[Line], training: Mapping[str, Any], command: str) -> str:
    """The README of the shipped host, every figure from a run.

    Args:
        training: the host's `training.json`, as the run that made it wrote it.
    """
    return CARD.format(
        parameters=training["num_parameters"] / 1e6,
        seed=TRAIN_SEEDS.start,
        recipe=training["recipe"],
        stages=", ".join(training["stages"]),
        minutes=training["seconds"] / 60,
        device=training["device"],
        train_command=train_command(training["processes"]),
        changed="" if training["recipe"] in recipes() else CHANGED,
        questions=len(lines),
        pictures=len({line.picture for line in lines}),
        command=command,
        overall=by_picture_kind(lines),
        by_kind=by_question_kind(lines),
    )
