"""Numbers as people write them: digits, thousands, percent, currency, words."""

from __future__ import annotations

import re
from dataclasses import dataclass

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS = {word: value for value, word in enumerate(ONES + TEENS)} | {
    f"{ten} {ONES[unit]}" if unit else ten: 20 + 10 * place + unit
    for place, ten in enumerate(TENS)
    for unit in range(10)
}
"""Names of 0 to 99, "twenty one" without a hyphen."""

CURRENCY = "$€£¥₹"
DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
QUANTITY = re.compile(rf"([-+]?)\s*[{CURRENCY}]?\s*([-+]?)({DIGITS})\s*[{CURRENCY}]?\s*(%|percent)?")
COUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<digits>{DIGITS})|(?P<words>{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))}))\b"
)
NONE = re.compile(r"\b(?:no|none|nothing)\b")


@dataclass(frozen=True)
class Quantity:
    """A number and whether a percent sign or the word percent follows it; "45%" is 45."""

    value: float
    is_percent: bool


def read_quantity(text: str) -> Quantity | None:
    """The number that a whole text is; None where it is anything else.

    Thousands commas, a currency sign before or after, a sign and a percent sign are understood: "-$1,234.5", "45 %".
    Words, ranges and numbers with other units are text.
    """
    match = QUANTITY.fullmatch(text.replace("\N{MINUS SIGN}", "-").strip().lower())
    if not match or (match[1] and match[2]):
        return None
    value = float(match[3].replace(",", ""))
    return Quantity(-value if "-" in (match[1], match[2]) else value, match[4] is not None)


def read_count(text: str) -> float | None:
    """The first number in a text, in digits or words up to ninety-nine; none, no and nothing are 0.

    None where the text holds no number.
    """
    plain = text.casefold().replace("-", " ")
    match = COUNT.search(plain)
    if match:
        return float(match["digits"].replace(",", "")) if match["digits"] else float(NUMBER_WORDS[match["words"]])
    return 0.0 if NONE.search(plain) else None
