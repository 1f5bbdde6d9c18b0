"""Lesson 6B. Fill in the four functions, then run: python docs/education/check.py 6b THIS_FILE"""


def cache_bytes(tokens: int, layers: int, key_width: int, number_bytes: int) -> int:
    """Bytes of the KV cache: a key and a value of `key_width` numbers for every token and layer.

    number_bytes: bytes of one number.
    """
    ...


def tokens_that_fit(memory_gb: int, weights: int, token_bytes: int) -> int:
    """How many tokens of KV cache fit into the memory beside the weights; 0 if the weights alone do not fit.

    memory_gb: in GB of 10^9 bytes. weights: their number, in 16 bits each. token_bytes: bytes of cache for one token.
    """
    ...


def training_bytes(weights: int, trained: int) -> int:
    """Bytes of a host in 16 bits that is trained with AdamW, without activations.

    weights: number of all weights. trained: how many of them learn; the others are frozen.
    """
    ...


def is_lost(weight: float, step: float) -> bool:
    """Whether weight + step is still the weight in bfloat16.

    First the weight is rounded to bfloat16, as it is stored; then the sum is. The step may be negative. Use torch.
    """
    ...
