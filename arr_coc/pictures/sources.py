"""From whatever names a picture to its bytes, its file or its pixels."""

from __future__ import annotations

import base64
import os
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import numpy as np
from PIL import Image

from arr_coc.pictures.addresses import download
from arr_coc.pictures.arrays import array_name, from_array, is_array
from arr_coc.pictures.errors import complaint, explained
from arr_coc.pictures.signatures import LENGTH, picture_kind
from arr_coc.quoting import shortened

ImageSource = str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Any
"""A path, an address, base64, the bytes of a file, a PIL image, a numpy array or a torch tensor."""

SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]+")
URL_SAFE = str.maketrans("-_", "+/")
OTHER_FILES = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def locate(source: ImageSource, allow_download: bool = False) -> tuple[str, Path | bytes | Image.Image]:
    """A name for messages, and the file, its bytes or the picture itself.

    Args:
        allow_download: whether `https://` addresses are fetched.

    Raises:
        ImageError: nothing that names a picture.
    """
    if isinstance(source, Image.Image):
        return image_name(source), source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return content_name(source), bytes(source)
    if is_array(source):
        with explained(array_name(source)):
            return array_name(source), from_array(source)
    if isinstance(source, os.PathLike):
        name = os.fsdecode(source)
        return name, check_file(Path(name))
    if not isinstance(source, str):
        kind = type(source).__name__
        raise complaint(source, f"a {kind} is no picture", "give a path, bytes, a PIL image, an array or a tensor")
    return _locate_text(source, allow_download)


def image_name(image: Image.Image) -> str:
    """Raises ImageError for one that is not decoded yet and would be by another program."""
    name = f"{image.mode} image in memory"
    if image.format == "EPS" and getattr(image, "tile", None):
        raise complaint(name, "it is a PostScript file, which Ghostscript would have to run", "convert it to PNG")
    return name


def _locate_text(text: str, allow_download: bool) -> tuple[str, Path | bytes]:
    match = SCHEME.match(text[:LENGTH])
    scheme = match[1].lower() if match else ""
    if scheme == "data":
        content = decode_base64(text.partition(",")[2], text)
        return content_name(content), content
    if scheme == "file":
        return text, check_file(_path_of_address(text), text)
    if scheme == "https" and allow_download:
        return text, download(text)
    if scheme in ("http", "https"):
        what = "pictures are not downloaded here" if scheme == "https" else "only https:// addresses are downloaded"
        raise complaint(text, what, "save it to a file and give its path")
    if not os.path.lexists(text):
        content = _bare_base64(text)
        if content is not None:
            return content_name(content), content
        if scheme and text[len(scheme) :].startswith("://"):
            raise complaint(text, f"{scheme}:// addresses are not read", "save it to a file and give its path")
    return text, check_file(Path(text), text)


def content_name(content: Any) -> str:
    return f"{len(content)} bytes in memory"


def check_file(path: Path, name: object = None) -> Path:
    """The path of a file that can be read to its end: pipes and devices might never have one.

    Raises:
        ImageError: no such file, or something else than a file.
    """
    name = path if name is None else name
    if not str(name) or "\0" in str(path):
        raise complaint(name, "the path is empty or holds a NUL character", "give the path of a picture file")
    with explained(name):
        mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise complaint(name, "it is a directory", "give the path of a picture file")
    other = next((kind for is_kind, kind in OTHER_FILES if is_kind(mode)), None)
    if other is not None:
        raise complaint(name, f"it is {other}, not a file", "save the picture to a file and give its path")
    return path


def decode_base64(text: str, name: object) -> bytes:
    """Base64 of either alphabet, with or without line breaks, padding and percent signs.

    Raises:
        ImageError: it is none.
    """
    packed = "".join((unquote(text) if "%" in text else text).split()).translate(URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError as error:
        what = f"not valid base64 ({shortened(error)})"
        raise complaint(name, what, "encode the file's bytes as base64") from error


def _bare_base64(text: str) -> bytes | None:
    """The bytes of a text that is base64 of a picture, told by how the picture begins; None for a path."""
    start = "".join(text[: 4 * LENGTH].split()).translate(URL_SAFE)[: LENGTH // 4 * 4]
    if len(start) < LENGTH // 4 * 4 or not BASE64.fullmatch(text):
        return None
    head = base64.b64decode(start) if "=" not in start else b""
    return decode_base64(text, text) if picture_kind(head) else None


def _path_of_address(address: str) -> Path:
    """Raises ImageError for a file of another machine."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise complaint(address, f"no address of a file ({shortened(error)})", "give its path") from error
    if parts.netloc not in ("", "localhost"):
        raise complaint(address, "it names a file of another machine", "copy the file and give its path")
    if not parts.path:
        raise complaint(address, "it names no file", "write file:///folder/picture.png")
    return Path(url2pathname(parts.path))
