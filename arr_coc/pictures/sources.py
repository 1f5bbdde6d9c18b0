"""Where a picture comes from: files, addresses, base64, arrays and tensors, as transformers takes them."""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlparse

import numpy as np
from PIL import Image

from arr_coc.pictures.addresses import download
from arr_coc.pictures.errors import ImageError, complaint

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
"""The only decoders that are tried: EPS would start Ghostscript, and rare ones fail late."""

BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+={0,2}\s*")
MIN_BASE64 = 64


def locate(source: Any, allow_download: bool = False) -> Path | bytes:
    """The file behind a source, or its bytes.

    Raises:
        ImageError: no source of a picture, broken base64, an address that may not be fetched.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(f"image: cannot open a {type(source).__name__}; give a path, bytes, a PIL image or an array")
    address = os.fspath(source)
    if isinstance(address, bytes):
        return Path(os.fsdecode(address))
    if "\0" in address:
        raise complaint(address, "a path holds no NUL characters", "check the path")
    scheme = address.split(":", 1)[0].lower()
    if scheme == "data":
        return decode_data_address(address)
    if scheme == "file":
        return Path(unquote(urlparse(address).path))
    if address.lower().startswith(("http://", "https://")):
        if not allow_download:
            raise complaint(address, "pictures are not downloaded here", "save it to a file and give its path")
        return download(address)
    if isinstance(source, str) and is_base64(address):
        return decode_base64(address, "base64 text")
    return Path(address)


def is_base64(text: str) -> bool:
    """Whether text is far likelier base64 than a path: long, of that alphabet alone, and no file of that name."""
    return len(text) >= MIN_BASE64 and BASE64.fullmatch(text) is not None and not _exists(text)


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except ValueError:
        return False


def decode_data_address(address: str) -> bytes:
    """The bytes of a `data:` address, in base64 or percent-encoded."""
    head, comma, payload = address.partition(",")
    if not comma:
        raise complaint(address, "a data address without a comma", "write data:image/png;base64,...")
    if head.lower().endswith(";base64"):
        return decode_base64(unquote(payload), head)
    return unquote_to_bytes(payload)


def decode_base64(text: str, name: str) -> bytes:
    """Base64 of either alphabet, with or without line breaks and padding."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise complaint(name, f"not valid base64 ({error})", "encode the file's bytes as base64") from error


def picture_of_array(array: Any) -> Image.Image:
    """A PIL image of an array (H, W), (H, W, C) or a tensor (C, H, W); C is 1, 3 or 4; uint8 or floats in 0..1.

    Raises:
        ImageError: another shape or type, no pixels, values that are no brightness.
    """
    is_tensor = hasattr(array, "detach")
    values = np.asarray(array.detach().cpu().float().numpy() if is_tensor and array.is_floating_point() else array)
    name = f"{'tensor' if is_tensor else 'array'} {tuple(values.shape)}"
    if values.ndim == 3 and (is_tensor or values.shape[2] not in (1, 3, 4)) and values.shape[0] in (1, 3, 4):
        values = np.moveaxis(values, 0, 2)
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or 0 in values.shape:
        raise complaint(name, "no picture has that shape", "give (H, W), (H, W, 1, 3 or 4) or a tensor (C, H, W)")
    pixels = _as_bytes(values, name)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def _as_bytes(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise complaint(name, f"{values.dtype} is no type of pixels", "give uint8 or floats in 0..1")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise complaint(name, "values outside 0..1 (floats) or 0..255", "scale them first")
    is_fraction = np.issubdtype(values.dtype, np.floating) and values.max() <= 1
    return np.round(values * 255 if is_fraction else values).astype(np.uint8)
