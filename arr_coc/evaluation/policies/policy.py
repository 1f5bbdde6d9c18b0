"""The contract of a policy: what it is asked, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from arr_coc.data.tasks import Sample
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.records import CellFeatures, Pyramid


@dataclass(frozen=True, eq=False)
class Given:
    """What the host is given, and what it took to choose it.

    Attributes:
        block, features: visual tokens with their positions.
        segments: cells encoded, a number per attention segment of the vision encoder.
        shown: (R, C) level shown over each cell of the picture at full resolution, see `recall.evidence_seen`.
        leaves: (K, 3) where the tokens are leaves of mixed levels, else None.
        selection_flops: of choosing, beyond encoding and a prefill of the tokens given.
        answer: where tokens are dropped within the language model, so that `generate` can't answer: takes the most
            new tokens, returns the text, and may be asked again. Else None.
    """

    block: ImageBlock
    features: CellFeatures
    segments: tuple[int, ...]
    shown: np.ndarray
    leaves: Tensor | None = None
    selection_flops: float = 0.0
    answer: Callable[[int], str] | None = None

    @property
    def num_tokens(self) -> int:
        return len(self.block.positions)

    @property
    def num_encoded(self) -> int:
        return sum(self.segments)


Give = Callable[[Qwen3VLHost, Sample, Pyramid, int], Given]


@dataclass(frozen=True)
class Policy:
    """A rule by which visual tokens are chosen.

    Attributes:
        give: (host, sample, pyramid, budget) to what the host is given.
        needs: what it looks at: pixels, encoder features, encoder attention, question, language attention, evidence.
        has_budget: False where it costs what it costs.
        chooses_budget: whether a budget of 0 lets it decide.
        uses_pyramid: whether building the pyramid is part of its work.
        needs_training: whether parts must have been trained for the host.
        source: paper or rule it follows.
    """

    name: str
    give: Give
    summary: str
    needs: frozenset[str] = field(default=frozenset({"pixels"}))
    has_budget: bool = True
    chooses_budget: bool = False
    uses_pyramid: bool = False
    needs_training: bool = False
    source: str = ""

    @property
    def is_blind(self) -> bool:
        """Whether all questions about a picture are given the same."""
        return not self.needs & {"question", "language attention", "evidence"}
