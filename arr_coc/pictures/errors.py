"""What is wrong with a picture, in one line."""

from __future__ import annotations

MAX_QUOTED = 80


class ImageError(ValueError):
    """A picture that cannot be used; the message is one line for the user."""


def shortened(text: str) -> str:
    """At most 80 characters of what a user gave, the middle left out: names tell most at their ends."""
    text = " ".join(text.split())
    half = (MAX_QUOTED - 3) // 2
    return text if len(text) <= MAX_QUOTED else f"{text[:half]}...{text[-half:]}"


def complaint(name: str, what: str, remedy: str) -> ImageError:
    """One line: the picture, what is wrong with it, what to do."""
    return ImageError(" ".join(f"image {shortened(name)!r}: {what}; {remedy}".split()))
