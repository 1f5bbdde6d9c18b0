"""Opening pictures: whatever names one becomes upright 8-bit RGB, or one line says what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from arr_coc.pictures.errors import FORMATS, KNOWN, complaint, explained, too_large
from arr_coc.pictures.hush import hushed
from arr_coc.pictures.modes import is_sideways, upright_rgb
from arr_coc.pictures.signatures import LENGTH, other_kind, picture_kind
from arr_coc.pictures.sources import ImageSource, locate

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif")
"""Of files that a folder of pictures is expected to hold; what a file is, its first bytes tell."""

NeededSize = Callable[[int, int], tuple[int, int]]


def open_image(
    source: ImageSource, needed_size: NeededSize | None = None, *, allow_download: bool = False
) -> Image.Image:
    """The first frame of a picture as RGB, EXIF orientation applied, transparency on white, 16 bits scaled to 8.

    Args:
        source: path, `file://`, `data:` or `https://` address, base64, the bytes of a file, a PIL image, a numpy
            array (H, W), (H, W, 1|3|4) or a torch tensor (1|3|4, H, W), whole numbers 0..255 or floats 0..1.
        needed_size: maps the picture's (width, height) to the (width, height) that will be used; a large
            JPEG is then decoded straight to the smallest of 1, 1/2, 1/4, 1/8 of its size not below that.
        allow_download: whether `https://` addresses are fetched; see `addresses`.

    Raises:
        ImageError: one line with the source, what is wrong with it and what to do.
    """
    with opened(source, allow_download) as (name, image):
        is_drafted = needed_size is not None and image is not source
        needed = needed_size(*upright_size(image)) if is_drafted and needed_size is not None else None
        with explained(name), hushed():
            if needed is not None:
                image.draft(None, needed[::-1] if is_sideways(image) else needed)
            image.load()
            return upright_rgb(image)


def image_size(source: ImageSource, *, allow_download: bool = False) -> tuple[int, int]:
    """(width, height) in pixels of the upright picture, without decoding it; errors as in `open_image`."""
    with opened(source, allow_download) as (_, image):
        return upright_size(image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    with hushed():
        return image.size[::-1] if is_sideways(image) else image.size


@contextmanager
def opened(source: ImageSource, allow_download: bool) -> Iterator[tuple[str, Image.Image]]:
    """A source's name and its picture with the header read and the size checked; its file is closed afterwards."""
    name, place = locate(source, allow_download)
    if isinstance(place, Image.Image):
        check_size(place.size, name)
        yield name, place
        return
    with read_header(place, name) as image:
        check_size(image.size, name)
        yield name, image


def read_header(place: Path | bytes, name: str) -> Image.Image:
    with explained(name), hushed():
        if (len(place) if isinstance(place, bytes) else os.stat(place).st_size) == 0:
            raise complaint(name, "the file is empty (0 bytes)", "copy or download it again")
        try:
            return Image.open(BytesIO(place) if isinstance(place, bytes) else place, formats=formats())
        except UnidentifiedImageError as error:
            what, remedy = describe(place)
            raise complaint(name, what, remedy) from error


def formats() -> tuple[str, ...]:
    """Those of `FORMATS`, and HEIF where a program has registered a decoder for it (the demo does, by pi-heif)."""
    return (*FORMATS, "HEIF") if "HEIF" in Image.OPEN else FORMATS


def describe(place: Path | bytes) -> tuple[str, str]:
    """What a file is that no decoder takes, and what to do about it."""
    if isinstance(place, bytes):
        head = place[:LENGTH]
    else:
        with open(place, "rb") as file:
            head = file.read(LENGTH)
    kind = picture_kind(head)
    if kind is not None:
        return f"it begins as {kind} files do but is cut short or damaged", "copy or download it again"
    other = other_kind(head)
    return (f"it is {other}" if other else "its content is not a picture that can be read"), f"give {KNOWN}"


def check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height == 0:
        raise complaint(name, f"{width}x{height} has no pixels", "give a picture of at least 1x1")
    if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
        raise too_large(name, f"{width}x{height}")
