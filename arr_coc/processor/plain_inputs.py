"""The baselines' inputs: whole pictures at one size for the untouched model, without torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from arr_coc.hosts.encoding import Segment, cut_patches, segment_grid
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import split_at
from arr_coc.pictures.opening import open_image
from arr_coc.pictures.sources import ImageSource
from arr_coc.processor.messages import Message, named, read_conversation
from arr_coc.processor.options import pixel_range


def plain_inputs(
    host: TransformersHost,
    messages: Sequence[Message],
    max_tokens: int | None = None,
    *,
    add_generation_prompt: bool = True,
) -> dict[str, Tensor]:
    """What the stock processor makes of one conversation: `input_ids`, `attention_mask`, `mm_token_type_ids` (1, T),
    `pixel_values` and `image_grid_thw`; the time it takes is "prepare" of `host.clock`.

    Args:
        max_tokens: visual tokens per picture; each is resized by the host's own rule with the pixel cap
            that gives the largest count not above it. None is the processor's own maximum.

    Raises:
        ValueError: a picture that cannot be opened, or messages that cannot be read.
    """
    host.clock.reset()
    with host.clock.measure("prepare"):
        conversation = read_conversation(messages)
        size = host.image_processor.size
        processed = []
        for picture, limits in zip(named(conversation.pictures), conversation.limits, strict=True):
            pixels = pixel_range(limits, size["shortest_edge"], size["longest_edge"])
            image = open_image(picture, partial(host.needed_size, limits=pixels), allow_download=True)
            processed.append(resize_and_cut(host, image, max_tokens, pixels))
        ids = host.tokenize(conversation.messages, add_generation_prompt=add_generation_prompt)
        inputs = assemble(ids, processed, host)
    return {key: value.to(host.device) for key, value in inputs.items()}


def assemble(ids: list[int], processed: list[tuple[Tensor, Tensor]], host: TransformersHost) -> dict[str, Tensor]:
    """The stock processor's output from ids with one placeholder per picture, and each picture's patches and grid."""
    if ids.count(host.image_token_id) != len(processed):
        raise ValueError(f"messages: {len(processed)} pictures for {ids.count(host.image_token_id)} image placeholders")
    counts = iter([len(patches) // host.geometry.merge_size**2 for patches, _ in processed])
    wide: list[int] = []
    for run in split_at(ids, host.image_token_id):
        wide += run * next(counts) if run == [host.image_token_id] else run
    input_ids = torch.tensor([wide])
    inputs = {
        "input_ids": input_ids,
        "attention_mask": torch.ones_like(input_ids),
        "mm_token_type_ids": (input_ids == host.image_token_id).int(),
    }
    if processed:
        inputs["pixel_values"] = torch.cat([patches for patches, _ in processed])
        inputs["image_grid_thw"] = torch.cat([grid for _, grid in processed])
    return inputs


def question_messages(image: ImageSource, question: str) -> list[dict[str, object]]:
    """One user turn: the picture, then the question."""
    content = [{"type": "image", "image": image}, {"type": "text", "text": question}]
    return [{"role": "user", "content": content}]


def resize_and_cut(
    host: TransformersHost, image: Image.Image, max_tokens: int | None, pixels: tuple[int, int] | None = None
) -> tuple[Tensor, Tensor]:
    """`pixel_values` and `image_grid_thw` of one picture, equal to the stock image processor's at those limits."""
    size = host.stock_size(*image.size, pixel_limits(host, *image.size, max_tokens, pixels))
    whole = Segment(host.resize(image, size), torch.arange(size[0] * size[1] // host.geometry.cell_px**2))
    return cut_patches(whole, host.geometry), segment_grid(whole, host.geometry)


def pixel_limits(
    host: TransformersHost, width: int, height: int, max_tokens: int | None, own: tuple[int, int] | None = None
) -> tuple[int, int]:
    """(least, most) pixels for which the host's rule gives the most tokens not above `max_tokens`, within a picture's
    `own` or else the processor's.

    The rule rounds sides down, so a cap of exactly `max_tokens` cells wastes some; token counts never
    fall as the cap rises, so the best cap is found by bisection. Where the processor's own least is
    above the cap it is lowered with it. A picture too long for `max_tokens` gets as few as there are.
    """
    size = host.image_processor.size
    least, most = own or (size["shortest_edge"], size["longest_edge"])
    if max_tokens is None or count_tokens(host, width, height, least, most) <= max_tokens:
        return least, most
    low, high = host.geometry.cell_px**2, most
    while high - low > 1:
        cap = (low + high) // 2
        if count_tokens(host, width, height, least, cap) <= max_tokens:
            low = cap
        else:
            high = cap
    return min(least, low), low


def count_tokens(host: TransformersHost, width: int, height: int, least: int, most: int) -> int:
    resized_width, resized_height = host.stock_size(width, height, (min(least, most), most))
    return resized_width * resized_height // host.geometry.cell_px**2
