"""What an OCR engine reads of a task's pictures: a bound on what can be asked there, and a check of drawn pictures.

RapidOCR (onnxruntime) is a tool of measurement only: nothing here learns from what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from PIL import Image

from arr_coc.data.tasks import Task
from arr_coc.nano.curriculum import WORKED_OUT
from arr_coc.nano.probe import bare

Engine = Callable[[Image.Image], str]
BESIDE = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Finding:
    """Whether one printed answer stands in what was read of its picture; `kind` is the question's."""

    kind: str
    is_found: bool


def rapid_ocr() -> Engine:
    """The engine with its own models, one thread.

    Raises:
        ValueError: it is not installed.
    """
    if find_spec("rapidocr_onnxruntime") is None:
        raise ValueError("OCR: RapidOCR is not installed; pip install 'arr-coc[ocr]'")
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=1)

    def read(image: Image.Image) -> str:
        lines, _ = engine(np.asarray(image.convert("RGB"))[:, :, ::-1])
        return "\n".join(line[1] for line in lines or ())

    return read


def findings(task: Task, read: Engine, limit: int) -> Iterator[Finding]:
    """The first questions whose answer is printed in a marked place; every picture is read once."""
    known: dict[str, str] = {}
    count = 0
    for number in range(len(task)):
        sample = task[number]
        if not sample.boxes or sample.kind in WORKED_OUT:
            continue
        if count == limit:
            return
        count += 1
        if sample.picture_id not in known:
            known[sample.picture_id] = letters(read(sample.image))
        text = known[sample.picture_id]
        yield Finding(sample.kind, any(letters(answer) in text for answer in sample.answers if letters(answer)))


def letters(text: str) -> str:
    """Letters and digits alone, since engines join words; without currencies."""
    return BESIDE.sub("", bare(text)).casefold()


def table(found: list[Finding], name: str) -> str:
    """Markdown: by kind of question, and all."""
    lines = [f"| {name} | answers found | printed answers |", "| --- | --- | --- |"]
    for kind in [*dict.fromkeys(each.kind for each in found), None]:
        group = [each.is_found for each in found if kind in (None, each.kind)]
        share = f"{sum(group) / len(group):.1%}" if group else "-"
        lines.append(f"| {'**all**' if kind is None else kind} | {share} | {len(group)} |")
    return "\n".join(lines)
