"""Lesson 6C, a solution."""


def mine(numbers, rank, count):
    return list(numbers[rank::count])


def all_reduced(gradients):
    return [sum(values) / len(gradients) for values in zip(*gradients, strict=True)]


def self_times(spans):
    times, parents = {}, []
    for name, start, end in spans:
        while parents and parents[-1][2] <= start:
            parents.pop()
        times[name] = times.get(name, 0.0) + end - start
        if parents:
            times[parents[-1][0]] -= end - start
        parents.append((name, start, end))
    return times
