"""Which question a conversation asks: one rule, whether it comes as messages, as rendered text or as token ids.

The question is the text of the last user turn that has any. A turn of pictures alone is asked with the last user text
before it, else with the system's text, else with the neutral question. A tool's reply is no question, also where the
chat template writes it into a user turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from arr_coc.hosts.attention import Gaze

TURN_START, TURN_END = "<|im_start|>", "<|im_end|>"
VISION_TOKENS = re.compile(r"\s*(?:<\|(?:vision_start|vision_end|image_pad|video_pad)\|>\s*)+")
NEUTRAL_QUESTION = Gaze.neutral
PROBE = "arr-coc probe"


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation: who speaks, and what, without vision tokens."""

    role: str
    text: str


def question_of(turns: Sequence[Turn]) -> str:
    """The question that a conversation asks, see above."""
    for role in ("user", "system"):
        for turn in reversed(turns):
            if turn.role == role and turn.text:
                return turn.text
    return NEUTRAL_QUESTION


def question_of_text(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """Of a rendered chat; text without turns is the question itself."""
    pieces = text.split(TURN_START)[1:]
    if not pieces:
        return without_vision(text) or NEUTRAL_QUESTION
    return question_of(read_turns(pieces, tokenizer))


def question_of_ids(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Of token ids: only the special tokens part turns, whatever the words between them look like."""
    start = tokenizer.convert_tokens_to_ids(TURN_START)
    starts = [place for place, number in enumerate(ids) if number == start]
    if not starts:
        return without_vision(tokenizer.decode(ids, skip_special_tokens=False)) or NEUTRAL_QUESTION
    bounds = zip(starts, [*starts[1:], len(ids)], strict=True)
    pieces = [tokenizer.decode(ids[first + 1 : last], skip_special_tokens=False) for first, last in bounds]
    return question_of(read_turns(pieces, tokenizer))


def read_turns(pieces: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[Turn]:
    """Pieces between starts of turns, each "role\\ntext<|im_end|>"; the last end closes it, one before is text."""
    before, after = tool_marks(tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else "", tokenizer)
    turns = []
    for piece in pieces:
        role, _, rest = piece.partition("\n")
        text = rest.rsplit(TURN_END, 1)[0]
        is_tool = bool(before) and text.startswith(before) and text.endswith(after)
        turns.append(Turn("tool" if is_tool else role.strip(), without_vision(text)))
    return turns


@lru_cache(maxsize=16)
def tool_marks(template: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """What a chat template writes before and after a tool's reply within a user turn; ("", "") where it does not.

    Found by rendering one: templates differ, and none says so.
    """
    messages = [{"role": "user", "content": "?"}, {"role": "tool", "content": PROBE}]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except (TemplateError, ValueError, TypeError, KeyError):
        return "", ""
    piece = next((piece for piece in text.split(TURN_START) if PROBE in piece), "")
    role, _, rest = piece.partition("\n")
    before, _, after = rest.rsplit(TURN_END, 1)[0].partition(PROBE)
    return (before, after) if role.strip() == "user" else ("", "")


def without_vision(text: str) -> str:
    """Text without vision tokens; where pictures stood between words there is one space."""
    return VISION_TOKENS.sub(" ", text).strip()
