"""Conversations in the format of Hugging Face: which pictures, which question, what the chat template is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arr_coc.pictures.opening import ImageSource

Message = Mapping[str, object]
IMAGE_KEYS = ("image", "path", "url", "image_url", "base64")
USER_TURN = re.compile(r"<\|im_start\|>user\n(.*?)(?:<\|im_end\|>|\Z)", re.DOTALL)
PLACEHOLDER = "<|image_pad|>"
VISION_TOKENS = re.compile(r"\s*(?:<\|(?:vision_start|vision_end|image_pad|video_pad)\|>\s*)+")


@dataclass(frozen=True, eq=False)
class Conversation:
    """One conversation taken apart.

    Attributes:
        messages: for the chat template, pictures reduced to {"type": "image"}.
        pictures: their sources in order, None where the message names none.
        question: the text of the last user turn, "" where it has none.
    """

    messages: list[dict[str, object]]
    pictures: list[ImageSource | None]
    question: str


def read_conversations(messages: Sequence[Message] | Sequence[Sequence[Message]]) -> tuple[list[Conversation], bool]:
    """The conversations, and whether several were given.

    Raises:
        ValueError: no messages, a message without role or content, a part that is neither text nor image.
    """
    if not isinstance(messages, (list, tuple)) or len(messages) == 0:
        raise ValueError("messages: must be a list of messages or a list of such lists, got nothing to read")
    is_batch = isinstance(messages[0], (list, tuple))
    return [read_conversation(one) for one in (messages if is_batch else [messages])], is_batch


def read_conversation(messages: Sequence[Message]) -> Conversation:
    pictures: list[ImageSource | None] = []
    shown, question = [], ""
    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message or message.get("content") is None:
            raise ValueError(f"messages: each must be a dict with role and content, got {str(message)[:80]!r}")
        content = message["content"]
        if not isinstance(content, (str, list, tuple)):
            raise ValueError(f"messages: content must be a string or a list of parts, got {str(content)[:80]!r}")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else [read_part(p) for p in content]
        pictures += [part["image"] for part in parts if part["type"] == "image"]
        plain = [{"type": "image"} if part["type"] == "image" else part for part in parts]
        shown.append({**message, "content": content if isinstance(content, str) else plain})
        if message["role"] == "user":
            question = without_vision("".join(str(part.get("text", PLACEHOLDER)) for part in parts))
    return Conversation(shown, pictures, question)


def read_part(part: Mapping[str, object]) -> dict[str, object]:
    """{"type": "text", "text"} or {"type": "image", "image": source}, from any spelling of Hugging Face or OpenAI."""
    if not isinstance(part, Mapping):
        raise ValueError(f"messages: a content part must be a dict, got {str(part)[:80]!r}")
    if part.get("type") == "text" or (part.get("type") is None and "text" in part):
        if not isinstance(part.get("text"), str):
            raise ValueError(f"messages: a text part needs a string under 'text', got {str(part)[:80]!r}")
        return {"type": "text", "text": part["text"]}
    if part.get("type") in ("image", "image_url") or any(key in part for key in IMAGE_KEYS):
        return {"type": "image", "image": image_source(part)}
    raise ValueError(f"messages: parts of type {part.get('type')!r} are not supported; use text and image")


def image_source(part: Mapping[str, object]) -> ImageSource | None:
    key = next((key for key in IMAGE_KEYS if part.get(key) is not None), None)
    if key is None:
        return None
    source = part[key]
    if key == "image_url" and isinstance(source, Mapping):
        source = source.get("url")
    return f"data:image;base64,{source}" if key == "base64" else source


def question_of_text(text: str) -> str:
    """The text of the last user turn of a rendered chat; all of it where there are no turns."""
    turns = USER_TURN.findall(text)
    return without_vision(turns[-1] if turns else text)


def without_vision(text: str) -> str:
    """Text without vision tokens; where pictures stood between words there is one space."""
    return VISION_TOKENS.sub(" ", text).strip()
