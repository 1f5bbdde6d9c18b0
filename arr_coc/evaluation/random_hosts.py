"""Qwen3-VL-2B, 4B and 8B with random weights: how long a host takes does not depend on what it has learnt.

Shapes are those of the checkpoints' `config.json` on the Hugging Face hub (Qwen/Qwen3-VL-*-Instruct).
Text is tokenised by the embedded host's tokenizer, pictures by the rule of the real checkpoints.
"""

from __future__ import annotations

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from arr_coc.hosts.checkpoints import load_tokenizer, pick_device, pick_dtype
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.nano.config import assemble_config
from arr_coc.processor.processor import RelevanceProcessor

VOCABULARY = 151_936
MAX_PIXELS = 16_384 * 32 * 32
BLOCK = 2**24

VISION = {
    "2b": {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "deepstack_visual_indexes": [5, 11, 17]},
    "4b": {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "deepstack_visual_indexes": [5, 11, 17]},
    "8b": {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "deepstack_visual_indexes": [8, 16, 24]},
}
TEXT = {
    "2b": {"hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28, "num_attention_heads": 16},
    "4b": {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32},
    "8b": {"hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32},
}


def geometry_config(name: str) -> Qwen3VLConfig:
    """Raises ValueError for a name that is not 2b, 4b or 8b."""
    if name not in TEXT:
        raise ValueError(f"geometry: must be one of {', '.join(TEXT)}, got {name!r}")
    is_tied = name != "8b"
    vision = {**VISION[name], "num_heads": 16, "out_hidden_size": TEXT[name]["hidden_size"]}
    text = {
        **TEXT[name],
        "vocab_size": VOCABULARY,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 262_144,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5_000_000.0,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": is_tied,
    }
    return assemble_config(vision, text, load_tokenizer("nano"))


def random_host(
    name: str, dtype: str = "bfloat16", device: str = "auto"
) -> tuple[Qwen3VLForConditionalGeneration, RelevanceProcessor]:
    """A model of that geometry and its processor.

    Raises:
        ValueError: unknown geometry, dtype or device.
    """
    config = geometry_config(name)
    target = pick_device(device)
    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(config)
    model = model.to(pick_dtype(dtype, target)).to_empty(device=target).eval()
    fill(model)
    image_processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 64 * 32 * 32, "longest_edge": MAX_PIXELS},
        patch_size=16,
        merge_size=2,
        temporal_patch_size=2,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return model, RelevanceProcessor(Qwen3VLHost(model, load_tokenizer("nano"), image_processor))


def fill(model: Qwen3VLForConditionalGeneration) -> None:
    """Small random weights, the same values over and over: drawing billions of them would take minutes."""
    generator = torch.Generator(model.device).manual_seed(0)
    noise = torch.randn(BLOCK, generator=generator, device=model.device).mul_(0.02).to(model.dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.fill_(1.0)
                continue
            flat = parameter.view(-1)
            for start in range(0, len(flat), BLOCK):
                flat[start : start + BLOCK] = noise[: len(flat) - start]
    restore_buffers(model)


def restore_buffers(model: Qwen3VLForConditionalGeneration) -> None:
    """Buffers are computed, not learnt, so they are made anew after `to_empty`."""
    fresh = type(model.model.language_model.rotary_emb)(model.config.text_config)
    model.model.language_model.rotary_emb = fresh.to(model.device)
    visual = model.model.visual
    visual.rotary_pos_emb = type(visual.rotary_pos_emb)(model.config.vision_config).to(model.device)
