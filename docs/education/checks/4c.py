"""What lesson 4C checks."""

from arr_coc.training.optimizer import rate_factor
from arr_coc.training.settings import LoopSettings


def the_rate_warms_up_and_falls(answer):
    settings = LoopSettings(rates={}, num_steps=200, warmup_steps=20, final_rate=0.1)
    for step in (0, 10, 19, 100, 199):
        got, wanted = answer.rate_factor(step, 200, 20, 0.1), rate_factor(settings, step)
        assert got is not None, "rate_factor returns nothing"
        assert abs(got - wanted) < 1e-6, f"step {step}: {got:.4f}, not {wanted:.4f}"


def a_token_weighs_the_same_in_every_batch(answer):
    got = answer.mean_gradient([10.0, 2.0], [10, 1])
    assert got is not None, "mean_gradient returns nothing"
    assert abs(got - 12 / 11) < 1e-9, f"{got:.4f}: the mean of means would be 1.5; per token it is 12 / 11"


def one_bad_batch_is_no_spike(answer):
    assert answer.is_spike([9, 1, 9, 9, 1], 1.0, 0.5) is False, "two in a row are no spike"
    assert answer.is_spike([1, 9, 9, 9], 1.0, 0.5) is True, "three in a row are one"
    assert answer.is_spike([3.9, 3.9, 3.9], 1.0, 0.5) is False, "under six deviations is no spike"


CHECKS = (the_rate_warms_up_and_falls, a_token_weighs_the_same_in_every_batch, one_bad_batch_is_no_spike)
