"""Pictures that people bring: taken as files, so that a bad one ends in a message instead of an error."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

from arr_coc.pictures.opening import image_size, open_image
from arr_coc.quoting import quoted

LEAST_SIDE, MOST_PICTURES = 8, 3
SHOWN = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
"""How files begin that every browser shows, besides AVIF; of others it is given a copy as JPEG."""


def take_heic() -> bool:
    """Lets HEIC photos be opened from now on, where `pi-heif` is installed; says whether they are."""
    if find_spec("pi_heif") is None:
        return False
    from pi_heif import register_heif_opener

    register_heif_opener()
    return True


def picture_input(label: str, height: int) -> gr.Image:
    """An image field that hands on the path of the file as it came, unopened.

    The method is replaced on the object: a subclass would write a stub file beside this one, at import.
    """
    field = gr.Image(label=label, height=height, sources=["upload", "clipboard"], type="filepath", elem_id="picture")
    field.preprocess = path_of  # type: ignore[method-assign]
    return field


def path_of(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path


def check_picture(path: str | None) -> str:
    """Returns the path of a picture that can be asked about.

    Raises:
        ValueError: no picture, one that cannot be read, or one too small to show anything.
    """
    if not path:
        raise ValueError("Choose a picture first: upload one, paste one, or pick an example.")
    width, height = image_size(path)
    if min(width, height) < LEAST_SIDE:
        raise ValueError(f"This picture has {width}x{height} pixels; at least {LEAST_SIDE}x{LEAST_SIDE} are needed.")
    return path


def check_pictures(paths: Sequence[str]) -> list[str]:
    """The same of all pictures of a question.

    Raises:
        ValueError: no picture or too many, or what `check_picture` says of one.
    """
    if len(paths) > MOST_PICTURES:
        raise ValueError(f"{len(paths)} pictures are too many for one question; at most {MOST_PICTURES} are read.")
    return [check_picture(path) for path in paths or [None]]


def shown_copy(path: str) -> str:
    """The path itself, or of a JPEG beside it where browsers don't show such files (HEIC, TIFF, PPM).

    Raises:
        ValueError: a picture that can't be opened.
    """
    with open(path, "rb") as file:
        head = file.read(12)
    if head.startswith(SHOWN) or head[4:] == b"ftypavif":
        return path
    copy = Path(path).with_suffix(".shown.jpg")
    open_image(path).save(copy, quality=95, subsampling=0)
    return str(copy)


def friendly(error: ValueError, *paths: str | None) -> str:
    """The error's line with the names of the files instead of where the server keeps them."""
    text = str(error)
    for path in filter(None, paths):
        text = text.replace(quoted(path), f'"{Path(path).name}"').replace(str(path), Path(path).name)
    return text[:1].upper() + text[1:]
