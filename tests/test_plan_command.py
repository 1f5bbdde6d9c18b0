"""`arr-coc plan`: what it prints, as tables and as JSON, and what it refuses."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from arr_coc.cli.plan import plan as plan_command
from arr_coc.serving.planning import plan, usable_bytes
from arr_coc.serving.workload import Workload, find_target
from arr_coc.views.plan import format_bytes, verdicts


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(plan_command)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_a_verdict_per_card() -> None:
    result = run("--vram", "16,0.2,20.5", "--model", "nano", "--budget", "64", "--size", "800x600", "--batch", "3")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    starts = [line.split(":")[0] for line in lines[-3:]]
    assert starts == ["16 GB", "0.2 GB", "20.5 GB"]
    assert "does not fit" in lines[-2] and "at a time with ARR-COC" in lines[-1]
    for word in ("KV cache", "vision encoder", "checkpointed", "budget 64", "3 picture(s) of 800x600"):
        assert word in result.stdout


def test_json_holds_what_the_tables_show() -> None:
    result = run("--model", "nano", "--json", "--vram", "24")
    values = json.loads(result.stdout)
    expected = plan(find_target("nano"), Workload((3840, 2160)), [24.0])
    assert values == json.loads(json.dumps(expected))
    assert values["cards"][0]["usable"] == usable_bytes(24.0)
    assert verdicts(values) == verdicts(expected)


@pytest.mark.parametrize(
    "option, value, word",
    [
        ("--vram", "big", "big"),
        ("--vram", "-3", "positive"),
        ("--vram", "nan", "positive"),
        ("--model", "3b", "no such folder"),
        ("--budget", "9", "64..400"),
        ("--budget", "many", "whole number"),
        ("--size", "12", "WIDTHxHEIGHT"),
        ("--size", "9000x10", "200:1"),
        ("--batch", "0", "at least 1"),
        ("--dtype", "int3", "float32"),
    ],
)
def test_bad_input_is_one_line(option: str, value: str, word: str) -> None:
    result = run(option, value)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert result.stderr.startswith("arr-coc: ") and word in result.stderr


@pytest.mark.parametrize(
    "num_bytes, text", [(4_255_064_064, "4.26 GB"), (18_585_600, "18.6 MB"), (999, "999 B"), (108e9, "108 GB")]
)
def test_bytes_in_words(num_bytes: float, text: str) -> None:
    assert format_bytes(num_bytes) == text
