"""PixelPrune (Wang et al. 2026, "Pixel-Level Adaptive Visual Token Reduction via Predictive Coding", arXiv 2604.00886).

What the neighbours predict need not be encoded. A cell is predicted, pixel by pixel, from the cells to its left,
above and above left by the median edge detector of LOCO-I (Weinberger et al. 1996). The paper drops what is
predicted to within a tolerance and so keeps as many as that leaves; here the worst predicted K are kept, so that
the count is the budget. Works on pixels alone, before the encoder.

Shapes: H, W pixels, R, C rows and columns of cells, N = R C cells, K kept.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pixelprune(image: Tensor, cell_px: int, num_kept: int) -> Tensor:
    """(K,) int64 cells in raster order, K = min(num_kept, N); equal errors go to the cell that comes first.

    Args:
        image: (3, H, W) float, sides multiples of `cell_px`.
    """
    error = prediction_error(image, cell_px).flatten()
    return error.argsort(descending=True, stable=True)[:num_kept].sort().values


def prediction_error(image: Tensor, cell_px: int) -> Tensor:
    """(R, C) mean absolute error of the prediction of each cell; the first cell has none and is infinitely far off.

    In the first row only the cell to the left is there to predict from, in the first column only the one above.
    """
    predicted = median_edge(
        left=image[:, cell_px:, :-cell_px],
        above=image[:, :-cell_px, cell_px:],
        corner=image[:, :-cell_px, :-cell_px],
    )
    error = torch.zeros_like(image)
    error[:, cell_px:, cell_px:] = image[:, cell_px:, cell_px:] - predicted
    error[:, :cell_px, cell_px:] = image[:, :cell_px, cell_px:] - image[:, :cell_px, :-cell_px]
    error[:, cell_px:, :cell_px] = image[:, cell_px:, :cell_px] - image[:, :-cell_px, :cell_px]
    rows, cols = image.shape[1] // cell_px, image.shape[2] // cell_px
    of_cells = error.abs().reshape(len(image), rows, cell_px, cols, cell_px).mean(dim=(0, 2, 4))
    of_cells[0, 0] = torch.inf
    return of_cells


def median_edge(left: Tensor, above: Tensor, corner: Tensor) -> Tensor:
    """Median of left, above and left + above - corner: follows an edge, else continues the plane."""
    low, high = torch.minimum(left, above), torch.maximum(left, above)
    return torch.clamp(left + above - corner, low, high)
