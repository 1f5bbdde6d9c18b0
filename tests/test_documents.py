"""What the documents promise: blocks run, no grain needs or repeats another, exercises can fail, figures are made."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from doc_blocks import (
    DOCS,
    GRAINS,
    ROOT,
    RUN,
    Block,
    blocks,
    documents,
    expect,
    prose,
    run_document,
    run_script,
    shared,
    steps,
)

SAME_WORDS = 9
MOST_BYTES = 200_000
NUM_DOCUMENTS = {"core": 7, "education": 9, "production": 3}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
LESSONS = sorted(path.stem for path in (DOCS / "education").glob("[0-9]*.md"))
IDS = {"ids": lambda value: value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)}


def grain_of(path: Path) -> str:
    return path.parent.name if path.parent.name in GRAINS else ""


@pytest.mark.parametrize("path", documents(), **IDS)
def test_quick_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_document(path, tmp_path, monkeypatch, with_slow=False)


@pytest.mark.docs
@pytest.mark.parametrize("path", documents(), **IDS)
def test_all_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(block.has("slow") for block in blocks(path)):
        pytest.skip("no long blocks: the quick suite runs them all")
    assert run_document(path, tmp_path, monkeypatch, with_slow=True)


@pytest.mark.parametrize("path", documents(), **IDS)
def test_every_block_is_run_or_holds_no_code(path: Path) -> None:
    for block in blocks(path):
        assert block.language in (*RUN, "text"), f"{block.place}: {block.language} is not run by a test"
        assert block.has("test") or block.language == "text", f"{block.place}: say `{block.language} test`"
        if block.language == "console":
            assert all(re.search("[^. \n]", wanted) or not wanted.strip() for _, wanted in steps(block)), block.place
        if block.language == "text" and not block.has("output"):
            commands = re.findall(r"^(?:\$ .*|(?:arr-coc|pip|make|python|torchrun) .*)", block.code, re.MULTILINE)
            assert not commands, f"{block.place}: {commands} are not run"


def test_grains_are_complete() -> None:
    for grain, number in NUM_DOCUMENTS.items():
        assert len(list((DOCS / grain).glob("[0-9]*.md"))) == number, grain


def readable() -> list[Path]:
    return [path for path in documents() if grain_of(path)]


PAIRS = [(a, b) for a, b in combinations(readable(), 2) if grain_of(a) != grain_of(b)]
PAIRS += [(path, ROOT / "README.md") for path in readable()] + [(path, DOCS / "serving.md") for path in readable()]


def test_no_grain_says_it_in_the_words_of_another() -> None:
    found = {
        f"{a.relative_to(ROOT)} and {b.relative_to(ROOT)}": sorted(same)
        for a, b in PAIRS
        if (same := shared(a, b, SAME_WORDS))
    }
    assert not found, found


@pytest.mark.parametrize("path", documents(), **IDS)
def test_links_lead_somewhere_and_stay_within_the_grain(path: Path) -> None:
    for target in LINK.findall(prose(path)):
        if target.startswith(("http://", "https://", "#")):
            continue
        reached = (path.parent / target.partition("#")[0]).resolve()
        assert reached.exists(), f"{path.name}: {target}"
        if grain_of(path) and reached.suffix == ".md":
            assert reached.parent == path.parent, f"{path.name} leads out of its grain: {target}"


def test_index_leads_to_every_document() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    for path in [*documents()[1:], DOCS / "serving.md", DOCS / "review.md", DOCS / "results" / "README.md"]:
        assert f"]({path.relative_to(DOCS).as_posix()})" in text, path


def test_site_shows_every_document() -> None:
    shown = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [path for path in documents() if f" {path.relative_to(DOCS).as_posix()}\n" not in shown]
    assert not missing


@pytest.mark.parametrize("path", [path for path in documents() if grain_of(path) == "education"], **IDS)
def test_lessons_have_their_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for part in ("**Time:**", "## What you need", "## Exercise", "## Self-test", "<details markdown>", "../images/"):
        assert part in text, f"{path.name}: {part}"


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize(("answers", "code"), [("solutions", 0), ("exercises", 1)])
def test_checker_tells_a_solution_from_an_empty_exercise(lesson: str, answers: str, code: int) -> None:
    name = lesson.partition("-")[0]
    script, answer = DOCS / "education" / "check.py", DOCS / "education" / answers / f"{name}.py"
    assert run_script([str(script), name, str(answer)])[0] == code


def test_checker_says_what_is_wrong_with_the_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = str(DOCS / "education" / "check.py")
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    for arguments in ([], ["9z", "x.py"], ["2a", str(tmp_path / "nothing.py")], ["2a", str(broken)]):
        code, _ = run_script([script, *arguments])
        assert code == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_checker_is_of_help_where_an_answer_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, answer = str(DOCS / "education" / "check.py"), tmp_path / "answer.py"
    answer.write_text("import torch\n")
    code, printed = run_script([script, "2a", str(answer)])
    assert code == 1 and "the function luma is missing" in printed
    answer.write_text("import torch\nfrom arr_coc.texture import texture\n")
    assert run_script([script, "2a", str(answer)])[0] == 2
    assert "line 2: do it without arr_coc" in capsys.readouterr().err
    answer.write_text("1 / 0\n")
    assert run_script([script, "2a", str(answer)])[0] == 2
    assert "it ends with ZeroDivisionError" in capsys.readouterr().err


def test_checker_ends_an_answer_that_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = tmp_path / "answer.py"
    answer.write_text("def luma(image):\n    while True:\n        pass\n")
    monkeypatch.setenv("CHECK_SECONDS", "1")
    code, printed = run_script([str(DOCS / "education" / "check.py"), "2a", str(answer)])
    assert code == 1 and "it did not end within 1 s" in printed


def test_checker_names_the_environment_where_python_has_no_torch(tmp_path: Path) -> None:
    answer = tmp_path / "answer.py"
    answer.write_text("")
    call = [sys.executable, "-S", DOCS / "education" / "check.py", "2a", answer]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr.strip() == "this Python has no torch; make the environment active first: source .venv/bin/activate"
    )


def pictures() -> list[Path]:
    return sorted(path for path in (DOCS / "images").iterdir() if path.suffix in (".jpg", ".png", ".svg"))


def test_pictures_are_small_shown_and_made_by_a_command() -> None:
    makers = [DOCS / "figures" / "draw.py", ROOT / "Makefile", ROOT / "tests" / "make_pictures.py"]
    script = "".join(path.read_text(encoding="utf-8") for path in makers)
    shown = "".join(path.read_text(encoding="utf-8") for path in [*documents(), *DOCS.glob("*.md"), ROOT / "README.md"])
    for path in pictures():
        assert path.stat().st_size < MOST_BYTES, f"{path.name} has {path.stat().st_size} bytes"
        assert path.name in script or f'"{path.stem}"' in script, f"{path.name} is made by nothing"
        assert f"images/{path.name}" in shown, f"{path.name} is shown nowhere"


@pytest.mark.docs
def test_pictures_are_drawn_again(tmp_path: Path) -> None:
    assert run_script([str(DOCS / "figures" / "draw.py"), str(tmp_path)])[0] == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in pictures()} - {"loop.jpg", "demo.jpg", "demo-phone.jpg", "microscope.jpg"}


def test_the_rules_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong output, a wrong assertion, a command that fails, shared words: each is seen."""
    with pytest.raises(AssertionError, match="prints something else"):
        expect("1 token", "2 tokens", "here")
    expect("first ... last", "first\nand what lies between  last\n", "here")
    wrong = ("python test\nassert 1 == 2\n", "console test\n$ arr-coc ask\n", "console test\n$ false\n")
    monkeypatch.setattr("doc_blocks.ROOT", tmp_path)
    for number, text in enumerate(wrong):
        folder = tmp_path / str(number)
        folder.mkdir()
        (path := folder / "wrong.md").write_text(f"```{text}```\n")
        with pytest.raises(AssertionError):
            run_document(path, folder, monkeypatch, with_slow=False)
    first, second = tmp_path / "a.md", tmp_path / "b.md"
    first.write_text("Here the same nine words stand in both of these files.\n")
    second.write_text("There `the same` nine words stand in both of these files too.\n")
    assert shared(first, second, SAME_WORDS) and not shared(first, second, 20)


def test_blocks_are_told_apart() -> None:
    block = Block(("console", "test", "slow"), "$ a \\\n  b\nout\n$ c\n", "x:1")
    assert steps(block) == [("a   b", "out\n"), ("c", "")] and block.has("slow") and not block.has("fails")
