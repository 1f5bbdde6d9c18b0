"""What lesson 2A checks."""

import torch

from arr_coc.texture import cell_entropy, to_luma

IMAGE = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))


def luma_is_that_of_the_texture(answer):
    got = answer.luma(IMAGE)
    assert got is not None, "luma returns nothing"
    assert got.shape == (32, 32), f"its shape is {tuple(got.shape)}, not (32, 32)"
    assert torch.allclose(got, to_luma(IMAGE), atol=1e-5), "the values differ"


def halving_keeps_the_mean_of_each_block(answer):
    got = answer.halve(IMAGE)
    assert got is not None, "halve returns nothing"
    assert got.shape == (3, 16, 16), f"its shape is {tuple(got.shape)}, not (3, 16, 16)"
    assert torch.allclose(got[:, 0, 1], IMAGE[:, 0:2, 2:4].mean(dim=(1, 2)), atol=1e-6), "a block has another mean"


def entropy_of_noise_and_of_nothing(answer):
    brightness = to_luma(IMAGE)
    wanted = float(cell_entropy(brightness, 32)[0, 0, 0])
    got = answer.entropy(brightness)
    assert got is not None, "entropy returns nothing"
    assert abs(float(got) - wanted) < 1e-3, f"{float(got):.3f} bits, not {wanted:.3f}"
    assert abs(float(answer.entropy(torch.full((8, 8), 0.5)))) < 1e-6, "one grey has no entropy"


CHECKS = (luma_is_that_of_the_texture, halving_keeps_the_mean_of_each_block, entropy_of_noise_and_of_nothing)
