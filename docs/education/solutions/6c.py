"""Lesson 6C, a solution."""

import cProfile
import pstats


def mine(numbers, rank, count):
    return list(numbers[rank::count])


def all_reduced(sums, tokens):
    return [sum(values) / sum(tokens) for values in zip(*sums, strict=True)]


def self_times(spans):
    times, around = {}, []
    for name, start, end in spans:
        while around and around[-1][2] <= start:
            around.pop()
        times[name] = times.get(name, 0.0) + end - start
        if around:
            times[around[-1][0]] -= end - start
        around.append((name, start, end))
    return times


def num_calls(run, name):
    profile = cProfile.Profile()
    profile.enable()
    run()
    profile.disable()
    return sum(value[1] for key, value in pstats.Stats(profile).stats.items() if key[2] == name)
