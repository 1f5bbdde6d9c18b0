"""vLLM's Qwen3-VL and Qwen3.5 whose pictures are realized for their question before the language model sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from vllm.forward_context import set_forward_context
from vllm.model_executor.models.qwen3_5 import Qwen3_5ForConditionalGeneration, Qwen3_5MoeForConditionalGeneration
from vllm.model_executor.models.qwen3_vl import (
    Qwen3VLDummyInputsBuilder,
    Qwen3VLForConditionalGeneration,
)
from vllm.model_executor.models.qwen3_vl_moe import Qwen3VLMoeForConditionalGeneration
from vllm.multimodal import MULTIMODAL_REGISTRY

from arr_coc.records import AUTO, Pyramid, Realization, Tensions, View
from arr_coc.serving.vllm.host import EngineHost
from arr_coc.serving.vllm.leaves import Leaves
from arr_coc.serving.vllm.parts import front_host, load_allocator
from arr_coc.serving.vllm.plugin import SWITCH, TOWER_ADAPTERS, check_drafts, check_version
from arr_coc.serving.vllm.preprocessing import (
    ASKED,
    COARSER,
    COUNT,
    FINEST,
    GRID,
    NOTED,
    TENSIONS,
    RelevanceHybridInfo,
    RelevanceHybridMoeInfo,
    RelevanceImages,
    RelevanceInfo,
    RelevanceMoeInfo,
    read_pyramid,
    to_text,
)

PLACES, BASE = 4, 128
"""Numbers behind every feature that say where a leaf lies: row and column, each in two digits to this base, since
features may be bfloat16, which counts to 256 only."""


@MULTIMODAL_REGISTRY.register_processor(RelevanceImages, info=RelevanceInfo, dummy_inputs=Qwen3VLDummyInputsBuilder)
class RelevanceQwen3VL(Qwen3VLForConditionalGeneration):
    """Coarse to fine in `embed_multimodal`; leaves lie where `Allocation.positions` says.

    A picture's tokens have the position of its first one until `forward` adds their rows and columns, which travel
    behind their features: the engine asks for positions before anything is encoded.

    Adapters (LoRA) change answers, never where is looked: the encoder's cache is one for all of them.

    Raises:
        ValueError: pipeline parallelism, under which attention can't be read, adapters of the tower, a draft model.
    """

    supports_encoder_cudagraph = False

    def __init__(self, *, vllm_config: Any, prefix: str = "model") -> None:
        check_version()
        if vllm_config.parallel_config.pipeline_parallel_size > 1:
            raise ValueError(f"pipeline parallelism: ARR-COC reads attention on one stage only; unset {SWITCH}")
        if vllm_config.parallel_config.use_sequence_parallel_moe:
            raise ValueError(f"--enable-expert-parallel with data parallelism was never tried here; unset {SWITCH}")
        if vllm_config.lora_config is not None and vllm_config.lora_config.enable_tower_connector_lora:
            raise ValueError(f"{TOWER_ADAPTERS}: ARR-COC takes adapters of the language model only; unset {SWITCH}")
        if vllm_config.speculative_config is not None:
            check_drafts(str(vllm_config.speculative_config.method))
        super().__init__(vllm_config=vllm_config, prefix=prefix)
        self.vllm_config = vllm_config
        name = vllm_config.model_config.model
        front = front_host(name)
        self.host = EngineHost(self, front)
        self.allocator = load_allocator(name, front.config)
        self.leaves = Leaves()
        self._places = torch.zeros(2, 0, dtype=torch.long)

    def embed_multimodal(self, **kwargs: Any) -> Any:
        """A tensor for each picture: features, DeepStack planes, and where each token lies."""
        if FINEST in kwargs:
            with set_forward_context(None, self.vllm_config):  # in which layers of experts find themselves
                return tuple(self._realize(**kwargs))
        found = super().embed_multimodal(**kwargs)
        return found and tuple(torch.cat([each, each.new_zeros(len(each), PLACES)], dim=1) for each in found)

    def _realize(self, **kwargs: Any) -> Iterator[Tensor]:
        side, factor = self.host.geometry.cell_px, self.host.image_processor.rescale_factor
        questions = [to_text(each) for each in kwargs[ASKED]]
        pyramids = [read_pyramid(*each, side, factor) for each in zip(kwargs[FINEST], kwargs[COARSER], strict=True)]
        tensions = [read_tensions(*each) for each in zip(kwargs[TENSIONS], kwargs[COUNT], strict=True)]
        views = [View.of(*each) for each in zip(pyramids, questions, strict=True)]
        allocator = replace(self.allocator.to(self.visual.device), balancer=Given(tensions), budget=AUTO)
        realized = allocator.realize(self.host, views)
        for realization, count, noted in zip(realized, kwargs[COUNT], kwargs[NOTED], strict=True):
            assert len(realization.allocation.leaves) == int(count[0])
            if key := to_text(noted):
                request, number = key.split(":")
                self.leaves.note(request, int(number), realization)
            yield to_embedding(realization)

    def get_mrope_input_positions(self, input_tokens: list[int], mm_features: Sequence[Any]) -> tuple[Tensor, int]:
        """All tokens of a picture at its start, from where `forward` moves them; text goes on behind its grid."""
        if not any(COUNT in each.data for each in mm_features if each.data is not None):
            return super().get_mrope_input_positions(input_tokens, mm_features)
        merge_size = self.config.vision_config.spatial_merge_size
        pieces, seen, start = [], 0, 0
        for each in sorted(mm_features, key=lambda feature: feature.mm_position.offset):
            offset, count = each.mm_position.offset, each.mm_position.length
            rows_cols = each.data[GRID].data.flatten().tolist()[1:]
            pieces += [torch.arange(start, start + offset - seen).expand(3, -1)]
            start += offset - seen
            pieces += [torch.full((3, count), start)]
            start, seen = start + max(rows_cols) // merge_size, offset + count
        pieces.append(torch.arange(start, start + len(input_tokens) - seen).expand(3, -1))
        positions = torch.cat(pieces, dim=1)
        return positions, start + len(input_tokens) - seen - len(input_tokens)

    def embed_input_ids(
        self, input_ids: Tensor, multimodal_embeddings: Any = None, *, is_multimodal: Tensor | None = None
    ) -> Tensor:
        self._places = self._places[:, :0]
        if multimodal_embeddings is not None and len(multimodal_embeddings):
            numbers = torch.cat([each[:, -PLACES:] for each in multimodal_embeddings]).round().long()
            places = numbers[:, ::2] * BASE + numbers[:, 1::2]
            self._places = torch.zeros(2, len(input_ids), dtype=torch.long, device=places.device)
            self._places[:, is_multimodal.to(places.device)] = places.T  # type: ignore[union-attr]
            multimodal_embeddings = [each[:, :-PLACES] for each in multimodal_embeddings]
        return super().embed_input_ids(input_ids, multimodal_embeddings, is_multimodal=is_multimodal)

    def forward(
        self,
        input_ids: Tensor | None,
        positions: Tensor,
        intermediate_tensors: Any = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        count = self._places.shape[1]
        if count and positions.ndim == 2:
            positions = positions.clone()  # the buffer is the runner's own
            positions[1:, :count] += self._places.to(positions.device)
            self._places = self._places[:, :0]
        return super().forward(input_ids, positions, intermediate_tensors, inputs_embeds, **kwargs)


@MULTIMODAL_REGISTRY.register_processor(RelevanceImages, info=RelevanceMoeInfo, dummy_inputs=Qwen3VLDummyInputsBuilder)
class RelevanceQwen3VLMoe(RelevanceQwen3VL, Qwen3VLMoeForConditionalGeneration):
    """The same for a host of experts."""


@MULTIMODAL_REGISTRY.register_processor(
    RelevanceImages, info=RelevanceHybridInfo, dummy_inputs=Qwen3VLDummyInputsBuilder
)
class RelevanceQwen3Point5(RelevanceQwen3VL, Qwen3_5ForConditionalGeneration):
    """The same for a host most of whose layers keep a memory: attention is read in those that attend."""


@MULTIMODAL_REGISTRY.register_processor(
    RelevanceImages, info=RelevanceHybridMoeInfo, dummy_inputs=Qwen3VLDummyInputsBuilder
)
class RelevanceQwen3Point5Moe(RelevanceQwen3VL, Qwen3_5MoeForConditionalGeneration):
    """The same for one of experts."""


class Given:
    """A balancer that hands out what was decided when the requests were prepared, view by view."""

    def __init__(self, tensions: Sequence[Tensions]) -> None:
        self._remaining = iter(tensions)

    def __call__(self, host: Any, pyramid: Pyramid, question: str, budget: int | None) -> Tensions:
        return next(self._remaining)


def read_tensions(values: Tensor, count: Tensor) -> Tensions:
    particularize, focus, explore, *weights = values.tolist()
    return Tensions(particularize, focus, explore, (weights[0], weights[1], weights[2]), int(count[1]))


def to_embedding(realization: Realization) -> Tensor:
    """(K, D + planes + 4) features of a picture's leaves, DeepStack beside them, and their places in two digits."""
    features = realization.features
    rows_cols = realization.allocation.positions().to(features.merged.device)
    digits = torch.stack([rows_cols // BASE, rows_cols % BASE], dim=2).flatten(1)
    return torch.cat(
        [features.merged, features.deepstack.transpose(0, 1).flatten(1), digits.to(features.merged)], dim=1
    )
