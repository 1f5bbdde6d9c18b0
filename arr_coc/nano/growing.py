"""A host with more layers that answers as it did: room for what it is to learn next.

A new layer is a copy of the one before it whose outputs are zero, so that it adds nothing until it is trained (as in
Net2Net, Chen et al. 2016). Two in the tower, behind all DeepStack taps, two in the language model, around the layer
whose attention is read.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from arr_coc.nano.config import reading_layer

TOWER, LANGUAGE = "model.visual.blocks.", "model.language_model.layers."
OUTPUTS = ("attn.proj.", "mlp.linear_fc2.", "self_attn.o_proj.", "mlp.down_proj.")


def deepened(model: PreTrainedModel) -> Qwen3VLForConditionalGeneration:
    """A copy in float32 with two blocks and two layers more, and the same answers.

    Raises:
        ValueError: no Qwen3-VL, or a depth at which a new layer would move a DeepStack tap or the reading layer away
            from its place.
    """
    if not isinstance(model, Qwen3VLForConditionalGeneration):
        raise ValueError(f"a {model.config.model_type} model can't be grown; nano, or another qwen3_vl, can")
    config = copy.deepcopy(model.config)
    blocks, layers = config.vision_config.depth, config.text_config.num_hidden_layers
    tower, language = (blocks // 2, blocks - 1), (layers // 3, layers - 1)
    check_places(config, tower, language)
    config.vision_config.depth, config.text_config.num_hidden_layers = blocks + 2, layers + 2
    grown = Qwen3VLForConditionalGeneration(config).float()
    known = model.float().state_dict()
    sources = {TOWER: copied(blocks, tower), LANGUAGE: copied(layers, language)}
    grown.load_state_dict({name: source_of(name, known, sources) for name in grown.state_dict()})
    grown.generation_config = model.generation_config
    return grown


def check_places(config: Qwen3VLConfig, tower: Sequence[int], language: Sequence[int]) -> None:
    layers = config.text_config.num_hidden_layers
    taps = config.vision_config.deepstack_visual_indexes
    reading = reading_layer(layers)
    moved = reading + sum(place < reading for place in language)
    if tower[0] < max(taps) or language[0] < len(taps) - 1 or moved != reading_layer(layers + 2):
        raise ValueError(f"a host of {config.vision_config.depth} blocks and {layers} layers can't be grown in place")


def copied(depth: int, places: Sequence[int]) -> list[tuple[int, bool]]:
    """For each layer of the deeper stack, which old one it comes from, and whether it is new."""
    return [(old, is_new) for old in range(depth) for is_new in ((False, True) if old in places else (False,))]


def source_of(name: str, known: dict[str, Tensor], sources: dict[str, list[tuple[int, bool]]]) -> Tensor:
    """The old weights behind a parameter of the deeper host; zeros for the outputs of a new layer."""
    for stem, layers in sources.items():
        if name.startswith(stem):
            number, part = name.removeprefix(stem).split(".", 1)
            old, is_new = layers[int(number)]
            weights = known[f"{stem}{old}.{part}"]
            return torch.zeros_like(weights) if is_new and part.startswith(OUTPUTS) else weights
    return known[name]
