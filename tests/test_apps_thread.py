"""What stays of a question on the demo: links, the thread, downloads, reports, what a shared link shows."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from apps_toys import Tags
from conftest import draw
from PIL import Image

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from arr_coc.apps import telling  # noqa: E402
from arr_coc.apps.answering import Asked, Turn, Values  # noqa: E402
from arr_coc.apps.examples import read_examples  # noqa: E402
from arr_coc.apps.preview import PICTURE, PICTURE_SIZE, SharedPreview, with_tags  # noqa: E402
from arr_coc.apps.thread import GONE, Start, link_html, read_link, save_report, thread_html  # noqa: E402

FIRST, SECOND = read_examples()[:2]
OTHER = {"text": "8", "is_right": False}
VALUES: Values = {"question": "What <i>?", "text": "7 & 8", "is_right": True, "others": {"resize": OTHER}}


def query_of(page: str) -> dict[str, str]:
    address = Tags(page).found["a"][0]["href"]
    return {name: values[0] for name, values in parse_qs(urlsplit(unescape(address)).query).items()}


@pytest.mark.parametrize(("budget", "compares"), [(None, True), (64, False), (333, True)])
def test_a_link_brings_back_example_question_and_setting(budget: int | None, compares: bool) -> None:
    asked = Asked((str(SECOND.path),), 'A "quoted" & odd <question>?', budget, compares)
    start = Start(asked.path, asked.question, budget, compares)
    assert read_link(query_of(link_html(Turn(asked, None))), 160) == start


def test_no_link_to_a_picture_of_ones_own() -> None:
    assert "<a" not in link_html(Turn(Asked(("/tmp/mine.jpg",), "?", None), None))


@pytest.mark.parametrize("tokens", ["63", "401", "-5", "²", "9" * 99, "1e2", ""])
def test_a_wrong_link_opens_the_page_as_it_is(tokens: str) -> None:
    start = read_link({"example": "../../etc/passwd", "question": " ", "tokens": tokens}, 160)
    assert start == Start(str(FIRST.path), FIRST.questions[0], 160)
    assert len(read_link({"question": "x" * 9000}, 160).question) <= 500


def test_thread_has_the_newest_first_and_no_markup_of_others() -> None:
    page = thread_html([VALUES, VALUES | {"question": "Second?"}])
    assert page.index("Second?") < page.index("What &lt;i&gt;?") and "7 &amp; 8</b> ✓" in page and "8</b> ✗" in page
    assert thread_html([]) == ""


def test_reports_are_lines_with_pictures(tmp_path) -> None:
    picture, folder = tmp_path / "a.JPG", tmp_path / "reports"
    assert "Ask something first" in save_report(folder, [str(picture)], None, "") and not folder.exists()
    assert save_report(folder, [str(picture)], VALUES, "") == GONE and not folder.exists()
    picture.write_bytes(b"picture")
    for comment in ("wrong\nnumber", "x" * 9000):
        assert "Thank you" in save_report(folder, [str(picture)], VALUES, comment)
    lines = [json.loads(line) for line in (folder / "reports.jsonl").read_text().splitlines()]
    assert [line["comment"] for line in lines] == ["wrong\nnumber", "x" * 2000]
    assert all((folder / name).read_bytes() == b"picture" for line in lines for name in line["files"])
    [name] = lines[0]["files"]
    assert name.endswith(".jpg") and "a" not in Path(name).parts
    assert lines[0]["question"] == VALUES["question"]


def test_host_is_described_and_strange_pictures_are_cautioned(tmp_path) -> None:
    assert "photographs" in telling.host_note("nano") and telling.host_note("some/model") == ""
    assert "guess" in telling.caution("nano", ["/tmp/mine.jpg"])
    assert telling.caution("nano", [str(FIRST.path)]) == telling.caution("some/model", ["/tmp/mine.jpg"]) == ""
    assert "one picture" in telling.caution("nano", [str(FIRST.path)] * 2)
    assert "never calibrated" in telling.caution("some/model", ["/tmp/mine.jpg"], is_calibrated=False)
    draw(40, 900).save(tmp_path / "long.png")
    assert "very long" in telling.caution("nano", [str(tmp_path / "long.png")])


def test_links_are_those_of_the_installed_package(monkeypatch) -> None:
    class Metadata:
        def get_all(self, name: str) -> list[str]:
            return ["Code, https://example.org/a", "Documentation, https://example.org/d", "Odd, javascript:alert(1)"]

    monkeypatch.setattr(telling, "metadata", lambda name: Metadata())
    assert telling.project_links() == {"Code": "https://example.org/a", "Documentation": "https://example.org/d"}
    assert [tag["href"] for tag in Tags(telling.how_html()).found["a"]] == list(telling.project_links().values())


PAGE = """<html><head>
<meta property="og:url" content="https://gradio.app/" />
<meta
  property="og:description" content="x"
/>
<meta name="twitter:creator" content="@teamGradio" />
<title>ARR-COC &amp; co</title></head><body>x</body></html>"""


def test_shared_links_show_our_name_and_picture() -> None:
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    inner = Starlette(routes=[Route("/", lambda _: HTMLResponse(PAGE)), Route("/other", lambda _: HTMLResponse(PAGE))])
    client = TestClient(SharedPreview(inner), base_url="http://demo.example")
    page = client.get("/", headers={"x-forwarded-proto": "https"}).text
    found = {tag.get("property"): tag["content"] for tag in Tags(page).found["meta"]}
    assert found["og:title"] == "ARR-COC & co" and found["og:image"].startswith("https://demo.example/")
    assert "gradio" not in page.lower() and client.get("/other").text == PAGE
    picture = client.get(urlsplit(found["og:image"]).path)
    assert picture.headers["content-type"] == "image/jpeg" and picture.content == PICTURE.read_bytes()
    with Image.open(PICTURE) as shown:
        assert shown.size == PICTURE_SIZE


def test_a_forged_address_stays_text() -> None:
    page = with_tags(PAGE, 'http://x"><script>alert(1)</script>')
    assert "<script>" not in page
