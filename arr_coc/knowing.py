"""Ways of knowing where a closer look would pay: three score maps over the cells of one level.

Shapes: N cells, C channels. All cells passed to one call belong to one level of one picture; every
score is standardised over those cells, never over a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arr_coc.quoting import quoted
from arr_coc.records import Gaze, Host, Looks, Pyramid, ScoreMaps, View
from arr_coc.texture import CHANNEL_SCALES, CHANNELS

NOISE_FLOOR = 2 / 255  # standard deviation of a pixel that counts as nothing to see
HALO_PX = 2  # pixels of context that bicubic interpolation reads beyond a cell
SURROUNDS = (3, 5)  # sides in cells of the neighbourhoods a cell is compared with
NUM_PLACE_WAVES = 6
CENTRE_PRIOR = 0.2  # loss of salience from the centre of the picture to its corners
SALIENT_CHANNELS = ("lightness", "green_red", "blue_yellow", "sobel_magnitude", "entropy")


class Scorer(Protocol):
    """Participatory knowing: how much the question has to do with what each cell shows.

    Called once per round with the views that still have splits to give. Returns per view one raw score a
    cell, (N,), finite; only the differences between cells of one level count. `gaze` is for `host.attend`,
    if the scorer reads attention. A Pyramid is hashable by identity, so a scorer may look up what it knows
    by (pyramid, question). Any object that can be called like this will do.
    """

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]: ...


@dataclass(frozen=True)
class AttentionScorer:
    """Scores without training: the host's own attention from the question's last tokens to each cell.

    Source: MLLMs Know Where to Look (arXiv 2502.17422).
    """

    reads_attention: ClassVar[bool] = True

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return [looks.mean for looks in host.attend(views, gaze)]


@dataclass(frozen=True)
class ScorerConfig:
    """Sizes of a LearnedScorer.

    Attributes:
        dim: width of the host's features and embeddings.
        width: width inside.
        num_levels: levels that can be told apart; coarser ones count as the coarsest of them.
        reads_attention: corrects the host's attention; False scores without the language model, which is cheaper.
        num_looks: attention heads of the host that are told apart, beside their mean.

    Raises:
        ValueError: a size under 1, or a width that the heads do not divide.
    """

    dim: int
    width: int = 128
    num_heads: int = 4
    num_layers: int = 2
    num_levels: int = 8
    reads_attention: bool = True
    num_looks: int = 0

    def __post_init__(self) -> None:
        for name in ("dim", "width", "num_heads", "num_layers", "num_levels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {quoted(getattr(self, name))}")
        if self.width % self.num_heads:
            raise ValueError(f"width must be a multiple of num_heads ({self.num_heads}), got {quoted(self.width)}")


class LearnedScorer(nn.Module):
    """A Scorer that learns: cells look at each other and at the question, and correct where the host looks.

    A cell is what the encoder says of it, its texture and place, its level, and how strongly the host looks at it;
    a word is a row of the host's own embedding table, frozen, with its neighbours mixed in. The last layer
    starts at zero, so an untrained scorer says what AttentionScorer says.
    """

    def __init__(self, config: ScorerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.word = nn.Sequential(nn.LayerNorm(config.dim), nn.Linear(config.dim, width))
        self.phrase = nn.Conv1d(width, width, 3, padding=1)
        self.content = nn.Sequential(nn.LayerNorm(config.dim), nn.Linear(config.dim, width))
        self.texture = nn.Linear(len(CHANNELS), width)
        self.place = nn.Linear(4 * NUM_PLACE_WAVES, width)
        self.level = nn.Embedding(config.num_levels, width)
        self.look = nn.Linear(1 + config.num_looks, width) if config.reads_attention else None
        layer = (width, config.num_heads, 2 * width, 0.0, "gelu")
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(*layer, batch_first=True, norm_first=True) for _ in range(config.num_layers)
        )
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        self.leave = nn.Sequential(nn.LayerNorm(width), last)

    @property
    def reads_attention(self) -> bool:
        return self.config.reads_attention

    def forward(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        """Raw scores (N,) per view, see `Scorer`."""
        looks = host.attend(views, gaze) if self.reads_attention else [None] * len(views)
        return [self.score_view(host, *each) for each in zip(views, looks, strict=True)]

    def score_view(self, host: Host, view: View, looks: Looks | None) -> Tensor:
        textures = textures_of(view.pyramid, view.cells)
        return self.score(host.embed(view.question), view.features.merged, textures, view.cells[:, 0], looks)

    def score(
        self, words: Tensor, merged: Tensor, textures: Tensor, level: Tensor, looks: Looks | None = None
    ) -> Tensor:
        """(N,) raw scores of cells from words (Q, D), features (N, D), scaled textures (N, C), levels and looks."""
        weight = self.phrase.weight
        words = self.word(words.to(weight))
        words = words + F.gelu(self.phrase(words.T).T)
        level = level.to(weight.device).clamp(max=self.config.num_levels - 1)
        textures = textures.to(weight)
        hidden = self.content(merged.to(weight)) + self.texture(textures) + self.level(level)
        hidden = hidden + self.place(place_waves(textures[:, CHANNELS.index("row") : CHANNELS.index("column") + 1]))
        base = hidden.new_zeros(len(hidden))
        if self.look is not None and looks is not None:
            base = standardise(looks.mean.to(weight))
            hidden = hidden + self.look(torch.cat([base[:, None], standardise(looks.heads.to(weight).detach())], dim=1))
        for layer in self.layers:
            hidden = layer(hidden[None], words[None])[0]
        scores: Tensor = base + self.leave(hidden)[:, 0]
        return scores


def textures_of(pyramid: Pyramid, cells: Tensor) -> Tensor:
    """(N, 13) texture of cells of any levels, each channel scaled to about -1..1."""
    scales = torch.tensor(CHANNEL_SCALES, dtype=torch.float32)
    textures = torch.empty(len(cells), len(CHANNELS), dtype=torch.float32)
    for level in set(cells[:, 0].tolist()):
        member = cells[:, 0] == level
        textures[member] = pyramid.textures[level][:, cells[member, 1], cells[member, 2]].T.cpu() / scales
    return textures


def place_waves(place: Tensor) -> Tensor:
    """(N, 4 * NUM_PLACE_WAVES) sines and cosines of row and column (N, 2) in 0..1."""
    waves = pi * 2.0 ** torch.arange(NUM_PLACE_WAVES, dtype=place.dtype, device=place.device)
    angles = (place[..., None] * waves).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def know(pyramid: Pyramid, cells: Tensor, participatory: Tensor) -> ScoreMaps:
    """The three standardised score maps of cells (N, 3) of one level; `participatory` (N,) is raw."""
    return ScoreMaps(
        cells,
        standardise(propositional(pyramid, cells)),
        standardise(perspectival(pyramid, cells)),
        standardise(participatory.to(cells.device, torch.float32)),
    )


def standardise(scores: Tensor) -> Tensor:
    """(N,) or (N, M) to zero mean and unit deviation; a constant map has nothing to say and gives zeros."""
    assert bool(scores.isfinite().all()), "scores must be finite"
    centred = scores - scores.mean(0)
    deviation = centred.square().mean(0).sqrt()
    is_flat = deviation <= 1e-6 * scores.abs().amax(0) + 1e-12
    if is_flat.all():  # without a graph: the slope of a root at zero is infinite
        return torch.zeros_like(scores)
    return (centred / deviation.masked_fill(is_flat, 1)).masked_fill(is_flat, 0)


def propositional(pyramid: Pyramid, cells: Tensor) -> Tensor:
    """(N,) bits per pixel that this level hides: what the next finer level shows beyond it.

    0.5 * log2(1 + E / noise^2), E the mean squared difference within the cell between the finer level
    and this level blown up by bicubic interpolation (a band of the Laplacian pyramid, Burt & Adelson
    1983), noise 2/255: the rate of a Gaussian source of that energy. Zero at level 0.
    """
    level = level_of(cells)
    if level == 0:
        return torch.zeros(len(cells), dtype=torch.float32, device=cells.device)
    size = pyramid.cell_px
    finer = blocks_of(pyramid.levels[level - 1], cells, 2 * size)
    context = blocks_of(pyramid.levels[level], cells, size, HALO_PX)
    twice = doubling(size, HALO_PX, context.device)
    energy = (finer - twice @ context @ twice.T).square().mean(dim=(1, 2, 3))
    return 0.5 * torch.log2(1 + energy / NOISE_FLOOR**2)


def doubling(size: int, halo: int, device: torch.device) -> Tensor:
    """(2 size, size + 2 halo) bicubic interpolation to twice the size along one side, its halo cut off.

    As a product it takes a fifth of the time that interpolating many small blocks takes.
    """
    units = torch.eye(size + 2 * halo, dtype=torch.float32, device=device)[None, None]
    taller = F.interpolate(units, scale_factor=(2.0, 1.0), mode="bicubic", antialias=True)
    return taller[0, 0, 2 * halo : -2 * halo]


def perspectival(pyramid: Pyramid, cells: Tensor) -> Tensor:
    """(N,) salience: how much a cell stands out from its surround, in standard deviations of the level.

    Mean over L*a*b*, edges and entropy and over two neighbourhoods of the absolute difference to the
    local mean (centre-surround contrast, Itti, Koch & Niebur 1998), less up to 20% towards the corners.
    """
    textures = pyramid.textures[level_of(cells)]
    channels = textures[[CHANNELS.index(name) for name in SALIENT_CHANNELS]]
    channels = standardise(channels.flatten(1).T).T.view_as(channels)
    contrast = torch.stack([(channels - local_mean(channels, side)).abs() for side in SURROUNDS]).mean(dim=(0, 1))
    salience = contrast * (1 - CENTRE_PRIOR * textures[CHANNELS.index("eccentricity")])
    return salience[cells[:, 1], cells[:, 2]]


def local_mean(planes: Tensor, side: int) -> Tensor:
    """(C, R, K) mean over the cells of a side x side neighbourhood that lie within the picture."""
    return F.avg_pool2d(planes[None], side, stride=1, padding=side // 2, count_include_pad=False)[0]


def blocks_of(image: Tensor, cells: Tensor, size: int, halo: int = 0) -> Tensor:
    """(N, 3, size + 2 halo, size + 2 halo) blocks of an image (3, H, W), its edge pixels repeated beyond it."""
    wide = F.pad(image[None], (halo,) * 4, mode="replicate")[0] if halo else image
    blocks = wide.unfold(1, size + 2 * halo, size).unfold(2, size + 2 * halo, size).permute(1, 2, 0, 3, 4)
    return blocks[cells[:, 1], cells[:, 2]]


def level_of(cells: Tensor) -> int:
    """The level that all cells (N, 3) share."""
    level = int(cells[0, 0])
    assert bool((cells[:, 0] == level).all()), "cells of more than one level"
    return level
