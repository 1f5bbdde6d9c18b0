"""The probe of real pictures: its four settings, its score, its commands."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from arr_coc.cli.nano import nano_app
from arr_coc.data.tasks import FolderTask
from arr_coc.nano import probe as probing


@pytest.fixture
def folder(tmp_path):
    """A receipt of three lines; its total can be probed, its company can't."""
    image = Image.new("RGB", (300, 200), (240, 240, 236))
    for x in range(200, 251, 10):
        ImageDraw.Draw(image).rectangle((x, 100, x + 1, 112), fill=(10, 10, 10))
    image.save(tmp_path / "a.png")
    lines = [
        {
            "image": "a.png",
            "question": "Total?",
            "answers": ["80.90"],
            "boxes": [[200, 100, 250, 112]],
            "field": "total",
        },
        {"image": "a.png", "question": "Who?", "answers": ["Mill"], "boxes": [[20, 20, 90, 32]], "field": "company"},
    ]
    (tmp_path / "qa.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return tmp_path


@pytest.fixture
def answered(monkeypatch):
    """Answers every question with an amount; remembers the pictures."""
    seen = []

    def ask(model, processor, image, question):
        seen.append(image)
        return "RM 80.90"

    monkeypatch.setattr(probing, "ask_whole", ask)
    monkeypatch.setattr("arr_coc.processor.loading.load_host", lambda name: (None, SimpleNamespace()))
    return seen


def test_the_four_settings_show_the_answer_and_nothing_else_where_they_should(folder, answered):
    outcomes = list(probing.probe(None, None, folder, 24))
    assert [outcome.setting for outcome in outcomes] == list(probing.SETTINGS)
    place, crop, alone, over = (np.asarray(image).astype(int) for image in answered)
    assert place.shape == over.shape == (200, 300, 3)
    changed = np.argwhere((place != over).any(-1))
    assert changed.min(0)[0] >= 100 and changed.max(0)[0] <= 112 and changed.min(0)[1] >= 200
    rows = np.argwhere(crop[..., 0] < 60)[:, 0]
    assert abs(rows.max() - rows.min() + 1 - probing.PRINT_PX) <= 3
    assert alone.min() < 60 and (alone == 255).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "right"), (("80.90", True), ("RM 80.90", True), ("$ 80.90", True), ("80.91", False), ("8090", False))
)
def test_blanks_and_currencies_do_not_count(given, right):
    assert probing.is_right(given, ("80.90",)) == right


def test_only_short_printed_answers_are_probed(folder):
    assert [sample.answers[0] for sample in probing.probed(FolderTask(folder), 24)] == ["80.90"]
    line = json.loads((folder / "qa.jsonl").read_text(encoding="utf-8").splitlines()[1])
    (folder / "qa.jsonl").write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(ValueError, match="has no short printed answer with one box"):
        probing.probed(FolderTask(folder), 24)


def test_the_commands_print_a_table(folder, answered):
    result = CliRunner().invoke(nano_app, ["probe", str(folder), "--show"])
    assert result.exit_code == 0 and "| typeset in place | 1 (100.0%) | 1 |" in result.output
    result = CliRunner().invoke(nano_app, ["curve", str(folder)])
    assert result.exit_code == 0
    assert "| total | 1 (100.0%) | 1 |" in result.output and "| company | 0 (0.0%) | 1 |" in result.output


def test_a_folder_that_is_none_is_one_line(tmp_path):
    result = CliRunner().invoke(nano_app, ["curve", str(tmp_path / "none")])
    assert result.exit_code == 2 and "holds no qa.jsonl" in result.output
