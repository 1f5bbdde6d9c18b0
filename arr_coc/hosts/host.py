"""A model of transformers as a host: native size, pyramid, encoding of chosen cells and where a question looks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from functools import lru_cache

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from arr_coc.hosts.attention import look
from arr_coc.hosts.encoding import Geometry, Segment, encode_inputs, encode_segments, tower_inputs
from arr_coc.hosts.families.registry import find_family
from arr_coc.hosts.placement import base_of, device_of
from arr_coc.hosts.prompts import ImageBlock, Prompt, lay_out
from arr_coc.hosts.resizing import REDUCING_GAP, Resizing
from arr_coc.hosts.text import TextEncoder
from arr_coc.hosts.timing import Stopwatch
from arr_coc.pictures.errors import ImageError
from arr_coc.records import CellFeatures, Gaze, Looks, Pyramid, View
from arr_coc.texture import MAX_GLIMPSE_CELLS, MAX_STRETCH, build_pyramid, fit_grid, stretch

logger = logging.getLogger(__name__)

MAX_ASPECT = 200
LEAST_ATTENTION = 1e-8  # below this a cell is not looked at, and its logarithm says nothing more


class TransformersHost:
    """Implements `records.Host` on an untouched model; holds facts of the model, nothing of who allocates with it.

    Attributes:
        model, tokenizer, image_processor: the user's own.
        text: turns text into ids.
        chat: variables of the chat template in the prompts with which `attend` looks; see `with_chat`.
        is_training: keeps the graph of `encode`, so that gradients reach the vision tower.
        is_packed: encodes all pictures of a call in one pass: faster on a GPU, but then kernels chosen
            by batch size may change a picture's features in the last bits.
        clock: seconds in the stages "resize", "pyramid", "encode" and "attend".
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        image_processor: BaseImageProcessor,
        *,
        is_training: bool = False,
        is_packed: bool = False,
    ) -> None:
        self.model = model
        self.family = find_family(base_of(model).config.model_type)
        self.tokenizer = tokenizer
        self.text = TextEncoder(tokenizer)
        self.chat: Mapping[str, object] = {}
        self.image_processor = image_processor
        self.is_training = is_training
        self.is_packed = is_packed
        self.clock = Stopwatch(self.device)
        self.geometry = Geometry(
            patch_size=image_processor.patch_size,
            merge_size=image_processor.merge_size,
            temporal_patch_size=image_processor.temporal_patch_size,
            mean=tuple(image_processor.image_mean),
            std=tuple(image_processor.image_std),
        )

    @property
    def base(self) -> PreTrainedModel:
        """The model of transformers, whatever the user's own is wrapped in."""
        return base_of(self.model)

    @property
    def vision(self) -> nn.Module:
        """The vision tower."""
        return self.family.vision(self.base)

    @property
    def language(self) -> nn.Module:
        """The language model without its head."""
        return self.family.language(self.base)

    @property
    def head(self) -> nn.Module:
        """From states of the language model to words."""
        return self.base.get_output_embeddings()

    @property
    def bridge(self) -> list[nn.Module]:
        """What leads from the tower's width to the language model's."""
        return self.family.bridge(self.vision)

    @property
    def blocks(self) -> list[nn.Module]:
        """The repeated parts of both."""
        return [*self.vision.blocks, *self.language.layers]

    @property
    def text_config(self) -> PreTrainedConfig:
        """The language model's configuration."""
        return self.base.config.text_config

    @property
    def device(self) -> torch.device:
        """Where the model takes its inputs, also where its weights wait elsewhere."""
        return device_of(self.base.get_input_embeddings())

    @property
    def image_token_id(self) -> int:
        return self.base.config.image_token_id

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

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        """Features (N, D) of chosen cells (N, 3) of each picture; one level of one picture is one segment."""
        groups = [list(range(len(cells)))] if self.is_packed else [[i] for i in range(len(cells))]
        with self.clock.measure("encode"), self._graph():
            encoded = [self._encode([pyramids[i] for i in group], [cells[i] for i in group]) for group in groups]
        return [features for group in encoded for features in group]

    def attend(self, views: list[View], gaze: Gaze) -> list[Looks]:
        """Log attention of the prompt's last tokens, float32; the mean less a share of the neutral prompt's."""
        with self.clock.measure("attend"), torch.no_grad():
            return [self._attend(view, gaze) for view in views]

    def embed(self, question: str) -> Tensor:
        """(Q, D) float32 rows of the embedding table for the question's tokens, without gradient."""
        ids = self.text.encode_literally(question)
        table = self.base.get_input_embeddings()
        with torch.no_grad():
            return table(torch.tensor(ids, dtype=torch.long, device=device_of(table))).float()

    def encode_segments(self, segments: list[Segment]) -> list[CellFeatures]:
        """Features per segment, in the order of its index, in one pass of the tower; with gradient where it is on."""
        return encode_segments(self.family, self.vision, segments, self.geometry)

    def encode_whole(self, image: Image.Image, size: tuple[int, int]) -> CellFeatures:
        """Features of all cells of a picture at (width, height), as the host sees an ordinary picture of that size."""
        num_cells = size[0] * size[1] // self.geometry.cell_px**2
        with self._graph():
            return self.encode_segments([Segment(self.resize(image, size), torch.arange(num_cells))])[0]

    def encoder_outputs(self, conversations: Sequence[Sequence[CellFeatures]]) -> dict[str, BaseModelOutputWithPooling]:
        """`mm_encoder_outputs` of a batch, from the features of each conversation's pictures; {} without pictures."""
        return {"image": self.family.encoder_outputs(conversations, self.base.dtype)} if any(conversations) else {}

    def encode_jointly(self, segments: list[Segment]) -> CellFeatures:
        """Features of all segments one after the other, whose cells all see each other: an experiment.

        Raises:
            ValueError: a family whose tower takes a segment's grid for all of it.
        """
        self.need_free_segments()
        inputs = tower_inputs(self.family, self.family.tower_facts(self.vision), segments, self.geometry)
        ends = inputs.kwargs["cu_seqlens"]
        return encode_inputs(self.vision, replace(inputs, kwargs={**inputs.kwargs, "cu_seqlens": ends[[0, -1]]}))

    def need_free_segments(self) -> None:
        """Raises ValueError for a family whose tower takes a segment's grid for all of it."""
        if not self.family.has_free_segments:
            raise ValueError(f"joint packing: the tower of {self.family.name} holds one grid a segment; leave it out")

    def with_chat(self, chat: Mapping[str, object]) -> TransformersHost:
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

    def _graph(self) -> AbstractContextManager[object]:
        return nullcontext() if self.is_training else torch.no_grad()

    def _encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        segments, places = [], []
        for pyramid, chosen in zip(pyramids, cells, strict=True):
            levels = chosen[:, 0].unique().tolist()
            members = [(chosen[:, 0] == level).nonzero()[:, 0] for level in levels]
            for level, member in zip(levels, members, strict=True):
                index = chosen[member, 1] * pyramid.grid(level)[1] + chosen[member, 2]
                segments.append(Segment(pyramid.levels[level], index))
            places.append(members)
        encoded = iter(self.encode_segments(segments))
        return [restore_order([next(encoded) for _ in members], members) for members in places]

    def _attend(self, view: View, gaze: Gaze) -> Looks:
        block = glimpse_block(view.pyramid, view.cells)
        questions = [view.question, gaze.neutral] if gaze.relative else [view.question]
        prompts = [self._ask(block, text) for text in questions]
        maps = look(self.family, self.language, prompts, view.features, self.image_token_id, gaze)
        means, heads = (each.clamp(min=LEAST_ATTENTION).log().cpu() for each in maps)
        return Looks(means[0] - gaze.relative * means[1] if gaze.relative else means[0], heads[0])

    def _ask(self, block: ImageBlock, question: str) -> Prompt:
        return lay_out(self.question_ids(question), self.image_token_id, [block])


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


def restore_order(parts: list[CellFeatures], members: list[Tensor]) -> CellFeatures:
    """Features of one picture's segments in the order of the cells that `members` number."""
    merged = torch.cat([part.merged for part in parts])
    deepstack = torch.cat([part.deepstack for part in parts], dim=1)
    return CellFeatures(merged, deepstack)[torch.cat(members).argsort().to(merged.device)]
