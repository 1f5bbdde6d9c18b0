"""What transformers' own tools expect of a processor: its base class, and that `AutoProcessor` finds it by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from transformers import AutoProcessor, PreTrainedConfig, ProcessorMixin

from arr_coc.files.writing import write_atomically

PROCESSOR_FILE = "processor_config.json"
FROM_AUTO = ("_from_auto", "trust_remote_code", "revision")
INPUTS = ["input_ids", "attention_mask", "position_ids", "mm_encoder_outputs"]
Function = TypeVar("Function", bound=Callable[..., Any])


class StockFace(ProcessorMixin):
    """A `ProcessorMixin` for `Trainer`, TRL and pipelines, without that class's way of holding and loading parts."""

    @property
    def chat_template(self) -> Any:
        """The tokenizer's."""
        return self.tokenizer.chat_template

    @chat_template.setter
    def chat_template(self, template: Any) -> None:
        self.tokenizer.chat_template = template

    @property
    def model_input_names(self) -> list[str]:
        """What a call returns."""
        return list(INPUTS)

    def to_dict(self) -> dict[str, Any]:
        """What `processor_config.json` says; everything else lies in files of its own."""
        return {"processor_class": type(self).__name__}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={type(self.host.model).__name__}, allocator={self.allocator})"


class NoModel(PreTrainedConfig):
    """Stands for no model: `AutoProcessor` lists processors by a model's configuration, and this one serves many."""

    model_type = "arr_coc"


def register(processor: type[ProcessorMixin]) -> None:
    """Lets `AutoProcessor.from_pretrained(FOLDER, model=model)` find it in folders that it saved."""
    AutoProcessor.register(NoModel, processor, exist_ok=True)


def write_face(folder: Path, face: StockFace) -> None:
    """Names the processor in a folder, unless that says already which one of transformers is its own."""
    path = folder / PROCESSOR_FILE
    if not path.exists():
        write_atomically(path, json.dumps(face.to_dict(), indent=2) + "\n")


def drops_what_auto_adds(function: Function) -> Function:
    """`AutoProcessor` passes on names of its own, which say nothing about a folder."""

    @wraps(function)
    def called(*args: Any, **given: Any) -> Any:
        if given.get("_from_auto"):
            given = {name: value for name, value in given.items() if name not in FROM_AUTO}
        return function(*args, **given)

    return cast(Function, called)
