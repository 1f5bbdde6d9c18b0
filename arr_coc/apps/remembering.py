"""A processor that remembers the last pictures while their files are there: second questions start from the glimpse."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from arr_coc.hosts.caching import Memory, RememberingHost
from arr_coc.hosts.host import TransformersHost
from arr_coc.pictures.opening import open_image
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import CellFeatures, Pyramid


class PictureHost(RememberingHost):
    """Remembers pictures, their pyramids and what was encoded of them, by the picture object that was opened here.

    Whole pictures at one size are remembered like glimpses are, so that no way of reading is the slower for it.
    """

    def __init__(self, host: TransformersHost, num_pictures: int) -> None:
        super().__init__(host, num_pictures)
        self._pictures: Memory[tuple[Image.Image, Path]] = Memory(num_pictures)
        self._pyramids: Memory[tuple[Image.Image, Pyramid]] = Memory(num_pictures)
        self._wholes: Memory[tuple[Image.Image, CellFeatures]] = Memory(2 * num_pictures)

    def open(self, path: str | Path) -> Image.Image:
        """The picture of a file; the same object again for a file with the same bytes.

        Raises:
            ImageError: one line; see `open_image`.
        """
        digest = sha256(Path(path).read_bytes()).digest()
        return self._pictures.recall(digest, lambda: (open_image(path, self.needed_size), Path(path)))[0]

    def pyramid(self, image: Image.Image, limits: tuple[int, int] | None = None) -> Pyramid:
        make = super().pyramid
        native = self.native_size(*image.size, limits)
        return self._pyramids.recall((id(image), native), lambda: (image, make(image, limits)))[1]

    def encode_whole(self, image: Image.Image, size: tuple[int, int]) -> CellFeatures:
        make = super().encode_whole
        return self._wholes.recall((id(image), size), lambda: (image, make(image, size)))[1]

    def remembers(self, image: Image.Image, size: tuple[int, int] | None = None) -> bool:
        """Whether a picture was encoded whole at `size`, or without one whether its pyramid is there."""
        if size is None:
            return (id(image), self.native_size(*image.size)) in self._pyramids
        return (id(image), size) in self._wholes

    def forget(self) -> None:
        """Drops the pictures whose file is gone, and everything that was made of pictures not remembered any more."""
        drop(self._pictures, lambda _, value: not value[1].exists())
        kept = {id(picture) for picture, _ in self._pictures.values()}
        drop(self._pyramids, lambda key, _: key[0] not in kept)
        drop(self._wholes, lambda key, _: key[0] not in kept)
        pyramids = {id(pyramid) for _, pyramid in self._pyramids.values()}
        drop(self._glimpses, lambda pyramid, _: id(pyramid) not in pyramids)
        drop(self._gazes, lambda key, _: id(key[0]) not in pyramids)
        self._newest.clear()


def drop(memory: Memory[Any], is_gone: Callable[[Any, Any], bool]) -> None:
    """Forgets the entries whose key and value are gone."""
    for key in [key for key, value in memory.items() if is_gone(key, value)]:
        del memory[key]


def remember(processor: RelevanceProcessor, num_pictures: int) -> tuple[RelevanceProcessor, PictureHost]:
    """The same processor on a remembering host."""
    host = PictureHost(processor.host, num_pictures)
    twin = copy(processor)
    twin.host = host
    return twin, host
