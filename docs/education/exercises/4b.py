"""Lesson 4B. Fill in the three functions, then run: python docs/education/check.py 4b THIS_FILE"""

from torch import Tensor


def alignment(mass: Tensor, scores: Tensor) -> Tensor:
    """Cross entropy: minus the sum of mass (N,) times the log-softmax of scores (N,)."""
    ...


def gumbel_top_k(scores: Tensor, uniform: Tensor, k: int) -> list[int]:
    """Indices of the k largest of scores + noise, largest first; noise = -log(-log(uniform))."""
    ...


def gate(score: Tensor) -> Tensor:
    """1 in value, with the gradient of sigmoid(score)."""
    ...
