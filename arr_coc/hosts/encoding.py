"""Encode any subset of cells of any level with an untouched vision tower.

The tower takes precomputed positions and segment boundaries as keyword arguments, so a cell (one
merge block of patches) is encoded with the position it has in its own level's grid. One level of one
picture is one attention segment: it looks to the tower like (part of) an ordinary image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from arr_coc.hosts.placement import device_of
from arr_coc.records import CellFeatures, Pyramid


@dataclass(frozen=True, eq=False)
class Segment:
    """Cells of one level that attend to each other.

    Attributes:
        image: (3, H, W) float in 0..1, the whole level.
        index: (n,) int64 raster numbers of the cells in that level; features come back in this order.
    """

    image: Tensor
    index: Tensor


@dataclass(frozen=True)
class Geometry:
    """Patch, merge and normalisation constants of a host, as its image processor states them."""

    patch_size: int = 16
    merge_size: int = 2
    temporal_patch_size: int = 2
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    @property
    def cell_px(self) -> int:
        return self.patch_size * self.merge_size


def cut_patches(segment: Segment, geometry: Geometry) -> Tensor:
    """(n * merge^2, 3 * temporal * patch^2) rows of the host's `pixel_values` for the chosen cells."""
    p, m, side = geometry.patch_size, geometry.merge_size, geometry.cell_px
    channels, height, width = segment.image.shape
    rows, cols = height // side, width // side
    cells = segment.image.reshape(channels, rows, side, cols, side).permute(1, 3, 0, 2, 4)
    chosen = cells[segment.index // cols, segment.index % cols]
    mean = torch.tensor(geometry.mean, dtype=torch.float32, device=chosen.device).view(1, -1, 1, 1)
    std = torch.tensor(geometry.std, dtype=torch.float32, device=chosen.device).view(1, -1, 1, 1)
    patches = ((chosen - mean) / std).reshape(-1, channels, m, p, m, p).permute(0, 2, 4, 1, 3, 5)
    frames = patches.unsqueeze(4).expand(*patches.shape[:4], geometry.temporal_patch_size, p, p)
    return frames.reshape(len(chosen) * m * m, -1)


def join_patches(pixel_values: Tensor, grid: tuple[int, int], geometry: Geometry) -> Tensor:
    """(3, H, W) in 0..1 from the `pixel_values` of a whole image of `grid` (rows, columns) cells.

    The inverse of `cut_patches`; of the temporal copies the first is taken.
    """
    p, m = geometry.patch_size, geometry.merge_size
    rows, cols = grid
    patches = pixel_values.reshape(rows, cols, m, m, 3, geometry.temporal_patch_size, p, p)[:, :, :, :, :, 0]
    image = patches.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * m * p, cols * m * p).float()
    mean, std = (torch.tensor(each, dtype=torch.float32).view(3, 1, 1) for each in (geometry.mean, geometry.std))
    return image * std + mean


def segment_grid(segment: Segment, geometry: Geometry) -> Tensor:
    """(1, 3) int64 temporal, height, width of the segment's level in patches."""
    height, width = segment.image.shape[-2:]
    return torch.tensor([[1, height // geometry.patch_size, width // geometry.patch_size]])


def gather_blocks(table: Tensor, index: Tensor, block: int) -> Tensor:
    """Rows of a per-patch table that belong to the chosen merge blocks."""
    return table.reshape(-1, block, table.shape[-1])[index].flatten(0, 1)


@dataclass(frozen=True, eq=False)
class TowerInputs:
    """What the vision tower takes for S segments of R patches in all; ready to be made by another process.

    Attributes:
        pixels: (R, C) rows of `pixel_values`.
        grids: (S, 3) of the levels the cells were cut from.
        kwargs: what the tower would else work out from the grids; see `Family.tower_kwargs`.
        counts: cells per segment.
    """

    pixels: Tensor
    grids: Tensor
    kwargs: Mapping[str, Tensor]
    counts: tuple[int, ...]


class Tower(Protocol):
    """What encoding asks of a family."""

    def tower_facts(self, vision: nn.Module) -> Any: ...

    def tower_kwargs(self, facts: Any, segments: Sequence[Segment], geometry: Geometry) -> dict[str, Tensor]: ...


def tower_inputs(tower: Tower, facts: Any, segments: Sequence[Segment], geometry: Geometry) -> TowerInputs:
    """Patches and positions of all segments; `facts` are those of the tower, see `Family.tower_facts`."""
    return TowerInputs(
        torch.cat([cut_patches(segment, geometry) for segment in segments]),
        torch.cat([segment_grid(segment, geometry) for segment in segments]),
        tower.tower_kwargs(facts, segments, geometry),
        tuple(len(segment.index) for segment in segments),
    )


def encode_inputs(vision: nn.Module, inputs: TowerInputs) -> CellFeatures:
    """One pass of the vision tower; features of all cells, segment after segment."""
    device = device_of(vision)
    output = vision(
        inputs.pixels.to(device, vision.dtype),
        grid_thw=inputs.grids.to(device),
        **{name: value.to(device) for name, value in inputs.kwargs.items()},
    )
    merged, planes = output.pooler_output, list(getattr(output, "deepstack_features", None) or ())
    return CellFeatures(merged, torch.stack(planes) if planes else merged.new_zeros(0, *merged.shape))


def encode_segments(
    tower: Tower, vision: nn.Module, segments: Sequence[Segment], geometry: Geometry
) -> list[CellFeatures]:
    """One pass of the vision tower over all segments; features per segment, in the order of its index."""
    inputs = tower_inputs(tower, tower.tower_facts(vision), segments, geometry)
    features = encode_inputs(vision, inputs)
    merged, planes = features.merged.split(inputs.counts), features.deepstack.split(inputs.counts, dim=1)
    return [CellFeatures(*pair) for pair in zip(merged, planes, strict=True)]


def segments_of(pyramids: Sequence[Pyramid], cells: Sequence[Tensor]) -> tuple[list[Segment], list[list[Tensor]]]:
    """A segment for each level of each picture's chosen cells (N, 3), and which cells of a picture each holds."""
    segments, places = [], []
    for pyramid, chosen in zip(pyramids, cells, strict=True):
        levels = chosen[:, 0].unique().tolist()
        members = [(chosen[:, 0] == level).nonzero()[:, 0] for level in levels]
        for level, member in zip(levels, members, strict=True):
            index = chosen[member, 1] * pyramid.grid(level)[1] + chosen[member, 2]
            segments.append(Segment(pyramid.levels[level], index))
        places.append(members)
    return segments, places


def in_place(encoded: Sequence[CellFeatures], places: Sequence[Sequence[Tensor]]) -> list[CellFeatures]:
    """Features of segments, picture by picture in the order of its cells; `places` as `segments_of` gives them."""
    remaining = iter(encoded)
    return [restore_order([next(remaining) for _ in members], members) for members in places]


def restore_order(parts: Sequence[CellFeatures], members: Sequence[Tensor]) -> CellFeatures:
    """Features of one picture's segments in the order of the cells that `members` number."""
    merged = torch.cat([part.merged for part in parts])
    deepstack = torch.cat([part.deepstack for part in parts], dim=1)
    return CellFeatures(merged, deepstack)[torch.cat(members).argsort().to(merged.device)]
