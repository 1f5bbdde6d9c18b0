"""`arr-coc ask`: what a budget means at every entrance, and that nothing is done twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import draw
from PIL import ImageFile
from typer.testing import CliRunner

from arr_coc.allocator import Allocator
from arr_coc.cli.main import app
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.text import TextEncoder
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.questions import QuestionError

QUESTION = "What is the total on the receipt?"


@pytest.fixture(scope="module")
def folder(model_folder: str, tiny_model, tmp_path_factory) -> Path:
    """A checkpoint whose allocator spends 100 tokens where nothing else is asked for."""
    path = Path(shutil.copytree(model_folder, tmp_path_factory.mktemp("folder") / "model"))
    processor = RelevanceProcessor.from_pretrained(path, model=tiny_model, allocator=Allocator(budget=100))
    processor.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("pictures") / "picture.jpg"
    draw(1600, 1200).save(path)
    return str(path)


def asked(picture: str, folder: Path, *options: str) -> dict:
    arguments = ["ask", picture, QUESTION, "--model", str(folder), "--json", "--max-new-tokens", "1", *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("budget", [None, "auto", 64])
def test_a_budget_means_the_same_on_the_command_line_and_in_python(budget, folder: Path, picture: str) -> None:
    options = [] if budget is None else ["--budget", str(budget)]
    _, processor = load_host(folder)
    messages = question_messages(picture, QUESTION)
    said = asked(picture, folder, *options)
    if budget == "auto":  # looks until it is sure
        answer = processor.answer(messages, max_new_tokens=1)
        assert said["visual_tokens"] == answer.num_tokens and said["budget"] == answer.looks[-1].budget
        assert len(said["looks"]) == len(answer.looks) and said["encoded_tokens"] == answer.num_encoded
        return
    inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=budget)
    ours = inputs.realizations[0][0]
    assert said["budget"] == ours.tensions.budget == (budget or 100)
    assert said["visual_tokens"] == ours.allocation.num_tokens and "looks" not in said


def test_auto_is_not_the_folder_s_own(folder: Path, picture: str) -> None:
    assert asked(picture, folder, "--budget", "auto")["budget"] != asked(picture, folder)["budget"] == 100


def test_compare_keeps_to_the_folder_s_own_budget(folder: Path, picture: str) -> None:
    arguments = ["compare", picture, QUESTION, "--model", str(folder), "--json", "--max-new-tokens", "1"]
    runs = json.loads(CliRunner().invoke(app, arguments).stdout)["runs"]
    assert runs[2]["visual_tokens"] == asked(picture, folder)["visual_tokens"] <= 100


def test_nothing_is_done_twice(folder: Path, picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture is decoded once; the conversation is tokenised once, the prompt whose attention is read once a
    round; the size rule is asked when the picture is opened and when it is resized."""
    model, processor = load_host(folder)
    counts: Counter = Counter()

    def counted(owner: type, name: str, key) -> None:
        real = getattr(owner, name)

        def call(self, *args, **options):
            counts[name, key(*args, **options)] += 1
            return real(self, *args, **options)

        monkeypatch.setattr(owner, name, call)

    counted(ImageFile.ImageFile, "load_prepare", lambda: None)
    counted(TextEncoder, "encode_conversation", lambda *args, **options: None)
    counted(TransformersHost, "stock_size", lambda *args: None)
    messages = question_messages(picture, QUESTION)
    inputs = processor.apply_chat_template(messages, add_generation_prompt=True)
    rounds = len(inputs.realizations[0][0].scores)
    assert counts == {("load_prepare", None): 1, ("encode_conversation", None): 1 + rounds, ("stock_size", None): 2}


def test_a_question_longer_than_the_context_is_one_line(folder: Path, picture: str) -> None:
    result = CliRunner().invoke(app, ["ask", picture, "word " * 200_000, "--model", str(folder)])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "context" in result.stderr
    assert issubclass(QuestionError, ValueError)


def test_ask_passes_through_no_evaluation(folder: Path, picture: str) -> None:
    """In a process of its own, since other tests import it."""
    code = (
        "import sys; from arr_coc.cli.main import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert not [name for name in sys.modules if name.startswith('arr_coc.evaluation.comparing')]"
    )
    arguments = ["ask", picture, QUESTION, "--model", str(folder), "--max-new-tokens", "1"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
