"""`arr-coc same`: a server that is right, one that is wrong, one that is not there; servers that are written here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

import arr_coc
from arr_coc.cli.main import app
from arr_coc.serving.load import Ask
from arr_coc.serving.same import Answer, Compared, ask_library, table

RECEIPT = Path(arr_coc.__file__).parent / "examples" / "receipt.jpg"
QUESTION = "What is the total?"


class Saying(BaseHTTPRequestHandler):
    """Says what the test wants it to, and refuses a budget where it is vLLM alone."""

    says, num_tokens, knows_budgets = "", 0, True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert not body["stream"] and ("mm_processor_kwargs" in body) == self.knows_budgets
        choice = {"message": {"content": self.says}}
        if body.get("logprobs"):
            choice |= {"logprobs": {"content": [sure_of(letter) for letter in self.says]}}
        reply = {"choices": [choice], "usage": {"prompt_tokens": self.num_tokens}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_: object) -> None:
        return


def sure_of(letter: str) -> dict[str, object]:
    """A token as vLLM tells it: the second best lies 0.005 below."""
    return {"token": letter, "top_logprobs": [{"logprob": -0.700}, {"logprob": -0.695}]}


def serving(**what: object) -> tuple[ThreadingHTTPServer, str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), type("Saying", (Saying,), what))
    threading.Thread(target=running.serve_forever, daemon=True).start()
    return running, f"http://127.0.0.1:{running.server_port}"


@pytest.fixture(scope="module")
def expected() -> Answer:
    [answer] = ask_library("nano", [(Ask(RECEIPT, QUESTION), "64")], 16, lambda done: None)
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "receipt.jpg").write_bytes(RECEIPT.read_bytes())
    line = {"image": "receipt.jpg", "question": QUESTION, "answers": ["1"]}
    (tmp_path / "qa.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    yield tmp_path


def told(folder: Path, url: str, *options: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["same", str(folder), "--url", url, "--budgets", "64", *options])
    return found.exit_code, found.output


def test_the_library_says_how_sure_it_was(expected: Answer) -> None:
    assert len(expected.gaps) == len(expected.starts) and min(expected.gaps) >= 0
    assert expected.gap_before(expected.text[:1] + "#") == expected.gaps[1]
    assert expected.gap_before("#") == expected.gaps[0]


def test_a_server_that_is_right_and_one_that_is_wrong(folder: Path, expected: Answer) -> None:
    right, url = serving(says=expected.text, num_tokens=expected.num_tokens)
    with right:
        code, output = told(folder, url)
        right.shutdown()
    assert code == 0 and "| 64 | 1 | 1 | 0 | 0 | 1 | 0 |" in output and "| all | 1 | 1 | 0 | 0 | 1 | 0 |" in output, (
        output
    )
    wrong, url = serving(says="no", num_tokens=expected.num_tokens)
    with wrong:
        code, output = told(folder, url)
        wrong.shutdown()
    assert code == 2 and "| 64 | 1 | 0 | 0 | 1 | 1 | 0 |" in output and "the server says 'no'" in output
    assert "0 of 1 answers are the same" in output


def test_off_is_compared_with_another_server(folder: Path) -> None:
    ours, url = serving(says="a", num_tokens=900)
    stock, stock_url = serving(says="a", num_tokens=900, knows_budgets=False)
    with ours, stock:
        code, output = told(folder, url, "--stock-url", stock_url)
        ours.shutdown()
        stock.shutdown()
    assert code == 0 and "| off | 1 | 1 | 0 | 0 | 1 | 0 |" in output and "vLLM alone" in output, output


def test_a_tie_with_another_server_is_named(folder: Path) -> None:
    ours, url = serving(says="ab", num_tokens=900)
    stock, stock_url = serving(says="ac", num_tokens=900, knows_budgets=False)
    with ours, stock:
        code, output = told(folder, url, "--stock-url", stock_url)
        ours.shutdown()
        stock.shutdown()
    assert code == 2 and "| off | 1 | 0 | 1 | 0 | 1 | 0 |" in output and "0.0050 apart (a tie)" in output, output


def test_one_prompt_of_another_length_fails(folder: Path, expected: Answer) -> None:
    longer, url = serving(says=expected.text, num_tokens=expected.num_tokens + 1)
    with longer:
        code, output = told(folder, url)
        longer.shutdown()
    assert code == 2 and "0 of 1 prompts are of the same length" in output, output


def test_questions_of_several_folders(folder: Path, expected: Answer) -> None:
    right, url = serving(says=expected.text, num_tokens=expected.num_tokens)
    with right:
        code, output = told(folder, url, str(folder))
        right.shutdown()
    assert code == 0 and "1 pictures, 2 questions, 2 requests" in output and "same FOLDER FOLDER " in output, output


def test_mistakes_are_one_line(folder: Path) -> None:
    code, output = told(folder, "http://127.0.0.1:9")
    assert code == 2 and "nothing was answered" in output
    code, output = told(folder, "http://127.0.0.1:9", "--budgets", "off")
    assert code == 2 and "--stock-url" in output


def test_a_tie_is_named() -> None:
    expected = Answer("ab", 10, gaps=(3.0, 0.001), starts=("a", "ab"))
    rows = table([Compared(Ask(RECEIPT, "?"), "64", Answer("ac", 10), expected)], ["64"])
    assert "0.0010 apart (a tie)" in rows
