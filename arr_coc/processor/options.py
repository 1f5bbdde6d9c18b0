"""Options of a call: each is used or refused, none is swallowed.

Chat templates have variables of their own (`enable_thinking`, `add_vision_id`), so what may be passed depends on the
template that is used: the variables that it reads are asked of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache, wraps
from inspect import signature
from typing import Any, TypeVar, cast

from jinja2 import Environment, meta
from jinja2.exceptions import TemplateSyntaxError
from transformers import PreTrainedTokenizerBase

from arr_coc.quoting import quoted

Limits = tuple[int | None, int | None]
"""(least, most) pixels of a picture; None is the image processor's own."""

OWN_LIMITS: Limits = (None, None)
AS_IT_IS: Limits = (1, 2**40)
"""Of a picture whose size is to stay."""

PIXELS = ("min_pixels", "max_pixels")
EDGES = ("shortest_edge", "longest_edge")
IMAGES = (*PIXELS, "size", "do_resize")
LENGTH = ("padding", "padding_side", "truncation", "max_length", "pad_to_multiple_of", "add_special_tokens")
SHARED = (*IMAGES, *LENGTH, "return_tensors")
GROUPS = {
    "images_kwargs": IMAGES,
    "text_kwargs": (*LENGTH, "return_tensors"),
    "common_kwargs": ("return_tensors",),
    "processor_kwargs": SHARED,
    "chat_template_kwargs": None,
}
CALL_GROUPS = tuple(name for name in GROUPS if name != "chat_template_kwargs")
CALL = ("images", "text", "videos", "budget", *SHARED, *CALL_GROUPS)
CONVERSATION = ("add_generation_prompt", "continue_final_message", "tools", "documents")
CHAT = (
    "conversation",
    "tokenize",
    "return_dict",
    "return_assistant_tokens_mask",
    "budget",
    "chat_template",
    *CONVERSATION,
    *SHARED,
    *GROUPS,
)
PROVIDED = ("messages", "raise_exception", "strftime_now")
GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """The options of a call, each read.

    Attributes:
        limits: of every picture that names none itself.
        padding_side: "left", "right", or None for what suits the call.
        is_padded: whether rows of different length may be padded.
        template: what goes to the chat template.
    """

    limits: Limits = OWN_LIMITS
    padding_side: str | None = None
    is_padded: bool = True
    template: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chat(self) -> dict[str, Any]:
        """What the chat template is told beside the conversation: it counts for prompts about a picture alone, too."""
        return {name: value for name, value in self.template.items() if name not in CONVERSATION}

    def check_rows(self, lengths: Sequence[int]) -> None:
        """Raises ValueError where rows would have to be padded and must not."""
        if not self.is_padded and len(set(lengths)) > 1:
            raise ValueError(f"padding: {len(lengths)} rows of different length must be padded; leave padding out")


def read_options(given: Mapping[str, Any], known: Iterable[str], where: str) -> Options:
    """Every option of a call, checked.

    Args:
        given: names and values; groups as transformers has them ("images_kwargs") may hold some.
        known: names that may be given.
        where: the method, for the message.

    Raises:
        TypeError: an unknown name, with the nearest known one.
        ValueError: an option that cannot be met, or limits that make no sense.
    """
    check_names(given, known, where)
    flat = flattened(given, where)
    check_names(flat, known, where)
    refuse_what_cannot_be(flat)
    side = flat.get("padding_side")
    if side not in (None, "left", "right"):
        raise ValueError(f"padding_side: must be left or right, got {quoted(side)}")
    template = {name: value for name, value in flat.items() if name not in (*SHARED, "videos")}
    template.pop("return_assistant_tokens_mask", None)
    is_padded = flat.get("padding") not in (False, "do_not_pad")
    return Options(read_limits(flat, where), side, is_padded, template)


def flattened(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options with those of groups beside them; None leaves a group's option to its default.

    Raises:
        ValueError: a group that is no dict, an option that is given twice.
    """
    flat = {name: value for name, value in given.items() if name not in GROUPS}
    for group in (name for name in GROUPS if given.get(name) is not None):
        within, known = given[group], GROUPS[group]
        place = f"{where}: {group}"
        if not isinstance(within, Mapping):
            raise ValueError(f"{place} must be a dict, got {quoted(within)}")
        if known is not None:
            check_names(within, [*known, *(GROUPS if group == "processor_kwargs" else ())], place)
        for name, value in flattened(within, place).items():
            if flat.get(name) not in (None, value):
                raise ValueError(f"{where}: {name} is given twice, as {quoted(flat[name])} and as {quoted(value)}")
            flat[name] = value
    return flat


def checks_names(function: Function) -> Function:
    """Makes a function name the nearest of its options to one that it does not have."""
    known = list(signature(function).parameters)

    @wraps(function)
    def checked(*args: Any, **given: Any) -> Any:
        check_names(given, known, f"{function.__name__}()")
        return function(*args, **given)

    return cast(Function, checked)


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    names = sorted(set(known))
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise TypeError(f"{where} got an unexpected option {quoted(name)}; {hint}")


def refuse_what_cannot_be(given: Mapping[str, Any]) -> None:
    """Raises ValueError for what transformers knows and no call here can do."""
    if given.get("truncation") not in (None, False, "do_not_truncate") or given.get("max_length") is not None:
        raise ValueError("truncation, max_length: a prompt with pictures can't be cut; shorten the text instead")
    if given.get("padding") not in (None, True, False, "longest", "do_not_pad"):
        raise ValueError(f"padding: batches are padded to their longest row, got {quoted(given['padding'])}")
    if given.get("pad_to_multiple_of") is not None:
        raise ValueError("pad_to_multiple_of: batches are padded to their longest row; leave it out")
    if given.get("add_special_tokens"):
        raise ValueError("add_special_tokens: the chat template writes all special tokens; leave it out")
    if given.get("return_assistant_tokens_mask"):
        raise ValueError("return_assistant_tokens_mask: not supported; find the assistant's turns in input_ids")
    if given.get("return_tensors") not in (None, "pt"):
        raise ValueError(f"return_tensors: only 'pt' is supported, got {quoted(given['return_tensors'])}")
    if given.get("videos") is not None and len(given["videos"]):
        raise ValueError("videos: not supported; pass pictures")


def read_limits(given: Mapping[str, Any], where: str) -> Limits:
    """`min_pixels` and `max_pixels` of a call or of an image part, or the `size` that says the same.

    Raises:
        ValueError: no whole number of pixels above 0, the least above the most, or limits beside do_resize=False.
        TypeError: a size by other names.
    """
    size = given.get("size") or {}
    if not isinstance(size, Mapping):
        raise ValueError(f"{where}: size must be a dict, got {quoted(size)}")
    check_names(size, EDGES, f"{where}: size")
    pairs = zip(PIXELS, EDGES, strict=True)
    least, most = (size.get(edge) if given.get(name) is None else given[name] for name, edge in pairs)
    for name, value in zip(PIXELS, (least, most), strict=True):
        if value is not None and (not hasattr(value, "__index__") or isinstance(value, bool) or int(value) < 1):
            raise ValueError(f"{where}: {name} must be a whole number above 0, got {quoted(value)}")
    if least is not None and most is not None and int(least) > int(most):
        raise ValueError(f"{where}: min_pixels {least} is above max_pixels {most}")
    if given.get("do_resize") is False and (least, most) != OWN_LIMITS:
        raise ValueError(f"{where}: do_resize=False leaves pictures as they are; leave min_pixels and max_pixels out")
    if given.get("do_resize") is False:
        return AS_IT_IS
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


def read_chat_options(given: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> Options:
    """Options of `apply_chat_template`, which may be variables of the chat template that is used.

    Raises:
        TypeError, ValueError: as `read_options`; tools and documents that the template does not show.
    """
    own, chosen = tokenizer.chat_template, given.get("chat_template")
    sources = [chosen] if isinstance(chosen, str) else list(own.values()) if isinstance(own, Mapping) else [own]
    variables = {name for source in sources if isinstance(source, str) for name in template_variables(source)}
    options = read_options(given, (*CHAT, *variables), "apply_chat_template()")
    for name in ("tools", "documents"):
        if options.template.get(name) and sources != [None] and name not in variables:
            raise ValueError(f"{name}: the chat template of this model does not show them; say it in a message")
    return options


@lru_cache(maxsize=16)
def template_variables(source: str) -> tuple[str, ...]:
    """Variables that a chat template reads from outside."""
    environment = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
    try:
        parsed = environment.parse(GENERATION.sub("", source))
    except TemplateSyntaxError:
        return ()
    return tuple(sorted(meta.find_undeclared_variables(parsed) - {*PROVIDED, *environment.globals}))
