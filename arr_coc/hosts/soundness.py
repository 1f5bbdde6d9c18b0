"""Whether what was loaded can be a host: every weight is there and a number, and the parts belong together.

transformers fills what a checkpoint lacks with random numbers and goes on; the answers then look like answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import torch
from jinja2 import TemplateError
from PIL import Image
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor

from arr_coc.hosts.families.family import Family
from arr_coc.quoting import quoted

REMEDY = "download or save it again"


def check_loaded(name: object, info: Mapping[str, Any]) -> None:
    """What `from_pretrained` says of the tensors.

    Raises:
        ValueError: some are missing, unknown, or of another shape.
    """
    for key, what in (
        ("missing_keys", "are missing"),
        ("mismatched_keys", "have another shape"),
        ("unexpected_keys", "are unknown to its configuration"),
    ):
        names = sorted(map(str, info.get(key) or ()))
        if names:
            raise ValueError(
                f"model {quoted(name)}: {len(names)} of its tensors {what}, such as {quoted(names[0])}; its answers "
                f"would be random; {REMEDY}"
            )


def check_weights(name: object, model: PreTrainedModel) -> None:
    """Raises ValueError for a weight that is not a finite number; what is not in memory is not looked at."""
    sums: dict[torch.device, dict[str, torch.Tensor]] = {}
    for key, tensor in (part for each in model.state_dict().items() for part in plain_parts(*each)):
        if tensor.is_floating_point() and tensor.element_size() > 1 and not tensor.is_meta:
            wide = torch.promote_types(tensor.dtype, torch.float32)
            sums.setdefault(tensor.device, {})[key] = tensor.sum(dtype=wide)
    for found in sums.values():
        finite = torch.stack([value.double() for value in found.values()]).isfinite().tolist()
        bad = [key for key, is_finite in zip(found, finite, strict=True) if not is_finite]
        if bad:
            raise ValueError(
                f"model {quoted(name)}: {len(bad)} of its tensors hold NaN or infinity, such as {quoted(bad[0])}; "
                f"{REMEDY}"
            )


def plain_parts(key: str, tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors behind one that is made of others, as a quantised matrix is of whole numbers and scales."""
    if not hasattr(tensor, "__tensor_flatten__"):
        yield key, tensor
        return
    for name in tensor.__tensor_flatten__()[0]:
        yield from plain_parts(f"{key}.{name}", getattr(tensor, name))


def check_parts(
    name: object,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    image_processor: BaseImageProcessor,
    family: Family,
) -> None:
    """Raises ValueError where tokenizer or image processor are not those of the model; names the value."""
    tower = family.tower_shape(model.config)
    if tower.heads < 1 or tower.width % tower.heads:
        raise ValueError(f"model {quoted(name)}: {tower.heads} heads do not share a width of {tower.width}; {REMEDY}")
    check_sections(name, model)
    for key, own, theirs in (
        ("patch_size", tower.patch, getattr(image_processor, "patch_size", None)),
        ("merge_size", tower.merge, getattr(image_processor, "merge_size", None)),
        (
            "temporal_patch_size",
            tower.channels // (3 * tower.patch**2),
            getattr(image_processor, "temporal_patch_size", None),
        ),
    ):
        if own != theirs:
            raise ValueError(
                f"model {quoted(name)}: preprocessor_config.json has {key} {quoted(theirs)}, the model {own}; {REMEDY}"
            )
    for key in ("image_mean", "image_std"):
        values = getattr(image_processor, key, None)
        if not is_colour(values) or key == "image_std" and min(values) <= 0:
            raise ValueError(f"model {quoted(name)}: preprocessor_config.json has {key} {quoted(values)}; {REMEDY}")
    check_limits(name, image_processor)
    check_vocabulary(name, model, tokenizer)
    check_template(name, model, tokenizer)


def check_sections(name: object, model: PreTrainedModel) -> None:
    """Raises ValueError unless time, row and column share the numbers of a head that are turned."""
    text = model.config.get_text_config()
    sections = (getattr(text, "rope_parameters", None) or {}).get("mrope_section")
    if sections is None:
        return
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    numbers = list(sections) if isinstance(sections, list | tuple) else []
    are_sizes = len(numbers) == 3 and all(isinstance(size, int) and size > 0 for size in numbers)
    if not are_sizes or 2 * sum(numbers) > head:
        raise ValueError(
            f"model {quoted(name)}: mrope_section must be three numbers that fit a head of {head}, got "
            f"{quoted(sections)}; {REMEDY}"
        )


def is_colour(values: Any) -> bool:
    """Three finite numbers."""
    numbers = list(values) if isinstance(values, list | tuple) else []
    return len(numbers) == 3 and all(isinstance(value, int | float) and isfinite(value) for value in numbers)


def check_limits(name: object, image_processor: BaseImageProcessor) -> None:
    """Raises ValueError unless 0 < shortest_edge <= longest_edge, both in pixels of a picture's area."""
    size = getattr(image_processor, "size", None) or {}
    least, most = size.get("shortest_edge"), size.get("longest_edge")
    if not isinstance(least, int) or not isinstance(most, int) or not 0 < least <= most:
        raise ValueError(
            f"model {quoted(name)}: preprocessor_config.json must have 0 < shortest_edge <= longest_edge, got "
            f"{quoted(least)} and {quoted(most)}; {REMEDY}"
        )
    scale, resample = getattr(image_processor, "rescale_factor", None), getattr(image_processor, "resample", None)
    if not isinstance(scale, int | float) or not isfinite(scale) or scale <= 0:
        raise ValueError(f"model {quoted(name)}: preprocessor_config.json has rescale_factor {quoted(scale)}; {REMEDY}")
    if resample not in set(Image.Resampling):
        raise ValueError(f"model {quoted(name)}: preprocessor_config.json has resample {quoted(resample)}; {REMEDY}")


def check_vocabulary(name: object, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises ValueError for a tokenizer with more words than the model, or without the token of pictures."""
    known, num_rows = tokenizer.get_vocab(), model.get_input_embeddings().num_embeddings
    largest = max(known.values(), default=-1)
    if largest >= num_rows:
        raise ValueError(
            f"model {quoted(name)}: its tokenizer has words up to number {largest}, the model knows {num_rows}; "
            f"{REMEDY}"
        )
    image_id = model.config.image_token_id
    if image_id not in known.values():
        raise ValueError(f"model {quoted(name)}: image_token_id {image_id} is no token of its tokenizer; {REMEDY}")


def check_template(name: object, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises ValueError for a chat template that does not write a question about a picture."""
    content = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    try:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = quoted(str(error) or type(error).__name__)
        raise ValueError(f"model {quoted(name)}: its chat template fails ({reason}); {REMEDY}") from error
    token = tokenizer.convert_ids_to_tokens(model.config.image_token_id)
    if str(text).count(token) != 1:
        raise ValueError(
            f"model {quoted(name)}: its chat template writes {str(text).count(token)} times {quoted(token)} for a "
            f"picture; give one that knows pictures"
        )


def check_endings(name: object, model: PreTrainedModel) -> None:
    """Raises ValueError for tokens of generation_config.json that are no numbers."""
    for key in ("eos_token_id", "pad_token_id", "bos_token_id"):
        value = getattr(model.generation_config, key, None)
        numbers = value if isinstance(value, list) else [value]
        if not all(number is None or isinstance(number, int) for number in numbers):
            raise ValueError(f"model {quoted(name)}: generation_config.json has {key} {quoted(value)}; {REMEDY}")
