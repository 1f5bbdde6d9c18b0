"""Pictures that people bring: taken as files, so that a bad one ends in a message instead of an error."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

from arr_coc.pictures.opening import image_size
from arr_coc.quoting import quoted

LEAST_SIDE = 8


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


def friendly(error: ValueError, path: str | None) -> str:
    """The error's line with the name of the file instead of where the server keeps it."""
    text = str(error)
    if path:
        text = text.replace(quoted(path), f'"{Path(path).name}"').replace(str(path), Path(path).name)
    return text[:1].upper() + text[1:]
