"""Lesson 4B. Fill in the four functions, then run: python docs/education/check.py 4b THIS_FILE"""

from torch import Tensor


def alignment(mass: Tensor, scores: Tensor) -> Tensor:
    """Cross entropy, a scalar with a gradient: minus the sum of mass (N,) times the log-softmax of scores (N,).

    It stays finite for scores of a thousand, positive or negative.
    """
    ...


def gumbel_top_k(scores: Tensor, uniform: Tensor, k: int, temperature: float = 1.0) -> list[int]:
    """Indices of the k largest of scores (N,) / temperature + noise (N,), the largest first.

    noise = -log(-log(uniform)), where uniform (N,) holds given random numbers between 0 and 1. Draw none yourself.
    """
    ...


def gate(score: Tensor) -> Tensor:
    """1 in value, with the gradient of sigmoid(score). Any shape in, the same shape out; scores from -100 to 100."""
    ...


def advantages(right: Tensor, tokens: Tensor, price: float, least: float = 0.05) -> Tensor:
    """(N,) how much better each trial of one question is than their mean.

    right (N,) is 1 or 0, tokens (N,) how many visual tokens a trial used. Reward: right - price * tokens / 400.
    Advantage: reward less the mean reward, over the standard deviation. That one divides by N, and counts as `least`
    where it is smaller.
    """
    ...
