"""Lesson 6A, a solution."""

from statistics import median


def model_flops(num_tokens, num_weights, width, num_blocks):
    return num_blocks * (2 * num_tokens * num_weights + 4 * num_tokens**2 * width)


def encoded(glimpse, splits):
    return glimpse + 4 * sum(splits)


def in_turns(slow, fast, clock, rounds):
    slow()
    fast()
    seconds = ([], [])
    for _ in range(rounds):
        for run, times in zip((slow, fast), seconds, strict=True):
            start = clock()
            run()
            times.append(clock() - start)
    return seconds


def speedup(slow, fast):
    return median(slow) / median(fast)


def worth_most(seconds):
    stage = max(seconds, key=seconds.get)
    return stage, 1 / (1 - seconds[stage] / sum(seconds.values()))
