"""`arr-coc load`: times and failures as a server gives them, on one that is written here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from arr_coc.cli.main import app
from arr_coc.serving.load import Measured, Reply, has_token, table

SLOW_S = 0.15


class Answering(BaseHTTPRequestHandler):
    """Streams "yes"; "off" takes a while and every picture under the budget 64 fails."""

    seen: list[dict] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append(body)
        budget = body["mm_processor_kwargs"]["budget"]
        if budget == 64:
            self.send_error(400, "no")
            return
        if budget == "off":
            time.sleep(SLOW_S)
        pieces = [
            {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
            {"choices": [{"delta": {"content": "yes"}}]},
            {"choices": [], "usage": {"prompt_tokens": 1000 if budget == "off" else 170}},
        ]
        text = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    Answering.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    lines = []
    for number in range(3):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{number}.png")
        lines += [{"image": f"{number}.png", "question": f"{number}{part}?", "answers": ["yes"]} for part in "ab"]
    (tmp_path / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def test_a_question_a_picture_at_every_budget(server: str, pictures: Path) -> None:
    told = CliRunner().invoke(app, ["load", str(pictures), "--url", server, "--budgets", "160,off", "--clients", "2"])
    assert told.exit_code == 0, told.output
    asked = sorted((body["mm_processor_kwargs"]["budget"], body["messages"][0]["content"][1]["text"]) for body in
                   Answering.seen if body["mm_processor_kwargs"]["budget"] == 160)  # fmt: skip
    assert asked == [(160, "0a?"), (160, "1a?"), (160, "2a?")] and len(Answering.seen) == 6
    rows = [line for line in told.output.splitlines() if line.startswith(("| 160", "| off"))]
    assert "| 3 | 0 | 170 |" in rows[0] and "| 3 | 0 | 1000 |" in rows[1]
    assert "160 against off" in told.output


def test_failures_are_counted_and_a_server_that_is_not_there_is_one_line(server: str, pictures: Path) -> None:
    told = CliRunner().invoke(app, ["load", str(pictures), "--url", server, "--budgets", "64,off"])
    assert told.exit_code == 0 and "| 64 | 0 | 3 |" in told.output
    gone = CliRunner().invoke(app, ["load", str(pictures), "--url", "http://127.0.0.1:9", "--budgets", "64"])
    assert gone.exit_code == 2 and "nothing was answered" in gone.stderr
    wrong = CliRunner().invoke(app, ["load", str(pictures), "--budgets", "7"])
    assert wrong.exit_code == 2 and "64 to 400" in wrong.stderr


def test_percentiles_and_ratio() -> None:
    fast = Measured("160", tuple(Reply(0.1 * n, 0.2 * n, 170) for n in range(1, 11)), 2.0)
    slow = Measured("off", (*(Reply(1.0 * n, 2.0 * n, 900) for n in range(1, 11)), Reply(0, 0, 0, "500")), 20.0)
    assert fast.per_second == 5.0 and slow.per_second == 0.5 and slow.percentiles("first")[0] == pytest.approx(5.5)
    assert "10.00 times the requests a second" in table([fast, slow])
    assert "first token 10.00 times as soon, whole answer 10.00 times" in table([fast, slow])
    silent = Measured("off", (Reply(float("nan"), 2.0, 900),), 2.0)
    assert (
        "| - / - / - | 2.000 /" in table([fast, silent]) and "first token" not in table([fast, silent]).split("\n\n")[1]
    )


def test_a_token_is_told_by_text_or_by_the_servers_count() -> None:
    role = {"choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": {"completion_tokens": 0}}
    text = {"choices": [{"delta": {"content": "yes"}}]}
    special = {"choices": [{"delta": {"content": ""}}], "usage": {"completion_tokens": 1}}
    summary = {"choices": [], "usage": {"completion_tokens": 8}}
    assert [has_token(each) for each in (role, text, special, summary)] == [False, True, True, False]
