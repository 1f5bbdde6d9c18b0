"""Both pages in a real Chromium, used as a person would; skipped where playwright, gradio or Chromium is missing.

More of the demo is driven by test_browser_demo.py (slow); `make test-browser` runs both.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import pytest
from conftest import draw
from PIL import Image

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")
gradio_client = pytest.importorskip("gradio_client")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install -e '.[dev]'")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; on Debian: apt-get install chromium")

EXAMPLES = Path(__file__).resolve().parent.parent / "arr_coc" / "examples"
PATIENCE_MS = 120_000
UPLOAD_MB = 20
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
SERVER = """
import sys, threading
from arr_coc.apps.demo import build_demo
from arr_coc.apps.microscope import build_microscope
from arr_coc.apps.pages import launch_options
ports = [int(port) for port in sys.argv[1:3]]
for page, port in zip((build_demo(reports=sys.argv[4]), build_microscope(["nano"], reports=sys.argv[3])), ports):
    page.launch(server_name="127.0.0.1", server_port=port, quiet=True, prevent_thread_lock=True, **launch_options(20))
threading.Event().wait()
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Iterator[tuple[str, str, Path]]:
    """Addresses of demo and microscope, and the folder with what was uploaded."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "reports").mkdir()
    (folder / "reports" / "report.html").write_text("<h1>Evaluation of nano</h1>")
    ports = free_ports(2)
    environment = os.environ | {"GRADIO_TEMP_DIR": str(folder / "uploads"), "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, "-c", SERVER, *map(str, ports), str(folder / "reports"), str(folder / "told")]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for port in ports:
            wait_for(port, server, folder / "log")
        yield f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", folder / "uploads"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    end = monotonic() + 240
    while monotonic() < end:
        assert server.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.2)
    raise AssertionError(f"no server on port {port}: {log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture()
def visit(browser):
    """Opens an address in a context of its own; foreign requests and errors on the page fail the test."""
    contexts, foreign, errors = [], [], []

    def open_page(address: str, width: int = 1280, height: int = 900, scheme: str = "light") -> sync_api.Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: foreign.append(request.url) if is_foreign(request.url, address) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#question textarea")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not foreign and not errors


def is_foreign(url: str, address: str) -> bool:
    return not url.startswith((address.partition("?")[0], "data:", "blob:"))


def upload(page: sync_api.Page, file: Path | dict) -> None:
    page.locator("#picture input[type=file]").first.set_input_files(file)


def wait_for_upload(page: sync_api.Page) -> None:
    page.wait_for_selector("#picture img")


def tab_to(page: sync_api.Page, selector: str, most: int = 80) -> None:
    """Presses Tab until the focus is there."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached by Tab")


def ask(page: sync_api.Page, question: str) -> str:
    """The text of the finished answer, with its question, which must not have been asked before on this page."""
    page.locator("#question textarea").fill(question)
    page.locator("#ask").click()
    page.wait_for_function(
        "q => { const a = document.querySelector('#answer'); return a.innerText.includes(q) && "
        "a.querySelector('.trouble, .is-done'); }",
        arg=question,
    )
    return page.locator("#answer").inner_text()


def violations(axe, page: sync_api.Page) -> list[str]:
    """What axe finds wrong with contrast, names and roles, a line each."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for each in axe.run(page, options=options).response["violations"]
        for node in each["nodes"]
    ]


def has_no_sideways_scroll(page: sync_api.Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_one_click_from_the_start_page_shows_why_resize_is_wrong(pages, visit) -> None:
    """Nothing is chosen or typed: the page opens with its first example."""
    page = visit(pages[0])
    page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
    page.wait_for_selector("#picture img")
    page.locator("#ask").click()
    page.wait_for_selector("#answer .is-done")
    assert page.locator("#answer .verdict").all_inner_texts() == ["✓ right", "✗ wrong", "✓ right"]
    assert "The right answer: 6807" in page.locator("#answer").inner_text()
    captions = page.locator("#evidence figcaption").all_inner_texts()
    assert ["19 pixels" in caption for caption in captions] == [True, False, True] and "8 pixels" in captions[1]
    assert page.evaluate("document.querySelector('#evidence').getBoundingClientRect().bottom <= innerHeight")
    num_tokens = int(page.locator("#answer .arr-way li b").first.inner_text())
    assert page.locator("#leaves .arr-pane").last.locator(".arr-tokens i").count() == num_tokens
    assert has_no_sideways_scroll(page)


def test_eight_people_each_get_their_own_answer(pages, tmp_path) -> None:
    """A 640x640 picture has a glimpse of 25 cells, so a budget costs 25 tokens and 3 for every split."""

    def one(number: int) -> tuple[int, dict]:
        path = tmp_path / f"{number}.png"
        draw(640, 640, seed=number).save(path)
        client = gradio_client.Client(pages[0], verbose=False, analytics_enabled=False, download_files=False)
        values = gradio_client.handle_file(path), f"What is number {number}?", 70 + 10 * number, False
        return number, client.predict(*values, api_name="/ask")

    with ThreadPoolExecutor(8) as people:
        for number, values in people.map(one, range(8)):
            assert values["tokens"] == len(values["leaves"]) == 25 + (70 + 10 * number - 25) // 3 * 3
            assert values["question"] == f"What is number {number}?" and values["others"] == {}


def test_microscope_fits_a_phone(pages, visit) -> None:
    page = visit(pages[1], 390, 844)
    for name in ("Inside", "History", "Batch", "Report", "Side by side"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_selector(f"button[role=tab][aria-selected=true]:has-text('{name}')")
        assert has_no_sideways_scroll(page), name


def test_microscope_compares_exports_and_reloads(pages, visit, tmp_path) -> None:
    page = visit(pages[1], 1440)
    page.locator("#examples button").first.click()
    page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
    question = page.locator("#question textarea").input_value()
    page.locator("#compare").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('in memory')")
    assert page.locator("#cards .arr-card").count() == 2
    assert page.locator("#cards .arr-card").first.locator("b").count() > 0
    page.get_by_role("tab", name="Inside").click()
    page.wait_for_selector("#scores img")
    page.wait_for_selector("#textures img")
    assert "budget 160" in page.locator("#tensions").inner_text()
    page.get_by_role("tab", name="History").click()
    for kind, read in (("csv", lambda text: text.splitlines()[1:]), ("json", json.loads)):
        page.wait_for_selector(f"#export-{kind}:not([disabled])")
        with page.expect_download() as download:
            page.locator(f"#export-{kind}").click()
        download.value.save_as(tmp_path / kind)
        assert len(read((tmp_path / kind).read_text())) == 2 and question in (tmp_path / kind).read_text()
    page.locator("#question textarea").fill("Something else?")
    page.locator("#reload").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('again')")
    assert page.locator("#question textarea").input_value() == question
    page.get_by_role("tab", name="Report").click()
    page.wait_for_selector("#report iframe")
    page.locator("#which-report input").click()
    page.get_by_role("option", name="report.html", exact=True).click()
    page.wait_for_function("document.querySelector('#report iframe').srcdoc.includes('Evaluation of nano')")
    assert "Evaluation of nano" in page.frame_locator("#report iframe").locator("h1").inner_text()
    assert has_no_sideways_scroll(page)


def test_microscope_draws_looks_again_and_remembers(pages, visit) -> None:
    """A box is drawn, tensions are set by slider, and after a reload both looks are in the history."""
    page = visit(pages[1], 1440)
    page.locator("#examples button").first.click()
    page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
    page.locator("#drawing > button").first.click()
    image = page.locator("#canvas img")
    image.wait_for()
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#drawn-evidence textarea, #drawn-evidence input').value.length > 6")
    width, height = Image.open(EXAMPLES / "receipt.jpg").size
    drawn = [
        float(side)
        for side in page.locator("#drawn-evidence textarea, #drawn-evidence input").first.input_value().split()
    ]
    wanted = [width / 4, height / 4, width / 2, height / 2]
    assert all(abs(a - b) < 0.02 * max(width, height) for a, b in zip(drawn, wanted, strict=True)), (drawn, wanted)
    page.locator("#compare").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('in memory')")
    page.get_by_role("tab", name="Inside").click()
    page.wait_for_selector("#scores img")
    page.locator("#set-budget input[type=number]").fill("250")
    page.locator("#set-budget input[type=number]").press("Enter")
    page.locator("#again").click()
    page.wait_for_function("document.querySelector('#tensions').innerText.includes('budget 250')")
    assert "Set by hand" in page.locator("#tensions").inner_text()
    page.reload()
    page.get_by_role("tab", name="History").click()
    page.wait_for_function("document.querySelector('#history').innerText.includes('by hand')")
    page.locator("#pair-up").click()
    page.wait_for_selector("#pair .arr-card")
    assert "picture: the same" in page.locator("#pair").inner_text()


def test_a_batch_opens_its_rows(pages, visit) -> None:
    page = visit(pages[1], 1440)
    page.get_by_role("tab", name="Batch").click()
    page.locator("#limit input").fill("2")
    page.locator("#batch-name textarea, #batch-name input").first.fill("two questions")
    page.locator("#run-batch").click()
    page.wait_for_function("document.querySelector('#batch-status').innerText.includes('4 answers')")
    page.wait_for_selector("#batch-csv:not([disabled])")
    page.locator("#row input").fill("2")
    page.locator("#open-inside").click()
    page.wait_for_selector("#scores img")
    assert page.locator("#question textarea").input_value()
    assert page.locator("#accepted textarea, #accepted input").first.input_value()
