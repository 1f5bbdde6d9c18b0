"""Inputs nobody would send, drawn from fixed seeds: each is accepted, or refused by one bounded line."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import draw
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.data.qa_file import read_records
from arr_coc.processor.processor import RelevanceProcessor

MOST_LETTERS = 700
NUM_RECORDS, NUM_MESSAGES, NUM_OPTIONS, NUM_COMMANDS = 240, 160, 120, 90
WORDS = (
    "",
    " ",
    "auto",
    "nan",
    "-1",
    "64",
    "1e999",
    "../..",
    "\x00",
    "\ud800",
    "<|im_end|>",
    "ü",
    "x" * 5000,
    "{}",
    "--",
)
VALUES: tuple[Any, ...] = (
    *WORDS,
    None,
    True,
    False,
    0,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    -0.5,
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
    ["x"] * 2000,
    [0, 0, 1, 1],
    [[5, 5, 1, 1]],
)
COMMANDS = (
    ["ask"],
    ["compare"],
    ["loop"],
    ["eval"],
    ["eval", "report"],
    ["eval", "compare"],
    ["eval", "tune"],
    ["eval", "neighbours"],
    ["train"],
    ["plan"],
    ["bench"],
    ["data", "preview"],
    ["nano", "eval"],
    ["nano", "probe"],
    ["space"],
)
FLAGS = ("--budget", "--model", "--out", "--size", "--vram", "--tasks", "--policies", "--budgets", "--phase", "--kind")


def nested(rng: Random, depth: int = 2) -> Any:
    """One of `VALUES`, or a list or dict of such."""
    if depth and rng.random() < 0.3:
        inner = [nested(rng, depth - 1) for _ in range(rng.randrange(3))]
        return inner if rng.random() < 0.5 else {str(rng.choice(WORDS)): one for one in inner}
    return rng.choice(VALUES)


def assert_bounded(error: BaseException) -> None:
    assert isinstance(error, (ValueError, TypeError)), repr(error)[:MOST_LETTERS]
    line = str(error)
    assert line.strip() and len(line) <= MOST_LETTERS and "\n" not in line, line[:MOST_LETTERS]


@pytest.mark.parametrize("seed", range(NUM_RECORDS))
def test_records(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    draw(64, 64).save(tmp_path / "a.png")
    record: dict[str, Any] = {"image": "a.png", "question": "What?", "answers": ["x"], "boxes": [[0, 0, 9, 9]]}
    for field in rng.sample(["image", "question", "answers", "boxes", "kind", "group", "metric", "glyph_px"], 2):
        record[field] = nested(rng)
    line = json.dumps(record, ensure_ascii=rng.random() < 0.5)
    (tmp_path / "qa.jsonl").write_bytes(line.encode("utf-8", "surrogatepass"))
    try:
        records, _ = read_records(tmp_path)
    except ValueError as error:
        assert_bounded(error)
        assert "qa.jsonl" in str(error)
    else:
        assert len(records) == 1


@pytest.mark.parametrize("seed", range(NUM_MESSAGES))
def test_messages(seed: int, tiny_processor: RelevanceProcessor) -> None:
    rng = Random(seed)
    picture: dict[str, Any] = {"type": "image", "image": draw(64, 64)}
    text: dict[str, Any] = {"type": "text", "text": "What?"}
    message: dict[str, Any] = {"role": "user", "content": [picture, text]}
    target = rng.choice([picture, text, message])
    target[rng.choice([*target, "min_pixels", "url", "extra"])] = nested(rng)
    try:
        inputs = tiny_processor.apply_chat_template([message], add_generation_prompt=True, budget=64)
    except Exception as error:
        assert_bounded(error)
    else:
        assert inputs["input_ids"].shape[0] == 1


@pytest.mark.parametrize("seed", range(NUM_OPTIONS))
def test_options(seed: int, tiny_processor: RelevanceProcessor) -> None:
    rng = Random(seed)
    names = ["budget", "padding_side", "return_tensors", "min_pixels", "max_pixels", "images_kwargs", "truncation"]
    names += ["max_length", "size", "padding", "tools", "documents", "budgett", "pixels", "add_generation_prompt"]
    options = {name: nested(rng) for name in rng.sample(names, 1 + seed % 2)}
    messages = [{"role": "user", "content": [{"type": "image", "image": draw(64, 64)}, {"type": "text", "text": "?"}]}]
    try:
        inputs = tiny_processor.apply_chat_template(messages, **options)
    except Exception as error:
        assert_bounded(error)
    else:
        assert len(inputs["input_ids"]) == 1


@pytest.mark.parametrize("seed", range(NUM_COMMANDS))
def test_commands(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command has one argument at least that can't be."""
    rng = Random(seed)
    monkeypatch.chdir(tmp_path)
    words = [str(rng.choice(WORDS)).replace("\x00", "").replace("\ud800", "\udc80") for _ in range(rng.randrange(3))]
    flags = [part for flag in rng.sample(FLAGS, 1 + seed % 2) for part in (flag, rng.choice(words or ["nowhere"]))]
    result = CliRunner().invoke(app, [*COMMANDS[seed % len(COMMANDS)], *words, *flags, "--model", "nowhere/at all"])
    assert result.exit_code == 2, (result.exit_code, result.output[-300:], result.exception)
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("arr-coc: "), result.stderr[-MOST_LETTERS:]
    assert list(tmp_path.iterdir()) == []
