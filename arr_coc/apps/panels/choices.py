"""Fields that several tabs have: policies, with a line on what each of them does, and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import gradio as gr

from arr_coc.apps.variants import OURS, TRAINED, UNTIL_SURE
from arr_coc.evaluation.policies.registry import POLICIES
from arr_coc.hosts.names import resolve
from arr_coc.processor.trained_parts import has_parts

BUDGETS = ("auto", "64", "100", "160", "256", "400")
ASKED_BUDGETS = (*BUDGETS, UNTIL_SURE)


def policy_field(elem_id: str, checkpoint: str) -> gr.Dropdown:
    """Policies by name, and below it a line on each; chosen are resize and ARR-COC as the checkpoint has it."""
    chosen = ["resize", TRAINED if has_parts(Path(resolve(checkpoint))) else OURS]
    field = gr.Dropdown(list(POLICIES), value=chosen, multiselect=True, label="Policies", elem_id=elem_id)
    told = gr.HTML(policies_html(chosen), padding=False, elem_id=f"{elem_id}-told")
    field.change(policies_html, field, told, show_progress="hidden", queue=False, api_name=False)
    return field


def policies_html(names: Sequence[str]) -> str:
    """What each of the policies does, a line each."""
    known = [POLICIES[name] for name in names or () if name in POLICIES]
    lines = [f"<li><b>{escape(each.name)}</b>: {escape(each.summary)}</li>" for each in known]
    return f'<ul class="arr-policies">{"".join(lines)}</ul>'
