"""What both pages share: theme, style, and how they are served."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

import arr_coc
from arr_coc.apps.preview import SharedPreview
from arr_coc.serving.private import page_keeper

EXAMPLES = Path(arr_coc.__file__).parent / "examples"
ASSETS = Path(arr_coc.__file__).parent / "apps" / "assets"
FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MOST_WAITING = 64
USER = "arr-coc"
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a page in order, as Ctrl-C does; Windows has no SIGHUP."""
STYLE = """\
.gradio-container { max-width: 1240px !important; width: 100%; min-width: 0 !important; margin: 0 auto !important;
  overflow: clip !important; }
.gradio-container:has(#compare) { max-width: 1560px !important; }
.gradio-container :is(.main, .wrap, .contain, .tabs, .tabitem, .table-wrap) { min-width: 0; max-width: 100%; }
.gradio-container .html-container { padding: 0 !important; }
.gradio-container .tabitem { padding: 0 !important; }
:is(#told, #caution, #link):not(:has(.arr-note)) { display: none; }
#looks:not(:has(label)), #evidence:not(:has(.arr-lenses)), #leaves:not(:has(.arr-view)),
#thread:not(:has(details)) { display: none; }
#evidence { position: sticky; top: 0; z-index: 20; background: var(--body-background-fill); padding-bottom: .3rem; }
@media (max-height: 620px) { #evidence { position: static; } }
@media (max-width: 699px) { #answer:has(.is-busy) { min-height: 100svh; } }
.arr-why { font-size: 14px !important; font-weight: 650; margin: .3rem 0 !important; }
.arr-how { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; font-size: 14px;
  padding-bottom: .3rem; }
.arr-how svg { height: 40px; width: auto; flex: none; color: var(--body-text-color-subdued); }
.arr-how p { margin: 0; flex: 1 1 320px; color: var(--body-text-color-subdued); }
.arr-how a, .arr-note a { color: var(--primary-700); text-decoration: underline; }
.dark :is(.arr-how, .arr-note) a { color: var(--primary-300); }
.arr-thread { font-size: 14px; }
.arr-thread summary { cursor: pointer; }
.arr-thread ul { margin: 0 0 .5rem; }
#detail:has(input:disabled) { opacity: .7; }
#stop:disabled { background: var(--block-background-fill); color: var(--body-text-color-subdued); opacity: 1; }
#answer { scroll-margin-top: 1rem; }
.arr-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem 1rem; padding: .6rem 0 .2rem; }
.arr-head h1 { font-size: 1.7rem; font-weight: 750; letter-spacing: -.02em; margin: 0; }
.arr-head h1 em { font-style: normal; color: var(--primary-600); }
.dark .arr-head h1 em { color: var(--primary-400); }
.arr-head p { margin: 0; color: var(--body-text-color-subdued); font-size: 1rem; }
.arr-foot { color: var(--body-text-color-subdued); font-size: 13px; text-align: center; padding: .4rem 0 1rem; }
.arr-answer { border-left: 4px solid var(--primary-600); padding: .75rem 1rem; background: var(--block-background-fill);
  border-radius: 8px; min-height: 4.2rem; box-shadow: var(--block-shadow); }
.arr-answer small { display: block; color: var(--body-text-color-subdued); font-size: 13px; margin-bottom: .15rem;
  overflow-wrap: anywhere; }
.arr-answer strong { font-size: 1.45rem; font-weight: 650; line-height: 1.3; overflow-wrap: anywhere;
  white-space: pre-wrap; }
.arr-answer.empty strong { font-size: 1rem; font-weight: 400; color: var(--body-text-color-subdued); }
.arr-answer.trouble { border-left-color: #d97706; }
.arr-answer.trouble strong { font-size: 1rem; font-weight: 500; }
.arr-facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: .5rem; }
.arr-facts div { background: var(--block-background-fill); border: 1px solid var(--border-color-primary);
  border-radius: 8px; padding: .5rem .7rem; }
.arr-facts b { display: block; font-size: 1.2rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.arr-facts span { font-size: 12.5px; color: var(--body-text-color-subdued); line-height: 1.3; display: block; }
.arr-note { color: var(--body-text-color-subdued); font-size: 13.5px; }
.arr-note.trouble { color: var(--body-text-color); border-left: 4px solid #d97706; padding-left: .6rem; }
.arr-worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 1rem; }
body.dark { background: var(--body-background-fill); }
.arr-reasons { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: .4rem 1rem;
  font-size: 13.5px; margin: .5rem 0; }
.arr-reasons p { margin: 0; color: var(--body-text-color-subdued); }
.arr-policies { margin: .1rem 0 .3rem; padding-left: 1.1rem; font-size: 13px; color: var(--body-text-color-subdued); }
.arr-pair ul { padding-left: 1.1rem; } .arr-pair h3 { margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
.arr-wide { overflow-x: auto; contain: inline-size; }
.arr-wide :is(th, td) { text-align: left; padding: .25rem .7rem .25rem 0; font-size: 13.5px;
  border-bottom: 1px solid var(--border-color-primary); }
#examples, #examples .grid-wrap { height: auto !important; min-height: 0 !important; max-height: none !important;
  overflow: visible !important; padding: 0 !important; }
#examples { border: none !important; background: none; box-shadow: none; min-width: 0 !important; }
#examples .grid-container { grid-template: none / repeat(8, 1fr) !important; grid-auto-rows: auto !important;
  gap: 8px; height: auto !important; padding: 3px; }
@media (max-width: 700px) { #examples .grid-container { grid-template: none / repeat(4, 1fr) !important; } }
#examples .grid-container button { aspect-ratio: 1; height: auto; }
#examples .caption-label { display: none; }
@media (max-width: 700px) { button[role="tab"] { padding: 0 .3rem !important; font-size: 13px !important; } }
#picture:has(img) [data-testid="block-label"] { display: none; }
.gradio-container button[role="tab"][aria-selected="true"] { color: var(--primary-700); font-weight: 600; }
.dark .gradio-container button[role="tab"][aria-selected="true"],
.gradio-container.dark button[role="tab"][aria-selected="true"],
.dark button[role="tab"][aria-selected="true"] { color: var(--primary-300); }
.gradio-container input[type="range"]::-webkit-slider-thumb { background: var(--primary-700); }
.gradio-container input[type="range"]::-moz-range-thumb { background: var(--primary-700); }
.gradio-container :is(.min_value, .max_value) { color: var(--body-text-color) !important; opacity: 1 !important; }
:is(#history, #batch-table) :is(th, th *) { word-break: normal; overflow-wrap: normal; white-space: nowrap; }
#batch-summary :is(th, td) { border-color: var(--border-color-primary) !important; }
footer { display: none !important; }
"""


def theme() -> gr.themes.Base:
    """Teal on slate with the system's own font: nothing is fetched from elsewhere."""
    return gr.themes.Soft(
        primary_hue="teal",
        secondary_hue="teal",
        neutral_hue="slate",
        font=FONTS,
        font_mono=("ui-monospace", "monospace"),
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        body_background_fill="*neutral_50",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_label_background_fill="*neutral_100",
        block_label_background_fill_dark="*neutral_700",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_background_fill="transparent",
        block_title_background_fill_dark="transparent",
        block_title_padding="0",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        checkbox_label_background_fill_selected="*primary_700",
        checkbox_label_background_fill_selected_dark="*primary_700",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_600",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )


def new_page(title: str) -> gr.Blocks:
    """An empty page without telemetry; its files are those of `page_keeper`, which deletes them."""
    page_keeper()
    return gr.Blocks(title=title, analytics_enabled=False)


def launch_options(max_upload_mb: int = 20) -> dict[str, Any]:
    """Arguments of `Blocks.launch` that belong to the pages: look, upload limit, nothing shared or recorded."""
    return {
        "theme": theme(),
        "css": STYLE,
        "max_file_size": max_upload_mb * 2**20,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "share": False,
        "show_error": True,
        "head": f"<script>{(ASSETS / 'page.js').read_text(encoding='utf-8')}</script>",
        "favicon_path": ASSETS / "favicon.png",
        "app_kwargs": {"middleware": [Middleware(SharedPreview)]},
    }


def serve(
    page: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    max_upload_mb: int = 20,
    password: str | None = None,
) -> None:
    """Listens until interrupted, terminated or hung up on, then deletes what people brought.

    Args:
        host, port: None leaves them to gradio, which asks the machine that it runs on.
        password: what people must type, under the name "arr-coc"; None lets everyone in.

    Raises:
        ValueError: the port is taken.
    """
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            signal.signal(number, end)
    try:
        auth = None if password is None else (USER, password)
        page.launch(server_name=host, server_port=port, quiet=True, auth=auth, **launch_options(max_upload_mb))
    except OSError as error:
        raise ValueError(f"port: {port} on {host} cannot be opened; choose another with --port") from error
    finally:
        page.close(verbose=False)
        page_keeper().close()


def end(number: int, frame: FrameType | None) -> None:
    """Ends the process in order, with the code that a shell gives for the signal."""
    raise SystemExit(128 + number)


def head_html(title: str, tagline: str) -> str:
    return f'<div class="arr-head"><h1>ARR<em>·</em>COC {escape(title)}</h1><p>{escape(tagline)}</p></div>'


def facts_html(facts: Mapping[str, str]) -> str:
    """A row of figures, each with what it counts below it."""
    cells = [f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>" for label, value in facts.items()]
    return f'<div class="arr-facts">{"".join(cells)}</div>' if cells else ""


def answer_html(question: str, text: str, kind: str = "") -> str:
    """The answer under its question; `kind` is "", "empty" or "trouble"."""
    small = f"<small>{escape(question)}</small>" if question else ""
    return f'<div class="arr-answer {kind}" role="status">{small}<strong>{escape(text)}</strong></div>'


def note_html(text: str, kind: str = "") -> str:
    """A line in small print; `kind` "trouble" stands out."""
    return f'<p class="arr-note {kind}">{escape(text)}</p>'
