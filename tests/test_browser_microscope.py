"""The microscope in a real Chromium: by keyboard alone, by axe, looks paged through; `make test-browser`."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed; pip install -e '.[dev]'")

from test_browser import (  # noqa: E402, F401
    CHROMIUM,
    browser,
    has_no_sideways_scroll,
    pages,
    tab_to,
    violations,
    visit,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; on Debian: apt-get install chromium"),
]

TABS = ("Side by side", "Inside", "History", "Batch", "Report")


@pytest.fixture()
def microscope(pages, visit):  # noqa: F811
    """Opens the microscope with its first example and that example's first question."""

    def open_microscope(**options):
        page = visit(pages[1], **options)
        page.locator("#examples button").first.click()
        page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
        page.wait_for_function("document.querySelector('#picture img')?.complete")
        return page

    return open_microscope


def budget(page, name: str):
    return page.locator(f"#budgets label:has-text('{name}') input")


def compare(page) -> None:
    page.locator("#compare").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('in memory')")


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(f"button[role=tab][aria-selected=true]:has-text('{name}')")


def test_looks_are_paged_through_and_come_back_from_the_history(microscope) -> None:
    page = microscope(width=1440)
    budget(page, "160").uncheck()
    budget(page, "until sure").check()
    compare(page)
    card = page.locator("#cards .arr-card")
    assert card.count() == 1, "the resize has no such budget"
    looks, panes = card.locator(".arr-looks label"), card.locator(".arr-pane")
    count = looks.count()
    assert count > 1 and panes.last.is_visible() and not panes.first.is_visible()
    looks.first.click()
    assert panes.first.is_visible() and not panes.last.is_visible()
    drafts = looks.all_inner_texts()
    open_tab(page, "Inside")
    page.wait_for_selector("#scores img >> visible=true")
    page.locator("#inside-variant input").click()
    page.get_by_role("option", name="look 1").click()
    page.wait_for_function("document.querySelector('#splitting').innerText.startsWith('64 tokens')")
    open_tab(page, "History")
    page.wait_for_function("document.querySelector('#history').innerText.includes('until sure')")
    page.locator("#reload").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('again')")
    assert page.locator("#cards .arr-looks label").all_inner_texts() == drafts
    assert budget(page, "until sure").is_checked() and not budget(page, "160").is_checked()
    assert has_no_sideways_scroll(page)


def test_keyboard_alone(microscope) -> None:
    """From the question to an answer, to its leaves, through all tabs, and to a note in the history."""
    page = microscope(width=1440)
    budget(page, "160").focus()
    page.keyboard.press("Space")
    budget(page, "until sure").focus()
    page.keyboard.press("Space")
    assert budget(page, "until sure").is_checked()
    page.locator("#question textarea").focus()
    tab_to(page, "#compare")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#status').innerText.includes('in memory')")
    tab_to(page, "button[role=tab][aria-selected=true]")
    tab_to(page, ".arr-looks input")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#cards .arr-pane").nth(-2).is_visible()
    tab_to(page, "#cards .arr-tokens i")
    place = "document.activeElement.style.left"
    first = page.evaluate(place)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(place) != first and "sharp" in page.evaluate("document.activeElement.ariaLabel")
    page.locator("button[role=tab][aria-selected=true]").focus()
    for name in TABS[1:]:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"button[role=tab][aria-selected=true]:has-text('{name}')")
    open_tab(page, "Inside")
    tab_to(page, "#round input[type=range]")
    before = page.locator("#splitting").inner_text()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("before => document.querySelector('#splitting').innerText !== before", arg=before)
    tab_to(page, "#again")
    open_tab(page, "History")
    tab_to(page, "#note textarea, #note input")
    page.keyboard.type("by keyboard")
    tab_to(page, "#save-note")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#history').innerText.includes('by keyboard')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(microscope, scheme: str, width: int) -> None:
    """Contrast, names and roles of every tab, with two variants compared, one of them until it was sure."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e '.[dev]'").Axe()
    page = microscope(width=width, height=900, scheme=scheme)
    page.locator("#drawing > button").first.click()
    budget(page, "until sure").check()
    compare(page)
    found = []
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(700)
        found += [f"{name}: {line}" for line in violations(axe, page)]
    assert not found, "\n".join(found)
