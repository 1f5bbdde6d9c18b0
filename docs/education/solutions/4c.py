"""Lesson 4C, a solution."""

from math import cos, pi


def rate_factor(step, num_steps, warmup, final):
    cosine = final + (1 - final) * (1 + cos(pi * step / num_steps)) / 2
    return cosine * min(1.0, (step + 1) / max(1, warmup))


def mean_gradient(sums, num_tokens):
    return sum(sums) / sum(num_tokens)


def is_spike(losses, mean, deviation, sigmas=6.0, in_a_row=3):
    run = 0
    for loss in losses:
        run = run + 1 if loss > mean + sigmas * deviation else 0
        if run == in_a_row:
            return True
    return False


def illnesses(first, last):
    before, after = first["terms"], last["terms"]
    grown = [budget for budget, share in last["accuracy"].items() if share > first["accuracy"][budget]]
    chosen = last["chosen"].values()
    signs = {
        "term": sum(after.values()) < sum(before.values()) and any(after[name] > before[name] for name in after),
        "gradient": 0 in last["norms"].values(),
        "budgets": grown == [max(last["accuracy"])],
        "collapse": max(chosen) >= 0.95 * sum(chosen),
        "guess": last["recall"] < first["recall"] and bool(grown),
    }
    return [name for name, is_ill in signs.items() if is_ill]
