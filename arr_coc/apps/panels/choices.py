"""Fields that several tabs have: policies, with a line on what each of them does, and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import gradio as gr

from arr_coc.apps.variants import OURS
from arr_coc.evaluation.policies.registry import POLICIES

BUDGETS = ("auto", "64", "100", "160", "256", "400")
CHOSEN = ("resize", OURS)
OWN = {OURS: "ARR-COC as the checkpoint has it, with the parts that were trained for it; in a batch without them"}
"""What is done otherwise here than in the evaluation."""


def policy_field(elem_id: str) -> gr.Dropdown:
    """Policies by name, and below it a line on each of the chosen ones."""
    field = gr.Dropdown(list(POLICIES), value=list(CHOSEN), multiselect=True, label="Policies", elem_id=elem_id)
    told = gr.HTML(policies_html(CHOSEN), padding=False, elem_id=f"{elem_id}-told")
    field.change(policies_html, field, told, show_progress="hidden", queue=False, api_name=False)
    return field


def policies_html(names: Sequence[str]) -> str:
    """What each of the policies does, a line each."""
    known = [POLICIES[name] for name in names or () if name in POLICIES]
    lines = [f"<li><b>{escape(each.name)}</b>: {escape(OWN.get(each.name, each.summary))}</li>" for each in known]
    return f'<ul class="arr-policies">{"".join(lines)}</ul>'
