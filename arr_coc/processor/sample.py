"""One conversation on its way to the model."""

from __future__ import annotations

from dataclasses import dataclass

from arr_coc.allocator import Budget
from arr_coc.processor.kept_pictures import KeptPicture
from arr_coc.records import View


@dataclass(frozen=True, eq=False)
class Sample:
    """One conversation ready to be realized: ids with one placeholder per picture, and what is looked at."""

    ids: list[int]
    views: list[View]
    kept: list[KeptPicture]
    budget: Budget
