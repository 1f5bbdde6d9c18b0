"""The three score maps over cells."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.knowing import know, local_mean, perspectival, propositional, standardise
from arr_coc.records import Pyramid
from arr_coc.texture import build_pyramid

CELL_PX = 8


def pyramid_of(image: Tensor) -> Pyramid:
    return build_pyramid(image, CELL_PX)


def noise(rows: int, cols: int) -> Tensor:
    return torch.rand(3, rows * CELL_PX, cols * CELL_PX, generator=torch.Generator().manual_seed(0))


def test_columns_are_standardised_like_one_map() -> None:
    scores = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.0, 1e-3]) - 7
    expected = torch.stack([standardise(column) for column in scores.T], dim=1)
    assert torch.allclose(standardise(scores), expected, atol=1e-6) and bool((expected[:, 2] == 0).all())


def test_standardise_has_zero_mean_and_unit_deviation() -> None:
    scores = standardise(torch.tensor([1.0, 2.0, 5.0, -3.0]))
    assert scores.mean().abs() < 1e-6 and scores.std(correction=0) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.3, 1e6])
@pytest.mark.parametrize("num_cells", [1, 2, 64])
def test_constant_maps_become_zeros(constant: float, num_cells: int) -> None:
    assert torch.equal(standardise(torch.full((num_cells,), constant)), torch.zeros(num_cells))


def test_standardise_ignores_scale_and_offset() -> None:
    scores = noise(1, 1).flatten()
    torch.testing.assert_close(standardise(1e-4 * scores + 3), standardise(scores), atol=2e-2, rtol=0)


def test_standardise_passes_gradients() -> None:
    scores = torch.tensor([1.0, 2.0, 5.0], requires_grad=True)
    standardise(scores)[0].backward()
    assert scores.grad is not None and scores.grad.isfinite().all() and scores.grad.abs().sum() > 0


def test_propositional_equals_the_laplacian_band_of_the_whole_level() -> None:
    pyramid = pyramid_of(noise(12, 16))
    padded = F.pad(pyramid.levels[1][None], (4, 4, 4, 4), mode="replicate")
    blown_up = F.interpolate(padded, scale_factor=2, mode="bicubic", antialias=True)[0, :, 8:-8, 8:-8]
    energy = F.avg_pool2d((pyramid.levels[0] - blown_up).square()[None], 2 * CELL_PX)[0].mean(0).flatten()
    expected = 0.5 * torch.log2(1 + energy / (2 / 255) ** 2)
    cells = pyramid.cells(1)
    torch.testing.assert_close(propositional(pyramid, cells), expected)
    some = torch.tensor([3, 0, 47])
    torch.testing.assert_close(propositional(pyramid, cells[some]), expected[some])


def test_propositional_finds_the_detail_and_ignores_what_survives() -> None:
    image = torch.full((3, 16 * CELL_PX, 16 * CELL_PX), 0.5)
    image[:, : 8 * CELL_PX] = 0.9
    image[:, 100:108:2, 100:108] = 0.0
    pyramid = pyramid_of(image)
    scores = propositional(pyramid, pyramid.cells(1)).view(8, 8)
    assert scores.argmax() == 6 * 8 + 6
    assert scores[0].max() < 1e-3 and scores[6, 6] > 2


def test_propositional_is_zero_at_level_0() -> None:
    pyramid = pyramid_of(noise(4, 4))
    assert torch.equal(propositional(pyramid, pyramid.cells(0)), torch.zeros(16))


def test_perspectival_finds_the_odd_one_out() -> None:
    image = torch.full((3, 8 * CELL_PX, 8 * CELL_PX), 0.5)
    image[0, 3 * CELL_PX : 4 * CELL_PX, 5 * CELL_PX : 6 * CELL_PX] = 1.0
    pyramid = pyramid_of(image)
    assert perspectival(pyramid, pyramid.cells(0)).argmax() == 3 * 8 + 5


def test_perspectival_prefers_the_centre_of_two_equal_spots() -> None:
    image = torch.full((3, 12 * CELL_PX, 20 * CELL_PX), 0.5)
    for row, col in ((5, 3), (5, 10)):
        image[:, row * CELL_PX : (row + 1) * CELL_PX, col * CELL_PX : (col + 1) * CELL_PX] = 1.0
    pyramid = pyramid_of(image)
    scores = perspectival(pyramid, pyramid.cells(0)).view(12, 20)
    assert 0.8 * scores[5, 10] < scores[5, 3] < 0.95 * scores[5, 10]


def test_perspectival_of_a_flat_picture_is_constant() -> None:
    pyramid = pyramid_of(torch.full((3, 4 * CELL_PX, 4 * CELL_PX), 0.3))
    assert torch.equal(standardise(perspectival(pyramid, pyramid.cells(0))), torch.zeros(16))


def test_local_mean_counts_only_cells_of_the_picture() -> None:
    planes = torch.arange(6.0).view(1, 2, 3)
    torch.testing.assert_close(local_mean(planes, 3)[0, 0, 0], torch.tensor((0 + 1 + 3 + 4) / 4))
    torch.testing.assert_close(local_mean(planes, 5)[0], torch.full((2, 3), 2.5))


def test_know_standardises_every_map_over_the_given_cells() -> None:
    pyramid = pyramid_of(noise(12, 16))
    cells = pyramid.cells(1)[5:25]
    scores = know(pyramid, cells, torch.arange(20.0, dtype=torch.float64))
    for each in (scores.propositional, scores.perspectival, scores.participatory):
        assert each.shape == (20,) and each.dtype == torch.float32
        assert each.mean().abs() < 1e-5 and each.std(correction=0) == pytest.approx(1, abs=1e-4)
    assert torch.equal(scores.cells, cells)


def test_cells_of_two_levels_are_refused() -> None:
    pyramid = pyramid_of(noise(12, 16))
    with pytest.raises(AssertionError, match="more than one level"):
        propositional(pyramid, torch.cat([pyramid.cells(1), pyramid.cells(0)]))


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(AssertionError, match="finite"):
        standardise(torch.tensor([0.0, float("nan")]))
