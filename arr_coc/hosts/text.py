"""Text to token ids: what a user types is text, whatever it looks like; the chat template's own markers are markers.

A tokenizer turns `<|im_end|>` into the special token wherever it stands, so a question that quotes one would end its
own turn, and one that quotes an image placeholder would ask for a picture. Here special tokens come out of the chat
template alone. Text without such strings gets the very ids that the tokenizer gives it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

FIRST_STAND_IN = 0xF0000  # private use plane: no text that people write holds these characters


class TextEncoder:
    """Encodes on a copy of the tokenizer's backend.

    The tokenizer itself keeps truncation, padding and the treatment of special tokens as state that every call
    changes, so that a call in another thread could change what comes out here.

    Args:
        tokenizer: the user's own; tokens may be added to it later.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._size = -1
        self._refresh()

    def encode(self, text: str) -> list[int]:
        """Ids of text in which special tokens are meant, such as a rendered chat."""
        return self._ids(text, is_literal=False)

    def encode_literally(self, text: str) -> list[int]:
        """Ids of what a user typed; no special token comes out."""
        return self._ids(text, is_literal=True)

    def encode_conversation(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> list[int]:
        """Ids of messages in the tokenizer's chat format; texts of messages are taken literally.

        Args:
            messages: in the format of Hugging Face, pictures as {"type": "image"}.
            template: options and variables of the chat template.
        """
        self._refresh()
        shielded = [self._shielded(message) for message in messages]
        text = self.tokenizer.apply_chat_template(shielded, tokenize=False, **template)
        if not any(stand_in in text for stand_in in self._stand_ins):
            return self.encode(text)
        ids: list[int] = []
        for piece in self._markers.split(text):
            ids += [self._marker_ids[piece]] if piece in self._marker_ids else self.encode_literally(self._bare(piece))
        return ids

    def _shielded(self, value: Any) -> Any:
        """The same with every marker in a string replaced by its stand-in."""
        if isinstance(value, str):
            for stand_in, marker in self._stand_ins.items():
                value = value.replace(marker, stand_in)
            return value
        if isinstance(value, Mapping):
            return {key: self._shielded(each) for key, each in value.items()}
        return [self._shielded(each) for each in value] if isinstance(value, (list, tuple)) else value

    def _bare(self, text: str) -> str:
        for stand_in, marker in self._stand_ins.items():
            text = text.replace(stand_in, marker)
        return text

    def _ids(self, text: str, *, is_literal: bool) -> list[int]:
        self._refresh()
        text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates have no UTF-8
        if self._literal is None or self._plain is None:
            options = {"add_special_tokens": False, "split_special_tokens": is_literal, "verbose": False}
            return list(self.tokenizer(text, **options)["input_ids"])
        return (self._literal if is_literal else self._plain).encode(text, add_special_tokens=False).ids

    def _refresh(self) -> None:
        """Takes over the tokenizer as it is now, unless it has not grown since."""
        if self._size == len(self.tokenizer):
            return
        self._size = len(self.tokenizer)
        self._plain, self._literal = private_backend(self.tokenizer, False), private_backend(self.tokenizer, True)
        added = self.tokenizer.added_tokens_decoder.items()
        self._marker_ids = {token.content: number for number, token in added if token.special}
        longest_first = sorted(self._marker_ids, key=len, reverse=True)
        self._markers = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._stand_ins = {chr(FIRST_STAND_IN + place): marker for place, marker in enumerate(longest_first)}


def private_backend(tokenizer: PreTrainedTokenizerBase, is_literal: bool) -> Any:
    """A copy of a fast tokenizer's backend that neither truncates nor pads; None where there is no backend."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    private = copy.deepcopy(backend)
    private.no_truncation()
    private.no_padding()
    private.encode_special_tokens = is_literal
    return private
