"""The tab "Inside": textures, score maps, tensions and the splitting of one ARR-COC variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from PIL import Image

from arr_coc.apps.variants import Finding
from arr_coc.views.embed import figure_html
from arr_coc.views.overlay import leaf_tiles, legend_html, level_note, tokens_html
from arr_coc.views.scores import score_figure
from arr_coc.views.splitting import coarsened, rounds_of
from arr_coc.views.tensions import tensions_html
from arr_coc.views.textures import texture_figure

EMPTY = '<p class="arr-note">Compare a variant with the policy arr-coc to look inside it.</p>'
State = tuple[Image.Image, list[Finding]] | None


def build_inside(state: gr.State, tab: gr.Tab) -> None:
    """Components and their events; `state` holds the picture and the findings of the last comparison."""
    which = gr.Dropdown([], label="Variant", elem_id="inside-variant")
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            step = gr.Slider(0, 1, 0, step=1, label="Splitting, round", elem_id="round", buttons=[])
            splitting = gr.HTML("", padding=False, elem_id="splitting")
        with gr.Column(scale=5, min_width=300):
            tensions = gr.HTML(EMPTY, padding=False, elem_id="tensions")
    scores = gr.HTML("", padding=False, elem_id="scores")
    level = gr.Slider(0, 1, 0, step=1, label="Textures of level", elem_id="level", buttons=[])
    textures = gr.HTML("", padding=False, elem_id="textures")
    quick: dict[str, Any] = {"show_progress": "hidden", "api_name": False}
    tab.select(offer, state, which, **quick).then(
        look_inside, [state, which], [tensions, step, splitting, level, textures, scores], api_name=False
    )
    which.input(look_inside, [state, which], [tensions, step, splitting, level, textures, scores], api_name=False)
    step.input(replay, [state, which, step], splitting, **quick)
    level.input(show_textures, [state, which, level], textures, **quick)


def offer(state: State) -> Any:
    """The ARR-COC variants of the last comparison, the first one chosen."""
    labels = [finding.variant.label for finding in ours(state)]
    return gr.update(choices=labels, value=labels[0] if labels else None)


def ours(state: State) -> list[Finding]:
    return [finding for finding in state[1] if finding.realization] if state else []


def pick(state: State, label: str | None) -> Finding | None:
    """The finding of that label, None where there is none."""
    return next((finding for finding in ours(state) if finding.variant.label == label), None)


def look_inside(state: State, label: str | None) -> Sequence[Any]:
    """Everything at once: tensions, last round, level 0, score maps."""
    finding = pick(state, label)
    if state is None or finding is None or finding.realization is None:
        return EMPTY, gr.skip(), "", gr.skip(), "", ""
    realization = finding.realization
    last = len(rounds_of(realization.allocation)) - 1
    return (
        tensions_html(realization.tensions),
        gr.update(maximum=max(last, 1), value=last),
        replay(state, label, last),
        gr.update(maximum=max(realization.pyramid.coarsest, 1), value=0),
        show_textures(state, label, 0),
        figure_html(score_figure(state[0], realization), "The three score maps", least_px=820),
    )


def replay(state: State, label: str | None, step: float) -> str:
    """The leaves after a round, 0 being the glimpse."""
    finding = pick(state, label)
    if state is None or finding is None or finding.allocation is None:
        return ""
    levels = rounds_of(finding.allocation)
    allocation = coarsened(finding.allocation, levels[min(int(step), len(levels) - 1)])
    notes = [level_note(level) for level in allocation.leaves[:, 0].tolist()]
    caption = f'<p class="arr-note">{allocation.num_tokens} tokens after round {int(step)} of {len(levels) - 1}</p>'
    return caption + tokens_html(state[0], leaf_tiles(allocation, notes)) + legend_html(allocation)


def show_textures(state: State, label: str | None, level: float) -> str:
    finding = pick(state, label)
    if finding is None or finding.realization is None:
        return ""
    pyramid = finding.realization.pyramid
    figure = texture_figure(pyramid, min(int(level), pyramid.coarsest))
    return figure_html(figure, "The 13 texture channels", least_px=760)
