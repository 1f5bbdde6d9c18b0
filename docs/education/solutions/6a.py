"""Lesson 6A, a solution."""

from statistics import median


def block_flops(num_tokens, num_weights, width):
    return 2 * num_tokens * num_weights + 4 * num_tokens**2 * width


def encoded(glimpse, splits):
    return glimpse + 4 * sum(splits)


def speedup(slow, fast):
    return median(slow) / median(fast)
