"""Model names: `nano`, a folder, or an id of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.registry import find_family
from arr_coc.quoting import quoted, shortened

NANO = "nano"
NANO_FOLDER = Path(__file__).parents[1] / "nano" / "weights"
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
LOADING_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError, OSError, RuntimeError),
    *(TypeError, ValueError, SafetensorError, StrictDataclassError),
)
"""What transformers and torch raise over a broken folder; none of it is a defect of ours."""
KNOWN_NAMES = "use 'nano', a folder with a checkpoint, or a hub id like 'Qwen/Qwen3-VL-2B-Instruct'"


def resolve(name: str | Path) -> str:
    """The folder or hub id that a name stands for.

    Raises:
        ValueError: the embedded host is not there, or the name is neither a folder nor a hub id.
    """
    if str(name) == NANO:
        if not (NANO_FOLDER / "config.json").is_file():
            raise ValueError("model 'nano': its weights are not installed; make them with `arr-coc nano train`")
        return str(NANO_FOLDER)
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if path.exists():
        raise ValueError(f"model {quoted(name)}: it is a file; {KNOWN_NAMES}")
    is_hub_id = isinstance(name, str) and HUB_ID.fullmatch(name)
    if not is_hub_id:
        raise ValueError(f"model {quoted(name)}: no such folder; {KNOWN_NAMES}")
    return str(name)


@contextmanager
def explained(name: str | Path, what: str) -> Iterator[None]:
    """Turns what transformers raises while loading `what` into one line with the name and what to do."""
    try:
        yield
    except LOADING_ERRORS as error:
        raise ValueError(
            f"model {quoted(name)}: cannot load {what}, neither from a folder nor from the Hugging Face hub "
            f"({first_line(error)}); {KNOWN_NAMES}"
        ) from error


def family_of(name: str | Path, model_type: str) -> Family:
    """Raises ValueError, with the model's name, for a kind of model that cannot be a host."""
    try:
        return find_family(model_type)
    except ValueError as error:
        raise ValueError(f"model {quoted(name)}: {error}") from error


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return shortened(lines[0].rstrip(".")) if lines else type(error).__name__
