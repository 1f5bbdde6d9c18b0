"""Floating point operations of a host, to tell what a run would take before it is run.

A matrix with w weights costs 2 w per token, attention over n tokens of width d costs 4 n^2 d (scores and
values); norms, rotations and the sampling head are left out. Of a mixture only the experts that answer a token
count. Windows of an encoder are taken as whole: at the edges of a picture they hold less.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from weakref import WeakKeyDictionary

from torch import nn

from arr_coc.hosts.attention import last_read
from arr_coc.hosts.families.shapes import LanguageShape, LinearAttention
from arr_coc.hosts.host import TransformersHost
from arr_coc.records import Gaze, Pyramid, Realization

CHUNK = 64  # tokens that linear attention works out at a time, in transformers and in its kernels

OPERATIONS_PER_PIXEL = 120
"""Counted in `texture` by hand, rounded up: means, Lab (3 powers, 18 products), two Sobel filters with their length,
the histogram, and halving to the next level."""

_NUM_WEIGHTS: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()


def encode_flops(host: TransformersHost, num_cells: int) -> float:
    """Of the vision encoder for one picture of `num_cells` visual tokens in one attention segment."""
    shape = host.family.tower_shape(host.base.config)
    num_patches = num_cells * shape.patches_per_cell
    attention = 4 * num_patches**2 * shape.width * shape.num_full
    if shape.window is not None:
        attention += 4 * num_patches * min(num_patches, shape.window) * shape.width * (shape.depth - shape.num_full)
    merging = sum(map(num_weights, host.bridge))
    return 2.0 * num_patches * num_weights(host.vision.blocks) + attention + 2.0 * num_cells * merging


def prefill_flops(host: TransformersHost, num_tokens: int, layers: Iterable[int] | None = None) -> float:
    """Of the language model for a prompt of `num_tokens`, visual ones included; of some of its layers alone."""
    shape = host.family.language_shape(host.base.config)
    chosen = range(shape.depth) if layers is None else layers
    return sum(map(partial(layer_flops, host, shape, num_tokens), chosen))


def layer_flops(host: TransformersHost, shape: LanguageShape, num_tokens: int, layer: int) -> float:
    """Of one language layer; experts that do not answer cost nothing."""
    weights = num_weights(host.language.layers[layer])
    if shape.experts is not None and layer in shape.mixed:
        weights -= 3 * shape.width * shape.experts.inner * (shape.experts.total - shape.experts.active)
    if layer in shape.attending:
        return 2.0 * num_tokens * weights + 4.0 * num_tokens**2 * shape.query
    assert shape.linear is not None
    return 2.0 * num_tokens * weights + delta_rule_flops(shape.linear, num_tokens)


def delta_rule_flops(linear: LinearAttention, num_tokens: int) -> float:
    """Of the gated delta rule, chunk by chunk: within chunks, two triangular systems, and three uses of the memory."""
    keys, values = linear.key_dim, linear.value_dim
    per_token = CHUNK * (4 * keys + 2 * values) + CHUNK * (keys + values) + 6 * keys * values
    return float(-(-num_tokens // CHUNK) * CHUNK * linear.value_heads * per_token)


def encoded_segments(realization: Realization) -> tuple[int, ...]:
    """Cells of each attention segment of the encoder: the glimpse, unless the look went on from leaves, then the
    children that each round made."""
    made = [4 * len(splits) for splits in realization.splits]
    glimpse = realization.num_encoded - sum(made)
    return (glimpse, *made) if glimpse else tuple(made)


def leaves_before_rounds(realization: Realization) -> list[int]:
    """How many leaves there were when each round of splits was chosen."""
    num_leaves, found = realization.allocation.num_tokens, []
    for splits in reversed(realization.splits):
        num_leaves -= 3 * len(splits)
        found.append(num_leaves)
    return found[::-1]


def attention_flops(
    host: TransformersHost, realization: Realization, gaze: Gaze, num_draft: int = 0, known_rounds: int = 0
) -> float:
    """Of reading the question's attention to the leaves, round by round, in the first layers of the language model.

    `num_draft` tokens of a drafted answer are read as well; the first `known_rounds` cost nothing.
    """
    layers = range(last_read(gaze, host.text_config) + 1)
    num_prompts = 2 if gaze.relative else 1
    num_text = num_text_tokens(host, realization.question) + num_draft
    return num_prompts * sum(
        prefill_flops(host, num_leaves + num_text, layers)
        for num_leaves in leaves_before_rounds(realization)[known_rounds:]
    )


def num_text_tokens(host: TransformersHost, question: str, num_pictures: int = 1) -> int:
    """Tokens of a prompt besides the visual ones: the question, the chat format and the marks around pictures."""
    content = [*[{"type": "image"}] * num_pictures, {"type": "text", "text": question}]
    ids = host.tokenize([{"role": "user", "content": content}], add_generation_prompt=True)
    return len(ids) - num_pictures


def scorer_flops(scorer: object, realization: Realization, known_rounds: int = 0) -> float:
    """Of a scorer with weights: every leaf passes through them in every round, and all leaves look at each other."""
    if not isinstance(scorer, nn.Module):
        return 0.0
    width, num_layers = scorer.config.width, scorer.config.num_layers
    return sum(
        2.0 * num_leaves * num_weights(scorer) + 4.0 * num_leaves**2 * width * num_layers
        for num_leaves in leaves_before_rounds(realization)[known_rounds:]
    )


def pyramid_flops(pyramid: Pyramid) -> float:
    """Of the levels and the texture channels, by the operations that `texture` writes down for a pixel."""
    num_pixels = sum(level.shape[-2] * level.shape[-1] for level in pyramid.levels)
    return float(OPERATIONS_PER_PIXEL * num_pixels)


def num_weights(part: nn.Module) -> int:
    """Counted once per module: it is asked for with every answer."""
    if part not in _NUM_WEIGHTS:
        _NUM_WEIGHTS[part] = sum(parameter.numel() for parameter in part.parameters())
    return _NUM_WEIGHTS[part]
