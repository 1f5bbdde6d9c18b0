"""The scripts beside the speedrun: every call is a command that exists, and they go on where they were."""

from __future__ import annotations

import re
from pathlib import Path
from shutil import rmtree

from test_speedrun import ROOT, check_call, run_script

from arr_coc.data.suites import FROZEN, SUITES

TABLES, TWINS = (ROOT / "runs" / name for name in ("results.sh", "twins.sh"))
RESULTS = ROOT / "docs" / "results"
MADE_ELSEWHERE = {"adaptive", "gallery", "serving", "twins"}
"""Real pictures, which are not part of this repository, the generator alone, a server, a script of its own."""


def made(folder: Path, **environment: str) -> tuple[int, list[list[str]]]:
    return run_script(folder, TABLES, OUT=str(folder / "out"), **environment)


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def test_every_table_is_a_command_with_such_options(tmp_path: Path) -> None:
    status, calls = made(tmp_path)
    assert status == 0
    for call in calls:
        check_call(call)
        if "--tasks" in call:
            assert all(task in SUITES for task in option(call, "--tasks").split(","))
    assert [call[:2] for call in calls if not {"--tasks", "--sizes"} & set(call)] == [
        ["eval", "final"], ["eval", "calibrate"], ["eval", "sure"], ["eval", "audit"],
    ]  # fmt: skip
    assert not any(name in option(call, "--tasks") for call in calls if "--tasks" in call for name in FROZEN)


def test_no_table_is_left_out(tmp_path: Path) -> None:
    _, calls = made(tmp_path)
    outs = {
        re.sub(r"^.*/(run|out)/", "", option(call, "--out")).removesuffix(".md") for call in calls if "--out" in call
    }
    reports = {path.relative_to(RESULTS) for path in RESULTS.rglob("*.md")} - {Path("README.md")}
    tables = {str(path.parent if path.name == "report.md" else path.with_suffix("")) for path in reports}
    assert tables - outs == {table for table in tables if table.split("/")[0] in MADE_ELSEWHERE}


def test_a_run_that_died_goes_on_and_some_tables_can_be_made_alone(tmp_path: Path) -> None:
    status, calls = made(tmp_path, DIES="sure")
    assert status == 7 and [call[1] for call in calls] == ["final", "calibrate", "sure"]
    status, calls = made(tmp_path, ONLY="main words")
    assert status == 0 and [option(call, "--out").split("/")[-1] for call in calls[3:]] == ["words"]
    rmtree(tmp_path / "run" / "main")
    assert made(tmp_path, ONLY="main words")[1][4:] == calls[:1]


def test_a_trial_asks_few_questions(tmp_path: Path) -> None:
    _, calls = made(tmp_path, SCALE="0.001", ONLY="main")
    assert option(calls[0], "--limit") == "16"


def test_twins_part_after_reading_and_only_one_learns_from_boxes(tmp_path: Path) -> None:
    status, calls = run_script(tmp_path, TWINS)
    assert status == 0
    for call in calls:
        check_call(call)
    taught = [call for call in calls if call[:2] == ["nano", "sft"]]
    assert [(Path(option(call, "--out")).name, call[-1]) for call in taught] == [
        ("with-boxes", "--boxes"), ("without-boxes", "--no-boxes"),
    ]  # fmt: skip
    asked = [call[2:] for call in calls if call[0] == "eval" and "--tasks" in call]
    assert len(asked) == 2 and "arr-coc-trained" not in option(asked[0], "--policies")
    for name in ("--tasks", "--policies", "--budgets", "--limit"):
        assert option(asked[0], name) == option(asked[1], name)
    status, calls = run_script(tmp_path, TWINS, RECIPE="lifelike")
    assert status == 2


def test_twins_that_died_go_on(tmp_path: Path) -> None:
    status, calls = run_script(tmp_path, TWINS, DIES="--no-boxes")
    assert status == 7 and [call[1] for call in calls] == ["tok", "pre", "sft", "sft"]
    status, calls = run_script(tmp_path, TWINS)
    assert status == 0 and [call[1] for call in calls[4:]] == ["sft", "--out", "--out", "compare"]
