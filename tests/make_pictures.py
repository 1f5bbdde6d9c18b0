"""`make screenshots`: the pages' favicon and preview, and screenshots of the demo's main states for the documents.

It starts the demo, drives it in Chromium, and writes only pictures under `LIMIT` bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

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
def demo_page() -> Iterator[str]:
    """Address of a running demo."""
    from arr_coc.apps.demo import build_demo
    from arr_coc.apps.pages import launch_options

    page = build_demo()
    _, address, _ = page.launch(server_name="127.0.0.1", quiet=True, prevent_thread_lock=True, **launch_options())
    try:
        yield address
    finally:
        page.close(verbose=False)


def shoot(folder: Path) -> None:
    """The first example, answered: at the desk in light, on a phone in dark."""
    from playwright.sync_api import sync_playwright
    from test_browser import CHROMIUM

    with demo_page() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, width, height, scheme in (("demo", 1280, 1050, "light"), ("demo-phone", 390, 1800, "dark")):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_function("document.querySelector('#picture img')?.complete")
            page.wait_for_selector("#suggestions button")
            page.locator("#ask").click()
            page.wait_for_selector("#answer .is-done")
            page.wait_for_selector("#leaves img >> visible=true")
            page.wait_for_timeout(800)
            page.evaluate("window.scrollTo(0, 0)")
            save(Image.open(BytesIO(page.screenshot())), folder / f"{name}.jpg")
        browser.close()


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    draw_mark(64).save(ASSETS / "favicon.png", optimize=True)
    save(draw_preview(), ASSETS / "preview.jpg")
    shoot(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
