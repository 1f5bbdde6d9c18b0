"""What a RelevanceProcessor hands to the model."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from transformers import BatchFeature

from arr_coc.records import Realization


class RelevanceInputs(BatchFeature):
    """Goes as it is into `model.generate(**inputs)` and `model(**inputs, labels=...)`.

    Keys: `input_ids`, `attention_mask` (B, T), `position_ids` (4, B, T) and, where there are pictures,
    `mm_encoder_outputs` with the features of the leaves.

    Attributes:
        realizations: per conversation, per picture, everything that led to it; not among the keys.
    """

    def __init__(self, data: dict[str, Any], realizations: Sequence[Sequence[Realization]] = ()) -> None:
        super().__init__(data)
        self.realizations = [list(pictures) for pictures in realizations]

    def __getitem__(self, item: str) -> Any:
        """A value; encoder outputs as a copy, since `generate` expands them in place for several sequences."""
        value = super().__getitem__(item)
        return {kind: copy(output) for kind, output in value.items()} if item == "mm_encoder_outputs" else value

    def to(self, *args: Any, **kwargs: Any) -> RelevanceInputs:
        """Moves everything; a dtype is applied to the features, never to ids, masks or positions."""
        super().to(*args, **kwargs)
        for output in self.data.get("mm_encoder_outputs", {}).values():
            output.pooler_output = tuple(feature.to(*args, **kwargs) for feature in output.pooler_output)
            if getattr(output, "deepstack_features", None) is not None:
                output.deepstack_features = [
                    tuple(feature.to(*args, **kwargs) for feature in plane) for plane in output.deepstack_features
                ]
        return self
