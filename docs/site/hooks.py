"""Of a fence such as "python test slow" the site shows "python"; no page may load anything from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

LOADS = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//"""
    r"""|<link[^>]*rel=["']?stylesheet[^>]*href=["']?(?:https?:)?//"""
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leaves the language alone; the other words are for tests/doc_blocks.py."""
    return re.sub(r"^( *```\w+) [\w ]+$", r"\1", markdown, flags=re.MULTILINE)


def on_post_build(config: Any) -> None:
    """Looks through all pages for what a reader would have to download from another place."""
    for page in Path(config["site_dir"]).rglob("*.html"):
        if found := LOADS.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page.name} loads from elsewhere: {found[0][:120]}")
