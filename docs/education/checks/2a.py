"""What lesson 2A checks."""

import math

import torch

from arr_coc.texture import build_pyramid, cell_entropy, to_luma

RNG = torch.Generator().manual_seed(0)
IMAGES = [torch.rand(3, height, width, generator=RNG) for height, width in ((32, 32), (32, 48), (6, 2))]


def compare(got, wanted, what):
    assert got is not None, f"{what} returns nothing"
    assert got.shape == wanted.shape, f"its shape is {tuple(got.shape)}, not {tuple(wanted.shape)}"
    worst = (got - wanted).abs().flatten().argmax()
    place = ", ".join(str(int(each)) for each in torch.unravel_index(worst, wanted.shape))
    here = f"at [{place}] it is {float(got.flatten()[worst]):.4f}, not {float(wanted.flatten()[worst]):.4f}"
    assert torch.allclose(got, wanted, atol=1e-5), here


def luma_is_the_brightness_of_the_page(answer):
    for image in IMAGES:
        compare(answer.luma(image), to_luma(image), "luma")


def halving_keeps_the_mean_of_each_block(answer):
    for image in IMAGES:
        wanted = torch.stack([image[:, y::2, x::2] for y in (0, 1) for x in (0, 1)]).mean(dim=0)
        compare(answer.halve(image), wanted, "halve")


def levels_halve_down_to_a_glimpse(answer):
    for rows, columns in ((16, 24), (48, 64), (8, 8), (1, 64), (2, 96)):
        pyramid = build_pyramid(torch.zeros(3, rows, columns), cell_px=1)
        wanted = [pyramid.grid(level) for level in range(pyramid.coarsest + 1)]
        got = answer.grids(rows, columns)
        assert got is not None, "grids returns nothing"
        assert [tuple(grid) for grid in got] == wanted, f"{rows} x {columns} gives {got}, not {wanted}"


def entropy_of_noise_of_halves_and_of_one_grey(answer):
    white, nearly, black = torch.ones(4, 8), torch.full((4, 8), 0.98), torch.zeros(4, 8)
    pictures = {
        "noise": to_luma(IMAGES[0]),
        "half black, half white": torch.cat([black, white]),
        "half 0.98, half 1, which share a bin": torch.cat([nearly, white]),
        "one grey": torch.full((8, 8), 0.5),
    }
    for name, brightness in pictures.items():
        got = answer.entropy(brightness)
        assert got is not None, "entropy returns nothing"
        assert not math.isnan(float(got)), f"{name}: nan; leave out the empty bins"
        wanted = float(cell_entropy(brightness, len(brightness))[0, 0, 0])
        assert abs(float(got) - wanted) < 1e-3, f"{name}: {float(got):.3f} bits, not {wanted:.3f}"


CHECKS = (
    luma_is_the_brightness_of_the_page,
    halving_keeps_the_mean_of_each_block,
    levels_halve_down_to_a_glimpse,
    entropy_of_noise_of_halves_and_of_one_grey,
)
