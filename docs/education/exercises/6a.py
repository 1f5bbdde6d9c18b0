"""Lesson 6A. Fill in the three functions, then run: python docs/education/check.py 6a THIS_FILE"""


def block_flops(num_tokens: int, num_weights: int, width: int) -> float:
    """Operations of one transformer block: 2 per token and weight, and 4 * tokens squared * width for attention."""
    ...


def encoded(glimpse: int, splits: list[int]) -> int:
    """Cells that go through the encoder: the glimpse, and four for every split of every round."""
    ...


def speedup(slow: list[float], fast: list[float]) -> float:
    """Median of slow over median of fast, in seconds of rounds that took turns."""
    ...
