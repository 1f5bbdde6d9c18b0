"""What lesson 6B checks."""

from arr_coc.serving.planning import RECIPES, num_trained, training_states
from arr_coc.serving.workload import find_target


def the_cache_is_that_of_the_plan(answer):
    memory = find_target("nano", "bfloat16").memory
    got = answer.cache_bytes(100, len(memory.text.attending), memory.text.key, 2)
    assert got is not None, "cache_bytes returns nothing"
    assert got == memory.cache(100), f"{got}, not {memory.cache(100)}"


def a_trained_parameter_costs_16_bytes(answer):
    got = answer.training_bytes(1000, 10)
    assert got is not None, "training_bytes returns nothing"
    assert got == 2000 + 140, f"{got}, not 2140"
    target, joint = find_target("nano", "bfloat16"), RECIPES[-1]
    trained = num_trained(target, joint)
    parts = 16 * target.weights.parts
    wanted = target.weight_bytes + training_states(target, joint) - parts
    assert answer.training_bytes(target.weights.total, trained) == wanted, "the plan of nano says otherwise"


def small_steps_vanish_in_bfloat16(answer):
    assert answer.is_lost(1.0, 0.001) is True, "1 + 0.001 is 1 in bfloat16"
    assert answer.is_lost(1.0, 0.01) is False, "1 + 0.01 is not"
    assert answer.is_lost(0.02, 1e-6) is True, "a weight of 0.02 does not feel a step of 1e-6"


CHECKS = (the_cache_is_that_of_the_plan, a_trained_parameter_costs_16_bytes, small_steps_vanish_in_bfloat16)
