"""What is kept of a picture once the model has its inputs: where it came from, not its pixels."""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from arr_coc.hosts.resizing import Resizing
from arr_coc.pictures.opening import open_image
from arr_coc.pictures.sources import ImageSource
from arr_coc.quoting import quoted
from arr_coc.records import Pyramid


@dataclass(frozen=True, eq=False)
class KeptPicture:
    """Makes a picture's pyramid again for whoever asks; as long as someone holds one, it is not made twice.

    A path stays a path, and bytes and PIL images are the user's own objects. Of what cannot be asked for twice (a
    download, an array) the 8-bit pixels at the native size are kept, a fifth of the pyramid; so they are when pickled.

    Attributes:
        opened_size, native_size: (width, height) as it was decoded, and of level 0.
        mark: (13,) means of the glimpse's textures, by which a picture that has changed is told.
    """

    source: ImageSource
    opened_size: tuple[int, int]
    native_size: tuple[int, int]
    resizing: Resizing
    mark: Tensor
    made: list[weakref.ref[Pyramid]] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, source: Any, opened: Image.Image, pyramid: Pyramid, resizing: Resizing) -> KeptPicture:
        """What to keep of a picture that was opened and made into a pyramid."""
        height, width = pyramid.levels[0].shape[-2:]
        kept = source if can_open_again(source) else resizing.picture(pyramid.levels[0])
        return cls(kept, opened.size, (width, height), resizing, mark_of(pyramid), [weakref.ref(pyramid)])

    def __call__(self) -> Pyramid:
        """The pyramid as it was.

        Raises:
            ValueError: the picture can't be opened any more, or is another one now.
        """
        alive = self.made[0]() if self.made else None
        if alive is not None:
            return alive
        pyramid = self.resizing.pyramid(open_image(self.source, lambda *_: self.opened_size), self.native_size)
        if not torch.allclose(mark_of(pyramid), self.mark, rtol=1e-3, atol=1e-5):
            raise ValueError(f"image {quoted(self.source)}: has changed since the inputs were made; ask again")
        self.made[:] = [weakref.ref(pyramid)]
        return pyramid

    def __getstate__(self) -> dict[str, Any]:
        source = self.source
        if not isinstance(source, (str, os.PathLike)):
            source = self.resizing.picture(self().levels[0])
        return {**self.__dict__, "source": source, "made": []}


def can_open_again(source: object) -> bool:
    """Whether a picture is there to be opened a second time, without network and without a copy of it."""
    if isinstance(source, str):
        return not source[:8].lower().startswith(("http://", "https://"))
    return isinstance(source, (os.PathLike, bytes, Image.Image))


def mark_of(pyramid: Pyramid) -> Tensor:
    return pyramid.textures[pyramid.coarsest].mean((1, 2))
