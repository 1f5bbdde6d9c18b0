"""What the package must know of one family of models, in one frozen record.

A family is a subclass of `Family` in a file of its own in this folder; the registry finds it there. What is written
here is what most families share: towers of Qwen, M-RoPE, softmax attention in every layer.

Shapes: S segments, N cells of all of them, P patches, T tokens, M heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
from transformers.vision_utils import get_vision_position_ids

from arr_coc.hosts.encoding import Geometry, Segment, gather_blocks, segment_grid
from arr_coc.hosts.families.shapes import LanguageShape, TowerShape, language_shape
from arr_coc.records import CellFeatures

MROPE, LINE = "mrope", "1d"
"""How tokens are placed: time, row and column of a picture's tokens, or one number after the other."""


@dataclass(frozen=True)
class ChatMarks:
    """Special tokens with which a family writes a conversation.

    Attributes:
        user, assistant: what opens such a turn.
        ends: any of these ends a turn.
        vision: tokens that stand for pictures and videos, and those around them.
    """

    user: str
    assistant: str
    ends: tuple[str, ...]
    vision: tuple[str, ...]


CHATML = ChatMarks(
    "<|im_start|>user\n",
    "<|im_start|>assistant",
    ("<|im_end|>",),
    ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)


@dataclass(frozen=True, eq=False)
class Family:
    """One kind of model.

    Attributes:
        model_type: as its configuration says it.
        name: as people know it.
        model_class, image_processor: their names in transformers; an image processor that needs no torchvision.
        example: a checkpoint on the Hugging Face hub.
        sizes: configurations of published checkpoints, by the names that `arr-coc plan` and `bench` know.
        pixel_limits: least and most pixels of a picture, as the published image processors say them.
        patch_size: side of a patch of the published checkpoints.
        mean, std: with which their image processors normalise.
        marks: of its chat format.
        positions: "mrope" or "1d".
        lora: matrices of a language layer that LoRA adapts, by the ends of their names.
        frames: how often a pixel counts towards the image processor's limits.
        has_free_segments: cells of different grids may share one attention segment of the tower.
    """

    model_type: str
    name: str
    model_class: str
    example: str
    image_processor: str = "Qwen2VLImageProcessorPil"
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pixel_limits: tuple[int, int] = (64 * 32 * 32, 16_384 * 32 * 32)
    patch_size: int = 16
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    marks: ChatMarks = CHATML
    positions: str = MROPE
    lora: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    frames: int = 1
    has_free_segments: bool = True

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        """A model with random weights."""
        return self.model()(config)

    def model(self) -> type[PreTrainedModel]:
        return getattr(transformers, self.model_class)  # type: ignore[no-any-return]

    def processor(self) -> type[BaseImageProcessor]:
        return getattr(transformers, self.image_processor)  # type: ignore[no-any-return]

    def resize(self, height: int, width: int, factor: int, least: int, most: int) -> tuple[int, int]:
        """(height, width) in multiples of `factor`, within the limits as the image processor means them."""
        return smart_resize(height, width, factor, least, most)  # type: ignore[no-any-return]

    def max_cells(self, most: int, cell_px: int) -> int:
        """Cells of the largest picture under a limit of `most` pixels."""
        return most // (self.frames * cell_px**2)

    # Parts of a model

    def vision(self, model: PreTrainedModel) -> nn.Module:
        return model.model.visual  # type: ignore[no-any-return]

    def language(self, model: PreTrainedModel) -> nn.Module:
        return model.model.language_model  # type: ignore[no-any-return]

    def bridge(self, vision: nn.Module) -> list[nn.Module]:
        """What leads from the tower's width to the language model's."""
        return [vision.merger]

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        """Widths of the vision tower, from the model's configuration."""
        vision = config.vision_config
        return TowerShape(
            depth=vision.depth,
            width=vision.hidden_size,
            heads=vision.num_heads,
            inner=vision.intermediate_size,
            output=vision.out_hidden_size,
            merge=vision.spatial_merge_size,
            patch=vision.patch_size,
            channels=vision.in_channels * vision.temporal_patch_size * vision.patch_size**2,
        )

    def language_shape(self, config: PreTrainedConfig) -> LanguageShape:
        """Widths of the language model, from the model's configuration."""
        return language_shape(config.text_config)

    # The vision tower

    def tower_facts(self, vision: nn.Module) -> Any:
        """What `tower_kwargs` needs of the tower: a small record that another process may hold."""
        return None

    def tower_kwargs(self, facts: Any, segments: Sequence[Segment], geometry: Geometry) -> dict[str, Tensor]:
        """Positions of the chosen patches in the grids of their own levels, and where segments end."""
        block = geometry.merge_size**2
        tables = [get_vision_position_ids(segment_grid(segment, geometry), geometry.merge_size) for segment in segments]
        positions = [gather_blocks(table, each.index, block) for table, each in zip(tables, segments, strict=True)]
        lengths = torch.tensor([0, *(block * len(segment.index) for segment in segments)])
        return {"position_ids": torch.cat(positions), "cu_seqlens": lengths.cumsum(0).int()}

    def tower_order(self, kwargs: Mapping[str, Tensor], num_cells: int) -> Tensor:
        """(N,) cells in the order in which blocks of the tower see them."""
        return torch.arange(num_cells)

    def late_block(self, vision: nn.Module) -> int:
        """The block whose attention says best what stands out: the last but one (VisionZip, arXiv 2412.04467)."""
        return max(0, len(vision.blocks) - 2)  # type: ignore[arg-type]

    def encoder_outputs(
        self, conversations: Sequence[Sequence[CellFeatures]], dtype: torch.dtype
    ) -> BaseModelOutputWithPooling:
        """Features of all pictures in the shape of `get_image_features`, a tensor each."""
        pictures = [picture for pictures in conversations for picture in pictures]
        return BaseModelOutputWithPooling(pooler_output=tuple(picture.merged.to(dtype) for picture in pictures))

    # The language model

    def query_key(self, attention: nn.Module, normed: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Rotated queries (R, M, T, d) and keys of a layer, by its own modules."""
        shape = (*normed.shape[:-1], -1, attention.head_dim)
        query, key = (project(normed).view(shape).transpose(1, 2) for project in (attention.q_proj, attention.k_proj))
        return rotate(attention, query, key, rotary)


def rotate(
    attention: nn.Module, query: Tensor, key: Tensor, rotary: tuple[Tensor, Tensor], name: str = "apply_rotary_pos_emb"
) -> tuple[Tensor, Tensor]:
    """Queries and keys turned as the file does it in which the attention is written."""
    return getattr(import_module(type(attention).__module__), name)(query, key, *rotary)  # type: ignore[no-any-return]
