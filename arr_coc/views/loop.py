"""The loop drawn on one picture: the glimpse, where the question looks in it, what was split in each round, the leaves.

Everything is read off a `Realization`, so the figure shows what really happened.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from arr_coc.attending import children
from arr_coc.records import Allocation, Realization
from arr_coc.views.leaves import draw_leaves, fit
from arr_coc.views.scores import draw_score, frame
from arr_coc.views.sheet import INK, MUTED, Sheet

MARGIN, GAP, CAPTION, PANEL_PX = 0.3, 0.25, 0.75, 640


def loop_figure(picture: Image.Image, realization: Realization, height: float = 4.2) -> Figure:
    """One panel a step, left to right; `height` of a panel in inches."""
    steps = list(steps_of(picture, realization))
    width = min(max(height * picture.width / picture.height, 2.0), 6.0)
    sheet = Sheet(2 * MARGIN + len(steps) * width + (len(steps) - 1) * GAP, height + CAPTION + 2 * MARGIN)
    for number, (title, meaning, panel) in enumerate(steps):
        x = MARGIN + number * (width + GAP)
        sheet.text(x, MARGIN, title, 10.5, INK, weight="bold")
        sheet.text(x, MARGIN + 0.24, meaning, 9.5, MUTED)
        axes = sheet.axes(x, MARGIN + CAPTION, width, height)
        axes.set_anchor("NW")
        if panel is None:
            draw_score(axes, picture, realization, "participatory")
        else:
            frame(axes)
            axes.imshow(panel)
    return sheet.figure


def steps_of(picture: Image.Image, realization: Realization) -> Iterator[tuple[str, str, Image.Image | None]]:
    """Title, meaning and picture of each step; no picture stands for the map of the question."""
    rounds = list(leaves_by_round(realization))
    first = rounds[0]
    yield "glimpse", f"{len(first)} tokens: the whole picture,\nblurred", glimpse_of(picture, realization, first)
    if not realization.scores:
        return
    yield "knowing", "how strongly the question\nlooks at each cell", None
    for number, leaves in enumerate(rounds[1:], start=1):
        num_splits = len(realization.splits[number - 1])
        is_last = number == len(rounds) - 1
        title = "realized" if is_last else f"attending, round {number}"
        meaning = f"{num_splits} cells split in four:\n{len(leaves)} tokens"
        yield title, meaning, draw_leaves(picture, Allocation(leaves, realization.allocation.grid), PANEL_PX)


def leaves_by_round(realization: Realization) -> Iterator[Tensor]:
    """(K, 3) leaves before the first split and after each round."""
    leaves = realization.scores[0].cells if realization.scores else realization.allocation.leaves
    yield leaves
    for scores, splits in zip(realization.scores, realization.splits, strict=True):
        split = scores.cells[splits]
        is_split = (leaves[:, None] == split[None]).all(-1).any(1)
        leaves = torch.cat([leaves[~is_split], children(split)])
        yield leaves


def glimpse_of(picture: Image.Image, realization: Realization, leaves: Tensor) -> Image.Image:
    """The picture at the resolution of the glimpse, with its cells."""
    level = int(leaves[:, 0].max())
    height, width = realization.pyramid.levels[level].shape[-2:]
    small = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    blurred = small.resize(fit(picture, PANEL_PX).size, Image.Resampling.BICUBIC)
    return draw_leaves(blurred, Allocation(leaves, realization.allocation.grid), PANEL_PX)
