"""Opening pictures: whatever Pillow reads becomes upright 8-bit RGB, or one line says what is wrong."""

from __future__ import annotations

import base64
import binascii
import os
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

ImageSource = str | os.PathLike[str] | bytes | Image.Image
ORIENTATION_TAG = 0x0112
SIDEWAYS = (5, 6, 7, 8)
DECODING_ERRORS = (SyntaxError, ValueError, EOFError, IndexError, OverflowError, struct.error)


def open_image(source: ImageSource, needed_size: Callable[[int, int], tuple[int, int]] | None = None) -> Image.Image:
    """The first frame of a picture as RGB, EXIF orientation applied, transparency on white, 16 bits scaled to 8.

    Args:
        source: path, `file://` or `data:` address, the bytes of a file, or a PIL image.
        needed_size: maps the picture's (width, height) to the (width, height) that will be used; a large
            JPEG is then decoded straight to the smallest of 1, 1/2, 1/4, 1/8 of its size not below that.

    Raises:
        ValueError: one line with the file, what is wrong with it and what to do.
    """
    if isinstance(source, Image.Image):
        name = f"{source.mode} image in memory"
        with _explained(name):
            _check_size(source.size, name)
            return to_rgb(_upright(source))
    with _opened(source) as image:
        if needed_size is not None:
            _draft(image, needed_size)
        image.load()
        return to_rgb(_upright(image))


def image_size(source: ImageSource) -> tuple[int, int]:
    """(width, height) in pixels of the upright picture, without decoding it; errors as in `open_image`."""
    if isinstance(source, Image.Image):
        return _upright_size(source)
    with _opened(source) as image:
        return _upright_size(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB of any mode; transparency is laid on white, wider integers and floats are scaled, not clipped."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _scale_to_8_bits(image)
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    return image if image.mode == "RGB" else image.convert("RGB")


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


@contextmanager
def _opened(source: ImageSource) -> Iterator[Image.Image]:
    """The file behind a source, header read and size checked, with errors explained."""
    file = _locate(source)
    name = f"{len(file)} bytes in memory" if isinstance(file, bytes) else str(file)
    with _explained(name):
        if (len(file) if isinstance(file, bytes) else os.stat(file).st_size) == 0:
            raise _complaint(name, "the file is empty (0 bytes)", "copy or download it again")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(file) if isinstance(file, bytes) else file)
        with image:
            _check_size(image.size, name)
            yield image


def _locate(source: ImageSource) -> Path | bytes:
    if isinstance(source, bytes):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(f"image: cannot open a {type(source).__name__}; give a path, bytes or a PIL image")
    address = os.fspath(source)
    if address.startswith("data:"):
        return _decode_data_address(address)
    if address.startswith("file://"):
        return Path(unquote(urlparse(address).path))
    if address.startswith(("http://", "https://")):
        raise _complaint(address, "pictures are not downloaded", "save it to a file and give its path")
    return Path(address)


def _decode_data_address(address: str) -> bytes:
    head, _, payload = address.partition(",")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise _complaint(head, f"not valid base64 ({error})", "encode the file's bytes as base64") from error


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what the system and Pillow raise into one line."""
    try:
        yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise _complaint(name, "no such file", "check the path") from error
    except IsADirectoryError as error:
        raise _complaint(name, "it is a directory", "give the path of a picture file") from error
    except PermissionError as error:
        raise _complaint(name, "no permission to read it", "change its permissions or copy it") from error
    except UnidentifiedImageError as error:
        remedy = "give a PNG, JPEG, WebP, GIF, BMP or TIFF file"
        raise _complaint(name, "its content is not a picture that can be read", remedy) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, "its size") from error
    except OSError as error:
        what = f"it is cut short or damaged ({error})"
        raise _complaint(name, what, "copy or download it again") from error
    except DECODING_ERRORS as error:
        what = f"it cannot be decoded ({error})"
        raise _complaint(name, what, "copy it again or convert it to PNG") from error


class ImageError(ValueError):
    """A picture that cannot be used; the message is one line for the user."""


def _complaint(name: str, what: str, remedy: str) -> ImageError:
    return ImageError(" ".join(f"image {name!r}: {what}; {remedy}".split()))


def _too_large(name: str, size: str) -> ImageError:
    limit = f"{size} is above the limit of {Image.MAX_IMAGE_PIXELS} pixels that guards against decompression bombs"
    return _complaint(name, limit, "scale it down first")


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height == 0:
        raise _complaint(name, f"{width}x{height} has no pixels", "give a picture of at least 1x1")
    if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
        raise _too_large(name, f"{width}x{height}")


def _is_sideways(image: Image.Image) -> bool:
    return image.getexif().get(ORIENTATION_TAG, 1) in SIDEWAYS


def _upright_size(image: Image.Image) -> tuple[int, int]:
    return image.size[::-1] if _is_sideways(image) else image.size


def _upright(image: Image.Image) -> Image.Image:
    has_turn = image.getexif().get(ORIENTATION_TAG, 1) != 1
    return ImageOps.exif_transpose(image) if has_turn else image


def _draft(image: Image.Image, needed_size: Callable[[int, int], tuple[int, int]]) -> None:
    """Asks the decoder (JPEG only) for a smaller picture; its own size is kept where it is needed."""
    needed = needed_size(*_upright_size(image))
    image.draft(None, needed[::-1] if _is_sideways(image) else needed)
