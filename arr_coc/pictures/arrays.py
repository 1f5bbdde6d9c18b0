"""Pictures that come as numpy arrays or torch tensors.

Shapes: H height and W width in pixels, C channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from arr_coc.pictures.errors import complaint

CHANNELS = (1, 3, 4)
REMEDY = "give (H, W), (H, W, 3) or a tensor (3, H, W), as uint8 or as floats 0..1"
ROUNDING = 0.01
"""How far floats may leave 0..1, as resizing makes them."""


def is_array(source: object) -> bool:
    """A numpy array or, told by what it can do, a torch tensor: this layer does not import torch."""
    return isinstance(source, np.ndarray) or is_tensor(source)


def is_tensor(source: object) -> bool:
    return all(hasattr(source, name) for name in ("detach", "cpu", "numpy"))


def array_name(source: Any) -> str:
    kind = "tensor" if is_tensor(source) else "array"
    return f"{kind} of shape {tuple(source.shape)} in memory"


def from_array(source: Any) -> Image.Image:
    """The picture of an array (H, W) or (H, W, C) or a tensor (H, W) or (C, H, W); the other order where only it fits.

    Args:
        source: uint8 or other whole numbers 0..255, uint16 up to 65535, booleans, floats 0..1 or 0..255.

    Raises:
        ImageError: another shape, another range, or values that are no numbers.
    """
    name = array_name(source)
    values = _to_numpy(source) if is_tensor(source) else source
    values = _channels_last(values, name, is_tensor(source))
    pixels = _to_8_bits(values, name)
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def _to_numpy(tensor: Any) -> np.ndarray:
    """Numpy knows no bfloat16."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype.is_floating_point else tensor).numpy()


def _channels_last(values: np.ndarray, name: str, is_first: bool) -> np.ndarray:
    if values.ndim == 3:
        first, last = values.shape[0] in CHANNELS, values.shape[2] in CHANNELS
        if (first and is_first) or (first and not last):
            return values.transpose(1, 2, 0)
        if last:
            return values
    if values.ndim != 2:
        raise complaint(name, "its shape is not a picture's", REMEDY)
    return values


def _to_8_bits(values: np.ndarray, name: str) -> np.ndarray:
    if values.size == 0:
        raise complaint(name, "it has no pixels", "give a picture of at least 1x1")
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    if values.dtype.kind not in "iuf":
        raise complaint(name, f"its values are {values.dtype.name}, not numbers", REMEDY)
    full = _full_scale(values, name)
    return (values.astype(np.float64) / full * 255).clip(0, 255).round().astype(np.uint8)


def _full_scale(values: np.ndarray, name: str) -> float:
    """The value that stands for white."""
    low, high = float(values.min()), float(values.max())
    is_float = values.dtype.kind == "f"
    if is_float and low >= -ROUNDING and high <= 1 + ROUNDING:
        return 1.0
    if low >= 0 and high <= 255 and not (is_float and high < 2):
        return 255.0
    if low >= 0 and values.dtype == np.uint16:
        return 65535.0
    raise complaint(name, f"its values lie in {low:.4g}..{high:.4g}", REMEDY)
