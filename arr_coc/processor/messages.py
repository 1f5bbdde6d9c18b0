"""Conversations in the format of Hugging Face: which pictures, which question, what the chat template is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arr_coc.hosts.text import whole
from arr_coc.pictures.sources import ImageSource
from arr_coc.processor.options import PIXELS, Limits, check_names, read_limits
from arr_coc.processor.questions import PICTURE, Turn, question_of, words_of
from arr_coc.quoting import quoted

Message = Mapping[str, object]
IMAGE_KEYS = ("image", "path", "url", "image_url", "base64")
IMAGE_PART = ("type", *IMAGE_KEYS, *PIXELS)


@dataclass(frozen=True, eq=False)
class Conversation:
    """One conversation taken apart.

    Attributes:
        messages: for the chat template, pictures reduced to {"type": "image"}.
        pictures: their sources in order, None where the message names none.
        limits: (least, most) pixels that the message names for each picture.
        question: see `questions`.
    """

    messages: list[dict[str, object]]
    pictures: list[ImageSource | None]
    limits: list[Limits]
    question: str


def read_conversations(messages: Sequence[Message] | Sequence[Sequence[Message]]) -> tuple[list[Conversation], bool]:
    """The conversations, and whether several were given.

    Raises:
        ValueError: no messages, a message without role or content, a part that is neither text nor image.
    """
    if not isinstance(messages, (list, tuple)) or len(messages) == 0:
        raise ValueError("messages: must be a list of messages or a list of such lists, got nothing to read")
    is_batch = isinstance(messages[0], (list, tuple))
    if is_batch and not all(isinstance(one, (list, tuple)) and one for one in messages):
        raise ValueError("messages: each conversation of a list must be a list of messages, one at least")
    return [read_conversation(one) for one in (messages if is_batch else [messages])], is_batch


def read_conversation(messages: Sequence[Message]) -> Conversation:
    pictures: list[ImageSource | None] = []
    limits: list[Limits] = []
    shown, turns = [], []
    for message in messages:
        parts = read_content(message)
        pictures += [part["image"] for part in parts if part["type"] == "image"]
        limits += [part["limits"] for part in parts if part["type"] == "image"]
        shown.append(shown_to_template(message, parts))
        text = "".join(str(part.get("text", PICTURE)) for part in parts)
        turns.append(Turn(str(message["role"]), words_of(text)))
    return Conversation(shown, pictures, limits, question_of(turns))


def read_content(message: Message) -> list[dict[str, object]]:
    """The parts of a message; none where an assistant calls tools and says nothing."""
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise ValueError(f"messages: each must be a dict with role and content, got {quoted(message)}")
    content = message.get("content")
    if content is None and message["role"] == "assistant":
        return []
    if not isinstance(content, (str, list, tuple)):
        raise ValueError(f"messages: content must be a string or a list of parts, got {quoted(content)}")
    if isinstance(content, str):
        return [{"type": "text", "text": whole(content)}]
    return [read_part(part) for part in content]


def shown_to_template(message: Message, parts: list[dict[str, object]]) -> dict[str, object]:
    """The message as the chat template sees it, pictures reduced to {"type": "image"}."""
    if not isinstance(message.get("content"), (list, tuple)):
        return {**message, "content": parts[0]["text"]} if parts else dict(message)
    return {**message, "content": [{"type": "image"} if part["type"] == "image" else part for part in parts]}


def read_part(part: Mapping[str, object]) -> dict[str, object]:
    """{"type": "text", "text"} or {"type": "image", "image": source, "limits": (least, most)}, from any spelling of
    Hugging Face or OpenAI."""
    if not isinstance(part, Mapping):
        raise ValueError(f"messages: a content part must be a dict, got {quoted(part)}")
    part = {name: value for name, value in part.items() if value is not None}  # tables fill in what is not there
    kind = part.get("type")
    if kind == "text" or (kind is None and "text" in part):
        if not isinstance(part.get("text"), str):
            raise ValueError(f"messages: a text part needs a string under 'text', got {quoted(part)}")
        return {"type": "text", "text": whole(part["text"])}
    if kind in ("image", "image_url") or (kind is None and any(key in part for key in IMAGE_KEYS)):
        check_names(part, IMAGE_PART, "messages: an image part")
        return {"type": "image", "image": image_source(part), "limits": read_limits(part, "messages")}
    raise ValueError(f"messages: parts of type {quoted(kind)} are not supported; use text and image")


def image_source(part: Mapping[str, object]) -> ImageSource | None:
    keys = [key for key in IMAGE_KEYS if key in part]
    if len(keys) > 1:
        raise ValueError(f"messages: an image part must name one picture, got {' and '.join(keys)}")
    if not keys:
        return None
    key, source = keys[0], part[keys[0]]
    if key == "image_url" and isinstance(source, Mapping):
        if source.get("detail", "auto") != "auto":
            raise ValueError("messages: image_url has no levels of detail; give the call a budget instead")
        source = source.get("url")
    is_bare = key == "base64" and isinstance(source, str) and source[:5].lower() != "data:"
    return f"data:image;base64,{source}" if is_bare else source


def named(pictures: Sequence[ImageSource | None]) -> list[ImageSource]:
    """Pictures that are there.

    Raises:
        ValueError: an image part that names none.
    """
    if any(picture is None for picture in pictures):
        raise ValueError("messages: an image part names no picture; put it under 'image' or 'path'")
    return list(pictures)
