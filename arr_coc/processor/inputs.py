"""What a RelevanceProcessor hands to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from torch import Tensor
from transformers import BatchFeature
from transformers.utils import ModelOutput

from arr_coc.records import Realization


class RelevanceInputs(BatchFeature):
    """Goes as it is into `model.generate(**inputs)` and `model(**inputs, labels=...)`, as often as you like.

    Keys: `input_ids`, `attention_mask` (B, T), `position_ids` (4, B, T) and, where there are pictures,
    `mm_encoder_outputs` with the features of the leaves.

    Attributes:
        realizations: per conversation, per picture, everything that led to it; not among the keys. Beside the features,
            which the model needs anyway, they take some kilobytes: `realization.pyramid` opens the picture again, so
            leave the file where it is. They come along in copies, pickled ones too, and from a DataLoader's worker.
    """

    def __init__(self, data: dict[str, Any], realizations: Sequence[Sequence[Realization]] = ()) -> None:
        if "mm_encoder_outputs" in data:
            outputs = {kind: reusable(output) for kind, output in data["mm_encoder_outputs"].items()}
            data = {**data, "mm_encoder_outputs": outputs}
        super().__init__(data)
        self.realizations = [list(pictures) for pictures in realizations]

    def to(self, *args: Any, **kwargs: Any) -> RelevanceInputs:
        """Moves everything; a dtype is applied to the features, never to ids, masks or positions.

        These inputs change, as those of transformers do; a dict or a copy that was made of them does not.
        """
        super().to(*args, **kwargs)
        if "mm_encoder_outputs" in self.data:
            outputs = self.data["mm_encoder_outputs"].items()
            moved = {kind: changed(output, lambda tensor: tensor.to(*args, **kwargs)) for kind, output in outputs}
            self.data["mm_encoder_outputs"] = moved
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "realizations": self.realizations}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class Reusable:
    """Encoder outputs that any number of calls may share.

    For several sequences `generate` writes the repeated features into the outputs that it is given, and the first
    pass of the model reads them there. So what is written is read once; then the outputs are what they were.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        written = vars(self).get("_written")
        if written is None or name not in vars(self):
            super().__setattr__(name, value)
        else:
            written[name] = value

    def __getattribute__(self, name: str) -> Any:
        written = object.__getattribute__(self, "__dict__").get("_written")
        return written.pop(name) if written and name in written else super().__getattribute__(name)

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[misc]
        vars(self)["_written"] = {}

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Replaces fields; PyTorch's data loader does so in a copy."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value  # type: ignore[index]

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self).__mro__[2], contents(self))


@cache
def reusable_type(kind: type[ModelOutput]) -> type[ModelOutput]:
    return type(f"Reusable{kind.__name__}", (Reusable, kind), {"__module__": __name__})


def reusable(output: ModelOutput) -> ModelOutput:
    """The same output, which calls may share."""
    return output if isinstance(output, Reusable) else rebuild(type(output), contents(output))


def rebuild(kind: type[ModelOutput], values: dict[str, Any]) -> ModelOutput:
    return reusable_type(kind)(**values)


def contents(output: ModelOutput) -> dict[str, Any]:
    """The fields of an output that are there, as they were before any call."""
    return {field.name: vars(output)[field.name] for field in fields(output) if vars(output)[field.name] is not None}


def changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same lists, tuples and outputs with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, ModelOutput):
        return type(value)(**{name: changed(each, change) for name, each in contents(value).items()})
    return type(value)(changed(each, change) for each in value)
