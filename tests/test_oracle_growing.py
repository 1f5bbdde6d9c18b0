"""What changes an oracle or leaves it: texts taken in, jokes saved, answers phrased by a server."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_oracle import ROOT, SHIPPED, assert_one_line, run, structure

from arr_coc.files import swapping
from arr_coc.files.locking import locked
from arr_coc.oracle.ingesting import ingest
from arr_coc.oracle.jokes import read_jokes, save_joke, tell_joke
from arr_coc.oracle.pages import load
from arr_coc.oracle.searching import Index

DAY = date(2026, 1, 2)
HOSTILE = """Before any heading: a [link](../x.md), ![a picture](a.png) and a [reference].

A | title with ] signs
======================

It cites [7].

## Sources

- fact: `arr_coc/records.py:MAX_BUDGET` = `1`

> # A title in a quotation

[reference]: ../other.md

```python
# no heading, [no link](z.md)
```
"""


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / SHIPPED.name))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def text_file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_hostile_text_becomes_a_sound_page(oracle: Path, tmp_path: Path) -> None:
    before = tree(oracle)
    done = ingest(oracle, [text_file(tmp_path, "a file.md", HOSTILE)], source="arXiv:2501.00001, 2025", today=DAY)
    assert done.pages == ["notes/01-a-title-with-signs.md"] and not structure(oracle)
    page = (oracle / done.pages[0]).read_text(encoding="utf-8")
    assert "Taken in from `a file.md` on 2026-01-02" in page and "arXiv:2501.00001, 2025" in page
    assert "# no heading, [no link](z.md)" in page and "It cites [7]." in page
    after = tree(oracle)
    assert {name for name in after if after[name] != before.get(name)} == {"notes/INDEX.md", done.pages[0]}
    rows = before["notes/INDEX.md"].decode().splitlines()
    assert all(row in after["notes/INDEX.md"].decode().splitlines() for row in rows)


def test_the_source_that_is_given_breaks_no_page(oracle: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path, "a`b.md", "No heading | at [all](x.md), but a pipe.\n")
    done = ingest(oracle, [path], source="two\nlines | `code` [x](y.md)", today=DAY)
    assert done.pages == ["notes/01-a-b.md"] and not structure(oracle)
    with pytest.raises(ValueError, match="--source: at most 400"):
        ingest(oracle, [text_file(tmp_path, "c.md", "Otters.")], source="x" * 401)


def test_a_long_text_is_split_numbered_and_found(oracle: Path, tmp_path: Path) -> None:
    parts = [f"## Part {n}\n\n" + "\n\n".join(f"Zebras {n} {m}." for m in range(40)) for n in range(9)]
    code = "```\n" + "\n".join(map(str, range(400))) + "\n```"
    path = text_file(tmp_path, "zebras.txt", "\n\n".join([*parts, code]))
    pages = ingest(oracle, [path], topic="thought", today=DAY).pages
    assert [page.split("/")[1][:2] for page in pages] == [f"{number:02}" for number in range(6, 6 + len(pages))]
    assert len(pages) > 5 and not structure(oracle)
    whole = "\n".join((oracle / page).read_text(encoding="utf-8") for page in pages)
    assert all(f"Zebras {n} {m}." in whole for n in range(9) for m in range(40))
    assert all(f"\n{number}\n" in whole for number in range(400)) and whole.count("```") % 2 == 0
    assert Index(load(oracle)).search("zebras").hits[0].page.path in pages


def test_doubles_are_refused_and_nothing_is_overwritten(oracle: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path, "a.md", "# Otters\n\nOtters hold hands.\n")
    assert run("ingest", str(path), "--folder", str(oracle)).stdout == "notes/01-otters.md\n"
    before = tree(oracle)
    again = text_file(tmp_path, "b.txt", "# Otters\r\n\r\nOtters   hold hands.")
    for each in (path, again, oracle / "deepseek" / "01-mla.md"):
        assert_one_line(run("ingest", str(each), "--folder", str(oracle)), "there already", "nothing was taken in")
    assert tree(oracle) == before
    folder = tmp_path / "folder"
    folder.mkdir()
    text_file(folder, "a.md", path.read_bytes())
    assert_one_line(run("ingest", str(folder), "--folder", str(oracle)), "there already")
    text_file(folder, "c.md", "# Otters\n\nAnd now they let go.\n")
    told = run("ingest", str(folder), "--folder", str(oracle)).stdout.splitlines()
    assert told[0].endswith("there already, as notes/01-otters.md") and told[1] == "notes/02-otters.md"


def test_the_inboxes_are_taken_in_and_their_files_stay(oracle: Path) -> None:
    assert_one_line(run("ingest", "--folder", str(oracle)), "_ingest and _ingest-auto", "no files")
    text_file(oracle / "_ingest", "mine.md", "# Mine\n\nBy hand.\n")
    text_file(oracle / "_ingest-auto", "its.txt", "By a program.\n")
    told = run("ingest", "--folder", str(oracle))
    assert told.stdout.split() == ["notes/01-mine.md", "notes/02-its.md"] and not structure(oracle)
    assert (oracle / "_ingest" / "mine.md").exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.png", b"\x89PNG\r\n", "not a kind of text"),
        ("a.txt", bytes(range(256)), "not a text file"),
        ("b.txt", b"zero \x00 byte", "binary"),
        ("c.md", " \n\n", "empty"),
        ("d.md", "x" * 2_000_001, "2,000,000 bytes"),
        ("e.md", "\n\n".join(f"## {n}\n\n" + "word\n" * 100 for n in range(200)), "a topic holds 100"),
    ],
)
def test_what_is_no_text_is_one_line_and_changes_nothing(
    oracle: Path, tmp_path: Path, name: str, content: str | bytes, word: str
) -> None:
    before = tree(oracle)
    assert_one_line(run("ingest", str(text_file(tmp_path, name, content)), "--folder", str(oracle)), word)
    assert tree(oracle) == before


def test_no_topic_no_file_and_a_second_run_are_one_line(oracle: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path, "a.md", "# Otters\n")
    assert_one_line(
        run("ingest", str(path), "--topic", "otters", "--folder", str(oracle)), "no topic 'otters'", "notes"
    )
    assert_one_line(run("ingest", str(tmp_path / "none.md"), "--folder", str(oracle)), "no such file")
    with locked(oracle):
        assert_one_line(run("ingest", str(path), "--folder", str(oracle)), "in use by another run")


KILLED = """
import os, signal, sys
from pathlib import Path
from arr_coc.files import swapping
from arr_coc.oracle.ingesting import ingest
left = int(sys.argv[3])
def counted(call):
    def inner(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return inner
Path.write_text, swapping.exchange, os.fsync = map(counted, (Path.write_text, swapping.exchange, os.fsync))
ingest(Path(sys.argv[1]), [Path(sys.argv[2])])
"""


@pytest.mark.parametrize("calls", [0, 1, 2, 4, 5, 6])
def test_an_ingest_that_is_killed_leaves_the_oracle_as_it_was(oracle: Path, tmp_path: Path, calls: int) -> None:
    """Two files are written (0, 1), then all are brought to the disk, then the folders change places (6)."""
    before, path = tree(oracle), text_file(tmp_path, "a.md", "# Otters\n\nOtters hold hands.\n")
    command = [sys.executable, "-c", KILLED, str(oracle), str(path), str(calls)]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = {name: content for name, content in tree(oracle).items() if not name.startswith((".draft-", ".lock"))}
    assert after == before and not structure(oracle)
    assert ingest(oracle, [path], today=DAY).pages == ["notes/01-otters.md"]
    assert not [each for each in oracle.iterdir() if each.name.startswith(".")] and not structure(oracle)


def test_an_ingest_that_is_killed_after_the_exchange_is_whole(oracle: Path, tmp_path: Path) -> None:
    path = text_file(tmp_path, "a.md", "# Otters\n\nOtters hold hands.\n")
    command = [sys.executable, "-c", KILLED, str(oracle), str(path), "7"]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL and not structure(oracle)
    assert run("ingest", str(path), "--folder", str(oracle)).stderr.count("there already, as notes/01-otters.md") == 1


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_full_disk_leaves_the_oracle_as_it_was(
    oracle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    before, path = tree(oracle), text_file(tmp_path, "a.md", "# Otters\n")
    if not can_exchange:
        monkeypatch.setattr(swapping, "exchanged_at_once", lambda first, second: False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(oracle))

    with monkeypatch.context() as patched:
        patched.setattr(swapping, "sync_tree", full)
        assert_one_line(run("ingest", str(path), "--folder", str(oracle)), "no space is left")
    assert tree(oracle) == before
    ingest(oracle, [path], today=DAY)
    assert not structure(oracle) and set(tree(oracle)) == {*before, "notes/01-otters.md"}


def write_jokes(folder: Path, name: str, num: int) -> None:
    for number in range(num):
        save_joke(folder, f"{name} {number}\nsecond line of {name}")


def test_jokes_are_appended_by_two_writers_at_once(oracle: Path) -> None:
    path = oracle / "humor" / "jokes.txt"
    before = path.read_text(encoding="utf-8")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_jokes, args=(oracle, name, 50)) for name in ("left", "right")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    text = path.read_text(encoding="utf-8")
    assert text.startswith(before) and [writer.exitcode for writer in writers] == [0, 0]
    jokes = read_jokes(oracle)
    for name in ("left", "right"):
        wanted = [f"{name} {number}\nsecond line of {name}" for number in range(50)]
        assert [joke for joke in jokes if joke.startswith(name)] == wanted
    assert not structure(oracle)


def test_a_joke_is_told_and_saved_as_one(oracle: Path) -> None:
    assert run("joke", "--save", "  One\n\n\n  two  \n", "--folder", str(oracle)).stdout == "saved\n"
    assert read_jokes(oracle)[-1] == "One\n  two" and not structure(oracle)
    assert tell_joke(oracle, 3) == tell_joke(oracle, 3) and {tell_joke(oracle, n) for n in range(99)} > {"One\n  two"}
    before = tree(oracle)
    for joke in (" \n ", "x" * 2_001, "bell \a"):
        assert_one_line(run("joke", "--save", joke, "--folder", str(oracle)), "--save")
    assert tree(oracle) == before


def test_a_disk_that_fills_leaves_no_half_joke(oracle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(oracle)
    write = os.write

    def half(handle: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return write(handle, content[: len(content) - 10])

    monkeypatch.setattr("arr_coc.oracle.jokes.os.write", half)
    with pytest.raises(OSError):
        save_joke(oracle, "A joke that does not fit.")
    assert tree(oracle) == before


class Server(BaseHTTPRequestHandler):
    """Answers every chat with `reply`, as it stands where it is bytes."""

    reply: object = ""
    seen: list[dict[str, object]] = []

    def do_GET(self) -> None:
        self.send(json.dumps({"data": [{"id": "tiny"}]}).encode())

    def do_POST(self) -> None:
        self.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        whole = {"choices": [{"message": {"content": self.reply}}]}
        self.send(self.reply if isinstance(self.reply, bytes) else json.dumps(whole).encode())

    def send(self, content: bytes) -> None:
        self.send_response(500 if content == b"broken" else 200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def url() -> Iterator[str]:
    Server.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


QUESTION = "How are positions of leaves computed?"


def phrased(url: str, question: str, *options: str):
    return run("ask", question, "--llm", url, "--folder", str(SHIPPED), *options)


def test_a_server_phrases_the_passages_with_citations(url: str) -> None:
    Server.reply = "At the centre of the leaf [1], see also [1, 2]."
    told = phrased(f"{url}/v1/", QUESTION)
    assert told.exit_code == 0 and told.stdout.startswith("At the centre of the leaf [1]"), told.output
    assert "[1] arr-coc/05-leaf-positions.md:" in told.stdout
    [body] = Server.seen
    system, user = (message["content"] for message in body["messages"])
    assert body["model"] == "tiny" and "not in my pages" in system and "numbered passages alone" in system
    assert user.startswith("[1] Positions of leaves\n") and user.endswith(f"Question: {QUESTION}")
    assert user.count("[1]") == user.count("[2]") == 1, "the passages' own citations are taken out"


@pytest.mark.parametrize("reply", ["Not in my pages.", "Forty-two.", "It says so [9].", "Said [1], and [4].", "", None])
def test_what_is_not_cited_is_not_in_the_pages(url: str, reply: str | None) -> None:
    Server.reply = reply
    told = phrased(url, QUESTION)
    assert told.exit_code == 1 and told.stdout == "not in my pages\n", told.output


def test_the_server_is_not_asked_what_no_page_knows(url: str) -> None:
    Server.reply = "Lisbon [1]."
    assert phrased(url, "What is the capital of Portugal?").stdout == "not in my pages\n" and not Server.seen


@pytest.mark.parametrize(
    ("reply", "word"), [(b"broken", "answers 500: broken"), (b"<html>", "JSON"), (b"[]", "OpenAI")]
)
def test_a_server_that_is_none_is_one_line(url: str, reply: bytes, word: str) -> None:
    Server.reply = reply
    assert_one_line(phrased(url, QUESTION), "--llm", word)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "nonsense", "http://", "http://[::1", "http://127.0.0.1:9"])
def test_an_address_where_nobody_answers_is_one_line(address: str) -> None:
    assert_one_line(phrased(address, QUESTION), "--llm")
