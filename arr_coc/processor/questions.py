"""Which question a conversation asks: one rule, whether it comes as messages, as rendered text or as token ids.

The question is the text of the last user turn that has any. A turn of pictures alone is asked with the last user text
before it, else with the system's text, else with the neutral question. A tool's reply is no question, also where the
chat template writes it into a user turn. Where pictures stand between words there is one space; the numbers that a chat
template may give them ("Picture 1: ") are none of the question's words. Markers that a user typed are words.

In rendered text and in ids, turns begin at the family's own tokens, and a turn ends at the last end before the next
one begins, so an end within a question does not cut it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from arr_coc.hosts.attention import Gaze
from arr_coc.hosts.bare import BareHost
from arr_coc.hosts.families.family import ChatMarks

NEUTRAL_QUESTION = Gaze.neutral
PROBE = "arr-coc probe"
PICTURE = "\ufdd0"  # stands where a picture was; no character of any text
PICTURES = re.compile(rf"(?:(?:(?:Picture|Image|Video) \d+: ?)?\s*{PICTURE}\s*)+")
TOKEN = re.compile(r"<[^<>]*>")


class QuestionError(ValueError):
    """What is asked does not fit the model: one line that says what to do."""


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation: who speaks, and what, without pictures."""

    role: str
    text: str


def question_of(turns: Sequence[Turn]) -> str:
    """The question that a conversation asks, see above."""
    for role in ("user", "system"):
        for turn in reversed(turns):
            if turn.role == role and turn.text:
                return turn.text
    return NEUTRAL_QUESTION


def question_of_text(text: str, host: BareHost) -> str:
    """Of a rendered chat; text without turns is the question itself."""
    marks = host.family.marks
    text = any_of(marks.vision).sub(PICTURE, text)
    places = [found.start() for found in any_of(turn_starts(marks)).finditer(text)]
    pieces = [text[first:last] for first, last in pairwise([*places, len(text)])]
    return question_of_pieces(pieces or [text], host)


def question_of_ids(ids: Sequence[int], host: BareHost) -> str:
    """Of token ids: only the special tokens part turns and show pictures, whatever the words between look like."""
    marks, number = host.family.marks, host.tokenizer.convert_tokens_to_ids
    starts, vision = set(map(number, turn_starts(marks))), set(map(number, marks.vision))
    pieces: list[str] = [""]
    for kind, run in groupby(ids, lambda each: "start" if each in starts else "vision" if each in vision else "text"):
        if kind == "start":
            pieces += [host.tokenizer.decode([each]) for each in run]
        else:
            pieces[-1] += PICTURE if kind == "vision" else host.tokenizer.decode(list(run))
    return question_of_pieces(pieces[1:] or pieces, host)


def question_of_pieces(pieces: Sequence[str], host: BareHost) -> str:
    """Of turns as the chat template writes them, or of one text that is none."""
    marks = host.family.marks
    before, after = tool_marks(host.tokenizer, str(host.tokenizer.chat_template), marks)
    turns = []
    for piece in pieces:
        role, text = read_turn(piece, marks)
        is_tool = bool(before) and text.startswith(before) and text.endswith(after)
        turns.append(Turn("tool" if is_tool else role, words_of(host.text.unspaced(text))))
    return question_of(turns)


def read_turn(piece: str, marks: ChatMarks) -> tuple[str, str]:
    """Who speaks and what, of the text from one start of a turn to the next; all is the user's where none starts."""
    heads = {"user": marks.user, "assistant": marks.assistant, "system": system_head(marks)}
    role = next((role for role, head in heads.items() if piece.startswith(head)), "")
    text = piece.removeprefix(heads.get(role, ""))
    ends = [text.rfind(end) for end in marks.ends if end in text]
    is_turn = bool(role) or piece.startswith(turn_starts(marks))
    return (role if is_turn else "user"), text[: max(ends)] if ends and is_turn else text


def system_head(marks: ChatMarks) -> str:
    return marks.user.replace("user", "system")


@lru_cache(maxsize=16)
def turn_starts(marks: ChatMarks) -> tuple[str, ...]:
    """The tokens with which turns begin."""
    found = (TOKEN.match(head) for head in (marks.user, marks.assistant, system_head(marks)))
    return tuple(sorted({start[0] for start in found if start}))


@lru_cache(maxsize=16)
def tool_marks(tokenizer: PreTrainedTokenizerBase, template: str, marks: ChatMarks) -> tuple[str, str]:
    """What the chat template writes before and after a tool's reply within a user turn; ("", "") where it does not.

    Found by rendering one: templates differ, and none says so.
    """
    messages = [{"role": "user", "content": "?"}, {"role": "tool", "content": PROBE}]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except (TemplateError, ValueError, TypeError, KeyError):
        return "", ""
    start = max((text.rfind(start, 0, text.find(PROBE)) for start in turn_starts(marks)), default=-1)
    role, rest = read_turn(text[max(start, 0) :], marks)
    before, _, after = rest.partition(PROBE)
    return (before, after) if role == "user" and PROBE in rest else ("", "")


def words_of(text: str) -> str:
    """Text in which `PICTURE` stands for pictures, without them."""
    return PICTURES.sub(" ", text).strip()


@lru_cache(maxsize=16)
def any_of(tokens: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, tokens)))
