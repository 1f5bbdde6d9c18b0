"""What is known of a host without its weights: how it sizes a picture, and how it writes a prompt."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Self

import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor

from arr_coc.hosts.encoding import Geometry
from arr_coc.hosts.families.registry import find_family
from arr_coc.hosts.grids import MAX_STRETCH, fit_grid, stretch
from arr_coc.hosts.prompts import ImageBlock, Prompt, lay_out
from arr_coc.hosts.resizing import REDUCING_GAP, Resizing
from arr_coc.hosts.text import TextEncoder
from arr_coc.hosts.timing import Stopwatch
from arr_coc.pictures.errors import ImageError
from arr_coc.records import Pyramid
from arr_coc.texture import MAX_GLIMPSE_CELLS, build_pyramid

logger = logging.getLogger(__name__)

MAX_ASPECT = 200


class BareHost:
    """A host as far as its configuration, tokenizer and image processor tell it.

    Attributes:
        config: of the whole model.
        tokenizer, image_processor: the user's own.
        text: turns text into ids.
        chat: variables of the chat template in the prompts with which `attend` looks; see `with_chat`.
        clock: seconds in the stages "resize" and "pyramid".
    """

    def __init__(
        self,
        config: PreTrainedConfig,
        tokenizer: PreTrainedTokenizerBase,
        image_processor: BaseImageProcessor,
        device: torch.device | str = "cpu",
    ) -> None:
        self.config = config
        self.family = find_family(config.model_type)
        self.tokenizer = tokenizer
        self.text = TextEncoder(tokenizer)
        self.chat: Mapping[str, object] = {}
        self.image_processor = image_processor
        self.clock = Stopwatch(device)
        self.geometry = Geometry(
            patch_size=image_processor.patch_size,
            merge_size=image_processor.merge_size,
            temporal_patch_size=image_processor.temporal_patch_size,
            mean=tuple(image_processor.image_mean),
            std=tuple(image_processor.image_std),
        )

    @property
    def text_config(self) -> PreTrainedConfig:
        """The language model's configuration."""
        return self.config.text_config

    @property
    def image_token_id(self) -> int:
        return self.config.image_token_id

    @property
    def max_tokens(self) -> int:
        """The longest sequence the language model was made for."""
        return self.text_config.max_position_embeddings

    def stock_size(self, width: int, height: int, limits: tuple[int, int] | None = None) -> tuple[int, int]:
        """(width, height) by the host's own resize rule; `limits` are (least, most) pixels, else its processor's.

        Raises:
            ValueError: one side is over 200 times the other.
        """
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise ImageError(f"image: {width}x{height} is longer than {MAX_ASPECT}:1; crop it")
        size = self.image_processor.size
        least, most = limits or (size["shortest_edge"], size["longest_edge"])
        rows, cols = self.family.resize(height, width, self.geometry.cell_px, least, most)
        return cols, rows

    def native_size(self, width: int, height: int, limits: tuple[int, int] | None = None) -> tuple[int, int]:
        """(width, height) of level 0: the host's own size with rows and columns that halve evenly to the glimpse.

        See `fit_grid` for how far it may be from the host's own.
        """
        return self._native_of(self.stock_size(width, height, limits), limits)

    def _native_of(self, stock: tuple[int, int], limits: tuple[int, int] | None) -> tuple[int, int]:
        side = self.geometry.cell_px
        most = self.family.max_cells(limits[1] if limits else self.image_processor.size["longest_edge"], side)
        rows, cols, _ = fit_grid(stock[1] // side, stock[0] // side, most)
        return cols * side, rows * side

    def needed_size(self, width: int, height: int, limits: tuple[int, int] | None = None) -> tuple[int, int]:
        """(width, height) below which a picture must not be decoded: native or stock, whichever is larger."""
        stock = self.stock_size(width, height, limits)
        native = self._native_of(stock, limits)
        return max(stock[0], native[0]), max(stock[1], native[1])

    def pyramid(self, image: Image.Image, limits: tuple[int, int] | None = None) -> Pyramid:
        """Resizes an RGB picture once to its native size (PIL, the processor's filter) and builds its levels.

        Level 0 holds the stock processor's pixels where the sizes agree. A picture four times as large or more
        is first averaged over whole pixels, down to no less than twice the size, which more than halves the time.
        """
        with self.clock.measure("resize"):
            stock = self.stock_size(*image.size, limits)
            size = self._native_of(stock, limits)
            tell_stretch(image.size, stock, size)
            pixels = self.resize(image, size, REDUCING_GAP)
        with self.clock.measure("pyramid"):
            return build_pyramid(pixels, self.geometry.cell_px)

    @property
    def resizing(self) -> Resizing:
        """How pictures become pixels here; it may outlive the host."""
        return Resizing(self.image_processor.resample, self.image_processor.rescale_factor, self.geometry.cell_px)

    def resize(self, image: Image.Image, size: tuple[int, int], reducing_gap: float | None = None) -> Tensor:
        """(3, H, W) float32 in 0..1 of any picture at (width, height), as the stock image processor has it."""
        return self.resizing.resize(image, size, reducing_gap)

    def with_chat(self, chat: Mapping[str, object]) -> Self:
        """The same host, which writes its own prompts with these variables of the chat template."""
        if chat == self.chat:
            return self
        twin = copy(self)
        twin.chat = dict(chat)
        return twin

    def tokenize(self, messages: list[dict], **template: object) -> list[int]:
        """Ids of a conversation in the host's chat format, one placeholder per picture; texts are taken literally."""
        return self.text.encode_conversation(messages, **template)

    def question_ids(self, question: str) -> list[int]:
        """Ids of the prompt whose attention is read: one placeholder, the question, the assistant's turn begun."""
        content = [{"type": "image"}, {"type": "text", "text": question}]
        return self.tokenize([{"role": "user", "content": content}], add_generation_prompt=True, **self.chat)

    def ask(self, block: ImageBlock, question: str, draft: Sequence[int] = ()) -> Prompt:
        """The prompt of a question, the ids of a drafted answer behind it."""
        return lay_out([*self.question_ids(question), *draft], self.image_token_id, [block])


@lru_cache(maxsize=64)
def tell_stretch(size: tuple[int, int], stock: tuple[int, int], native: tuple[int, int]) -> None:
    """Says once when a picture is too thin for the glimpse to keep its shape; all sizes are (width, height)."""
    factor = stretch(native, stock)
    if factor > MAX_STRETCH:
        place = f"image: {size[0]}x{size[1]} is longer than {MAX_GLIMPSE_CELLS}:1"
        logger.warning(
            "%s and is read with its short side stretched %.1f times; crop it to read it better", place, factor
        )


def glimpse_block(pyramid: Pyramid, cells: Tensor) -> ImageBlock:
    """Positions of cells (N, 3) in the grid of the finest level among them.

    Cells of one level are thereby placed like an ordinary picture of that size, the case the host knows best.
    """
    finest = int(cells[:, 0].min())
    side = 2 ** (cells[:, :1] - finest)
    return ImageBlock(cells[:, 1:] * side + (side - 1) // 2, max(pyramid.grid(finest)))
