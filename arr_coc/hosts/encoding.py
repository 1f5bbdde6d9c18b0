"""Encode any subset of cells of any level with an untouched Qwen3-VL vision tower.

The tower takes precomputed positions and segment boundaries as keyword arguments, so a cell (one
merge block of patches) is encoded with the position it has in its own level's grid. One level of one
picture is one attention segment: it looks to the tower like (part of) an ordinary image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

from arr_coc.records import CellFeatures


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
    mean = torch.tensor(geometry.mean, device=chosen.device).view(1, -1, 1, 1)
    std = torch.tensor(geometry.std, device=chosen.device).view(1, -1, 1, 1)
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
    return image * torch.tensor(geometry.std).view(3, 1, 1) + torch.tensor(geometry.mean).view(3, 1, 1)


def segment_grid(segment: Segment, geometry: Geometry) -> Tensor:
    """(1, 3) int64 temporal, height, width of the segment's level in patches."""
    height, width = segment.image.shape[-2:]
    return torch.tensor([[1, height // geometry.patch_size, width // geometry.patch_size]])


def gather_blocks(table: Tensor, index: Tensor, block: int) -> Tensor:
    """Rows of a per-patch table that belong to the chosen merge blocks."""
    return table.reshape(-1, block, table.shape[-1])[index].flatten(0, 1)


@dataclass(frozen=True)
class Interpolation:
    """How a tower reads its table of position embeddings."""

    num_grid_per_side: int
    mode: str
    align_corners: bool

    @classmethod
    def of(cls, visual: torch.nn.Module) -> Interpolation:
        return cls(visual.num_grid_per_side, visual.interpolation_mode, visual.interpolation_align_corners)


def position_tables(
    interpolation: Interpolation, segment: Segment, grid: Tensor, geometry: Geometry
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotary positions (n, 2), taps (n, 4) and tap weights (n, 4) of the chosen patches in their level's grid."""
    taps, weights = get_vision_interpolation_indices_and_weights(
        grid,
        num_grid_per_side=interpolation.num_grid_per_side,
        mode=interpolation.mode,
        align_corners=interpolation.align_corners,
        spatial_merge_size=geometry.merge_size,
    )
    positions = get_vision_position_ids(grid, geometry.merge_size)
    block, index = geometry.merge_size**2, segment.index.to(grid.device)
    return (
        gather_blocks(positions, index, block),
        gather_blocks(taps, index, block),
        gather_blocks(weights, index, block),
    )


@dataclass(frozen=True, eq=False)
class TowerInputs:
    """What the vision tower takes for S segments of R patches in all; ready to be made by another process.

    Attributes:
        pixels: (R, C) rows of `pixel_values`.
        grids: (S, 3) of the levels the cells were cut from.
        positions, taps, weights: (R, 2), (R, 4), (R, 4); see `position_tables`.
        counts: cells per segment.
    """

    pixels: Tensor
    grids: Tensor
    positions: Tensor
    taps: Tensor
    weights: Tensor
    counts: tuple[int, ...]


def tower_inputs(segments: list[Segment], geometry: Geometry, interpolation: Interpolation) -> TowerInputs:
    grids = [segment_grid(segment, geometry) for segment in segments]
    tables = [position_tables(interpolation, *pair, geometry) for pair in zip(segments, grids, strict=True)]
    positions, taps, weights = (torch.cat(table) for table in zip(*tables, strict=True))
    pixels = torch.cat([cut_patches(segment, geometry) for segment in segments])
    counts = tuple(len(segment.index) for segment in segments)
    return TowerInputs(pixels, torch.cat(grids), positions, taps, weights, counts)


def encode_inputs(visual: torch.nn.Module, inputs: TowerInputs, geometry: Geometry) -> CellFeatures:
    """One pass of the vision tower; features of all cells, segment after segment."""
    device = visual.pos_embed.weight.device
    lengths = torch.tensor(inputs.counts) * geometry.merge_size**2
    output = visual(
        inputs.pixels.to(device, visual.dtype),
        grid_thw=inputs.grids.to(device),
        position_ids=inputs.positions.to(device),
        interp_indices=inputs.taps.to(device),
        interp_weights=inputs.weights.to(device),
        cu_seqlens=F.pad(lengths.cumsum(0), (1, 0)).to(device, torch.int32),
    )
    merged = output.pooler_output
    planes = list(output.deepstack_features)
    return CellFeatures(merged, torch.stack(planes) if planes else merged.new_zeros(0, *merged.shape))


def encode_segments(visual: torch.nn.Module, segments: list[Segment], geometry: Geometry) -> list[CellFeatures]:
    """One pass of the vision tower over all segments; features per segment, in the order of its index."""
    inputs = tower_inputs(segments, geometry, Interpolation.of(visual))
    features = encode_inputs(visual, inputs, geometry)
    merged, planes = features.merged.split(inputs.counts), features.deepstack.split(inputs.counts, dim=1)
    return [CellFeatures(*pair) for pair in zip(merged, planes, strict=True)]
