"""A model of transformers as a host: native size, pyramid, encoding of chosen cells and where a question looks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from arr_coc.hosts.attention import look, looks_of
from arr_coc.hosts.bare import BareHost, glimpse_block
from arr_coc.hosts.encoding import Segment, encode_inputs, encode_segments, in_place, segments_of, tower_inputs
from arr_coc.hosts.placement import base_of, device_of
from arr_coc.records import CellFeatures, Gaze, Looks, Pyramid, View


class TransformersHost(BareHost):
    """Implements `records.Host` on an untouched model; holds facts of the model, nothing of who allocates with it.

    Attributes:
        model, tokenizer, image_processor: the user's own.
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
        base = base_of(model)
        super().__init__(base.config, tokenizer, image_processor, device_of(base.get_input_embeddings()))
        self.model = model
        self.is_training = is_training
        self.is_packed = is_packed

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
    def device(self) -> torch.device:
        """Where the model takes its inputs, also where its weights wait elsewhere."""
        return device_of(self.base.get_input_embeddings())

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

    def _graph(self) -> AbstractContextManager[object]:
        return nullcontext() if self.is_training else torch.no_grad()

    def _encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        segments, places = segments_of(pyramids, cells)
        return in_place(self.encode_segments(segments), places)

    def _attend(self, view: View, gaze: Gaze) -> Looks:
        block = glimpse_block(view.pyramid, view.cells)
        questions = [view.question, gaze.neutral] if gaze.relative else [view.question]
        draft = self.text.encode_literally(view.draft) if view.draft else []
        prompts = [self.ask(block, text, draft) for text in questions]
        gaze = replace(gaze, num_queries=gaze.num_queries + len(draft))
        maps = look(self.family, self.language, prompts, view.features, self.image_token_id, gaze)
        return looks_of(list(zip(*maps, strict=True)), gaze)
