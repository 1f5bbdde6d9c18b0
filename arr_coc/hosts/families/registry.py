"""Which family a model belongs to; a file in this folder with a tuple `FAMILIES` is all that a new one needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from transformers import AutoConfig, PreTrainedConfig

from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.refused import REASONS
from arr_coc.quoting import quoted

FIRST_FAMILY = "qwen3_vl"
"""The model type of trained parts that were saved when there was no other, and record none."""


@cache
def families() -> Mapping[str, Family]:
    """All families by the `model_type` of their configurations."""
    modules = sorted(module.name for module in iter_modules([str(Path(__file__).parent)]))
    loaded = [import_module(f"{__package__}.{name}") for name in modules if name != Path(__file__).stem]
    found = [family for module in loaded for family in getattr(module, "FAMILIES", ())]
    assert len({family.model_type for family in found}) == len(found), found
    return {family.model_type: family for family in found}


def find_family(model_type: str) -> Family:
    """Raises ValueError, one line, for a kind of model that cannot be a host."""
    known = families()
    if model_type in known:
        return known[model_type]
    names = ", ".join(sorted(family.name for family in known.values()))
    if model_type in REASONS:
        raise ValueError(f"a {quoted(model_type)} model can't be a host: {REASONS[model_type]}; use one of {names}")
    raise ValueError(f"{quoted(model_type)} models are not known as hosts; use one of {names}")


def sizes() -> Mapping[str, Family]:
    """Names of published checkpoints' sizes, such as "8b", and their families."""
    return {name: family for family in families().values() for name in family.sizes}


def size_config(name: str) -> PreTrainedConfig:
    """The configuration of a published size; its special tokens are the family's own.

    Raises:
        ValueError: unknown name.
    """
    known = sizes()
    if name not in known:
        raise ValueError(f"geometry: must be one of {', '.join(known)}, got {quoted(name)}")
    return AutoConfig.for_model(known[name].model_type, **known[name].sizes[name])
