"""Any mode and orientation to upright 8-bit RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from arr_coc.pictures.errors import DECODING_ERRORS

ORIENTATION_TAG = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def orientation(image: Image.Image) -> int:
    """1..8 as EXIF counts; 1 where it says nothing that can be read. Pillow turns TIFF files itself."""
    if image.format == "TIFF":
        return 1
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except (OSError, *DECODING_ERRORS):
        return 1
    return value if value in TURNS else 1


def is_sideways(image: Image.Image) -> bool:
    return orientation(image) in SIDEWAYS


def upright_rgb(image: Image.Image) -> Image.Image:
    """Turned as its EXIF block says, as RGB; the block is not written again, and a turned picture has none."""
    turn = TURNS.get(orientation(image))
    rgb = to_rgb(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
        rgb.info = {}  # or the next who opens it would turn it again
    return rgb


def to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of any mode; transparency is laid on white, wider integers and floats are scaled, not clipped."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _scale_to_8_bits(image)
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(_with_alpha(image))
        image = canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _with_alpha(image: Image.Image) -> Image.Image:
    """RGBA of any mode with transparency; Pillow converts "La" to nothing but "LA"."""
    return image.convert(PREMULTIPLIED.get(image.mode, image.mode)).convert("RGBA")


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    top = float(values.max())
    if image.mode.startswith("I;16"):
        full = 65535.0
    elif image.mode == "F" and top <= 1:
        full = 1.0
    else:
        full = next((limit for limit in (255.0, 65535.0) if top <= limit), top)
    return Image.fromarray((values / full * 255).clip(0, 255).round().astype(np.uint8))
