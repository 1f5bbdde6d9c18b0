"""The pictures of `robust/as-trained` drawn with something that training never had: typefaces, words or layouts."""

from __future__ import annotations

import re
from collections.abc import Callable

from arr_coc.data.drawing.fonts import other_typefaces
from arr_coc.data.drawing.mirrors import Mirrored, mirrored
from arr_coc.data.drawing.other_words import other_words
from arr_coc.data.mixture import choose_kind, mixture
from arr_coc.data.records import Picture
from arr_coc.data.tasks import LARGEST, PLAIN, GeneratedTask, Recent, Sample

LAYOUTS = {
    "receipt": Mirrored(across=True, upwards=True),
    "form": Mirrored(across=True, upwards=True),
    "table": Mirrored(across=True, upwards=True),
    "document": Mirrored(across=True),
    "bar_chart": Mirrored(across=True, upwards=True),
    "line_chart": Mirrored(upwards=True),
}
"""Pages by kind of picture, as they are drawn where layouts are held out. Scenes have no layout that could be."""

PLACES = re.compile(
    r"\b(left|right|top|bottom|foot|footer|corner|above|below|high\w*|low\w*|first|last|ends?|rises?|"
    r"largest|smallest)\b"
)
"""Words of a question whose answer a changed layout would change."""


class RedrawnTask(GeneratedTask):
    """The pictures of the seeds from `seed_start` on, each drawn by `draw`.

    What the seeds choose stays; where lines of text wrap elsewhere, a question about a line may be another.
    """

    def __init__(
        self, draw: Callable[[int, int], Picture], seed_start: int, num_pictures: int, num_questions: int, name: str
    ) -> None:
        super().__init__(seed_start, num_pictures, num_questions, name=name)
        self._picture = Recent(lambda seed: draw(seed, num_questions))


def as_trained(seed: int, num_questions: int) -> Picture:
    return mixture(seed, num_questions, max_side=LARGEST, plain=PLAIN)


def in_other_typefaces(seed: int, num_questions: int) -> Picture:
    """In typefaces that no training picture has."""
    with other_typefaces():
        return as_trained(seed, num_questions)


def in_other_words(seed: int, num_questions: int) -> Picture:
    """With names, words and labels that no training picture has."""
    with other_words():
        return as_trained(seed, num_questions)


def in_other_layouts(seed: int, num_questions: int) -> Picture:
    """With the sides of the page changed; see `LAYOUTS`."""
    with mirrored(LAYOUTS[choose_kind(seed)]):
        return as_trained(seed, num_questions)


def is_page(seed: int) -> bool:
    return choose_kind(seed) in LAYOUTS


def asks_for_no_place(sample: Sample) -> bool:
    return not PLACES.search(sample.question)
