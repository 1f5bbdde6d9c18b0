"""Hosts of published sizes with random weights: how long one takes does not depend on what it has learnt.

Shapes stand in the families (`hosts/families`). Text is tokenised by the embedded host's tokenizer, pictures by the
rule of the real checkpoints.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor

from arr_coc.hosts.checkpoints import load_tokenizer, pick_device, pick_dtype
from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.registry import find_family, size_config, sizes
from arr_coc.hosts.host import TransformersHost
from arr_coc.processor.processor import RelevanceProcessor

BLOCK = 2**24
DUMMY = ("--load-format", "dummy", "--skip-mm-profiling")
"""Of vLLM: random weights in place of those that a folder lacks, and no rehearsal on the largest picture, which takes a
CPU minutes."""


def random_config(name: str, tokenizer: PreTrainedTokenizerBase) -> PreTrainedConfig:
    """The configuration of a published size, its special tokens those of a tokenizer.

    Raises:
        ValueError: unknown name.
    """
    config = size_config(name)
    config.image_token_id = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    config.video_token_id = tokenizer.convert_tokens_to_ids("<|video_pad|>")
    return config


def published_processor(family: Family) -> BaseImageProcessor:
    """The image processor of the published checkpoints of a family."""
    least, most = family.pixel_limits
    return family.processor()(
        size={"shortest_edge": least, "longest_edge": most},
        patch_size=family.patch_size,
        merge_size=2,
        temporal_patch_size=2,
        image_mean=list(family.mean),
        image_std=list(family.std),
    )


def random_host(name: str, dtype: str = "bfloat16", device: str = "auto") -> tuple[PreTrainedModel, RelevanceProcessor]:
    """A model of that size and its processor.

    Raises:
        ValueError: unknown size, dtype or device.
    """
    tokenizer = load_tokenizer("nano")
    config, family = random_config(name, tokenizer), sizes()[name]
    target = pick_device(device)
    with torch.device("meta"):
        model = family.build(config)
    model = model.to(pick_dtype(dtype, target)).to_empty(device=target).eval()
    fill(model)
    return model, RelevanceProcessor(TransformersHost(model, tokenizer, published_processor(family)))


def write_without_weights(name: str, folder: Path) -> None:
    """Configuration, tokenizer and image processor of a published size: all that vLLM needs with `DUMMY`.

    Raises:
        ValueError: unknown size.
    """
    tokenizer = load_tokenizer("nano")
    config, family = random_config(name, tokenizer), sizes()[name]
    config.architectures, config.dtype = [family.model_class], "bfloat16"
    for part in (config, tokenizer, published_processor(family)):
        part.save_pretrained(folder)


def fill(model: PreTrainedModel) -> None:
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


def restore_buffers(model: PreTrainedModel) -> None:
    """Buffers are computed, not learnt, so they are made anew after `to_empty`."""
    family = find_family(model.config.model_type)
    language, vision = family.language(model), family.vision(model)
    language.rotary_emb = type(language.rotary_emb)(model.config.text_config).to(model.device)
    vision.rotary_pos_emb = type(vision.rotary_pos_emb)(model.config.vision_config).to(model.device)
