"""Options of a call: each is used or refused, none is swallowed.

Chat templates have variables of their own (`enable_thinking`, `add_vision_id`), so what may be passed depends on the
template that is used: the variables that it reads are asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jinja2 import Environment, meta
from jinja2.exceptions import TemplateSyntaxError
from transformers import PreTrainedTokenizerBase

Limits = tuple[int | None, int | None]
"""(least, most) pixels of a picture; None is the image processor's own."""

OWN_LIMITS: Limits = (None, None)
PIXELS = ("min_pixels", "max_pixels")
TOKENIZER_TEMPLATE = ("tools", "documents", "chat_template", "continue_final_message", "tokenizer_kwargs")
SHARED = (*PIXELS, "images_kwargs", "processor_kwargs", "padding", "truncation", "max_length")
CALL = ("images", "text", "budget", "padding_side", "return_tensors", *SHARED)
CHAT = (
    "conversation",
    "add_generation_prompt",
    "tokenize",
    "return_dict",
    "return_tensors",
    "budget",
    "padding_side",
    *TOKENIZER_TEMPLATE,
    *SHARED,
)


@dataclass(frozen=True)
class Options:
    """What is left of a call's options: limits of every picture, and what goes to the chat template."""

    limits: Limits
    template: dict[str, Any]


def read_options(given: Mapping[str, Any], known: Iterable[str], where: str) -> Options:
    """Takes out what concerns pictures and padding; the rest is for the chat template.

    Args:
        known: names that may be given.
        where: the method, for the message.
    Raises:
        TypeError: an unknown name, with the nearest known one.
        ValueError: an option that cannot be met, or limits that make no sense.
    """
    left = dict(given)
    nested = [left.pop(name, None) or {} for name in ("processor_kwargs", "images_kwargs")]
    check_names(nested[0], [*SHARED, "return_tensors"], f"{where}: processor_kwargs")
    for images in (nested[1], nested[0].get("images_kwargs") or {}):
        check_names(images, PIXELS, f"{where}: images_kwargs")
        left |= images
    left |= {name: value for name, value in nested[0].items() if name not in ("images_kwargs", "return_tensors")}
    check_names(left, known, where)
    refuse_cutting(left)
    limits = read_limits(left, where)
    return Options(limits, {name: value for name, value in left.items() if name not in SHARED})


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    names = sorted(set(known))
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise TypeError(f"{where} got an unexpected option {str(name)[:80]!r}; {hint}")


def refuse_cutting(given: Mapping[str, Any]) -> None:
    """Raises ValueError where tokens would be cut or padded to a length."""
    if given.get("truncation") not in (None, False, "do_not_truncate") or given.get("max_length") is not None:
        raise ValueError("truncation, max_length: a prompt with pictures can't be cut; shorten the text instead")
    if given.get("padding") not in (None, True, False, "longest", "do_not_pad"):
        raise ValueError(f"padding: batches are padded to their longest row, got {str(given['padding'])[:80]!r}")


def read_limits(given: Mapping[str, Any], where: str) -> Limits:
    """`min_pixels` and `max_pixels` of a call or of an image part.

    Raises:
        ValueError: no whole number of pixels above 0, or the least above the most.
    """
    least, most = (given.get(name) for name in PIXELS)
    for name, value in zip(PIXELS, (least, most), strict=True):
        if value is not None and (not hasattr(value, "__index__") or isinstance(value, bool) or int(value) < 1):
            raise ValueError(f"{where}: {name} must be a whole number above 0, got {str(value)[:80]!r}")
    if least is not None and most is not None and int(least) > int(most):
        raise ValueError(f"{where}: min_pixels {least} is above max_pixels {most}")
    return (None if least is None else int(least), None if most is None else int(most))


def merged_limits(own: Limits, common: Limits) -> Limits:
    """A picture's own limits before those of the call."""
    least = common[0] if own[0] is None else own[0]
    most = common[1] if own[1] is None else own[1]
    return least, most


def pixel_range(limits: Limits, least: int, most: int) -> tuple[int, int]:
    """(least, most) pixels with the image processor's own where none are given; what is given always holds."""
    if limits[1] is not None:
        return min(limits[0] or least, limits[1]), limits[1]
    return limits[0] or least, max(limits[0] or least, most)


def chat_options(tokenizer: PreTrainedTokenizerBase, template: object) -> tuple[str, ...]:
    """Names that `apply_chat_template` may be given with this tokenizer's template, or another given by hand."""
    own = tokenizer.chat_template
    sources = [template] if isinstance(template, str) else list(own.values()) if isinstance(own, Mapping) else [own]
    return (*CHAT, *(name for source in sources if isinstance(source, str) for name in template_variables(source)))


@lru_cache(maxsize=16)
def template_variables(source: str) -> tuple[str, ...]:
    """Variables that a chat template reads from outside."""
    environment = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
    try:
        parsed = environment.parse(source.replace("{% generation %}", "").replace("{% endgeneration %}", ""))
    except TemplateSyntaxError:
        return ()
    return tuple(sorted(meta.find_undeclared_variables(parsed) - {"messages"}))
