"""What is wrong with a picture, in one line that says what to do."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from arr_coc.quoting import quoted, shortened

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
"""The only ones that are tried, by Pillow's names: others (EPS, ICNS, DDS ...) start programs or are barely kept."""

KNOWN = "a PNG, JPEG, WebP, GIF, BMP, TIFF, PPM or AVIF file"

DECODING_ERRORS = (
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    EOFError,
    BufferError,
    struct.error,
    zlib.error,
)
"""Whatever a decoder may raise on a hostile file."""

SYSTEM_ERRORS = {
    errno.ENOENT: ("no such file", "check the path"),
    errno.ENOTDIR: ("no such file: a part of its path is a file, not a directory", "check the path"),
    errno.EISDIR: ("it is a directory", "give the path of a picture file"),
    errno.EACCES: ("no permission to read it", "change its permissions or copy it"),
    errno.EPERM: ("no permission to read it", "change its permissions or copy it"),
    errno.ELOOP: ("it is a symbolic link that leads back to itself", "give the path of the file itself"),
    errno.ENAMETOOLONG: ("its name is too long to be a file's", "give the path of a picture file, or its base64"),
}


class ImageError(ValueError):
    """A picture that cannot be used; the message is one line for the user."""


def complaint(name: object, what: str, remedy: str) -> ImageError:
    """The error about a source; its name is quoted, never beyond 80 characters."""
    return ImageError(" ".join(f"image {quoted(name)}: {what}; {remedy}".split()))


def too_large(name: object, size: str) -> ImageError:
    limit = f"{size} is above the limit of {Image.MAX_IMAGE_PIXELS} pixels that guards against decompression bombs"
    return complaint(name, limit, "scale it down first")


@contextmanager
def explained(name: object) -> Iterator[None]:
    """Turns what the system and Pillow raise into one line; only calls of theirs may stand inside."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise complaint(name, "its content is not a picture that can be read", f"give {KNOWN}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large(name, "its size") from error
    except MemoryError as error:
        raise complaint(name, "there is too little memory to decode it", "scale it down first") from error
    except OSError as error:
        what = f"it is cut short or damaged ({shortened(error.strerror or error)})"
        raise complaint(name, *SYSTEM_ERRORS.get(error.errno or 0, (what, "copy or download it again"))) from error
    except DECODING_ERRORS as error:
        what = f"it cannot be decoded ({shortened(error) or type(error).__name__})"
        raise complaint(name, what, "copy it again or convert it to PNG") from error
