"""Kinds of pictures; a file in this folder with a `KIND` is all that a new one needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from random import Random
from typing import TYPE_CHECKING

from arr_coc.data.drawing.canvas import Canvas

if TYPE_CHECKING:
    from arr_coc.data.drawing.questions import Asker


@dataclass(frozen=True)
class Kind:
    """One kind of picture.

    Attributes:
        name: as records and tasks call it.
        order: its place among the kinds. Seeds choose by place, so a new kind comes last and, since all seeds then
            draw something else, with a new `generator.GENERATOR_VERSION`.
        draw: (random numbers, canvas, whether the paper is flat and unturned) to the questions.
        shares: percent of the training mixture by question group; see `mixture`.
        content: what reports on compression count it as: dense text, charts, natural or mixed. A form or a table
            is mixed: text held together by rules and space.
        may_turn: whether it may lie askew, as paper does.
        by_name: whether it is drawn only where it is asked for; no seed and no mixture chooses it.
        always_plain: whether it is always flat, unturned and without noise.
    """

    name: str
    order: int
    draw: Callable[[Random, Canvas, bool], Asker]
    shares: Mapping[str, float]
    content: str
    may_turn: bool = False
    by_name: bool = False
    always_plain: bool = False

    @property
    def title(self) -> str:
        """As a question calls it."""
        return self.name.replace("_", " ")


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds that seeds and mixtures choose among, in their order."""
    return {name: kind for name, kind in every_kind().items() if not kind.by_name}


@cache
def every_kind() -> Mapping[str, Kind]:
    """All kinds by name, in their order."""
    names = sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if not module.ispkg)
    loaded = [import_module(f"{__package__}.{name}") for name in names if name != Path(__file__).stem]
    found = [module.KIND for module in loaded if hasattr(module, "KIND")]
    assert len({kind.order for kind in found}) == len({kind.name for kind in found}) == len(found), found
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.order)}
