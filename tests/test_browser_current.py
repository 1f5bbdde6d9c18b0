"""In a real Chromium: what ends an answer in the demo, and what it leaves; see `apps/current.py`."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install -e '.[dev]'")

from conftest import draw  # noqa: E402
from test_browser import browser, pages, visit  # noqa: E402, F401
from test_browser_demo import CLEARED, cheaper, demo, press_ask, pytestmark  # noqa: E402, F401

STOP_AFTER_A_VERDICT = """() => new MutationObserver((_, observer) => {
    if (!document.querySelector('#answer .is-busy .verdict')) return;
    observer.disconnect();
    window.stopped = true;
    document.querySelector('#stop').click();
}).observe(document.querySelector('#answer'), { childList: true, subtree: true })"""
"""At once: the ways that are left may take less than the click of a person."""


def test_another_picture_during_an_answer_ends_it(demo) -> None:  # noqa: F811
    page = demo()
    page.locator("#ask").click()
    page.wait_for_selector("#answer .is-busy")
    page.locator("#examples button").nth(3).click()
    page.wait_for_function("document.querySelector('#question textarea').value.includes('row')")
    page.wait_for_function(CLEARED)
    page.wait_for_timeout(4000)
    assert page.evaluate(CLEARED) and "6807" not in page.locator("#answer").inner_text()
    press_ask(page)
    assert page.locator("#answer .verdict").count() == 3


def test_another_picture_after_two_questions_at_once_leaves_nothing_of_either(demo) -> None:  # noqa: F811
    page = demo()
    page.locator("#ask").click()
    page.wait_for_selector("#answer .is-busy")
    page.locator("#suggestions button").nth(1).click()
    page.locator("#ask").click()
    page.locator("#examples button").nth(4).click()
    page.wait_for_function("document.querySelector('#question textarea').value.includes('bar')")
    page.wait_for_timeout(6000)
    assert page.evaluate(CLEARED) and "Error" not in page.locator("#answer").inner_text()
    press_ask(page)
    assert "bar" in page.locator("#answer .arr-asked").inner_text() and not page.locator("#thread details").count()


def test_stop_ends_the_answer_and_the_next_one_comes(demo) -> None:  # noqa: F811
    page = demo()
    assert page.locator("#stop").is_disabled()
    page.locator("#ask").click()
    page.locator("#stop:not([disabled])").click()
    page.wait_for_function("document.querySelector('#answer').innerText.toLowerCase().includes('stopped')")
    page.wait_for_selector("#stop[disabled]")
    press_ask(page)
    assert page.locator("#stop").is_disabled()
    page.locator("#suggestions button").nth(2).click()
    page.evaluate(STOP_AFTER_A_VERDICT)
    page.locator("#ask").click()
    page.wait_for_selector("#answer .is-done")
    assert page.evaluate("window.stopped")
    assert page.locator("#answer .verdict").count() >= 1


def test_upload_keeps_the_old_picture_until_there_is_another(demo, tmp_path) -> None:  # noqa: F811
    draw(500, 400).save(tmp_path / "mine.png")
    page = demo()
    cheaper(page)
    press_ask(page)
    with page.expect_file_chooser() as chooser:
        page.locator("#picture button[aria-label='Upload file']").click()
    assert page.locator("#picture img").count() and page.locator("#answer .verdict").count()
    before = page.locator("#picture img").get_attribute("src")
    chooser.value.set_files(tmp_path / "mine.png")
    page.wait_for_function("before => document.querySelector('#picture img')?.src !== before", arg=before)
    page.wait_for_function(CLEARED)
