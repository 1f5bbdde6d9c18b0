"""`arr-coc batch`: every row once, whatever is killed and whatever is broken."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import draw
from typer.testing import CliRunner, Result

from arr_coc.cli import batch as command
from arr_coc.cli.main import app
from arr_coc.evaluation.policies.full_picture import full_grid
from arr_coc.processor.asking import run_relevance
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.serving.batch.answering import Answerer, Settings
from arr_coc.serving.batch.inputs import Row, open_source
from arr_coc.serving.batch.journal import Journal, Line, Output
from arr_coc.serving.batch.running import KILLED, answered, in_chunks, run
from arr_coc.serving.batch.workers import Process, WorkerDiedError

NUM_ROWS, NUM_KILLS = 60, 5
QUESTION = "Which bar is the highest?"
SETTINGS = Settings("nano", budget=64, max_new_tokens=4)


class Here:
    """A worker in a thread of this process, with a host that is loaded already; it may die of some rows."""

    def __init__(self, processor: RelevanceProcessor, deadly: Callable[[Row], bool] = lambda row: False) -> None:
        self.answerer, self.deadly = Answerer(SETTINGS), deadly
        self.answerer.processor = processor
        self.pool = ThreadPoolExecutor(1)

    def submit(self, rows: Any) -> Future[Any]:
        return self.pool.submit(self.work, rows)

    def work(self, rows: Any) -> list[Line]:
        if any(map(self.deadly, rows)):
            raise WorkerDiedError
        return self.answerer.answer(rows)

    def result(self, future: Future[Any]) -> list[Line]:
        return future.result()

    def close(self) -> None:
        self.pool.shutdown(wait=False)


class Pretender(Here):
    """A worker that answers without a host: torch can't compute in a child that was forked off a test."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    def work(self, rows: Any) -> list[Line]:
        time.sleep(0.002)
        broken = ("empty.png", "cut.png", "text.jpg")
        said = [Line(row.number, row.id, row.question, "said", 64, 0, 0.01, None) for row in rows]
        return [Line.failed(row, "broken") if row.id in broken else line for row, line in zip(rows, said, strict=True)]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures in two folders; one is empty, one is cut short, one is text."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number in range(NUM_ROWS - 3):
        draw(64 + 8 * (number % 5), 64, seed=number).save(folder / ("more" if number % 2 else ".") / f"{number}.png")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:100])
    (folder / "text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("left out")
    (folder / ".hidden.png").touch()
    return folder


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run_here(folder: Path, out: Path, processor: RelevanceProcessor | None, question: str | None = QUESTION) -> Journal:
    """With a host, or, without one, by a `Pretender`."""
    source = open_source(folder, question)
    make = Pretender if processor is None else lambda: Here(processor)
    *_, journal = run(source, Output(out), {"question": question}, make, 2, 4)
    return journal


def test_killed_five_times_every_row_is_there_once(pictures: Path, tiny_processor, tmp_path: Path) -> None:
    out, chance = tmp_path / "out.jsonl", random.Random(0)
    for _ in range(NUM_KILLS):
        child = os.fork()
        if child == 0:
            try:
                run_here(pictures, out, None)
            finally:  # whatever happens, the child must not go on with the tests of its parent
                os._exit(0)
        until, before = chance.randrange(1, 900), out.stat().st_size if out.exists() else 0
        while (out.stat().st_size if out.exists() else 0) < before + until:
            assert os.waitpid(child, os.WNOHANG)[0] == 0, "it ended before it was killed"
            time.sleep(chance.random() / 2000)
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert 0 < len(out.read_bytes().splitlines()) < NUM_ROWS
    with open(out, "ab") as file:
        file.write(b'{"row": 59, "id": "to')
    journal = run_here(pictures, out, tiny_processor)
    found = lines_of(out)
    assert sorted(line["row"] for line in found) == list(range(NUM_ROWS))
    assert len({line["id"] for line in found}) == NUM_ROWS
    assert {line["id"] for line in found if line["error"]} == {"empty.png", "cut.png", "text.jpg"}
    assert (journal.num_done, journal.num_failed) == (NUM_ROWS, 3)
    assert journal.spent == sum(line["visual_tokens"] or 0 for line in found) > 0


def test_a_line_cut_anywhere_is_mended(tmp_path: Path) -> None:
    path, first, second = tmp_path / "out.jsonl", Line.failed(Row(0, "a", "b", None), "c"), Row(1, "ü", "e", None)
    Journal(path, 2).append([first])
    whole = path.read_bytes()
    Journal(path, 2).append([Line.failed(second, "f")])
    both = path.read_bytes()
    for end in range(len(whole), len(both)):
        path.write_bytes(both[:end])
        journal = Journal(path, 2)
        assert path.read_bytes() == whole and (journal.is_done(0), journal.is_done(1)) == (True, False)
    path.write_bytes(whole + whole)
    with pytest.raises(ValueError, match="twice"):
        Journal(path, 2)
    path.write_bytes(b"[1]\n" + whole)
    with pytest.raises(ValueError, match="out.jsonl:1: not a row"):
        Journal(path, 2)


def test_a_batch_says_what_one_question_says(pictures: Path, tiny_model, tiny_processor, tmp_path: Path) -> None:
    run_here(pictures, tmp_path / "out.jsonl", tiny_processor)
    for line in lines_of(tmp_path / "out.jsonl")[:12]:
        if line["error"] is None:
            path = pictures / line["id"]
            _, alone = run_relevance(tiny_model, tiny_processor, question_messages(str(path), QUESTION), 64, 4)
            rows, cols = full_grid(tiny_processor.host, draw(64 + 8 * (int(path.stem) % 5), 64).size)
            saved = max(0, rows * cols - alone.visual_tokens)
            assert (line["answer"], line["visual_tokens"], line["visual_tokens_saved"]) == (
                *(alone.answer, alone.visual_tokens),
                saved,
            )


def test_a_row_that_kills_its_worker_fails_alone(pictures: Path, tiny_processor) -> None:
    source = open_source(pictures, QUESTION)
    deadly = next(row for row in source.rows(lambda number: False) if row.id == "8.png").number
    started: list[Here] = []

    def start() -> Here:
        started.append(Here(tiny_processor, lambda row: row.number == deadly))
        return started[-1]

    chunks = in_chunks(source.rows(lambda number: False), 8)
    found = [line for lines in answered(chunks, start, 2) for line in lines]
    assert sorted(line.row for line in found) == list(range(NUM_ROWS))
    assert [line.row for line in found if line.error == KILLED] == [deadly]
    assert len(started) == 2 + 3  # the chunk's worker, then that row's, twice


def test_workers_that_always_die_end_the_run(pictures: Path, tiny_processor) -> None:
    chunks = in_chunks(open_source(pictures, QUESTION).rows(lambda number: False), 8)
    with pytest.raises(ValueError, match="workers in a row died"):
        list(answered(chunks, lambda: Here(tiny_processor, lambda row: True), 1))


def test_a_process_answers_and_a_killed_one_is_noticed(model_folder: str, pictures: Path) -> None:
    rows = list(open_source(pictures, QUESTION).rows(lambda number: False))[:3]
    worker = Process(Settings(model_folder, budget=64, max_new_tokens=4), 1)
    lines = worker.result(worker.submit(rows))
    assert [line.row for line in lines] == [0, 1, 2] and all(line.answer is not None for line in lines)
    os.kill(worker._pid.result(), signal.SIGKILL)
    with pytest.raises(WorkerDiedError):
        worker.result(worker.submit(rows))
    worker.close()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tiny_processor) -> Callable[..., Result]:
    """The command with workers of this process."""
    monkeypatch.setattr(command, "workers_of", lambda *_: (lambda: Here(tiny_processor), 1))
    return lambda *words: CliRunner().invoke(app, ["batch", *map(str, words)])


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2 and result.stderr.count("\n") == 1, result.output
    assert result.stderr.startswith("arr-coc: ") and all(word in result.stderr for word in words), result.stderr


def test_the_command_answers_resumes_and_refuses_other_settings(cli, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    words = (pictures, "--out", out, "--question", QUESTION)
    result = cli(*words)
    assert result.exit_code == 0 and "60 of 60 rows, 3 failed" in result.stdout and "saved of" in result.stdout
    before = out.read_bytes()
    again = cli(*words)
    assert again.exit_code == 0 and "0 now" in again.stdout and out.read_bytes() == before
    refused(cli(*words[:-1], "Another?"), "question was", "Another?")
    refused(cli(*words, "--budget", "100"), "budget was None, now 100")
    draw(64, 64).save(pictures / "new.png")
    refused(cli(*words), "input was")
    (pictures / "new.png").unlink()
    draw(64, 64).save(pictures / "empty.png")
    mended = cli(*words, "--retry-failed")
    assert mended.exit_code == 0 and "60 of 60 rows, 2 failed; 3 now" in mended.stdout
    assert sorted(line["row"] for line in lines_of(out)) == list(range(NUM_ROWS))
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".lock"]


def test_two_runs_into_one_file(cli, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with Output(out).locked():
        refused(cli(pictures, "--out", out, "--question", QUESTION), "in use by another run")


def test_parquet_in_and_out(cli, pictures: Path, tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    data = (pictures / "2.png").read_bytes()
    table = pyarrow.table({
        "image": [{"bytes": data, "path": None}, {"bytes": None, "path": "4.png"}, {"bytes": b"x", "path": None}, None],
        "question": [QUESTION, QUESTION, QUESTION, QUESTION],
        "id": ["a", "b", "c", "d"],
    })  # fmt: skip
    parquet.write_table(table, pictures / "asked.parquet", row_group_size=3)
    out = tmp_path / "out.parquet"
    words = (pictures / "asked.parquet", "--out", out)
    for number in (4, 0, 2):
        result = cli(*words, *(["--retry-failed"] if number == 2 else []))
        assert result.exit_code == 0 and f"4 of 4 rows, 2 failed; {number} now" in result.stdout, result.output
        found = parquet.read_table(out).to_pylist()
        assert sorted((line["id"], line["error"] is None) for line in found) == [
            *(("a", True), ("b", True)),
            *(("c", False), ("d", False)),
        ]
        assert not Output(out).lines.exists()
    refused(cli(*words, "--question", "Why?"), "column of questions")
    parquet.write_table(table.drop_columns("image"), pictures / "asked.parquet")
    refused(cli(*words), "no column image", "question, id")


def test_questions_of_a_file(cli, pictures: Path, tmp_path: Path) -> None:
    asked = [{"image": "2.png", "question": QUESTION}, {"image": "gone.png", "question": "yes no"}]
    asked += [{"image": "../outside.png", "question": "yes no"}, {"image": "2.png", "question": "yes no"}]
    (pictures / "qa.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    result = cli(pictures, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0 and "4 of 4 rows, 2 failed" in result.stdout
    found = sorted(lines_of(tmp_path / "out.jsonl"), key=lambda line: line["row"])
    assert [line["id"] for line in found] == ["2.png:1", "gone.png:2", "../outside.png:3", "2.png:4"]
    assert "no such file" in found[1]["error"] and "leads out of the folder" in found[2]["error"]
    refused(cli(pictures / "qa.jsonl", "--out", tmp_path / "x.jsonl", "--question", "Why?"), "questions of its own")
    (pictures / "qa.jsonl").write_text('{"image": "2.png"}', encoding="utf-8")
    refused(cli(pictures, "--out", tmp_path / "x.jsonl"), "qa.jsonl:1", "question")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["{folder}", "--out", "{tmp}/o.jsonl"], ["--question: missing"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", " "], ["--question: it is empty"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", "a\0b"], ["--question", "zero byte"]),
        (["{tmp}/none", "--out", "{tmp}/o.jsonl", "--question", "?"], ["no such file or folder"]),
        (["{bare}", "--out", "{tmp}/o.jsonl", "--question", "?"], ["holds no pictures"]),
        (["{folder}", "--out", "{bare}", "--question", "?"], ["it is a directory"]),
        (["{folder}", "--out", "{tmp}/o.csv", "--question", "?"], [".jsonl", ".parquet"]),
        (["{folder}", "--out", "{tmp}/none/o.jsonl", "--question", "?"], ["does not exist"]),
        (["{folder}", "--out", "{tmp}/mine.jsonl", "--question", "?"], ["not written by arr-coc batch"]),
        (["{folder}/0.png", "--out", "{tmp}/o.jsonl", "--question", "?"], ["one picture", "arr-coc ask"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", "?", "--budget", "7"], ["64..400"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", "?", "--model", "{bare}"], ["model"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", "?", "--relevance", "{bare}"], ["relevance"]),
        (["{folder}", "--out", "{tmp}/o.jsonl", "--question", "?", "--workers", "0"], ["--workers"]),
        (["{tmp}/mine.jsonl", "--out", "{tmp}/o.jsonl"], ["mine.jsonl:1", "image"]),
        (["{tmp}/bad.parquet", "--out", "{tmp}/o.jsonl"], ["no Parquet file"]),
    ],
)
def test_mistakes_are_one_line(cli, pictures: Path, tmp_path: Path, words: list[str], named: list[str]) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "mine.jsonl").write_text("{}\n")
    (tmp_path / "bad.parquet").write_text("no")
    places = {"folder": pictures, "tmp": tmp_path, "bare": tmp_path / "bare"}
    refused(cli(*(word.format(**places) if "{" in word else word for word in words)), *named)
    assert (tmp_path / "mine.jsonl").read_text() == "{}\n" and not (tmp_path / "o.jsonl").exists()


def test_ray_that_is_not_there_is_one_line(pictures: Path, tmp_path: Path) -> None:
    words = ["batch", str(pictures), "--out", str(tmp_path / "o.jsonl"), "--question", "?", "--ray", "127.0.0.1:1"]
    refused(CliRunner().invoke(app, words), "--ray", "no cluster at" if find_spec("ray") else "'arr-coc[ray]'")
