"""What lesson 4C checks."""

from copy import deepcopy

from calling import ask

from arr_coc.training.optimizer import rate_factor
from arr_coc.training.settings import LoopSettings

RATES = ((200, 20, 0.1), (50, 5, 0.0), (400, 30, 0.5), (10, 20, 0.1), (30, 0, 0.2), (7, 1, 1.0), (1, 0, 0.1))
STEPS = (
    ([10.0, 2.0], [10, 1]),
    ([3.0], [4]),
    ([30.0, 4.0, 1.5], [30, 2, 1]),
    ([-6.0, 2.0, 0.0, 8.5], [1, 7, 3, 100]),
    ([4.0, 0.0], [2, 0]),
    ([0.0, -5.0, 1.0], [0, 10, 1]),
)
SPIKES = (
    ("two in a row", [9, 1, 9, 9, 1], 1.0, 0.5, {}, False),
    ("three at the end", [1, 9, 9, 9], 1.0, 0.5, {}, True),
    ("three at the beginning", [9, 9, 9, 1, 1, 1, 1], 1.0, 0.5, {}, True),
    ("three in the middle", [1, 9, 9, 9, 1], 1.0, 0.5, {}, True),
    ("five in a row", [1, 9, 9, 9, 9, 9, 1], 1.0, 0.5, {}, True),
    ("six, never three in a row", [9, 9, 1, 9, 9, 1, 9, 9], 1.0, 0.5, {}, False),
    ("exactly at the limit", [4.0, 4.0, 4.0], 1.0, 0.5, {}, False),
    ("just over the limit", [4.125, 4.125, 4.125], 1.0, 0.5, {}, True),
    ("far under the mean", [-9, -9, -9], 1.0, 0.5, {}, False),
    ("a larger deviation", [9, 9, 9], 1.0, 2.0, {}, False),
    ("a smaller deviation", [2, 2, 2], 1.0, 0.125, {}, True),
    ("a larger mean", [9, 9, 9], 8.0, 0.5, {}, False),
    ("a negative mean", [1, 1, 1], -4.0, 0.5, {}, True),
    ("sigmas 2", [3, 3, 3], 1.0, 0.5, {"sigmas": 2.0}, True),
    ("sigmas 20", [9, 9, 9], 1.0, 0.5, {"sigmas": 20.0}, False),
    ("one in a row is enough", [1, 9, 1], 1.0, 0.5, {"in_a_row": 1}, True),
    ("five in a row are asked", [9, 9, 9, 9, 1], 1.0, 0.5, {"in_a_row": 5}, False),
    ("five in a row are asked and there", [1, 9, 9, 9, 9, 9], 1.0, 0.5, {"in_a_row": 5}, True),
    ("no losses", [], 1.0, 0.5, {}, False),
)
FIRST = {
    "terms": {"answer": 2.0, "alignment": 1.0},
    "norms": {"scorer": 0.3, "balancer": 0.2},
    "accuracy": {400: 0.5, 64: 0.2, 160: 0.3},
    "chosen": {400: 10, 64: 10, 160: 20},
    "recall": 0.6,
}
LAST = {
    "terms": {"answer": 1.5, "alignment": 1.0},
    "norms": {"scorer": 0.2, "balancer": 0.1},
    "accuracy": {400: 0.6, 64: 0.3, 160: 0.4},
    "chosen": {400: 12, 64: 8, 160: 20},
    "recall": 0.7,
}
LARGE_ONLY, LESS = {400: 0.6, 64: 0.2, 160: 0.3}, {400: 0.4, 64: 0.2, 160: 0.3}
LOGS = (
    ("all is well", {}, {}, []),
    ("a term rises, the sum falls", {}, {"terms": {"answer": 1.0, "alignment": 1.2}}, ["term"]),
    ("both terms fall", {}, {"terms": {"answer": 1.0, "alignment": 0.8}}, []),
    ("the sum rises", {}, {"terms": {"answer": 2.5, "alignment": 0.9}}, []),
    ("the sum rests", {}, {"terms": {"answer": 2.5, "alignment": 0.5}}, []),
    (
        "one of three terms rises",
        {"terms": {"a": 1, "b": 3, "c": 3}},
        {"terms": {"a": 2, "b": 1, "c": 2}},
        ["term"],
    ),
    ("norm 0", {}, {"norms": {"scorer": 0.3, "balancer": 0.0}}, ["gradient"]),
    ("norm 0 in the first line only", {"norms": {"scorer": 0.0, "balancer": 0.2}}, {}, []),
    ("a very small norm", {}, {"norms": {"scorer": 0.3, "balancer": 1e-9}}, []),
    ("accuracy grows at 400 only", {}, {"accuracy": LARGE_ONLY}, ["budgets"]),
    ("accuracy grows at 400, falls at 64", {}, {"accuracy": {400: 0.6, 64: 0.1, 160: 0.3}}, ["budgets"]),
    ("accuracy grows at 160 only", {}, {"accuracy": {400: 0.5, 64: 0.2, 160: 0.4}}, []),
    ("accuracy grows at 400 and 64", {}, {"accuracy": {400: 0.6, 64: 0.3, 160: 0.3}}, []),
    ("accuracy falls", {}, {"accuracy": LESS}, []),
    ("largest budget 256", {"accuracy": {64: 0.1, 256: 0.1}}, {"accuracy": {64: 0.1, 256: 0.2}}, ["budgets"]),
    ("all samples chose 160", {}, {"chosen": {400: 0, 64: 0, 160: 40}}, ["collapse"]),
    ("95 of 100 samples chose 64", {}, {"chosen": {400: 3, 64: 95, 160: 2}}, ["collapse"]),
    ("94 of 100 samples chose 64", {}, {"chosen": {400: 3, 64: 94, 160: 3}}, []),
    ("a collapse in the first line only", {"chosen": {400: 0, 64: 0, 160: 40}}, {}, []),
    ("recall falls, accuracy grows", {}, {"recall": 0.5}, ["guess"]),
    ("recall falls, accuracy falls", {}, {"recall": 0.5, "accuracy": LESS}, []),
    (
        "recall falls, accuracy grows at 64",
        {},
        {"recall": 0.5, "accuracy": {400: 0.4, 64: 0.3, 160: 0.1}},
        ["guess"],
    ),
    ("recall rests", {}, {"recall": 0.6}, []),
    (
        "all at once",
        {},
        {
            "terms": {"answer": 2.1, "alignment": 0.1},
            "norms": {"scorer": 0.0, "balancer": 0.0},
            "accuracy": LARGE_ONLY,
            "chosen": {400: 400, 64: 0, 160: 0},
            "recall": 0.1,
        },
        ["term", "gradient", "budgets", "collapse", "guess"],
    ),
)


def number(got, name):
    try:
        return float(got)
    except (TypeError, ValueError):
        raise AssertionError(f"{name} gives a {type(got).__name__}, not a number") from None


def the_rate_warms_up_and_falls(answer):
    for num_steps, warmup, final in RATES:
        settings = LoopSettings(rates={}, num_steps=num_steps, warmup_steps=warmup, final_rate=final)
        for step in range(num_steps):
            wanted, name = rate_factor(settings, step), f"step {step} of {num_steps}, warmup {warmup}, final {final}"
            got = number(ask(answer.rate_factor, name, step, num_steps, warmup, final), "rate_factor")
            assert abs(got - wanted) < 2e-6, f"{name}: {got:.6f}, not {wanted:.6f}"


def a_token_weighs_the_same_in_every_batch(answer):
    for sums, num_tokens in STEPS:
        wanted, name = sum(sums) / sum(num_tokens), f"sums {sums}, tokens {num_tokens}"
        got = number(ask(answer.mean_gradient, name, list(sums), list(num_tokens)), "mean_gradient")
        assert abs(got - wanted) < 2e-6, f"{name}: {got:.6f}, not {wanted:.6f}"


def one_bad_batch_is_no_spike(answer):
    for name, losses, mean, deviation, options, wanted in SPIKES:
        name = f"{name}, losses {losses}, mean {mean:g}, deviation {deviation:g}"
        got = ask(answer.is_spike, name, list(losses), mean, deviation, **options)
        assert bool(got) is wanted, f"{name}: {got}, not {wanted}"


def illness_shows_in_the_log(answer):
    for name, before, after, wanted in LOGS:
        first, last = (deepcopy({**line, **changed}) for line, changed in ((FIRST, before), (LAST, after)))
        got = ask(answer.illnesses, name, first, last)
        assert got == wanted, f"{name}: {got}, not {wanted}"


CHECKS = (
    the_rate_warms_up_and_falls,
    a_token_weighs_the_same_in_every_batch,
    one_bad_batch_is_no_spike,
    illness_shows_in_the_log,
)
