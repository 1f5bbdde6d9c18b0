"""The pictures that the package ships: one of every kind, drawn from a seed each."""

from __future__ import annotations

import json
from pathlib import Path

from arr_coc.data.drawing.generator import generate
from arr_coc.data.preview import question_fields

EXAMPLES = {
    "receipt.jpg": ("receipt", 21),
    "form.jpg": ("form", 1),
    "document.jpg": ("document", 12),
    "table.jpg": ("table", 8),
    "bar_chart.jpg": ("bar_chart", 21),
    "line_chart.png": ("line_chart", 1),
    "shapes.jpg": ("shapes", 10),
    "street.jpg": ("street", 12),
}
"""File name: kind and seed. Pictures with a grain are JPEG, flat ones PNG."""

MAX_SIDE, QUALITY = 2048, 80
NUM_QUESTIONS = 4


def write_examples(folder: Path) -> None:
    """Draws every example with a `qa.jsonl` that `FolderTask` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, (kind, seed) in EXAMPLES.items():
        picture = generate(seed, kind=kind, max_side=MAX_SIDE, num_questions=NUM_QUESTIONS)
        picture.image.save(folder / name, **({"quality": QUALITY} if name.endswith(".jpg") else {"optimize": True}))
        fields = [question_fields(question, name) | {"seed": seed} for question in picture.questions]
        lines += [json.dumps(values) + "\n" for values in fields]
    (folder / "qa.jsonl").write_text("".join(lines), encoding="utf-8")
