"""Opening pictures: whatever Pillow reads becomes upright 8-bit RGB, or one line says what is wrong."""

from __future__ import annotations

import os
import stat
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ELOOP, ENAMETOOLONG
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from arr_coc.pictures.errors import ImageError, complaint, shortened
from arr_coc.pictures.sources import FORMATS, locate, picture_of_array

ImageSource = str | os.PathLike[str] | bytes | Image.Image | Any
"""A path, an address, bytes, base64, a PIL image, an array of numpy or a tensor of torch; see `sources`."""

ORIENTATION_TAG = 0x0112
SIDEWAYS = (5, 6, 7, 8)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
STDERR = Lock()
DECODING_ERRORS = (
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    AttributeError,
    TypeError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
)
"""What decoders of Pillow raise for damaged files, as found by feeding them some."""


def open_image(
    source: ImageSource,
    needed_size: Callable[[int, int], tuple[int, int]] | None = None,
    allow_download: bool = False,
) -> Image.Image:
    """The first frame of a picture as RGB, EXIF orientation applied, transparency on white, 16 bits scaled to 8.

    Args:
        source: path, `file://`, `data:` or `https://` address, base64, the bytes of a file, a PIL image, an array
            (H, W), (H, W, 1, 3 or 4) or a tensor (1, 3 or 4, H, W), each uint8 or floats in 0..1.
        allow_download: whether `https://` addresses are fetched, see `addresses`.
        needed_size: maps the picture's (width, height) to the (width, height) that will be used; a large
            JPEG is then decoded straight to the smallest of 1, 1/2, 1/4, 1/8 of its size not below that.

    Raises:
        ValueError: one line with the file, what is wrong with it and what to do.
    """
    if hasattr(source, "shape"):
        source = picture_of_array(source)
    if isinstance(source, Image.Image):
        name = f"{source.mode} image in memory"
        with _explained(name):
            _check_size(source.size, name)
            return to_rgb(_upright(source))
    with _opened(source, allow_download) as image:
        if needed_size is not None:
            _draft(image, needed_size)
        with _silenced(image.format == "TIFF"):
            image.load()
        return to_rgb(_upright(image))


def image_size(source: ImageSource) -> tuple[int, int]:
    """(width, height) in pixels of the upright picture, without decoding it; errors as in `open_image`."""
    if hasattr(source, "shape"):
        source = picture_of_array(source)
    if isinstance(source, Image.Image):
        return _upright_size(source)
    with _opened(source, False) as image:
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
def _opened(source: ImageSource, allow_download: bool) -> Iterator[Image.Image]:
    """The file behind a source, header read and size checked, with errors explained."""
    file = locate(source, allow_download)
    name = f"{len(file)} bytes in memory" if isinstance(file, bytes) else str(file)
    with _explained(name):
        if (len(file) if isinstance(file, bytes) else _file_size(file, name)) == 0:
            raise complaint(name, "the file is empty (0 bytes)", "copy or download it again")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)
        with image:
            _check_size(image.size, name)
            yield image


def _file_size(path: Path, name: str) -> int:
    """Bytes of a regular file; anything else is refused before it is read, since a pipe would never end."""
    facts = os.stat(path)
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(facts.st_mode):
        raise complaint(name, "it is a pipe or a device, not a file", "save the picture to a file")
    return facts.st_size


@contextmanager
def _silenced(is_wanted: bool) -> Iterator[None]:
    """Keeps what libtiff says of damaged files out of the user's sight: it writes to standard error by itself."""
    if not is_wanted:
        yield
        return
    with STDERR:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what the system and Pillow raise into one line."""
    try:
        yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise complaint(name, "no such file", "check the path") from error
    except IsADirectoryError as error:
        raise complaint(name, "it is a directory", "give the path of a picture file") from error
    except NotADirectoryError as error:
        raise complaint(name, "a part of the path is a file, not a directory", "check the path") from error
    except PermissionError as error:
        raise complaint(name, "no permission to read it", "change its permissions or copy it") from error
    except UnidentifiedImageError as error:
        remedy = f"give a file of {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise complaint(name, "its content is not a picture that can be read", remedy) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, "its size") from error
    except MemoryError as error:
        raise complaint(name, "it needs more memory than there is", "scale it down first") from error
    except OSError as error:
        if error.errno in (ELOOP, ENAMETOOLONG):
            what = "a loop of symbolic links" if error.errno == ELOOP else "the name is too long for a file"
            raise complaint(name, what, "check the path") from error
        what = f"it is cut short or damaged ({shortened(str(error))})"
        raise complaint(name, what, "copy or download it again") from error
    except DECODING_ERRORS as error:
        what = f"it cannot be decoded ({shortened(str(error) or type(error).__name__)})"
        raise complaint(name, what, "copy it again or convert it to PNG") from error


def _too_large(name: str, size: str) -> ImageError:
    limit = f"{size} is above the limit of {Image.MAX_IMAGE_PIXELS} pixels that guards against decompression bombs"
    return complaint(name, limit, "scale it down first")


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height == 0:
        raise complaint(name, f"{width}x{height} has no pixels", "give a picture of at least 1x1")
    if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
        raise _too_large(name, f"{width}x{height}")


def _orientation(image: Image.Image) -> int:
    """1 to 8 as EXIF numbers them; 1 where the block is missing or damaged."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except (*DECODING_ERRORS, OSError):
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    return image.size[::-1] if _orientation(image) in SIDEWAYS else image.size


def _upright(image: Image.Image) -> Image.Image:
    """Turned by its pixels alone: writing EXIF anew would fail on a damaged block."""
    turn = TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _draft(image: Image.Image, needed_size: Callable[[int, int], tuple[int, int]]) -> None:
    """Asks the decoder (JPEG only) for a smaller picture; its own size is kept where it is needed."""
    needed = needed_size(*_upright_size(image))
    image.draft(None, needed[::-1] if _orientation(image) in SIDEWAYS else needed)
