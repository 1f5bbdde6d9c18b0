"""The tab "Inside": textures, score maps, tensions and the splitting of a variant; tensions are set and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from html import escape
from typing import Any

import gradio as gr

from arr_coc.apps.by_hand import ByHand, balancer_of
from arr_coc.apps.checkpoints import CheckpointManager
from arr_coc.apps.notebook import Notebook
from arr_coc.apps.pages import note_html
from arr_coc.apps.panels.comparing import describe, examine_all
from arr_coc.apps.reasons import Reasons
from arr_coc.apps.session import make_entry
from arr_coc.apps.variants import OURS, OWN, Finding, Variant
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.running.runner import fractions
from arr_coc.records import MAX_BUDGET, MIN_BUDGET, Tensions
from arr_coc.views.embed import figure_html
from arr_coc.views.overlay import leaf_tiles, legend_html, level_note, tokens_html
from arr_coc.views.scores import SCORES, score_figure
from arr_coc.views.splitting import coarsened, rounds_of
from arr_coc.views.tensions import tensions_html
from arr_coc.views.textures import texture_figure

EMPTY = '<p class="arr-note">Compare a variant first, then look inside it.</p>'
NO_TENSIONS = '<p class="arr-note">{policy}: no tensions and no score maps, only the tokens that it keeps.</p>'
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_name": False}


@dataclass(frozen=True, eq=False)
class Shown:
    """What the page shows: a question, the findings so far, and the picture's file by name and bytes."""

    sample: Sample
    findings: list[Finding]
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


State = Shown | None


def build_inside(manager: CheckpointManager, notebook: Notebook, state: gr.State, tab: gr.Tab) -> tuple[Any, ...]:
    """Components and their events; returns what shows the last comparison: a function, its inputs and outputs."""
    which = gr.Dropdown([], label="Variant", elem_id="inside-variant")
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            answer = gr.HTML("", padding=False, elem_id="inside-answer")
            step = gr.Slider(0, 1, 0, step=1, label="Splitting, round", elem_id="round", buttons=[])
            splitting = gr.HTML("", padding=False, elem_id="splitting")
        with gr.Column(scale=5, min_width=300):
            tensions = gr.HTML(EMPTY, padding=False, elem_id="tensions")
            sliders, again = tension_sliders()
            status = gr.HTML("", padding=False, elem_id="again-status")
    scores = gr.HTML("", padding=False, elem_id="scores")
    level = gr.Slider(0, 1, 0, step=1, label="Textures of level", elem_id="level", buttons=[])
    textures = gr.HTML("", padding=False, elem_id="textures")
    outputs = [answer, tensions, step, splitting, level, textures, scores, *sliders]
    look = look_inside, [state, which], outputs
    tab.select(offer, [state, which], which, **QUICK).then(*look, **QUICK)
    which.input(*look, **QUICK)
    step.input(replay, [state, which, step], splitting, **QUICK)
    level.input(show_textures, [state, which, level], textures, **QUICK)
    again.click(
        partial(look_again, manager, notebook),
        [state, which, *sliders],
        [status, state, which],
        concurrency_limit=1,
        concurrency_id="compare",
        show_progress="minimal",
        show_progress_on=[status],
        api_name=False,
    ).success(*look, **QUICK)
    return offer_and_look, [state, which], [which, *outputs]


def tension_sliders() -> tuple[list[gr.Slider], gr.Button]:
    """Budget, two tensions and three weights, and the button that looks again with them."""
    options: dict[str, Any] = {"step": 0.01, "buttons": []}
    with gr.Group(elem_id="sliders"):
        budget = gr.Slider(
            MIN_BUDGET, MAX_BUDGET, 160, step=1, label="Budget, tokens", elem_id="set-budget", buttons=[]
        )
        focus = gr.Slider(0, 1, 0.4, label="focus (0) or diversify (1)", elem_id="set-focus", **options)
        explore = gr.Slider(0, 1, 0.2, label="exploit (0) or explore (1)", elem_id="set-explore", **options)
        weights = [
            gr.Slider(0, 1, 0.33, label=f"weight of {name}: {meaning}", elem_id=f"set-{name}", **options)
            for name, meaning in SCORES.items()
        ]
    again = gr.Button("Look again with these", variant="primary", elem_id="again")
    return [budget, focus, explore, *weights], again


def shown_findings(state: State) -> list[Finding]:
    """Every variant, each followed by its looks."""
    return [each for finding in state.findings for each in (finding, *finding.looks)] if state else []


def labels(state: State) -> list[str]:
    return [finding.label for finding in shown_findings(state)]


def offer(state: State, label: str | None) -> Any:
    """The variants of the last comparison; the one that was chosen stays, else the first of ARR-COC comes."""
    known = labels(state)
    first = next((each.label for each in shown_findings(state) if each.realization), None)
    return gr.update(choices=known, value=label if label in known else first or next(iter(known), None))


def offer_and_look(state: State, label: str | None) -> tuple[Any, ...]:
    chosen = offer(state, label)
    return chosen, *look_inside(state, chosen["value"])


def pick(state: State, label: str | None) -> Finding | None:
    """The finding of that label, None where there is none."""
    return next((each for each in shown_findings(state) if each.label == label), None)


def look_inside(state: State, label: str | None) -> tuple[Any, ...]:
    """Everything at once: answer, tensions, last round, level 0, score maps, and the sliders where it stands."""
    finding = pick(state, label)
    if state is None or finding is None:
        return "", EMPTY, gr.skip(), "", gr.skip(), "", "", *[gr.skip()] * 6
    answer = answer_line(finding)
    last = len(rounds_of(finding.allocation)) - 1 if finding.allocation else 0
    step = gr.update(maximum=max(last, 1), value=last)
    realization = finding.realization
    if realization is None:
        told = NO_TENSIONS.format(policy=escape(finding.variant.policy))
        return answer, told, step, replay(state, label, last), gr.skip(), "", "", *[gr.skip()] * 6
    reasons = finding.reasons or Reasons("", ("", "", ""))
    return (
        answer,
        tensions_html(realization.tensions) + f'<p class="arr-note">{escape(reasons.source)}</p>',
        step,
        replay(state, label, last),
        gr.update(maximum=max(realization.pyramid.coarsest, 1), value=0),
        show_textures(state, label, 0),
        figure_html(score_figure(state.sample.image, realization), "The three score maps", 820) + reasons_html(reasons),
        *slider_values(realization.tensions),
    )


def answer_line(finding: Finding) -> str:
    answer = escape(finding.answer or "(no answer)")
    return f'<p><strong>{answer}</strong></p><p class="arr-note">{escape(describe(finding))}</p>'


def reasons_html(reasons: Reasons) -> str:
    """Under the maps: what each weighed, and why."""
    parts = [
        f"<div><b>{name}</b><p>{escape(reason)}</p></div>" for name, reason in zip(SCORES, reasons.maps, strict=True)
    ]
    return f'<div class="arr-reasons">{"".join(parts)}</div>'


def slider_values(tensions: Tensions) -> list[float]:
    """Where the six sliders stand."""
    opponents = tensions.focus_diversify, tensions.exploit_explore
    return [tensions.budget, *(round(float(each), 2) for each in (*opponents, *tensions.weights))]


def look_again(
    manager: CheckpointManager, notebook: Notebook, state: State, label: str | None, *sliders: float
) -> Iterator[tuple[Any, ...]]:
    """Yields status, state with one finding more, and that finding chosen; it is kept in the history as well."""
    finding = pick(state, label)
    if state is None or finding is None:
        raise gr.Error("Compare a variant first, then look again.", print_exception=False)
    try:
        variant = variant_of(finding.variant, *sliders)
        yield note_html(f"running {variant.label} …"), gr.skip(), gr.skip()
        *_, [found] = examine_all(manager, state.sample, [variant])
        entry = make_entry(state.name, state.sha256, state.sample, [found], datetime.now())
        notebook.add(entry, state.content)
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    findings = [each for each in state.findings if each.variant != variant] + [found]
    compared = f"{describe(found)}; before: {describe(finding)}"
    state = replace(state, findings=findings)
    yield note_html(compared), state, gr.update(choices=labels(state), value=variant.label)


def variant_of(variant: Variant, budget: float, focus: float, explore: float, *weights: float) -> Variant:
    """ARR-COC of the same checkpoint with these sliders; a region that was drawn stays.

    Raises:
        ValueError: all weights are zero.
    """
    region = variant.hand.region if variant.hand else ()
    policy = variant.policy if variant.policy in OWN else OURS
    return Variant(variant.checkpoint, policy, int(budget), ByHand(balancer_of(focus, explore, *weights), region))


def replay(state: State, label: str | None, step: float) -> str:
    """The leaves after a round, 0 being the glimpse; of a policy without leaves the tokens that it keeps."""
    finding = pick(state, label)
    if state is None or finding is None:
        return ""
    picture, evidence = state.sample.image, fractions(state.sample)
    if finding.allocation is None:
        caption = f'<p class="arr-note">{finding.num_tokens} tokens, kept at once</p>'
        return caption + tokens_html(picture, finding.tiles, evidence)
    levels = rounds_of(finding.allocation)
    allocation = coarsened(finding.allocation, levels[min(int(step), len(levels) - 1)])
    notes = [level_note(level) for level in allocation.leaves[:, 0].tolist()]
    caption = f'<p class="arr-note">{allocation.num_tokens} tokens after round {int(step)} of {len(levels) - 1}</p>'
    drawn = tokens_html(picture, leaf_tiles(allocation, notes), evidence)
    return caption + drawn + legend_html(allocation, bool(evidence))


def show_textures(state: State, label: str | None, level: float) -> str:
    finding = pick(state, label)
    if finding is None or finding.realization is None:
        return ""
    pyramid = finding.realization.pyramid
    figure = texture_figure(pyramid, min(int(level), pyramid.coarsest))
    return figure_html(figure, "The 13 texture channels", least_px=760)
