"""A processor that remembers the last pictures: a second question about one starts from its pyramid and glimpse."""

from __future__ import annotations

from copy import copy
from hashlib import sha256
from pathlib import Path

from PIL import Image

from arr_coc.hosts.caching import Memory, RememberingHost
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.pictures.opening import open_image
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Pyramid


class PictureHost(RememberingHost):
    """Remembers pyramids as well, by the picture object that was opened here."""

    def __init__(self, host: Qwen3VLHost, num_pictures: int) -> None:
        super().__init__(host, num_pictures)
        self._pictures: Memory[Image.Image] = Memory(num_pictures)
        self._pyramids: Memory[tuple[Image.Image, Pyramid]] = Memory(num_pictures)

    def open(self, path: str | Path) -> Image.Image:
        """The picture of a file; the same object again for a file with the same bytes.

        Raises:
            ImageError: one line; see `open_image`.
        """
        digest = sha256(Path(path).read_bytes()).digest()
        return self._pictures.recall(digest, lambda: open_image(path, self.needed_size))

    def pyramid(self, image: Image.Image, limits: tuple[int, int] | None = None) -> Pyramid:
        make = super().pyramid
        native = self.native_size(*image.size, limits)
        return self._pyramids.recall((id(image), native), lambda: (image, make(image, limits)))[1]


def remember(processor: RelevanceProcessor, num_pictures: int) -> tuple[RelevanceProcessor, PictureHost]:
    """The same processor on a remembering host."""
    host = PictureHost(processor.host, num_pictures)
    twin = copy(processor)
    twin.host = host
    return twin, host
