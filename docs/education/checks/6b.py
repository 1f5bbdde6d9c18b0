"""What lesson 6B checks."""

from calling import called

from arr_coc.serving.planning import RECIPES, num_trained, training_states
from arr_coc.serving.workload import find_target


def expect(answer, name, arguments, wanted, why=""):
    """Fails with what one call gave and what it should give."""
    got, call = called(answer, name, *arguments)
    if isinstance(wanted, bool):
        assert got is True or got is False, f"{call} gives {got!r}, not True or False; bool(...) makes one"
    assert isinstance(got, int | float), f"{call} gives {got!r}, not a number; {wanted} is right"
    assert got == wanted, f"{call} gives {got}, not {wanted}{why}"


def every_token_keeps_a_key_and_a_value(answer):
    expect(answer, "cache_bytes", (1, 1, 1, 1), 2, ": one key, one value")
    expect(answer, "cache_bytes", (3, 5, 7, 4), 840)
    expect(answer, "cache_bytes", (9, 2, 7, 2), 504)
    memory = find_target("nano", "bfloat16").memory
    arguments = 100, len(memory.text.attending), memory.text.key, 2
    expect(answer, "cache_bytes", arguments, memory.cache(100), ", which is the plan of nano")


def the_rest_of_the_memory_holds_the_cache(answer):
    expect(answer, "tokens_that_fit", (8, 10**9, 10**6), 6000, ": 8 GB less 2 GB, and 1 MB a token")
    expect(answer, "tokens_that_fit", (24, 2_127_532_032, 114_688), 172_162)
    expect(answer, "tokens_that_fit", (1, 499_999_999, 3), 0, ": 2 bytes are left, a token takes 3")
    expect(answer, "tokens_that_fit", (1, 499_999_998, 3), 1, ": 4 bytes are left, a token takes 3")
    expect(answer, "tokens_that_fit", (16, 8 * 10**9, 1000), 0, ": the weights fill the memory")
    expect(answer, "tokens_that_fit", (16, 9 * 10**9, 1000), 0, ": the weights do not fit")


def a_trained_weight_costs_16_bytes(answer):
    expect(answer, "training_bytes", (1000, 0), 2000, ": all are frozen")
    expect(answer, "training_bytes", (1000, 1000), 16_000, ": all learn")
    expect(answer, "training_bytes", (1000, 10), 2140, ": 990 frozen, 10 learn")
    expect(answer, "training_bytes", (7, 3), 56, ": 4 frozen, 3 learn")
    target, joint = find_target("nano", "bfloat16"), RECIPES[-1]
    wanted = target.weight_bytes + training_states(target, joint) - 16 * target.weights.parts
    arguments = target.weights.total, num_trained(target, joint)
    expect(answer, "training_bytes", arguments, wanted, ", which is the plan of nano")


def small_steps_vanish_in_bfloat16(answer):
    for weight, step, wanted, why in (
        (1.0, 0.001, True, "from 1 on, half a step is 0.0039"),
        (1.0, 0.003, True, "from 1 on, half a step is 0.0039"),
        (1.0, 0.006, False, "the nearest number is 1.0078"),
        (1.0, 0.01, False, "the nearest number is 1.0078"),
        (1.0, -0.001, True, "below 1, half a step is 0.00195"),
        (1.0, -0.003, False, "below 1, half a step is 0.00195"),
        (-1.0, 0.003, False, "between -1 and 0, steps are finer than beyond -1"),
        (-1.0, -0.003, True, "half a step beyond -1 is 0.0039"),
        (0.02, 1e-6, True, "at 0.02 half a step is 0.00006"),
        (0.02, 0.001, False, "at 0.02 half a step is 0.00006"),
        (0.02, 7e-5, False, "0.02 is stored as 0.0200195; add the step to that"),
        (0.0, 1e-6, False, "near 0 the steps are fine"),
        (100.0, 0.1, True, "at 100 half a step is 0.25"),
        (100.0, 0.4, False, "at 100 half a step is 0.25"),
        (60_000.0, 100.0, True, "at 60,000 half a step is 128"),
        (100_000.0, 1000.0, False, "bfloat16 goes far beyond 65,504"),
        (1.0, 0.00390625, True, "halfway, the number with last bit 0 wins: 1"),
        (1.0078125, 0.00390625, False, "halfway, the number with last bit 0 wins: 1.015625"),
    ):
        expect(answer, "is_lost", (weight, step), wanted, f": {why}")


CHECKS = (
    every_token_keeps_a_key_and_a_value,
    the_rest_of_the_memory_holds_the_cache,
    a_trained_weight_costs_16_bytes,
    small_steps_vanish_in_bfloat16,
)
