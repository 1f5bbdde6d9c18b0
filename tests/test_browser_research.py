"""What a researcher keeps in the microscope, in a real Chromium: history, batches, labels; `make test-browser`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install -e '.[dev]'")

from test_browser import (  # noqa: E402, F401
    CHROMIUM,
    EXAMPLES,
    browser,
    free_ports,
    has_no_sideways_scroll,
    visit,
    wait_for,
)
from test_browser_microscope import TABS, compare, open_tab  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; on Debian: apt-get install chromium"),
]
RUN = "from arr_coc.cli.main import main; main()"
LIGHT_BACKGROUNDS = """() => [...document.querySelectorAll('body, body *')].filter(e => {
    const { width, height } = e.getBoundingClientRect();
    const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
    return e.checkVisibility() && width * height > 900 && a > 0.5 && Math.min(r, g, b) > 200;
}).map(e => e.outerHTML.slice(0, 120))"""


@contextmanager
def microscope_of(history: Path, *options: str) -> Iterator[str]:
    """The address of a microscope started by its command, as long as the block."""
    [port] = free_ports(1)
    command = [sys.executable, "-c", RUN, "microscope", "--history", str(history), "--port", str(port), *options]
    log = history.with_suffix(".log")
    with open(log, "w") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two pictures without a question."""
    pictures = tmp_path_factory.mktemp("pictures")
    for name in ("form.jpg", "receipt.jpg"):
        (pictures / name).write_bytes((EXAMPLES / name).read_bytes())
    return pictures


@pytest.fixture(scope="module")
def address(tmp_path_factory, folder) -> Iterator[str]:
    history = tmp_path_factory.mktemp("microscope") / "history.sqlite3"
    with microscope_of(history, "--folders", str(folder)) as address:
        yield address


@pytest.fixture()
def page(address, visit):  # noqa: F811
    """The microscope with its first example and that example's first question."""
    return with_example(visit(address, width=1440))


def with_example(page):
    page.locator("#examples button").first.click()
    page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
    page.wait_for_function("document.querySelector('#picture img')?.complete")
    return page


def says(page, place: str, words: str) -> None:
    """Waits until the place says the words."""
    arguments = [place, words]
    page.wait_for_function("([place, words]) => document.querySelector(place).innerText.includes(words)", arg=arguments)


def write(page, field: str, text: str) -> None:
    page.locator(f"{field} textarea, {field} input").first.fill(text)
    page.locator(f"{field} textarea, {field} input").first.blur()


def choose(page, field: str, option: str) -> None:
    page.locator(f"{field} input").first.click()
    page.get_by_role("option", name=option).first.click()


def only_policy(page, field: str, name: str) -> None:
    """The policy alone: those chosen before are taken away by Backspace."""
    box = page.locator(f"{field} input").first
    box.click()
    while page.locator(f"{field} .token").count():
        box.press("Backspace")
    page.get_by_role("option", name=name, exact=True).click()
    box.press("Escape")


def start_batch(page, name: str, questions: int, policy: str = "resize") -> None:
    open_tab(page, "Batch")
    page.locator("#limit input").fill(str(questions))
    page.locator("#limit input").press("Tab")
    only_policy(page, "#batch-policies", policy)
    write(page, "#batch-name", name)
    page.locator("#run-batch").click()


def test_history_survives_a_restart_and_moves_to_another_file(visit, tmp_path) -> None:  # noqa: F811
    first, second, pack = tmp_path / "first.sqlite3", tmp_path / "second.sqlite3", tmp_path / "pack.jsonl"
    with microscope_of(first) as address:
        page = with_example(visit(address, width=1440))
        compare(page)
        answer = page.locator("#cards .arr-card").last.inner_text()
        open_tab(page, "History")
        says(page, "#history-status", "1 of 1 entries")
        write(page, "#note", "the foot is sharp")
        page.locator("#save-note").click()
        says(page, "#history", "the foot is sharp")
    with microscope_of(first) as address:
        page = visit(address, width=1440)
        open_tab(page, "History")
        says(page, "#history", "the foot is sharp")
        write(page, "#search", "nowhere to be found")
        says(page, "#history-status", "0 of 1 entries")
        write(page, "#search", "foot sharp")
        says(page, "#history-status", "1 of 1 entries")
        page.locator("#pack").click()
        page.wait_for_selector("#export-all:not([disabled])")
        with page.expect_download() as download:
            page.locator("#export-all").click()
        download.value.save_as(pack)
    with microscope_of(second) as address:
        page = visit(address, width=1440)
        open_tab(page, "History")
        says(page, "#history-status", "0 of 0 entries")
        with page.expect_file_chooser() as chooser:
            page.locator("#import").click()
        chooser.value.set_files(pack)
        says(page, "#history", "the foot is sharp")
        page.locator("#reload").click()
        says(page, "#status", "again")
        assert page.locator("#cards .arr-card").last.inner_text() == answer


def test_a_folder_is_labelled_by_hand_and_asked(page, folder) -> None:
    open_tab(page, "Batch")
    page.locator("#labelling > button").first.click()
    page.locator("#drawing > button").first.click()
    for question, accepted in (("What is the number?", "14 | fourteen"), ("Who sold it?", "Fern")):
        page.locator("#label-next").click()
        page.wait_for_function("document.querySelector('#question textarea').value === ''")
        page.wait_for_function("document.querySelector('#picture img')?.complete")
        page.locator("#suggestions").wait_for(state="hidden")  # those were about another picture
        write(page, "#question", question)
        write(page, "#accepted", accepted)
        write(page, "#drawn-evidence", "10 10 90 40")
        page.locator("#label-save").click()
        says(page, "#label-status", "saved")
    page.locator("#label-next").click()
    says(page, "#label-status", "Every picture of the folder has a question")
    lines = [json.loads(line) for line in (folder / "qa.jsonl").read_text().splitlines()]
    assert {line["image"] for line in lines} == {"form.jpg", "receipt.jpg"}
    assert lines[0]["answers"] == ["14", "fourteen"] and lines[0]["boxes"] == [[10, 10, 90, 40]]
    choose(page, "#task", folder.name)
    start_batch(page, "my own folder", 10)
    says(page, "#batch-status", "2 answers")
    says(page, "#batch-table", "Who sold it?")


def test_a_batch_is_stopped_goes_on_and_is_exported(page, tmp_path) -> None:
    start_batch(page, "stopped and gone on", 240)
    says(page, "#batch-status", "of 240 answers")
    page.locator("#stop-batch").click()
    says(page, "#batch-status", "run it again under its name")
    page.reload()
    open_tab(page, "Batch")
    choose(page, "#earlier", "stopped and gone on")
    page.locator("#show-batch").click()
    says(page, "#batch-status", "of 240")
    before = int(page.locator("#batch-status").inner_text().split()[0])
    assert 0 < before < 240
    start_batch(page, "stopped and gone on", 240)
    page.wait_for_function("document.querySelector('#batch-status').innerText.trim() === '240 answers'")
    page.wait_for_selector("#batch-csv:not([disabled])")
    with page.expect_download() as download:
        page.locator("#batch-csv").click()
    download.value.save_as(tmp_path / "batch.csv")
    told = (tmp_path / "batch.csv").read_bytes()
    assert told.startswith(b"\xef\xbb\xbf") and len(told.decode("utf-8-sig").splitlines()) == 241
    page.locator("#row input").fill("3")
    page.locator("#open-cards").click()
    says(page, "#status", "in memory")
    assert page.locator("#cards .arr-card").count() == 1


def test_a_comparison_does_not_wait_for_a_batch(page) -> None:
    start_batch(page, "a long one", 200)
    says(page, "#batch-status", "of 200 answers")
    compare(page)
    assert page.locator("#cards .arr-card").count() == 2
    open_tab(page, "Batch")
    assert "of 200 answers" in page.locator("#batch-status").inner_text()
    page.locator("#stop-batch").click()
    says(page, "#batch-status", "run it again under its name")


def test_an_answer_of_ones_own_is_scored_and_a_region_is_looked_at(page) -> None:
    write(page, "#question", "Which words did nobody else ask for?")
    write(page, "#accepted", "no such answer | none")
    page.locator("#drawing > button").first.click()
    write(page, "#drawn-region", "0 0 100 60")
    compare(page)
    cards = page.locator("#cards .arr-card")
    assert cards.count() == 3 and "score 0.00" in cards.first.inner_text(), cards.first.inner_text()
    chosen = cards.last.inner_text()
    assert "by hand" in chosen or "region" in chosen, chosen
    leaves = cards.last.locator(".arr-tokens i").evaluate_all(
        "all => all.map(leaf => ['left', 'top', 'width'].map(side => parseFloat(leaf.style[side])))"
    )
    in_the_corner = [width for left, top, width in leaves if left == top == 0]
    assert in_the_corner == [min(width for *_, width in leaves)]


def test_a_baseline_is_looked_into_and_every_policy_is_explained(page) -> None:
    only_policy(page, "#policies", "mmtok")
    says(page, "#policies-told", "mmtok")
    assert page.locator("#policies-told li").count() == 1
    compare(page)
    open_tab(page, "Inside")
    says(page, "#splitting", "tokens, kept at once")
    assert 0 < page.locator("#splitting .arr-tokens i").count() <= 160


def test_nothing_is_white_in_the_dark(address, visit) -> None:  # noqa: F811
    page = with_example(visit(address, width=1440, scheme="dark"))
    compare(page)
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(500)
        assert not page.evaluate(LIGHT_BACKGROUNDS), name
        assert has_no_sideways_scroll(page), name


def test_a_password_is_asked_for(browser, tmp_path) -> None:  # noqa: F811
    with microscope_of(tmp_path / "history.sqlite3", "--password", "fern") as address:
        page = browser.new_context().new_page()
        page.goto(address)
        page.locator("input[type=password]").wait_for()
        assert page.locator("#question").count() == 0
        for word, opens in (("moss", False), ("fern", True)):
            page.locator("label:has-text('username') input, input[type=text]").first.fill("arr-coc")
            page.locator("input[type=password]").fill(word)
            page.get_by_role("button", name="Login").click()
            page.wait_for_timeout(2000)
            assert (page.locator("#question").count() > 0) == opens, word
        page.context.close()
