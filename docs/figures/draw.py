"""Draws the pictures of the documents: python docs/figures/draw.py [FOLDER]. `make figures` runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.nano.dense_losses import ALPHABET, CELL, PATCH, SLOT_WIDTH
from arr_coc.nano.packing import slots_of
from arr_coc.nano.synthetic_lines import draw_primer
from arr_coc.pictures.opening import open_image
from arr_coc.processor.loading import load_host
from arr_coc.records import Realization, View
from arr_coc.serving.planning import RECIPES, steps_of
from arr_coc.serving.workload import Workload, find_target, needs, picture_of
from arr_coc.training.bucketing import Buckets
from arr_coc.training.optimizer import rate_factor
from arr_coc.training.settings import LoopSettings
from arr_coc.views.leaves import draw_leaves, fit
from arr_coc.views.scores import score_figure
from arr_coc.views.textures import texture_figure

EXAMPLES = Path(__file__).resolve().parents[2] / "arr_coc" / "examples"
RECEIPT, CODE = EXAMPLES / "receipt.jpg", "Read the small code at the foot."
TEAL, AMBER, RED = "#2a9d8f", "#f48c06", "#d7263d"
PANEL_PX, QUALITY = 520, 68
_PROCESSOR: list[object] = []


def realized(question: str, budget: int, balancer: HeuristicBalancer | None = None) -> Realization:
    """The receipt, looked at with a question by the embedded host as it ships, or with other tensions."""
    if not _PROCESSOR:
        _PROCESSOR.append(load_host("nano")[1])
    processor = _PROCESSOR[0]
    allocator: Allocator = processor.allocator  # type: ignore[attr-defined]
    allocator = allocator if balancer is None else replace(allocator, balancer=balancer)
    host = processor.host  # type: ignore[attr-defined]
    with torch.no_grad():
        return allocator.realize(host, [View.of(host.pyramid(open_image(RECEIPT)), question)], [budget])[0]


def row(panels: list[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures side by side, a line of text above each."""
    gap, head = 16, 26
    height = max(panel.height for _, panel in panels)
    width = sum(panel.width for _, panel in panels) + gap * (len(panels) + 1)
    sheet = Image.new("RGB", (width, height + head + gap), "white")
    pen, x = ImageDraw.Draw(sheet), gap
    for title, panel in panels:
        pen.text((x, 6), title, fill="#222222", font_size=15)
        sheet.paste(panel, (x, head))
        x += panel.width + gap
    return sheet


def pyramid() -> Image.Image:
    levels = realized(CODE, 160).pyramid.levels
    panels = []
    for number, level in enumerate(levels):
        image = Image.fromarray((level.permute(1, 2, 0).numpy() * 255).round().astype("uint8"))
        rows, cols = (side // CELL for side in level.shape[-2:])
        part = image.crop((image.width // 8, image.height // 8, image.width * 5 // 8, image.height * 5 // 8))
        shown = part.resize((340, 340 * part.height // part.width), Image.Resampling.NEAREST)
        panels.append((f"level {number}: {rows} x {cols} cells", shown))
    return row(panels)


def textures() -> Figure:
    return texture_figure(realized(CODE, 160).pyramid, 1, width=1.5)


def scores() -> Figure:
    return score_figure(open_image(RECEIPT), realized(CODE, 160), height=3.2)


def leaves(question: str, budget: int, balancer: HeuristicBalancer | None = None) -> Image.Image:
    realization = realized(question, budget, balancer)
    return fit(draw_leaves(open_image(RECEIPT), realization.allocation, 2 * PANEL_PX), PANEL_PX)


def budgets() -> Image.Image:
    return row([(f"{budget} tokens at most", leaves(CODE, budget)) for budget in (64, 160, 400)])


def tensions() -> Image.Image:
    weights = (0.25, 0.15, 0.6)
    ways = {"focus: deep": (0.0, 0.0), "diversify: wide": (1.0, 0.0), "explore: blind to the question": (0.4, 1.0)}
    return row([(title, leaves(CODE, 160, HeuristicBalancer(*each, weights))) for title, each in ways.items()])


def slots() -> Image.Image:
    """A line of print with the grid of cells, patches and slots, and what the head is told of each slot."""
    picture = draw_primer(3, 1, 0.0, 22)
    rows, cols = (max(1, round(side / CELL)) for side in (picture.image.height, picture.image.width))
    zoom = 3
    canvas = picture.image.convert("RGB").resize((cols * CELL * zoom, rows * CELL * zoom), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(canvas)
    for x in range(0, cols * CELL, SLOT_WIDTH):
        pen.line((x * zoom, 0, x * zoom, canvas.height), fill=RED if x % CELL == 0 else "#bbbbbb")
    for y in range(0, rows * CELL, PATCH):
        pen.line((0, y * zoom, canvas.width, y * zoom), fill=RED if y % CELL == 0 else "#bbbbbb")
    for cell, named in enumerate(slots_of(picture.image, picture.glyphs, rows, cols).tolist()):
        for slot, name in enumerate(named):
            x = (cell % cols) * CELL + slot % 4 * SLOT_WIDTH
            y = (cell // cols) * CELL + slot // 4 * PATCH
            if name > 0:
                pen.text((x * zoom + 2, y * zoom + 1), ALPHABET[name - 1], fill=RED, font_size=15)
    return canvas.crop((0, 0, min(canvas.width, 1200), min(canvas.height, 420)))


def two_questions() -> Image.Image:
    asked = (CODE, "What is more expensive, Oats or Brush?")
    return row([(question, leaves(question, 100)) for question in asked])


def axes_of(width: float, height: float) -> tuple[Figure, object]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def rate() -> Figure:
    figure, axes = axes_of(7, 2.6)
    for warmup, color in ((1, AMBER), (30, TEAL)):
        settings = LoopSettings(rates={}, num_steps=400, warmup_steps=warmup)
        factors = [rate_factor(settings, step) for step in range(400)]
        axes.plot(factors, color=color, label=f"{warmup} steps of warm-up")
    axes.set(xlabel="step", ylabel="times the rate")
    axes.legend(frameon=False)
    return figure


def operations() -> Figure:
    """Encoder operations per pass of the published sizes: matrices, and attention within a segment."""
    figure, axes = axes_of(7, 2.8)
    target = find_target("2b")
    tower, block = target.memory.tower, target.weights.vision_block
    ways = {"full": [1024], "resize": [144], "ARR-COC": picture_of(target, (1024, 1024)).passes(160)}
    for name, passes in ways.items():
        patches = [cells * tower.patches_per_cell for cells in passes]
        matrices = sum(2 * count * block * tower.depth for count in patches) / 1e12
        attention = sum(4 * count**2 * tower.width * tower.depth for count in patches) / 1e12
        axes.barh(name, matrices, color=TEAL, label="matrices" if name == "full" else None)
        axes.barh(name, attention, left=matrices, color=AMBER, label="attention" if name == "full" else None)
    axes.set(xlabel="encoder of the 2B, 1024 x 1024 pixels: 10^12 operations")
    axes.invert_yaxis()
    axes.legend(frameon=False)
    return figure


def memory() -> Figure:
    """One training step of the 2B by phase, with and without gradient checkpointing."""
    figure, axes = axes_of(7, 2.8)
    target, work = find_target("2b"), Workload(size=(1024, 1024), budget=160)
    need = needs(target, work)["arr-coc"]
    for number, recipe in enumerate(RECIPES):
        ways = steps_of(target, recipe, need, work)
        axes.barh(number - 0.2, ways["plain"] / 1e9, 0.38, color=TEAL, label="plain" if not number else None)
        axes.barh(
            number + 0.2, ways["checkpointing"] / 1e9, 0.38, color=AMBER, label="checkpointing" if not number else None
        )
    axes.set(yticks=range(len(RECIPES)), yticklabels=[recipe.key for recipe in RECIPES])
    axes.set_xlabel("GB for one step of the 2B")
    axes.invert_yaxis()
    axes.legend(frameon=False)
    return figure


def batches() -> Figure:
    """Budgets of the first batches of a run, and which of two processes takes them."""
    figure, axes = axes_of(7, 2.6)
    buckets = Buckets(tokens_per_batch=1600)
    for number in range(24):
        axes.bar(number, buckets.budget_of(number), color=(TEAL, AMBER)[number % 2])
    axes.set(xlabel="number of the batch; teal: process 0, amber: process 1", ylabel="budget", yticks=buckets.budgets)
    return figure


FIGURES: dict[str, Callable[[], Image.Image | Figure]] = {
    "2a-pyramid.jpg": pyramid,
    "2a-textures.png": textures,
    "2b-scores.jpg": scores,
    "2c-budgets.jpg": budgets,
    "2c-tensions.jpg": tensions,
    "4a-slots.jpg": slots,
    "4b-two-questions.jpg": two_questions,
    "4c-rate.png": rate,
    "6a-operations.png": operations,
    "6b-memory.png": memory,
    "6c-batches.png": batches,
}


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1] / "images"
    for name, draw in FIGURES.items():
        drawn = draw()
        if isinstance(drawn, Figure):
            drawn.savefig(folder / name, dpi=90)
        else:
            drawn.save(folder / name, quality=QUALITY)
        print(folder / name)


if __name__ == "__main__":
    main(sys.argv[1:])
