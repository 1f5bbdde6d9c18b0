"""Lesson 2A, a solution."""

import torch
from torch import Tensor


def luma(image: Tensor) -> Tensor:
    return 0.2126 * image[0] + 0.7152 * image[1] + 0.0722 * image[2]


def halve(image: Tensor) -> Tensor:
    channels, height, width = image.shape
    return image.reshape(channels, height // 2, 2, width // 2, 2).mean(dim=(2, 4))


def grids(rows: int, columns: int) -> list[tuple[int, int]]:
    levels = [(rows, columns)]
    while levels[-1][0] * levels[-1][1] > 64:
        levels.append((levels[-1][0] // 2, levels[-1][1] // 2))
    return levels


def entropy(brightness: Tensor) -> float:
    bins = (brightness.flatten() * 32).long().clamp(0, 31)
    share = torch.bincount(bins, minlength=32) / len(bins)
    return float(-(share[share > 0] * share[share > 0].log2()).sum())
