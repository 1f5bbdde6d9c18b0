"""`make screenshots`: the pages' favicon and preview, and screenshots of their main states for the documents.

It starts the pages, drives them in Chromium, and writes only pictures under `LIMIT` bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from gradio import Blocks
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
ASSETS, IMAGES = ROOT / "arr_coc" / "apps" / "assets", ROOT / "docs" / "images"
LIMIT, TEAL, INK, PAPER = 200_000, "#0d9488", "#1e293b", "#f8fafc"
CELLS = ((0, 0, 2), (2, 0, 2), (0, 2, 2), (2, 2, 1), (3, 2, 1), (2, 3, 1), (3, 3, 1))
"""Column, row and side of the mark's cells, in quarters: a coarse picture with one fine corner."""


def draw_mark(side: int) -> Image.Image:
    """The mark: cells on nothing, the fine ones in teal; drawn four times as large."""
    large = Image.new("RGBA", (4 * side, 4 * side))
    pen, quarter, gap = ImageDraw.Draw(large), side, max(1, side // 12)
    for col, row, size in CELLS:
        x, y, end = col * quarter + gap, row * quarter + gap, size * quarter - 2 * gap
        pen.rectangle((x, y, x + end, y + end), fill=TEAL if size == 1 else "#64748b")
    return large.resize((side, side), Image.Resampling.LANCZOS)


def draw_preview() -> Image.Image:
    """1200x630: name and tagline, and the receipt with the leaves of its first question."""
    from arr_coc.apps.demo import TAGLINE
    from arr_coc.apps.examples import read_examples
    from arr_coc.processor.loading import load_host
    from arr_coc.processor.plain_inputs import question_messages
    from arr_coc.views.leaves import draw_leaves

    example = read_examples()[0]
    picture = Image.open(example.path)
    _, processor = load_host("nano")
    messages = question_messages(str(example.path), example.questions[0])
    inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=160)
    leaves = draw_leaves(picture, inputs.realizations[0][0].allocation, 1200)
    sheet = Image.new("RGB", (1200, 630), PAPER)
    sheet.paste(leaves.resize((round(leaves.width * 630 / leaves.height), 630)), (630, 0))
    mark, pen = draw_mark(110), ImageDraw.Draw(sheet)
    sheet.paste(mark, (60, 120), mark)
    pen.text((60, 265), "ARR-COC", INK, ImageFont.load_default(88))
    words = TAGLINE.split()
    pen.text((62, 385), " ".join(words[:4]) + "\n" + " ".join(words[4:]), INK, ImageFont.load_default(36), spacing=12)
    return sheet


def save(picture: Image.Image, path: Path) -> None:
    """As a JPEG under the limit, in the best quality that fits."""
    for quality in range(90, 30, -5):
        file = BytesIO()
        picture.convert("RGB").save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() < LIMIT:
            path.write_bytes(file.getvalue())
            print(f"{path}: {picture.width}x{picture.height}, {file.tell() // 1000} kB")
            return
    raise ValueError(f"{path.name} does not fit into {LIMIT} bytes")


@contextmanager
def running(page: Blocks) -> Iterator[str]:
    """Address of a page that is served."""
    from arr_coc.apps.pages import launch_options

    _, address, _ = page.launch(server_name="127.0.0.1", quiet=True, prevent_thread_lock=True, **launch_options())
    try:
        yield address
    finally:
        page.close(verbose=False)


def shoot(folder: Path) -> None:
    """The first example, answered: on the demo at the desk in light and on a phone in dark, and on the microscope."""
    from playwright.sync_api import sync_playwright
    from test_browser import CHROMIUM

    from arr_coc.apps.demo import build_demo
    from arr_coc.apps.microscope import build_microscope

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with running(build_demo()) as address:
            shoot_demo(browser, address, folder)
        with running(build_microscope()) as address:
            shoot_microscope(browser, address, folder)
        browser.close()


def shoot_demo(browser: Browser, address: str, folder: Path) -> None:
    for name, width, height, scheme in (("demo", 1280, 1250, "light"), ("demo-phone", 390, 1800, "dark")):
        page = open_page(browser, address, width, height, scheme)
        page.wait_for_selector("#suggestions button")
        page.locator("#ask").click()
        page.wait_for_selector("#answer .is-done")
        page.wait_for_selector("#leaves img >> visible=true")
        save(screenshot(page), folder / f"{name}.jpg")


def shoot_microscope(browser: Browser, address: str, folder: Path) -> None:
    page = open_page(browser, address, 1280, 1500, "light")
    page.locator("#examples button").first.click()
    page.wait_for_function("document.querySelector('#question textarea').value.length > 3")
    page.locator("#budgets label:has-text('until sure') input").check()
    page.locator("#compare").click()
    page.wait_for_function("document.querySelector('#status').innerText.includes('in memory')")
    page.locator(".arr-looks label").first.click()
    save(screenshot(page), folder / "microscope.jpg")


def open_page(browser: Browser, address: str, width: int, height: int, scheme: Literal["light", "dark"]) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(600_000)
    page.goto(address)
    page.wait_for_selector("#question textarea")
    page.wait_for_function("document.querySelectorAll('#examples img').length && document.fonts.status === 'loaded'")
    return page


def screenshot(page: Page) -> Image.Image:
    """What the window shows from the top, once it has come to rest."""
    page.wait_for_timeout(800)
    page.evaluate("window.scrollTo(0, 0)")
    return Image.open(BytesIO(page.screenshot()))


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    draw_mark(64).save(ASSETS / "favicon.png", optimize=True)
    save(draw_preview(), ASSETS / "preview.jpg")
    shoot(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
