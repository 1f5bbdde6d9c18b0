"""Lesson 6C. Fill in the three functions, then run: python docs/education/check.py 6c THIS_FILE"""


def mine(numbers: range, rank: int, count: int) -> list[int]:
    """The numbers of a step's batches that process `rank` of `count` takes: every count-th, from its own rank on."""
    ...


def all_reduced(gradients: list[list[float]]) -> list[float]:
    """One gradient a process, each a list of numbers; the mean that every process has afterwards."""
    ...


def self_times(spans: list[tuple[str, float, float]]) -> dict[str, float]:
    """(name, start, end) of stages that may lie inside each other, outer ones first: seconds without inner stages."""
    ...
