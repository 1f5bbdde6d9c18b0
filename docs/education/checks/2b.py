"""What lesson 2B checks."""

import torch

from arr_coc import knowing
from arr_coc.attending import combined_score
from arr_coc.records import ScoreMaps, Tensions

MAPS = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))


def a_map_has_mean_0_and_deviation_1(answer):
    got = answer.standardise(5 + 3 * MAPS[0])
    assert got is not None, "standardise returns nothing"
    assert torch.allclose(got, knowing.standardise(MAPS[0]), atol=1e-4), "the values differ: divide by N, not N - 1"


def a_constant_map_says_nothing(answer):
    got = answer.standardise(torch.full((5,), 0.25))
    assert got is not None and bool((got == 0).all()), "five equal scores must give five zeros, not NaN"


def bits_follow_the_energy(answer):
    got = answer.lost_bits(torch.tensor([0.0, (2 / 255) ** 2, 3 * (2 / 255) ** 2]))
    assert got is not None, "lost_bits returns nothing"
    assert torch.allclose(got, torch.tensor([0.0, 0.5, 1.0]), atol=1e-5), f"got {got.tolist()}, not 0, 0.5, 1"


def maps_add_up_as_in_the_loop(answer):
    weights = (0.25, 0.15, 0.6)
    wanted = combined_score(ScoreMaps(torch.zeros(12, 3), *MAPS), Tensions(0.5, 0.4, 0.2, weights, 160))
    got = answer.combined(MAPS, torch.tensor(weights))
    assert got is not None and torch.allclose(got, wanted, atol=1e-5), "the sum differs"


CHECKS = (
    a_map_has_mean_0_and_deviation_1,
    a_constant_map_says_nothing,
    bits_follow_the_energy,
    maps_add_up_as_in_the_loop,
)
