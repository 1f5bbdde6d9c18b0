"""Loading the parts of a checkpoint, with errors of one line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor
from transformers.utils import cached_file

from arr_coc.hosts.families.family import Family
from arr_coc.hosts.hardware import best_device
from arr_coc.hosts.names import explained, family_of, resolve
from arr_coc.hosts.soundness import check_endings, check_loaded, check_weights
from arr_coc.quoting import quoted

AUTO = "auto"


def load_tokenizer(name: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer with its chat template, which some checkpoints keep in a file of its own

    Raises:
        ValueError: unknown name, or no chat template.
    """
    source = resolve(name)
    with explained(name, "a tokenizer with a chat template"):
        tokenizer = AutoTokenizer.from_pretrained(source)
        if "image" not in str(tokenizer.chat_template):
            path = cached_file(source, "chat_template.json")
            tokenizer.chat_template = json.loads(Path(path).read_text(encoding="utf-8"))["chat_template"]
    return tokenizer


def load_config(name: str | Path) -> PreTrainedConfig:
    """The configuration of a model that can be a host.

    Raises:
        ValueError: unknown name, or a kind of model that cannot be a host.
    """
    source = resolve(name)
    with explained(name, "a model"):
        config = AutoConfig.from_pretrained(source)
    family_of(name, config.model_type)
    return config


def load_image_processor(name: str | Path, family: Family | None = None) -> BaseImageProcessor:
    """The family's image processor on Pillow and numpy, which needs no torchvision.

    Args:
        family: of the model; None reads it from the model's own configuration.

    Raises:
        ValueError: unknown name, or no `preprocessor_config.json`.
    """
    family = family or family_of(name, load_config(name).model_type)
    with explained(name, "an image processor"):
        return family.processor().from_pretrained(resolve(name))


def load_model(name: str | Path, dtype: str = AUTO, device: str = AUTO) -> PreTrainedModel:
    """The model in evaluation mode.

    Args:
        dtype: "float32", "bfloat16" or "float16"; "auto" is the checkpoint's own on a GPU and float32 on a CPU.
        device: as torch names it; "auto" is the GPU where there is one.

    Raises:
        ValueError: unknown name, a kind of model that cannot be a host, unknown dtype or device, weights that are
            missing or not numbers.
    """
    target = pick_device(device)
    kind = pick_dtype(dtype, target)
    config = load_config(name)
    model_class = family_of(name, config.model_type).model()
    with explained(name, "a model"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of sizes that are zero; what is wrong is said below
        model, info = model_class.from_pretrained(resolve(name), config=config, dtype=kind, output_loading_info=True)
        model = model.to(target).eval()
    check_loaded(name, info)
    check_weights(name, model)
    check_endings(name, model)
    return model


def pick_device(device: str) -> torch.device:
    if device == AUTO:
        return torch.device(best_device())
    try:
        target = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device: must be auto, cpu or cuda, got {quoted(device)}") from error
    if target.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device: {quoted(device)} asked for, but torch sees no GPU; use cpu")
    return target


def pick_dtype(dtype: str, device: torch.device) -> torch.dtype | str:
    if dtype == AUTO:
        return torch.float32 if device.type == "cpu" else AUTO
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype not in kinds:
        raise ValueError(f"dtype: must be auto, {', '.join(kinds)}, got {quoted(dtype)}")
    return kinds[dtype]
