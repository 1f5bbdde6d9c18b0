"""How a link to a page looks where it is shared: OpenGraph tags with our name and picture instead of gradio's."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PICTURE = Path(__file__).parent / "assets" / "preview.jpg"
PICTURE_PATH, PICTURE_SIZE = "/arr-coc-preview.jpg", (1200, 630)
DESCRIPTION = "Ask a question about a picture and see where the visual tokens went: fine where the question needs it."
TAGS = re.compile(r'[ \t]*<meta\s+(?:property="og:|name="twitter:)[^>]*/>\n?')
TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


class SharedPreview:
    """Serves the preview's picture, and puts the tags into the page itself: programs that preview run no script."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path") if scope["type"] == "http" else None
        if path == PICTURE_PATH:
            await FileResponse(PICTURE)(scope, receive, send)
        elif path == "/":
            await self.app(scope, receive, Rewriter(send, address_of(scope)))
        else:
            await self.app(scope, receive, send)


class Rewriter:
    """Holds an HTML response back until it is whole, then sends it with our tags; others pass."""

    def __init__(self, send: Send, address: str) -> None:
        self.send, self.address = send, address
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                self.start = message
                return
        elif self.start is not None:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self.finish()
            return
        await self.send(message)

    async def finish(self) -> None:
        assert self.start is not None
        body = with_tags(self.body.decode(), self.address).encode()
        MutableHeaders(raw=self.start["headers"])["content-length"] = str(len(body))
        await self.send(self.start)
        await self.send({"type": "http.response.body", "body": body})


def with_tags(page: str, address: str) -> str:
    """The page with our tags as the first thing in its head; `address` is its own, without a path."""
    found = TITLE.search(page)
    title = found[0][7:-8].strip() if found else "ARR-COC"
    return TAGS.sub("", page).replace("<head>", "<head>\n" + tags(title, address), 1)


def tags(title: str, address: str) -> str:
    """`title` is HTML as it stands in the page."""
    picture, (width, height) = address + PICTURE_PATH, PICTURE_SIZE
    values: dict[str, Any] = {
        "og:type": "website",
        "og:site_name": "ARR-COC",
        "og:url": address + "/",
        "og:description": DESCRIPTION,
        "og:image": picture,
        "og:image:width": width,
        "og:image:height": height,
        "og:image:alt": "A receipt with small cells where the question looks and large ones elsewhere",
        "twitter:card": "summary_large_image",
    }
    lines = [f'<meta property="og:title" content="{title}" />', f'<meta name="description" content="{DESCRIPTION}" />']
    lines += [f'<meta property="{name}" content="{escape(str(value))}" />' for name, value in values.items()]
    return "\n".join(lines) + "\n"


def address_of(scope: Scope) -> str:
    """`https://host` as the visitor's browser has it, also behind a proxy that ends TLS."""
    url, headers = URL(scope=scope), Headers(scope=scope)
    scheme = headers.get("x-forwarded-proto", url.scheme).split(",")[0].strip()
    return f"{scheme if scheme in ('http', 'https') else url.scheme}://{headers.get('x-forwarded-host', url.netloc)}"
