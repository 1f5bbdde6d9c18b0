"""Lesson 4C. Fill in the four functions, then run: python docs/education/check.py 4c THIS_FILE"""


def rate_factor(step: int, num_steps: int, warmup: int, final: float) -> float:
    """What the rate is multiplied by in a step, 0 to num_steps - 1: cosine part times rise.

    The cosine part goes from 1 at step 0 to `final` (0 to 1) at step num_steps. The rise is (step + 1) / warmup, at
    most 1; with a `warmup` of 0 steps it is 1.
    """
    ...


def mean_gradient(sums: list[float], num_tokens: list[int]) -> float:
    """Gradient per token of a step of B batches; both lists have B entries.

    sums: the gradient of each batch, summed over its answer tokens. num_tokens: how many those were; there may be none
    in one batch, but never in all.
    """
    ...


def is_spike(losses: list[float], mean: float, deviation: float, sigmas: float = 6.0, in_a_row: int = 3) -> bool:
    """Whether, anywhere in the list, `in_a_row` losses one after the other are each greater than the limit.

    The limit is `mean` plus `sigmas` times `deviation`. Every loss is a number: one that is not has stopped the run.
    """
    ...


def illnesses(first: dict, last: dict) -> list[str]:
    """Names of what is ill between two lines of a log, in the order of this list; [] where nothing is.

    "term": the sum of the terms falls, and at least one term rises.
    "gradient": a part has norm 0 in the last line.
    "budgets": accuracy grows at the largest budget and at no other.
    "collapse": in the last line one budget has at least 95% of the samples.
    "guess": recall falls, and accuracy grows at one budget or more.

    A line has "terms" {name: loss}, "norms" {part: norm}, "accuracy" {budget: 0 to 1}, "chosen" {budget: number of
    samples} and "recall" (0 to 1). Budgets are in tokens and stand in any order. Both lines have the same names.
    """
    ...
