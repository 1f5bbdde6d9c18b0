"""Text to token ids: what a user types is text, whatever it looks like; the chat template's own markers are markers.

A tokenizer turns `<|im_end|>` into the special token wherever it stands, so a question that quotes one would end its
own turn, and one that quotes an image placeholder would ask for a picture. Here special tokens come out of the chat
template alone: before messages are rendered, a sign that no text holds is put into every marker that was typed, and
into every beginning of one at a text's end, which the next text could complete. All other text gets the very ids that
the tokenizer gives it.

In a rendered chat, which may go to another tokenizer, a typed marker is told apart by a space behind its first
character; `encode` reads `< |im_end|>` as the characters `<|im_end|>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from arr_coc.quoting import shortened

SIGNS = tuple(map(chr, (*range(0xFDD0, 0xFDF0), *range(0xF0000, 0xF1000))))  # no characters, and those of nobody
TEXT_VARIABLES = ("tools", "documents")


@dataclass(frozen=True, eq=False)
class Markers:
    """The tokens that a tokenizer cuts out of a text before it reads it.

    Attributes:
        ids: of every such token.
        special: those that mean something to the model; the rest are words that were added later.
    """

    ids: Mapping[str, int]
    special: tuple[str, ...]
    all_split: re.Pattern[str]
    word_split: re.Pattern[str]
    typed: re.Pattern[str]
    spaced: re.Pattern[str]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Markers:
        added = {token.content: token for token in tokenizer.added_tokens_decoder.values()}
        special = tuple(text for text, token in added.items() if token.special and len(text) > 1)
        return cls(
            ids={token.content: number for number, token in tokenizer.added_tokens_decoder.items()},
            special=special,
            all_split=any_of(map(cut_of, longest_first(added.values()))),
            word_split=any_of(map(cut_of, longest_first(token for token in added.values() if not token.special))),
            typed=re.compile(f"(?={any_of(map(re.escape, special)).pattern})", re.DOTALL),
            spaced=any_of(f"{re.escape(text[0])} {re.escape(text[1:])}" for text in special),
        )

    def number(self, found: str) -> int:
        """The id of a marker, found perhaps with the blanks that it swallows."""
        return self.ids[found if found in self.ids else found.strip()]

    def signed(self, text: str, sign: str) -> str:
        """The text with a sign behind the first character of each special marker and of each beginning of one at the
        end."""
        places = {found.start() for found in self.typed.finditer(text)}
        longest = max(map(len, self.special), default=0)
        ends = range(max(0, len(text) - longest + 1), len(text))
        places |= {start for start in ends if any(marker.startswith(text[start:]) for marker in self.special)}
        pieces = [text[start:stop] for start, stop in bounds(len(text), sorted(place + 1 for place in places))]
        return sign.join(pieces)

    def spaced_out(self, text: str, sign: str) -> str:
        """Signed text with a space for each sign that keeps a marker apart, and nothing for every other."""
        bare, shown = text.replace(sign, ""), []
        starts = {found.start() for found in self.typed.finditer(bare)}
        place = 0
        for piece in text.split(sign):
            shown += [" " if place - 1 in starts else "", piece]
            place += len(piece)
        return "".join(shown)


class TextEncoder:
    """Encodes with the parts of the tokenizer's backend one by one.

    The tokenizer itself keeps truncation, padding and the treatment of special tokens as state that every call
    changes, so that a call in another thread could change what comes out here.

    Args:
        tokenizer: the user's own; tokens may be added to it later.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._known: tuple[int, Markers] | None = None

    @property
    def markers(self) -> Markers:
        """Of the tokenizer as it is now."""
        known = self._known
        if known is None or known[0] != len(self.tokenizer):
            self._known = known = (len(self.tokenizer), Markers.of(self.tokenizer))
        return known[1]

    def encode(self, text: str) -> list[int]:
        """Ids of a rendered chat, in which special tokens are meant; see above for those that are not."""
        return self._join(self.markers.all_split.split(whole(text)), self.unspaced)

    def encode_literally(self, text: str) -> list[int]:
        """Ids of what a user typed; no special token comes out."""
        return self._join(self.markers.word_split.split(whole(text)), str)

    def encode_conversation(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> list[int]:
        """Ids of messages in the tokenizer's chat format; texts of messages are taken literally.

        Args:
            messages: in the format of Hugging Face, pictures as {"type": "image"}.
            template: options and variables of the chat template.

        Raises:
            ValueError: messages that the chat template refuses, or can't show.
        """
        text, sign = self._render(messages, template)
        return self._join(self.markers.all_split.split(whole(text)), lambda piece: piece.replace(sign, ""))

    def render(self, messages: Sequence[Mapping[str, Any]], **template: Any) -> str:
        """Messages in the tokenizer's chat format; special markers that a message holds get a space, see above."""
        text, sign = self._render(messages, template)
        return self.markers.spaced_out(text, sign)

    def unspaced(self, text: str) -> str:
        """Text of a rendered chat as it was typed."""
        return self.markers.spaced.sub(lambda found: found[0].replace(" ", "", 1), text)

    def _render(self, messages: Sequence[Mapping[str, Any]], template: Mapping[str, Any]) -> tuple[str, str]:
        typed = [messages, {name: template[name] for name in TEXT_VARIABLES if template.get(name)}]
        used = set(chain.from_iterable(strings(typed)))
        sign = next(sign for sign in SIGNS if sign not in used)
        shown, variables = changed(typed, partial(self.markers.signed, sign=sign))
        try:
            text = self.tokenizer.apply_chat_template(shown, tokenize=False, **{**template, **variables})
        except (TemplateError, ValueError) as error:
            raise ValueError(f"messages: the chat template can't show them: {shortened(error)}") from error
        return text, sign

    def _join(self, pieces: Iterable[str], read: Any) -> list[int]:
        """Ids of pieces of text between markers, and of the markers, every second one."""
        ids: list[int] = []
        for number, piece in enumerate(pieces):
            ids += [self.markers.number(piece)] if number % 2 else self._plain(read(piece))
        return ids

    def _plain(self, text: str) -> list[int]:
        """Ids of text in which nothing is a marker."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return list(self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])
        if not text:
            return []
        normalizer, pre_tokenizer, model = backend.normalizer, backend.pre_tokenizer, backend.model
        text = normalizer.normalize_str(text) if normalizer else text
        words = pre_tokenizer.pre_tokenize_str(text) if pre_tokenizer else [(text, None)]
        return [token.id for word, _ in words for token in model.tokenize(word)]


def whole(text: str) -> str:
    """Text with the replacement character for each lone surrogate, which no encoding has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def longest_first(tokens: Iterable[Any]) -> list[Any]:
    return sorted(tokens, key=lambda token: len(token.content), reverse=True)


def cut_of(token: Any) -> str:
    """The pattern of an added token, with the blanks that it swallows."""
    before, after = (r"\s*" if swallows else "" for swallows in (token.lstrip, token.rstrip))
    return before + re.escape(token.content) + after


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """A pattern with one group; it finds nothing where there is nothing to find."""
    return re.compile(f"({'|'.join(patterns) or '(?!)'})")


def bounds(length: int, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(start, stop) of the pieces between cuts."""
    return zip((0, *cuts), (*cuts, length), strict=True)


def strings(value: Any) -> Iterator[str]:
    """Every string of nested dicts and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(strings, value.values()))
    elif isinstance(value, (list, tuple)):
        yield from chain.from_iterable(map(strings, value))


def changed(value: Any, change: Any) -> Any:
    """The same nested dicts and lists with every string changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: changed(each, change) for key, each in value.items()}
    return [changed(each, change) for each in value] if isinstance(value, (list, tuple)) else value
