"""Lesson 4C. Fill in the three functions, then run: python docs/education/check.py 4c THIS_FILE"""


def rate_factor(step: int, num_steps: int, warmup: int, final: float) -> float:
    """What the rate is multiplied by: a cosine from 1 to `final` over the run, times (step + 1) / warmup up to 1."""
    ...


def mean_gradient(sums: list[float], num_tokens: list[int]) -> float:
    """Gradient per token of a step: each batch gives the sum over its tokens, and how many they were."""
    ...


def is_spike(losses: list[float], mean: float, deviation: float, sigmas: float = 6.0, in_a_row: int = 3) -> bool:
    """Whether `in_a_row` losses one after the other lie more than `sigmas` deviations over the mean."""
    ...
