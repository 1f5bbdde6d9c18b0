"""Lesson 6B. Fill in the three functions, then run: python docs/education/check.py 6b THIS_FILE"""


def cache_bytes(tokens: int, layers: int, key_width: int, number_bytes: int) -> int:
    """KV cache of one sequence: a key and a value of `key_width` numbers for every token and layer."""
    ...


def training_bytes(parameters: int, trained: int) -> int:
    """Weights, gradients and AdamW of a host in 16 bits, without activations.

    2 bytes for every parameter; for every trained one 2 more (gradient), 4 (float32 copy) and 8 (two moments).
    """
    ...


def is_lost(weight: float, step: float) -> bool:
    """Whether bfloat16 (8 bits of precision) rounds weight + step back to weight. torch may help."""
    ...
