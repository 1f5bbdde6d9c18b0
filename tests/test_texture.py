"""Grids, levels and the 13 channels, against straightforward references."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc import texture as texture_module
from arr_coc.hosts.grids import fit_grid, stretch
from arr_coc.texture import CHANNELS, Textures, build_pyramid, round_grid, texture

CELL_PX = 8
Pixel = Callable[[int, int], float]


def noise(rows: int, cols: int, seed: int = 0, cell_px: int = CELL_PX) -> Tensor:
    return torch.rand(3, rows * cell_px, cols * cell_px, generator=torch.Generator().manual_seed(seed))


def luma_of(image: Tensor) -> Pixel:
    """Luma with the picture's edge repeated beyond it, one pixel at a time."""
    height, width = image.shape[1:]

    def luma(y: int, x: int) -> float:
        r, g, b = image[:, min(max(y, 0), height - 1), min(max(x, 0), width - 1)].tolist()
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    return luma


def gradient(luma: Pixel, y: int, x: int) -> tuple[float, float]:
    gx = sum(w * (luma(y + d, x + 1) - luma(y + d, x - 1)) for d, w in ((-1, 1), (0, 2), (1, 1))) / 8
    gy = sum(w * (luma(y + 1, x + d) - luma(y - 1, x + d)) for d, w in ((-1, 1), (0, 2), (1, 1))) / 8
    return gx, gy


def lab(rgb: list[float]) -> tuple[float, float, float]:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = [sum(m * c for m, c in zip(row, linear, strict=True)) for row in matrix]
    ratios = [value / white for value, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True)]
    x, y, z = [t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in ratios]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def slow_texture(image: Tensor, cell_px: int) -> Tensor:
    rows, cols = image.shape[1] // cell_px, image.shape[2] // cell_px
    luma = luma_of(image)
    result = torch.zeros(13, rows, cols)
    for r in range(rows):
        for c in range(cols):
            spots = [(r * cell_px + i, c * cell_px + j) for i in range(cell_px) for j in range(cell_px)]
            rgb = [sum(float(image[k, y, x]) for y, x in spots) / len(spots) for k in range(3)]
            slopes = [gradient(luma, y, x) for y, x in spots]
            edges = [sum(g) / len(spots) for g in zip(*[(*s, math.hypot(*s)) for s in slopes], strict=True)]
            counts = Counter(min(31, int(luma(y, x) * 32)) for y, x in spots)
            entropy = -sum(n / len(spots) * math.log2(n / len(spots)) for n in counts.values())
            where = [(r + 0.5) / rows, (c + 0.5) / cols]
            offset = math.hypot((r + 0.5 - rows / 2) * cell_px, (c + 0.5 - cols / 2) * cell_px)
            half_diagonal = math.hypot(rows * cell_px, cols * cell_px) / 2
            result[:, r, c] = torch.tensor([*rgb, *lab(rgb), *edges, entropy, *where, offset / half_diagonal])
    return result


@pytest.mark.parametrize("channel", range(13), ids=CHANNELS)
def test_channel_equals_slow_reference(channel: int) -> None:
    image = noise(2, 3) ** torch.tensor([1.0, 2.0, 0.5]).view(3, 1, 1)
    torch.testing.assert_close(
        texture(image, CELL_PX)[channel], slow_texture(image, CELL_PX)[channel], atol=1e-3, rtol=1e-4
    )


def test_no_channel_repeats_another() -> None:
    flat = F.interpolate(noise(3, 5)[None], scale_factor=0.25)[0]
    picture = F.interpolate(flat[None], scale_factor=16, mode="bicubic")[0].clamp(0, 1)
    channels = texture(picture, CELL_PX).flatten(1)
    correlation = torch.corrcoef(channels)
    assert len(CHANNELS) == len(set(CHANNELS)) == len(channels) == 13
    assert channels.std(dim=1).min() > 1e-4
    assert (correlation - torch.eye(13)).abs().max() < 0.999


def test_lab_of_known_colours() -> None:
    known = {
        (1.0, 1.0, 1.0): (100.0, 0.0, 0.0),
        (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0): (53.24, 80.09, 67.20),
        (0.0, 1.0, 0.0): (87.73, -86.18, 83.18),
        (0.0, 0.0, 1.0): (32.30, 79.19, -107.86),
    }
    for colour, expected in known.items():
        image = torch.tensor(colour).view(3, 1, 1).expand(3, CELL_PX, CELL_PX).contiguous()
        torch.testing.assert_close(texture(image, CELL_PX)[3:6, 0, 0], torch.tensor(expected), atol=0.02, rtol=0)


@pytest.mark.parametrize("num_values", [1, 2, 4, 16, 32])
def test_entropy_of_equally_frequent_values(num_values: int) -> None:
    values = (torch.arange(CELL_PX**2) % num_values + 0.5) / num_values
    image = values.view(1, CELL_PX, CELL_PX).expand(3, -1, -1).contiguous()
    assert texture(image, CELL_PX)[9].item() == pytest.approx(math.log2(num_values), abs=1e-5)


def test_flat_picture_has_no_edges_at_its_borders() -> None:
    channels = texture(torch.full((3, 3 * CELL_PX, 2 * CELL_PX), 0.7), CELL_PX)
    assert channels[6:10].abs().max() < 1e-6


def test_sobel_signs_and_scale() -> None:
    step = torch.zeros(3, CELL_PX, 2 * CELL_PX)
    step[:, :, CELL_PX:] = 1
    left_right = texture(step, CELL_PX)
    torch.testing.assert_close(left_right[6], torch.full((1, 2), 0.5 / CELL_PX))
    torch.testing.assert_close(
        texture(step.transpose(1, 2).contiguous(), CELL_PX)[7], torch.full((2, 1), 0.5 / CELL_PX)
    )
    assert left_right[7].abs().max() < 1e-6


def test_bands_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(7, 3)
    whole = texture(image, CELL_PX)
    monkeypatch.setattr(texture_module, "BAND_PIXELS", 1)
    torch.testing.assert_close(texture(image, CELL_PX), whole, atol=1e-6, rtol=1e-6)


def test_round_grid_is_nearest_minimal_and_stable() -> None:
    draw = random.Random(0)
    for _ in range(3000):
        rows, cols = (int(2 ** draw.uniform(0, 7.3)) for _ in range(2))
        new_rows, new_cols, levels = round_grid(rows, cols)
        step = 2**levels
        assert new_rows % step == new_cols % step == 0
        assert new_rows * new_cols <= 64 * step**2
        assert levels == 0 or new_rows * new_cols > 64 * (step // 2) ** 2
        assert round_grid(new_rows, new_cols) == (new_rows, new_cols, levels)
        if levels == 0:
            assert (new_rows, new_cols) == (rows, cols) or rows * cols > 64
        if min(rows, cols) >= 8:
            assert abs(new_rows - rows) <= step and abs(new_cols - cols) <= step


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ((1, 1), (1, 1, 0)),
        ((8, 8), (8, 8, 0)),
        ((9, 8), (10, 8, 1)),
        ((32, 32), (32, 32, 2)),
        ((128, 128), (128, 128, 4)),
        ((5, 100), (4, 100, 2)),
        ((1, 20), (1, 20, 0)),
        ((1, 200), (4, 200, 2)),
    ],
)
def test_round_grid_examples(grid: tuple[int, int], expected: tuple[int, int, int]) -> None:
    assert round_grid(*grid) == expected


def test_fit_grid_keeps_shape_size_and_the_limit() -> None:
    """Over all shapes that a glimpse can have: 1.1 at most of stretch, and of growth where rounding alone decides."""
    draw = random.Random(0)
    for _ in range(800):
        rows, cols = (int(2 ** draw.uniform(0, 7.3)) for _ in range(2))
        most = draw.choice((rows * cols, 2 * rows * cols, 640, 16384))
        new_rows, new_cols, level = fit_grid(rows, cols, most)
        assert round_grid(new_rows, new_cols) == (new_rows, new_cols, level)
        if max(rows, cols) <= 64 * min(rows, cols) and 4 * rows * cols <= most:
            assert stretch((new_rows, new_cols), (rows, cols)) <= 1.1 + 1e-6
        has_grown = max(new_rows / rows, new_cols / cols) > 1.1
        assert new_rows * new_cols <= most or not has_grown
        assert max(new_rows, new_cols) <= 1.5 * max(rows, cols)
        nearest = round_grid(rows, cols)
        if stretch(nearest[:2], (rows, cols)) <= 1.1 and max(nearest[0] / rows, nearest[1] / cols) <= 1.1:
            assert (new_rows, new_cols, level) == nearest


@pytest.mark.parametrize(
    ("grid", "most", "expected"),
    [
        ((32, 32), 16384, (32, 32, 2)),  # nothing to mend
        ((9, 938), 16384, (16, 1024, 4)),  # 30000x300: at the limit, not 2.5 times above
        ((3, 62), 16384, (4, 76, 2)),  # 20:1: was 4x62, a third too tall
        ((3, 312), 16384, (4, 256, 2)),  # 104:1: was 8x312, 2.7 times too tall
    ],
)
def test_fit_grid_examples(grid: tuple[int, int], most: int, expected: tuple[int, int, int]) -> None:
    assert fit_grid(*grid, most) == expected
    assert fit_grid(*grid[::-1], most) == (expected[1], expected[0], expected[2])


def test_round_grid_refuses_an_empty_side() -> None:
    with pytest.raises(ValueError, match="0x3"):
        round_grid(0, 3)


def test_pyramid_levels_come_from_level_0() -> None:
    image = noise(12, 20)
    pyramid = build_pyramid(image, CELL_PX)
    assert pyramid.coarsest == 1 and pyramid.grid() == (12, 20) and pyramid.grid(1) == (6, 10)
    assert torch.equal(pyramid.levels[0], image)
    for level, (picture, channels) in enumerate(zip(pyramid.levels, pyramid.textures, strict=True)):
        assert picture.shape == (3, 12 * CELL_PX >> level, 20 * CELL_PX >> level)
        assert picture.min() >= 0 and picture.max() <= 1
        assert torch.equal(channels, texture(picture, CELL_PX))
    reference = F.interpolate(image[None], scale_factor=0.5, mode="bicubic", antialias=True)[0].clamp(0, 1)
    torch.testing.assert_close(pyramid.levels[1], reference)


def test_pyramid_refuses_a_grid_that_does_not_halve() -> None:
    with pytest.raises(ValueError, match="pixels must be 80x64 .* got 72x64"):
        build_pyramid(noise(9, 8), CELL_PX)
    with pytest.raises(ValueError, match="got 7x9"):
        build_pyramid(torch.rand(3, 7, 9), CELL_PX)


def test_mirrored_picture_has_mirrored_textures() -> None:
    image = noise(4, 4)
    flipped = texture(image.flip(2), CELL_PX)
    torch.testing.assert_close(flipped[9], texture(image, CELL_PX)[9].flip(1))
    torch.testing.assert_close(flipped[6], -texture(image, CELL_PX)[6].flip(1), atol=1e-6, rtol=1e-4)


def test_level_0_is_measured_when_it_is_asked_for() -> None:
    pyramid = build_pyramid(torch.rand(3, 512, 512, generator=torch.Generator().manual_seed(1)), 32)
    assert isinstance(pyramid.textures, Textures) and set(pyramid.textures.known) == {1}
    found = list(pyramid.textures)
    assert set(pyramid.textures.known) == {0, 1} and len(found) == 2
    for level, image in enumerate(pyramid.levels):
        assert torch.equal(found[level], texture(image, 32)) and pyramid.textures[level] is found[level]
    assert pyramid.textures[-1] is found[1]
    with pytest.raises(IndexError):
        pyramid.textures[2]
