"""The stock call taken apart: texts, the pictures of each, and whether an answer is waited for."""

from __future__ import annotations

from itertools import islice
from typing import Any

from arr_coc.hosts.families.family import ChatMarks
from arr_coc.hosts.text import whole
from arr_coc.pictures.arrays import is_array
from arr_coc.pictures.sources import ImageSource
from arr_coc.quoting import quoted


def share_out(images: Any, counts: list[int]) -> list[list[ImageSource]]:
    """Pictures per text: one, a flat list in the order of the placeholders, or a list per text."""
    if images is None:
        images = []
    if not isinstance(images, (list, tuple)):
        images = list(images) if is_array(images) and images.ndim == 4 else [images]
    if images and all(isinstance(group, (list, tuple)) for group in images):
        groups = [list(group) for group in images]
    else:
        remaining = iter(images)
        groups = [list(islice(remaining, count)) for count in counts]
        groups[-1] += list(remaining)
    if [len(group) for group in groups] != counts:
        raise ValueError(
            f"images: {[len(group) for group in groups]} pictures per text, but the texts hold {counts} placeholders; "
            "give one picture per <|image_pad|>, in order"
        )
    return groups


def read_texts(text: Any) -> list[str]:
    texts = [text] if isinstance(text, str) else text
    if not texts:
        raise ValueError("text: missing; render it with apply_chat_template(..., tokenize=False)")
    if not isinstance(texts, (list, tuple)) or not all(isinstance(one, str) for one in texts):
        raise ValueError(f"text: must be a string or a list of strings, got {quoted(text)}")
    return [whole(one) for one in texts]


def is_open(text: str, marks: ChatMarks) -> bool:
    """Whether a rendered chat ends in an assistant turn that waits to be written."""
    place = text.rfind(marks.assistant)
    return place >= 0 and place >= max(text.rfind(end) for end in marks.ends)
