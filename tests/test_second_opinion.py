"""What an OCR engine finds, with an engine that is written here."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest
from PIL import Image
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.second_opinion import Finding, findings, letters, table

SAMPLE = Sample(
    Image.new("RGB", (8, 8)), "Total?", ("RM 80.90",), ((0, 0, 4, 4),), "total", "reading", None, "1", "receipt"
)


def test_printed_answers_are_looked_for_and_every_picture_is_read_once() -> None:
    read: list[Image.Image] = []

    def engine(image: Image.Image) -> str:
        read.append(image)
        return "TOTAL:80.90\nTan Woon Yann"

    task = [
        SAMPLE,
        replace(SAMPLE, kind="name", answers=("tan woon yann",)),
        replace(SAMPLE, kind="count", answers=("3",)),
        replace(SAMPLE, boxes=None),
        replace(SAMPLE, answers=("81.90", "80.9"), picture_id="2"),
        replace(SAMPLE, answers=("7",), picture_id="3"),
    ]
    found = list(findings(task, engine, 3))  # type: ignore[arg-type]
    assert found == [Finding("total", True), Finding("name", True), Finding("total", True)]
    assert len(read) == 2
    assert list(findings(task, engine, 9))[-1] == Finding("total", False)  # type: ignore[arg-type]


def test_letters_and_the_table() -> None:
    assert letters("RM 1,080.90 ") == letters("1 080 90") == "108090"
    text = table([Finding("total", True), Finding("date", False), Finding("total", False)], "x")
    assert "| total | 50.0% | 2 |" in text and "| **all** | 33.3% | 3 |" in text and "-" in table([], "x")


@pytest.mark.skipif(find_spec("rapidocr_onnxruntime") is not None, reason="RapidOCR is here")
def test_without_the_engine_one_line() -> None:
    told = CliRunner().invoke(app, ["data", "ocr", "development"])
    assert told.exit_code == 2 and "arr-coc[ocr]" in told.stderr
