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
from arr_coc.serving.capacity import read_rate
from arr_coc.serving.load import Ask, Measured, Reply, Setting, has_token, in_rounds, table

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
    options = ["--url", server, "--budgets", "160,off", "--clients", "2", "--out", str(pictures / "load.md")]
    told = CliRunner().invoke(app, ["load", str(pictures), *options])
    assert told.exit_code == 0, told.output
    asked = sorted((body["mm_processor_kwargs"]["budget"], body["messages"][0]["content"][1]["text"]) for body in
                   Answering.seen if body["mm_processor_kwargs"]["budget"] == 160)  # fmt: skip
    assert asked == [(160, "0a?"), (160, "1a?"), (160, "2a?")] and len(Answering.seen) == 6
    rows = [line for line in told.output.splitlines() if line.startswith(("| 160", "| off"))]
    assert "| 3 | 0 | 100% | 170 |" in rows[0] and "| 3 | 0 | 100% | 1000 |" in rows[1]
    assert all("(3 of 3)" in row for row in rows)
    assert "160 against off" in told.output
    assert read_rate(pictures / "load.md", 160).num_slots == 2  # what `arr-coc plan --load` takes from it


def test_failures_are_counted_and_a_server_that_is_not_there_is_one_line(server: str, pictures: Path) -> None:
    told = CliRunner().invoke(app, ["load", str(pictures), "--url", server, "--budgets", "64,off"])
    assert told.exit_code == 0 and "| 64 | 0 | 3 | 0% |" in told.output
    gone = CliRunner().invoke(app, ["load", str(pictures), "--url", "http://127.0.0.1:9", "--budgets", "64"])
    assert gone.exit_code == 2 and "nothing was answered" in gone.stderr
    wrong = CliRunner().invoke(app, ["load", str(pictures), "--budgets", "7"])
    assert wrong.exit_code == 2 and "64 to 400" in wrong.stderr


def test_requests_arrive_at_a_rate_answered_or_not(server: str, pictures: Path) -> None:
    asked = ["load", str(pictures), "--url", server, "--rates", "50,25,100", "--within", "0.1"]
    told = CliRunner().invoke(app, [*asked, "--budgets", "160,off"])
    assert told.exit_code == 0, told.output
    rows = [line for line in told.output.splitlines() if line.startswith(("| 160", "| off"))]
    assert len(rows) == 6 and "| 160 | 50 | 1 | 0 | 100% | 170 |" in rows[0]
    assert "(1 of 1)" in rows[0] and "(0 of 1)" in rows[1]
    assert "160 against off at 25 a second: 100% within 0.1 s against 0%" in told.output
    assert len({body["messages"][0]["content"][1]["text"] for body in Answering.seen}) == 3
    CliRunner().invoke(app, [*asked, "--budgets", "160", "--out", str(pictures / "rates.md")])
    with pytest.raises(ValueError, match="measured with --clients"):
        read_rate(pictures / "rates.md", 160)
    for wrong, word in (("0", "requests a second"), ("x", "requests a second"), ("1,2,3,4", "picture each")):
        told = CliRunner().invoke(app, ["load", str(pictures), "--rates", wrong])
        assert told.exit_code == 2 and word in told.stderr
    assert CliRunner().invoke(app, ["load", str(pictures), "--rates", "1,1.0"]).exit_code == 2


def test_arrivals_are_chance_but_the_same_for_every_budget() -> None:
    times = Setting("160", 4.0).arrivals(4000, 0)
    assert times == Setting("off", 4.0).arrivals(4000, 0) != Setting("off", 4.0).arrivals(4000, 1)
    assert times == sorted(times) and times[-1] / 4000 == pytest.approx(0.25, rel=0.1)
    assert Setting("160").arrivals(3, 0) == [0.0] * 3


def test_rounds_ask_every_picture_once_a_setting_and_share_them_between_rates() -> None:
    asks = [Ask(Path(f"{number}.png"), "?") for number in range(11)]
    closed = [each for part in in_rounds(asks, [Setting("64"), Setting("off")], 2) for each in part]
    assert [setting.budget for setting, _ in closed] == ["64", "off", "off", "64"]
    assert [len(group) for _, group in closed] == [8, 8, 3, 3]
    settings = [Setting(budget, rate) for rate in (1.0, 2.0) for budget in ("64", "off")]
    seen: dict[Setting, list[Ask]] = {}
    for setting, group in (each for part in in_rounds(asks, settings, 2) for each in part):
        seen.setdefault(setting, []).extend(group)
    assert seen[settings[0]] == seen[settings[1]] and seen[settings[2]] == seen[settings[3]]
    assert len(seen[settings[0]]) == 5 and not set(seen[settings[0]]) & set(seen[settings[2]])


def test_right_and_in_time() -> None:
    replies = (Reply(0.1, 0.5, 9, text="yes", score=1.0), Reply(0.1, 2.0, 9, score=0.0), Reply(0, 0, 0, "500"))
    measured = Measured(Setting("160"), replies, 4.0)
    assert measured.right == pytest.approx(100 / 3) and measured.goodput(1.0) == 0.25
    assert "| 33% |" in table([measured], 1.0) and "| 0.25 (1 of 3) |" in table([measured], 1.0)
    nobody_knows = Measured(Setting("160"), (Reply(0.1, 0.5, 9),), 1.0)
    assert "| 1 | 0 | - | 9 |" in table([nobody_knows], 1.0)


def test_percentiles_and_ratio() -> None:
    fast = Measured(Setting("160"), tuple(Reply(0.1 * n, 0.2 * n, 170) for n in range(1, 11)), 2.0)
    slow = Measured(
        Setting("off"), (*(Reply(1.0 * n, 2.0 * n, 900) for n in range(1, 11)), Reply(0, 0, 0, "500")), 20.0
    )
    assert fast.per_second == 5.0 and slow.per_second == 0.5 and slow.percentiles("first")[0] == pytest.approx(5.5)
    assert "10.00 times the requests a second" in table([fast, slow], 1.0)
    assert "first token 10.00 times as soon, whole answer 10.00 times" in table([fast, slow], 1.0)
    silent = Measured(Setting("off"), (Reply(float("nan"), 2.0, 900),), 2.0)
    assert (
        "| - / - / - | 2.000 /" in table([fast, silent], 1.0)
        and "first token" not in table([fast, silent], 1.0).split("\n\n")[1]
    )


def test_a_token_is_told_by_text_or_by_the_servers_count() -> None:
    role = {"choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": {"completion_tokens": 0}}
    text = {"choices": [{"delta": {"content": "yes"}}]}
    special = {"choices": [{"delta": {"content": ""}}], "usage": {"completion_tokens": 1}}
    summary = {"choices": [], "usage": {"completion_tokens": 8}}
    assert [has_token(each) for each in (role, text, special, summary)] == [False, True, True, False]
