"""Kinds of lifelike pictures; a file in this folder with a `KIND` is all that a new one needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from random import Random

from arr_coc.data.drawing.lifelike.photography import Shot
from arr_coc.data.drawing.lifelike.sheet import Sheet


@dataclass(frozen=True)
class LifelikeKind:
    """One kind of lifelike picture.

    Attributes:
        name: as records, tasks and the command line call it.
        order: its place among the kinds; a new kind comes last.
        version: goes up when a seed draws another picture of this kind, or asks another question.
        share: weight in the training mixture.
        draw: (random numbers, held-out side, size of the print) to a sheet with its questions asked.
        take: (random numbers, sheet) to the picture: printed and photographed, or saved as a file.
        least: a sheet with fewer questions is drawn again.
    """

    name: str
    order: int
    version: str
    share: float
    draw: Callable[[Random, bool, float], Sheet]
    take: Callable[[Random, Sheet], Shot]
    least: int = 8


@cache
def lifelike_kinds() -> Mapping[str, LifelikeKind]:
    """All kinds by name, in their order."""
    names = sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if not module.ispkg)
    others = {Path(__file__).stem, "generator"}
    loaded = [import_module(f"{__package__}.{name}") for name in names if name not in others]
    found = [module.KIND for module in loaded if isinstance(getattr(module, "KIND", None), LifelikeKind)]
    assert len({kind.order for kind in found}) == len({kind.name for kind in found}) == len(found), found
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.order)}
