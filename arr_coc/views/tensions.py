"""Tensions and weights as bars."""

from __future__ import annotations

from arr_coc.records import Tensions
from arr_coc.views.scores import SCORES

STYLE = """\
<style>
.arr-tensions { display: grid; gap: .75rem; max-width: 620px; font-size: 14px; }
.arr-tensions .ends { display: flex; justify-content: space-between; gap: .4rem; white-space: nowrap; }
.arr-tensions .track { position: relative; height: 10px; border-radius: 5px; background: #8884; margin-top: .25rem; }
.arr-tensions .track i { position: absolute; top: -4px; width: 6px; height: 18px; margin-left: -3px; border-radius: 3px;
  background: #0d9488; }
.arr-tensions .shares { display: flex; height: 26px; border-radius: 6px; overflow: hidden; margin-top: .25rem; }
.arr-tensions .shares i { display: block; }
.arr-tensions .keys { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin-top: .35rem; }
.arr-tensions .keys span::before { content: ""; display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  background: var(--tint); margin-right: .4em; }
</style>
"""
COLORS = ("#5b4b8a", "#c8553d", "#0d9488")


def tensions_html(tensions: Tensions) -> str:
    """Where each tension stands between its ends, and the weights of the three maps as shares of one bar."""
    bars = [
        track_html("compress", "particularize", tensions.compress_particularize, f"budget {tensions.budget}"),
        track_html("focus", "diversify", tensions.focus_diversify),
        track_html("exploit", "explore", tensions.exploit_explore),
        shares_html(tensions.weights),
    ]
    return f'{STYLE}<div class="arr-tensions">{"".join(bars)}</div>'


def track_html(low: str, high: str, value: float, note: str = "") -> str:
    middle = f"{value:.2f}" + (f" · {note}" if note else "")
    ends = f'<div class="ends"><span>{low}</span><b>{middle}</b><span>{high}</span></div>'
    return f'<div>{ends}<div class="track"><i style="left:{100 * value:.1f}%"></i></div></div>'


def shares_html(weights: tuple[float, float, float]) -> str:
    pairs = [(float(weight), color) for weight, color in zip(weights, COLORS, strict=True)]
    parts = [f'<i style="width:{100 * weight:.1f}%;background:{color}"></i>' for weight, color in pairs]
    keys = [
        f'<span style="--tint:{color}">{name} {weight:.2f}</span>'
        for name, (weight, color) in zip(SCORES, pairs, strict=True)
    ]
    bars = f'<div class="shares">{"".join(parts)}</div><div class="keys">{"".join(keys)}</div>'
    return f"<div>weights of the score maps{bars}</div>"
