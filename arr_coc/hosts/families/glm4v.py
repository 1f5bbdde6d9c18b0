"""GLM-4V (GLM-4.1V-9B): a tower that samples its positions segment by segment, another chat format.

Sizes are those of `config.json` of zai-org/GLM-4.1V-9B-Thinking on the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.glm4v.image_processing_pil_glm4v import smart_resize

from arr_coc.hosts.families.family import ChatMarks, Family
from arr_coc.hosts.families.qwen2_vl import CLIP
from arr_coc.hosts.families.shapes import LanguageShape, TowerShape
from arr_coc.records import CellFeatures

MARKS = ChatMarks(
    "<|user|>",
    "<|assistant|>",
    ("<|user|>", "<|assistant|>", "<|system|>", "<|observation|>"),
    ("<|begin_of_image|>", "<|end_of_image|>", "<|image|>", "<|begin_of_video|>", "<|end_of_video|>", "<|video|>"),
)


@dataclass(frozen=True, eq=False)
class Glm4vFamily(Family):
    """The MLP's inner width of the tower is what its configuration calls the output's."""

    def resize(self, height: int, width: int, factor: int, least: int, most: int) -> tuple[int, int]:
        """A picture is a film of two frames, whose pixels count twice."""
        return smart_resize(self.frames, height, width, self.frames, factor, least, most)  # type: ignore[no-any-return]

    def bridge(self, vision: nn.Module) -> list[nn.Module]:
        return [vision.post_layernorm, vision.downsample, vision.merger]

    def tower_shape(self, config: PreTrainedConfig) -> TowerShape:
        shape = super().tower_shape(config)
        return replace(shape, inner=config.vision_config.out_hidden_size, alive=3, kept=4, is_root_mean=True)

    def language_shape(self, config: PreTrainedConfig) -> LanguageShape:
        """Gate and values of the MLP come out of one matrix; there are norms after each part as well as before."""
        return replace(super().language_shape(config), alive=4, num_norms=4)

    def encoder_outputs(
        self, conversations: Sequence[Sequence[CellFeatures]], dtype: torch.dtype
    ) -> BaseModelOutputWithPooling:
        """One tensor a conversation: for beams this family repeats tensors one by one, [A, A, B, B], which would
        give a conversation's second picture the features of its first."""
        joined = tuple(
            torch.cat([picture.merged for picture in pictures]).to(dtype) for pictures in conversations if pictures
        )
        return BaseModelOutputWithPooling(pooler_output=joined)


GLM4V = Glm4vFamily(
    "glm4v",
    "GLM-4V",
    "Glm4vForConditionalGeneration",
    "zai-org/GLM-4.1V-9B-Thinking",
    image_processor="Glm4vImageProcessorPil",
    sizes={
        "glm-4.1v-9b": {
            "vision_config": {"depth": 24, "hidden_size": 1536, "intermediate_size": 13_696, "out_hidden_size": 4096},
            "text_config": {
                "hidden_size": 4096,
                "intermediate_size": 13_696,
                "num_hidden_layers": 40,
                "num_attention_heads": 32,
                "num_key_value_heads": 2,
                "vocab_size": 151_552,
                "max_position_embeddings": 65_536,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10_000.0,
                    "mrope_section": [8, 12, 12],
                    "partial_rotary_factor": 0.5,
                },
            },
            "tie_word_embeddings": False,
        }
    },
    pixel_limits=(12_544, 9_633_792),
    patch_size=14,
    mean=CLIP[0],
    std=CLIP[1],
    marks=MARKS,
    lora=("q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"),
    frames=2,
    has_free_segments=False,
)

FAMILIES = (GLM4V,)
