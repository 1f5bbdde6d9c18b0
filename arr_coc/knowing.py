"""Ways of knowing where a closer look would pay: three score maps over the cells of one level.

Shapes: N cells, C channels. All cells passed to one call belong to one level of one picture; every
score is standardised over those cells, never over a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from arr_coc.records import CellFeatures, Host, Pyramid, ScoreMaps
from arr_coc.texture import CHANNELS

NOISE_FLOOR = 2 / 255  # standard deviation of a pixel that counts as nothing to see
HALO_PX = 2  # pixels of context that bicubic interpolation reads beyond a cell
SURROUNDS = (3, 5)  # sides in cells of the neighbourhoods a cell is compared with
CENTRE_PRIOR = 0.2  # loss of salience from the centre of the picture to its corners
SALIENT_CHANNELS = ("lightness", "green_red", "blue_yellow", "sobel_magnitude", "entropy")


class Scorer(Protocol):
    """Participatory knowing: how much the question has to do with what each cell shows.

    Called once per round with the pictures that still have splits to give: their current leaves
    (N, 3) in raster order, of mixed levels, with the features of those leaves in the same order.
    Returns one raw score per leaf, (N,); only the differences between leaves of one level count.
    A Pyramid is hashable by identity, so a scorer may look up what it knows by (pyramid, question).
    """

    def __call__(
        self,
        host: Host,
        pyramids: list[Pyramid],
        cells: list[Tensor],
        features: list[CellFeatures],
        questions: list[str],
    ) -> list[Tensor]: ...


@dataclass(frozen=True)
class AttentionScorer:
    """Scores without training: the host's own attention from the question's last tokens to each cell.

    Source: MLLMs Know Where to Look (arXiv 2502.17422).
    """

    def __call__(
        self,
        host: Host,
        pyramids: list[Pyramid],
        cells: list[Tensor],
        features: list[CellFeatures],
        questions: list[str],
    ) -> list[Tensor]:
        return host.attend(pyramids, cells, features, questions)


def know(pyramid: Pyramid, cells: Tensor, participatory: Tensor) -> ScoreMaps:
    """The three standardised score maps of cells (N, 3) of one level; `participatory` (N,) is raw."""
    return ScoreMaps(
        cells,
        standardise(propositional(pyramid, cells)),
        standardise(perspectival(pyramid, cells)),
        standardise(participatory.to(cells.device, torch.float32)),
    )


def standardise(scores: Tensor) -> Tensor:
    """(N,) to zero mean and unit standard deviation; a constant map has nothing to say and gives zeros."""
    assert bool(scores.isfinite().all()), "scores must be finite"
    centred = scores - scores.mean()
    deviation = centred.square().mean().sqrt()
    if deviation <= 1e-6 * scores.abs().max() + 1e-12:
        return torch.zeros_like(scores)
    return centred / deviation


def propositional(pyramid: Pyramid, cells: Tensor) -> Tensor:
    """(N,) bits per pixel that this level hides: what the next finer level shows beyond it.

    0.5 * log2(1 + E / noise^2), E the mean squared difference within the cell between the finer level
    and this level blown up by bicubic interpolation (a band of the Laplacian pyramid, Burt & Adelson
    1983), noise 2/255: the rate of a Gaussian source of that energy. Zero at level 0.
    """
    level = level_of(cells)
    if level == 0:
        return torch.zeros(len(cells), device=cells.device)
    size, halo = pyramid.cell_px, HALO_PX
    finer = cut_blocks(pyramid.levels[level - 1], cells, 2 * size, 0)
    context = cut_blocks(pyramid.levels[level], cells, size, halo)
    blown_up = F.interpolate(context, scale_factor=2, mode="bicubic", antialias=True)
    inner = blown_up[..., 2 * halo : -2 * halo, 2 * halo : -2 * halo]
    energy = (finer - inner).square().mean(dim=(1, 2, 3))
    return 0.5 * torch.log2(1 + energy / NOISE_FLOOR**2)


def perspectival(pyramid: Pyramid, cells: Tensor) -> Tensor:
    """(N,) salience: how much a cell stands out from its surround, in standard deviations of the level.

    Mean over L*a*b*, edges and entropy and over two neighbourhoods of the absolute difference to the
    local mean (centre-surround contrast, Itti, Koch & Niebur 1998), less up to 20% towards the corners.
    """
    textures = pyramid.textures[level_of(cells)]
    channels = textures[[CHANNELS.index(name) for name in SALIENT_CHANNELS]]
    channels = torch.stack([standardise(channel) for channel in channels])
    contrast = torch.stack([(channels - local_mean(channels, side)).abs() for side in SURROUNDS]).mean(dim=(0, 1))
    salience = contrast * (1 - CENTRE_PRIOR * textures[CHANNELS.index("eccentricity")])
    return salience[cells[:, 1], cells[:, 2]]


def local_mean(planes: Tensor, side: int) -> Tensor:
    """(C, R, K) mean over the cells of a side x side neighbourhood that lie within the picture."""
    return F.avg_pool2d(planes[None], side, stride=1, padding=side // 2, count_include_pad=False)[0]


def cut_blocks(image: Tensor, cells: Tensor, size: int, halo: int) -> Tensor:
    """(N, 3, size + 2 halo, size + 2 halo) blocks of an image (3, H, W), its edge pixels repeated beyond it."""
    offsets = torch.arange(-halo, size + halo, device=cells.device)
    y = (cells[:, 1:2] * size + offsets).clamp(0, image.shape[1] - 1)
    x = (cells[:, 2:3] * size + offsets).clamp(0, image.shape[2] - 1)
    return image[:, y[:, :, None], x[:, None, :]].transpose(0, 1)


def level_of(cells: Tensor) -> int:
    """The level that all cells (N, 3) share."""
    level = int(cells[0, 0])
    assert bool((cells[:, 0] == level).all()), "cells of more than one level"
    return level
