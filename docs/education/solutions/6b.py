"""Lesson 6B, a solution."""

import torch


def cache_bytes(tokens, layers, key_width, number_bytes):
    return 2 * tokens * layers * key_width * number_bytes


def tokens_that_fit(memory_gb, weights, token_bytes):
    free = memory_gb * 10**9 - 2 * weights
    return max(free, 0) // token_bytes


def training_bytes(weights, trained):
    return 2 * weights + (2 + 4 + 8) * trained


def is_lost(weight, step):
    before = torch.tensor(weight, dtype=torch.bfloat16)
    return bool(before + torch.tensor(step, dtype=torch.bfloat16) == before)
