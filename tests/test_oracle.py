"""The shipped oracle is sound and true; broken ones are found; questions are answered or declined."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arr_coc.cli.main import app
from arr_coc.cli.oracle import help_of
from arr_coc.oracle.checking import Report, check
from arr_coc.oracle.evaluating import evaluate, read_questions
from arr_coc.oracle.facts import Fact, facts_of, verify
from arr_coc.oracle.pages import load, parse
from arr_coc.oracle.searching import Index, words_of

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "arr-coc-oracle"
PAGE = "serving/05-load.md"


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / SHIPPED.name))


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(load(SHIPPED))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["oracle", *arguments])


def assert_one_line(result: Result, *words: str) -> None:
    assert result.exit_code == 2 and result.stdout == "", (result.output, result.exception)
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("arr-coc: "), result.stderr
    assert all(word in result.stderr for word in words), result.stderr


def no_help(words: list[str]) -> str:
    raise ValueError("not run here")


def structure(folder: Path) -> list[str]:
    """Faults but those of facts about commands, which are not run."""
    found: Report = check(folder, ROOT, no_help)
    return [str(fault) for fault in found.faults if "not run here" not in fault.what]


def test_the_shipped_oracle_is_sound_and_what_it_says_of_the_code_is_true() -> None:
    report = check(SHIPPED, ROOT, help_of)
    assert not report.faults, "\n".join(map(str, report.faults))
    assert 40 <= report.num_pages <= 60 and report.num_facts > 90


def test_sizes_and_topics_are_those_of_the_skill() -> None:
    result = run("check", "--folder", str(SHIPPED))
    assert result.exit_code == 0 and result.stdout.endswith(" 0 faults\n"), result.output
    assert not list(SHIPPED.rglob("README*"))


@pytest.mark.parametrize(
    ("name", "before", "after", "word"),
    [
        ("SKILL.md", "name: arr-coc-oracle", "name: another", "name must be the folder's"),
        ("SKILL.md", "license: MIT", "licence: MIT", "unknown key 'licence'"),
        ("SKILL.md", "(serving/INDEX.md)", "(serving/00-overview.md)", "leads to no serving/INDEX.md"),
        ("SKILL.md", "---\nname", "name", "must begin with lines"),
        (
            "serving/INDEX.md",
            "| [05-load.md](05-load.md)",
            "| [05-laod.md](05-laod.md)",
            "names 05-laod.md, which is not",
        ),
        ("serving/INDEX.md", "| [05-load.md](05-load.md)", "| [05-load](05-load.md)", "INDEX.md:12: must read"),
        ("serving/INDEX.md", "](../arr-coc/INDEX.md)", "](../nothing/INDEX.md)", "leads nowhere"),
        ("serving/INDEX.md", "# Serving", "## Serving", "must have one H1, has 0"),
        (PAGE, "# Load", "# Load\n\n# Load", "must have one H1, has 2"),
        (PAGE, "## Sources", "## Sauces", "has no source"),
        (PAGE, ", read 2026-11-26.", ".", "no date"),
        (PAGE, "- [1] ", "- (1) ", "must read - [number] source"),
        (PAGE, "- [1] ", "- [7] ", "numbered 1, 2, 3"),
        (PAGE, "## Limits", "See [99].\n\n## Limits", "cites [99], which is no source"),
        (PAGE, "## Limits", "See [it](../../pyproject.toml).\n\n## Limits", "leaves the oracle"),
        (PAGE, "## Limits", "## Claims\n\nIt is so.\n\n## Limits", "section 'Claims' has no source"),
        (PAGE, "## Limits", "\n" * 200 + "## Limits", "at most 199"),
        (PAGE, "`(50, 95, 99)`", "`(50, 95, 98)`", "no longer true"),
        (PAGE, "PERCENTILES`", "PERCENTILE`", "no PERCENTILE"),
        (PAGE, "- fact: `arr_coc", "- fact: arr_coc", "begins as a fact and is none"),
        ("evals/questions.jsonl", "serving/05-load.md", "serving/06-load.md", "which is not there"),
        ("evals/questions.jsonl", '{"question": "How', '"question": "How', "must read"),
        ("humor/jokes.txt", "\n\n", "\n\n\n", "one blank line after each"),
    ],
)
def test_every_rule_of_the_check_can_fail(oracle: Path, name: str, before: str, after: str, word: str) -> None:
    text = (oracle / name).read_text(encoding="utf-8")
    assert before in text
    (oracle / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    found = structure(oracle)
    assert found and any(word in fault and fault.startswith(name.split(".")[0]) for fault in found), found
    assert all("Traceback" not in fault and "\n" not in fault for fault in found)


def test_orphans_gaps_and_links_are_found(oracle: Path) -> None:
    assert not structure(oracle)
    (oracle / "serving" / "02-memory.md").rename(oracle / "serving" / "07-memory.md")
    (oracle / "stray.txt").write_text("stray", encoding="utf-8")
    (oracle / "thought" / "figure.png").write_bytes(b"\x89PNG")
    (oracle / "thought" / "05-pyramids.md").unlink()
    (oracle / "thought" / "05-pyramids.md").symlink_to(ROOT / "README.md")
    found = structure(oracle)
    for word in (
        "stray.txt: belongs to nothing",
        "thought/figure.png: belongs to nothing",
        "05-pyramids.md: is a link",
    ):
        assert any(word in fault for fault in found), found
    assert any(fault.startswith("serving/INDEX.md") and "02-memory.md" in fault for fault in found)


FORMS = [
    ("arr_coc/records.py:MAX_BUDGET", "=", "400", "401"),
    ("arr_coc/records.py:MIN_BUDGET", "=", "64", "400"),
    ("arr_coc/records.py:Gaze.num_queries", "=", "5", "6"),
    ("len(arr_coc/texture.py:CHANNELS)", "=", "13", "12"),
    ("arr_coc/attending.py:capacity(2)", "=", "5", "4"),
    ("pyproject.toml", "says", 'name = "arr-coc"', "name = arr-coc"),
    ("arr-coc oracle --help", "says", "ingest", "digest"),
]


@pytest.mark.parametrize(("subject", "relation", "true", "untrue"), FORMS)
def test_facts_are_held_against_the_code(subject: str, relation: str, true: str, untrue: str) -> None:
    verify(Fact(subject, relation, true, 1), ROOT, help_of)
    with pytest.raises(ValueError, match="is .*, not|does not say"):
        verify(Fact(subject, relation, untrue, 1), ROOT, help_of)


@pytest.mark.parametrize(
    "fact",
    [
        Fact("arr_coc/files/writing.py:write_atomically('x', 'y')", "=", "None", 1),
        Fact("arr_coc/texture.py:log(1)", "=", "0.0", 1),
        Fact("arr_coc/attending.py:capacity(__import__('os'))", "=", "0", 1),
        Fact("arr_coc/attending.py:capacity(None)", "=", "0", 1),
        Fact("arr-coc data generate --out x", "says", "x", 1),
        Fact("arr-coc nothing --help", "says", "x", 1),
        Fact("../secret", "says", "x", 1),
        Fact("arr_coc/records.py:Pyramid.cells.x", None, None, 1),
        Fact("arr_coc/records.py:Tensions", "=", "1", 1),
        Fact("arr_coc/records.py:MAX_BUDGET", "=", "four", 1),
    ],
)
def test_a_fact_can_run_nothing_but_the_core_and_help(fact: Fact) -> None:
    with pytest.raises(ValueError):
        verify(fact, ROOT, help_of)


def test_facts_are_lines_of_their_own() -> None:
    lines = ("- fact: `a.py:b`", "text - fact: `a.py:b`", "- fact: `a` = `1`")
    assert [(fact.subject, fact.value, fact.line) for fact in facts_of(lines)] == [("a.py:b", None, 1), ("a", "1", 3)]


def test_headings_and_links_in_code_are_none() -> None:
    document = parse("# One\n\n```\n# Two\n[x](y.md)\n```\n\n`[a](b.md)` [c](d.md)\n")
    assert [heading.text for heading in document.headings] == ["One"] and document.links == (("d.md", 8),)


def test_the_best_passages_come_with_file_line_and_sources() -> None:
    result = run("ask", "How are positions of leaves computed?", "--json", "--folder", str(SHIPPED))
    assert result.exit_code == 0, result.output
    first = json.loads(result.stdout)["passages"][0]
    assert first["file"] == "arr-coc/05-leaf-positions.md" and any("records.py" in each for each in first["sources"])
    lines = (SHIPPED / first["file"]).read_text(encoding="utf-8").splitlines()
    assert lines[first["line"] - 1] == first["text"].splitlines()[0]
    shown = run("ask", "How are positions of leaves computed?", "--folder", str(SHIPPED)).stdout
    assert f"[1] {first['file']}:{first['line']}" in shown and "source [1] File `arr_coc/records.py`" in shown


def test_targets_on_the_questions_that_were_written_first(index: Index) -> None:
    """What was tuned on; `arr-coc oracle eval` shows the unseen ones beside it."""
    tally = evaluate(index.pages, "questions", read_questions(SHIPPED / "evals" / "questions.jsonl"))
    assert (len(tally.answerable), len(tally.foreign)) == (60, 15)
    assert tally.within(1) >= 51 and tally.within(3) >= 57 and tally.num_declined >= 13, tally.as_json()


def test_unseen_questions_are_kept_apart() -> None:
    files = {path.stem: read_questions(path) for path in (SHIPPED / "evals").glob("*.jsonl")}
    texts = [question.text for questions in files.values() for question in questions]
    assert set(files) >= {"questions", "tuning", "unseen"} and len(set(texts)) == len(texts)


@pytest.mark.parametrize("question", ["What is the capital of Portugal?", "zxqv wvut", "Write me a poem about autumn"])
def test_what_no_page_knows_is_declined(index: Index, question: str) -> None:
    assert not index.search(question).is_answered
    result = run("ask", question, "--folder", str(SHIPPED))
    assert result.exit_code == 1 and result.stdout == "not in my pages\n"


@pytest.mark.parametrize(
    "question", ['"; drop table pages; --', "NEAR(a b) AND OR NOT", "what is it?", "*", "ﬁ 😀 \udcff x"]
)
def test_questions_are_words_and_no_query_language(index: Index, question: str) -> None:
    if any(letter.isalnum() for letter in question):
        index.search(question)
    else:
        with pytest.raises(ValueError, match="no word"):
            words_of(question)


def test_bad_input_is_one_line(oracle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ("--folder", str(oracle))
    assert_one_line(run("ask", "x" * 100_000, *folder), "2,000 characters", "100,000")
    assert_one_line(run("ask", "?!", *folder), "no word")
    assert_one_line(run("ask", "x", "--folder", str(tmp_path / "nowhere")), "no oracle here")
    (oracle / "deepseek" / "INDEX.md").write_text("# Nothing\n", encoding="utf-8")
    assert_one_line(run("ask", "What is MLA?", *folder), "deepseek/INDEX.md", "names no page", "oracle check")
    (oracle / "deepseek" / "INDEX.md").write_bytes(b"\xff\xfe\x00")
    assert_one_line(run("ask", "What is MLA?", *folder), "not a text file")
    (oracle / "deepseek" / "INDEX.md").unlink()
    assert_one_line(run("eval", *folder), "deepseek/INDEX.md: missing")
    checked = run("check", *folder)
    assert checked.exit_code == 1 and "deepseek/INDEX.md: missing" in checked.stdout and checked.stderr == ""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("arr_coc.cli.oracle.BESIDE", tmp_path / "nowhere")
    shutil.rmtree(oracle)
    assert_one_line(run("joke"), "no arr-coc-oracle here or above")


def test_the_oracle_above_is_found(oracle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(oracle / "thought")
    (oracle / "humor" / "jokes.txt").write_text("Only mine.\n\n", encoding="utf-8")
    assert run("joke").stdout == "Only mine.\n"


def test_asking_loads_no_model_library() -> None:
    """That is what keeps an answer under a second."""
    script = (
        "import sys; from arr_coc.cli.main import app\n"
        f"try: app(['oracle', 'ask', 'What is MLA?', '--folder', {str(SHIPPED)!r}])\n"
        "except SystemExit: print(sorted({'torch', 'transformers', 'numpy', 'scipy', 'PIL'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stdout.splitlines()[-1] == "[]", told.stdout + told.stderr
