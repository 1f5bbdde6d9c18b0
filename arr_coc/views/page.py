"""A run's report as files: Markdown with pictures beside it, and the same as one self-contained HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from arr_coc.evaluation.reporting.report import Section, report_sections
from arr_coc.evaluation.running.answers import Line
from arr_coc.files.writing import replacing, write_atomically
from arr_coc.views.results import FIGURES

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ line-height: 1.2; }}
h2 {{ margin-top: 2.2rem; }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; display: block;
  overflow-x: auto; white-space: nowrap; }}
th, td {{ border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
tbody tr:hover {{ background: #8882; }}
img {{ max-width: 100%; background: white; border-radius: 4px; }}
code {{ background: #8882; padding: .1rem .3rem; border-radius: 3px; overflow-wrap: anywhere; }}
</style>
<body>
{body}
</body>
</html>
"""
IMAGE = re.compile(r'src="([^"]+\.(?:png|jpg))"')


def write_report(
    folder: Path,
    lines: Sequence[Line],
    *,
    title: str,
    host: str,
    command: str,
    sections: Sequence[Section] | None = None,
    gallery: Section | None = None,
) -> None:
    """Writes report.md, report.html and figures/ into `folder`.

    Args:
        sections: what the report says; by default all that the lines can tell.
        gallery: comes last; its pictures are in figures/ already.
    """
    sections = report_sections(lines) if sections is None else sections
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for section in sections:
        if section.figure:
            with replacing(figures / f"{section.figure}.png") as draft:
                FIGURES[section.figure](lines, host).savefig(draft)
    questions = len({line.question_key for line in lines})
    pictures = len({line.cluster for line in lines})
    metrics = ", ".join(sorted({line.metric for line in lines}))
    head = (
        f"# {title}\n\nHost `{host}`, {questions:,} questions about {pictures:,} pictures, {len(lines):,} answers; "
        f"score ({metrics}) in percent ± standard error, clustered by picture and at least 1 / (pictures + 1). "
        f"Made by `{command}`."
    )
    parts = [head, *(as_markdown(section) for section in [*sections, *([gallery] if gallery else [])])]
    text = "\n\n".join(parts) + "\n"
    write_atomically(folder / "report.md", text)
    write_atomically(folder / "report.html", as_html(text, title, folder))


def as_markdown(section: Section) -> str:
    figure = f"\n\n![{section.title}](figures/{section.figure}.png)" if section.figure else ""
    return f"## {section.title}\n\n{section.body}{figure}"


def as_html(text: str, title: str, folder: Path) -> str:
    """One page with its pictures inside."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)

    def inline(match: re.Match[str]) -> str:
        path = folder / match[1]
        kind = "jpeg" if path.suffix == ".jpg" else "png"
        return f'src="data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"'

    return PAGE.format(title=title, body=IMAGE.sub(inline, body))
